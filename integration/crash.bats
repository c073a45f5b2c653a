#!/usr/bin/env bats
# The sudden end of one process costs at most the connection that it serves, and service is soon back.

load harness

# other_dispatcher PID: of two dispatchers the one that is not PID, in OTHER.
other_dispatcher() {
    local pid
    find_dispatchers
    for pid in "${DISPATCHERS[@]}"; do
        [[ $pid == "$1" ]] || OTHER=$pid
    done
}

# bats test_tags=fault:F4
@test "crash: a killed daemon harms no connection, and starts again at once on the same port" {
    answer one
    configure_answers one
    start_daemon
    sed -i "s/^bind = .*/bind = 127.0.0.1:$PORT/" "$CONFIG"
    hold_open one
    kill -KILL "$DAEMON"
    wait_until 5 exists "$TMP/status"
    local first=$KEEPER
    start_daemon
    reaches one
    go_on "$JOB"
    wait_until 5 is_over "$first"
}

# bats test_tags=fault:F5
@test "crash: after a dispatcher has crashed, the next clients have processes with other addresses" {
    needs_root # to see where they are
    answer one
    configure_answers one
    start_daemon
    local before after zygote=$ZYGOTE
    before=$(cut -d ' ' -f 1 "/proc/$ZYGOTE/maps")
    hold_open one
    local held=$JOB
    find_dispatchers
    local other=${DISPATCHERS[0]}
    doomed_client "touch:$TMP/there" expect-end
    wait_until 5 dispatchers_are 2
    other_dispatcher "$other"
    kill -TRAP "$OTHER"
    wait_until 5 another_zygote "$zygote"
    after=$(cut -d ' ' -f 1 "/proc/$ZYGOTE/maps")
    [[ $before != "$after" ]]
    log_says 'the process that served an undecided client \(127\.0\.0\.1:[0-9]+\) crashed, signal=TRAP; crashes since portsplit-dispatch started: 1'
    log_says 'portsplit-dispatch is replaced after a crash, .* it is number 1 since the start'
    # A second crash, of the dispatcher of a service.
    wait_until 5 reaches one
    hold_open one
    local second=$JOB
    zygote=$ZYGOTE
    children_of "$zygote"
    find_dispatchers
    for OTHER in "${DISPATCHERS[@]}"; do [[ $OTHER == "$other" ]] || break; done
    kill -TRAP "$OTHER"
    wait_until 5 another_zygote "$zygote"
    log_says 'the process that served a client of service one \('
    go_on "$held"
    wait "$second" || true
    : >"$TMP/peers"
    take_baseline
}

# bats test_tags=fault:F5
@test "crash: when the zygote is killed, connections go on and service is soon back" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    kill -KILL "$ZYGOTE"
    wait_until 1 reaches one
    log_says 'portsplit-dispatch died \(signal=KILL\)'
    go_on "$JOB"
    take_baseline
}

# bats test_tags=fault:F5
@test "crash: clients that come while there is no zygote are served later" {
    answer one
    configure_answers one
    start_daemon
    local i
    for i in 1 2 3 4 5; do
        kill -KILL "$ZYGOTE"
        client --limit 20000 send:one. expect:one:one. shutdown expect-eof
        # First wait for it: a connection that the zygote is forking for dies with it.
        finish "$JOB"
        wait_until 15 another_zygote "$ZYGOTE"
    done
}

# bats test_tags=fault:B5,fault:F5
@test "crash: a zygote that dies again and again is started after pauses that grow" {
    answer one
    configure_answers one
    start_daemon
    local deaths=0 end last=
    look_at_clock
    end=$((NOW + 700))
    while ((NOW < end)); do
        if find_zygote && [[ $ZYGOTE != "$last" ]]; then
            last=$ZYGOTE
            kill -KILL "$last" 2>/dev/null || true
            deaths=$((deaths + 1))
        fi
        pass_time 5
        look_at_clock
    done
    # The pauses are 0, 100, 200 and 400 ms. Without them there are more than thirty.
    echo "$deaths deaths"
    ((deaths >= 2 && deaths <= 6))
    wait_until 10 reaches one 2>/dev/null
    take_baseline
}

