#!/usr/bin/env bats
# TERM, INT and QUIT stop the daemon, and no connection is cut. USR1 reports. Other signals do no harm.

load harness

# The daemon listens no more.
refuses() { ! talk shutdown expect-end 2>/dev/null; }

# bats test_tags=fault:F3,fault:F6
@test "signals: TERM and INT stop listening, leave connections alone, and exit 0" {
    local signal
    for signal in TERM INT; do
        rm -f "$TMP/go"
        answer one
        configure_answers one
        start_daemon
        hold_open one
        stop_daemon "$signal"
        run talk send:one.
        [[ $output == *'Connection refused'* ]]
        go_on "$JOB"
        wait_until 5 is_over "$KEEPER"
        end_background
    done
}

# bats test_tags=fault:F6
@test "signals: TERM under load cuts no connection that was accepted" {
    answer one
    configure_answers one
    start_daemon
    local i jobs=()
    for i in {1..10}; do
        client send:one. "expect:one:one." "touch:$TMP/held.$i" "wait-file:$TMP/go" transfer:100000 \
            shutdown expect-eof
        jobs+=("$JOB")
    done
    for i in {1..10}; do wait_until 10 exists "$TMP/held.$i"; done
    stop_daemon
    go_on "${jobs[@]}"
}

@test "signals: TERM serves accepted clients that wait for maxconn" {
    answer one
    GLOBALS=$'bind = 127.0.0.2:0\nmaxconn = 1' configure_answers one
    start_daemon
    hold_open one
    local held=$JOB queued=() i
    for i in 1 2 3; do
        in_background "$PEER" connect "${ADDRESSES[1]}" send:one. "touch:$TMP/queued$i" expect:one:one. \
            shutdown expect-eof
        queued+=("$JOB")
    done
    for i in 1 2 3; do wait_until 10 exists "$TMP/queued$i"; done
    # The reload accepts them, since their address is removed.
    sed -i /127.0.0.2/d "$CONFIG"
    reload
    stop_daemon
    for i in "${queued[@]}"; do finish "$i"; done
    go_on "$held"
}

# The clients of a stop are accepted above `maxconn`: they have completed the handshake.
# bats test_tags=fault:F6
@test "signals: TERM and QUIT serve the clients in the accept queues, even at maxconn" {
    answer one
    local signal i name queued
    for signal in TERM QUIT; do
        GLOBALS="bind = unix:$TMP/$signal.sock"$'\nmaxconn = 1' configure_answers one
        start_daemon
        hold_open one
        local held=$JOB
        queued=()
        for i in 1 2 3; do
            for name in "127.0.0.1:$PORT" "unix:$TMP/$signal.sock"; do
                in_background "$PEER" connect "$name" send:one. "touch:$TMP/$signal.$i.${name%%:*}" \
                    expect:one:one. shutdown expect-eof
                queued+=("$JOB")
            done
        done
        for i in 1 2 3; do
            for name in 127.0.0.1 unix; do wait_until 10 exists "$TMP/$signal.$i.$name"; done
        done
        kill "-$signal" "$DAEMON"
        for i in "${queued[@]}"; do finish "$i"; done
        go_on "$held"
        expect_exit 0
    done
}

# bats test_tags=fault:F6
@test "signals: QUIT stops listening and exits with the last connection" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    kill -QUIT "$DAEMON"
    wait_until 5 refuses
    uses_no_cpu
    is_alive "$DAEMON"
    go_on "$JOB"
    expect_exit 0
}

@test "signals: QUIT without connections exits at once" {
    answer one
    configure_answers one
    start_daemon
    stop_daemon QUIT
}

# bats test_tags=fault:F6
@test "signals: TERM after QUIT exits at once" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    kill -QUIT "$DAEMON"
    wait_until 5 refuses
    kill -TERM "$DAEMON"
    expect_exit 0
    go_on "$JOB"
}

@test "signals: USR1 logs the addresses and the number of connections" {
    answer one
    GLOBALS='maxconn = 7' configure_answers one
    start_daemon
    hold_open one
    kill -USR1 "$DAEMON"
    log_says "listening on 127.0.0.1:$PORT; connections being served: 1 of 7"
    go_on "$JOB"
}

# bats test_tags=fault:F3
@test "signals: other signals change nothing" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    local i signal
    for i in {1..30}; do
        for signal in USR1 ALRM PIPE CHLD CONT WINCH; do kill "-$signal" "$DAEMON"; done
    done
    reaches one
    # The zygote ignores signals, too, if an administrator sends one by mistake.
    local before=$ZYGOTE
    for signal in HUP PIPE CHLD CONT WINCH; do kill "-$signal" "$ZYGOTE"; done
    reaches one
    find_zygote
    [[ $ZYGOTE == "$before" ]]
    not log_has 'portsplit-dispatch died'
    go_on "$JOB"
}

# bats test_tags=fault:F3
@test "signals: any that is harmless, to any process at any moment, harms no client" {
    answer one
    configure_answers one
    start_daemon
    local jobs=() i signal pid harmless=(HUP USR1 USR2 ALRM PIPE CHLD CONT WINCH URG)
    for i in 1 2; do
        client --until "$TMP/stop" send:one. expect:one:one. shutdown expect-eof >"$TMP/count.$i"
        jobs+=("$JOB")
    done
    RANDOM=1 # the same signals in each run
    for i in {1..500}; do
        signal=${harmless[RANDOM % ${#harmless[@]}]}
        pid=$DAEMON
        # A dispatcher dies of those that end a program; see the tests of crashes.
        if [[ $signal =~ ^(PIPE|CHLD|CONT|WINCH|URG)$ ]] && ((RANDOM % 2)) && find_zygote; then pid=$ZYGOTE; fi
        kill "-$signal" "$pid" 2>/dev/null || [[ $pid != "$DAEMON" ]]
        pass_time 4
    done
    touch "$TMP/stop"
    for i in "${jobs[@]}"; do finish "$i"; done
    reaches one
    not log_has 'died|reload failed|crashed'
    wait_until 10 is_quiet
    take_baseline
}