# bats test_tags=fault:B10,fault:F5
@test "crash: connections of a killed zygote count for maxconn until they end" {
    answer one
    GLOBALS='maxconn = 1' configure_answers one
    start_daemon
    hold_open one
    local held=$JOB
    kill -KILL "$ZYGOTE"
    wait_until 10 another_zygote "$ZYGOTE"
    client send:one. expect:one:one. shutdown expect-eof
    uses_no_cpu
    is_alive "$JOB"
    touch "$TMP/go"
    finish "$held"
    finish "$JOB"
}

# bats test_tags=fault:F5
@test "crash: a killed dispatcher costs its own connection only" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    local survivor=$JOB own
    find_dispatchers
    own=${DISPATCHERS[0]}
    doomed_client send:one. expect:one:one. "touch:$TMP/doomed.up" hold
    wait_until 5 exists "$TMP/doomed.up"
    other_dispatcher "$own"
    kill -KILL "$OTHER"
    wait_until 5 is_over "$JOB"
    log_says 'service=one reason=match .* signal=KILL$'
    reaches one
    go_on "$survivor"
}

# bats test_tags=fault:C15
@test "crash: a stopped dispatcher delays no other connection" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    find_dispatchers
    local stopped=${DISPATCHERS[0]}
    kill -STOP "$stopped"
    reaches one
    reload
    reaches one
    kill -CONT "$stopped"
    go_on "$JOB"
}

# bats test_tags=fault:F3
@test "crash: a signal to one dispatcher reaches no other" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    local survivor=$JOB own
    find_dispatchers
    own=${DISPATCHERS[0]}
    local signal
    for signal in TERM INT QUIT USR1; do
        doomed_client send:one. expect:one:one. "touch:$TMP/doomed.$signal" hold
        wait_until 5 exists "$TMP/doomed.$signal"
        other_dispatcher "$own"
        kill "-$signal" "$OTHER"
        wait_until 5 is_over "$JOB"
        reaches one
    done
    go_on "$survivor"
}

# find_spares: the processes that wait for a connection, in SPARES.
find_spares() {
    local pid
    SPARES=()
    children_of "$ZYGOTE"
    for pid in "${CHILDREN[@]}"; do
        ! is_spare "$pid" || SPARES+=("$pid")
    done
    ((${#SPARES[@]} > 0))
}

# bats test_tags=fault:C15
@test "crash: a zygote that is stopped is replaced, and no client is lost" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    local held=$JOB jobs=() i stopped=$ZYGOTE
    kill -STOP "$stopped"
    # More than the spares that it has left.
    for i in {1..12}; do
        in_background "$PEER" connect "127.0.0.1:$PORT" --limit 20000 send:one. expect:one:one. shutdown expect-eof
        jobs+=("$JOB")
    done
    for i in "${jobs[@]}"; do finish "$i"; done
    log_says 'portsplit-dispatch takes no connection and does not answer, as if it were stopped; it is killed'
    another_zygote "$stopped"
    go_on "$held"
}

# count_without_spares: the descriptors of the zygote without those of its children, in COUNT.
count_without_spares() {
    count_fds "$ZYGOTE"
    children_of "$ZYGOTE"
    COUNT=$((COUNT - ${#CHILDREN[@]}))
}

# bats test_tags=fault:C15
@test "crash: spares that are stopped are replaced" {
    answer one
    # With it, the zygote has a pipe for each spare.
    GLOBALS='proxy-from = 127.0.0.9' configure_answers one
    start_daemon
    wait_until 5 find_spares
    count_without_spares
    local i before=$COUNT
    kill -STOP "${SPARES[@]}"
    for i in {1..12}; do reaches one; done
    log_says 'a process that waits for a connection was stopped by a signal; it is killed'
    is_zygote "$ZYGOTE"
    no_more_than_before() { count_without_spares && ((COUNT <= before)); }
    wait_until 5 no_more_than_before
}

# bats test_tags=fault:C15
@test "crash: an undecided dispatcher that is stopped is killed after its deadline, and frees its place" {
    answer one
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 4' 'maxconn = 1'; connect_service one one; } | configure
    start_daemon
    client expect-end
    local stopped=$JOB
    wait_until 3 dispatchers_are 1
    kill -STOP "${DISPATCHERS[0]}"
    log_says 'service=- reason=- .* action=close .* signal=KILL'
    finish "$stopped"
    reaches one
}
