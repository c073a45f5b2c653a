#!/usr/bin/env bats
# The daemon may be reloaded, stopped, killed and started again, and whoever is connected notices
# nothing of it.

load harness

# configure_answers NAME...: a configuration with one service for each answering server, whose pattern
# is its name; GLOBALS, lines, comes first.
configure_answers() {
    local name
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "${GLOBALS:-}"
        for name; do
            local -n port=${name}_port
            printf '%s\n' "[$name]" "string = $name" "connect = 127.0.0.1:$port"
        done
    } | configure
}

# reaches NAME: a fresh client is served by it.
reaches() { talk --limit 5000 "send:$1." "expect:$1:$1." shutdown expect-eof; }

# A client that is served by NAME now and goes on once $TMP/go exists. Its pid is in JOB.
hold_open() {
    rm -f "$TMP/held"
    client "send:$1." "expect:$1:$1." "touch:$TMP/held" "wait-file:$TMP/go" send:on expect:on \
        shutdown expect-eof
    wait_until 5 exists "$TMP/held"
}
# The dispatcher that is not this one, in OTHER; which of two is older says nothing.
other_dispatcher() {
    local pid
    find_dispatchers
    for pid in "${DISPATCHERS[@]}"; do
        [[ $pid == "$1" ]] || OTHER=$pid
    done
}
go_on() {
    touch "$TMP/go"
    local job
    for job; do finish "$job"; done
}

# --- reload

@test "daemon: a reload brings new services, and connections go on with the old ones" {
    answer one two
    configure_answers one
    start_daemon
    hold_open one
    local held=$JOB
    configure_answers two
    reload
    log_says "reloaded $CONFIG, listening on 127.0.0.1:$PORT"
    reaches two
    talk --limit 5000 send:one expect-end
    go_on "$held"
}

@test "daemon: a broken file changes nothing, and the log says what is wrong with it" {
    answer one
    configure_answers one
    start_daemon
    printf '%s\n' 'bind = 127.0.0.1:0' 'colour = red' '[x]' 'connect = nowhere' >"$CONFIG"
    reload
    log_says "$CONFIG:2: .*colour"
    log_says "$CONFIG:4: .*nowhere"
    log_says 'reload failed; the configuration before it goes on serving'
    reaches one
    rm "$CONFIG"
    reload
    log_says "$CONFIG.*No such file"
    reaches one
}

@test "daemon: a reload opens an added address and closes a removed one, and keeps the others" {
    answer one
    configure_answers one
    start_daemon
    local inode
    inode=$(ss -Hltne "sport = :$PORT" | grep -o 'ino:[0-9]*')
    find_free_port
    local added=$FREE
    GLOBALS="bind = 127.0.0.1:$added" configure_answers one
    reload
    reaches one
    "$PEER" connect "127.0.0.1:$added" send:one. expect:one:one. shutdown expect-eof
    [[ $(ss -Hltne "sport = :$PORT" | grep -o 'ino:[0-9]*') == "$inode" ]]
    configure_answers one
    reload
    reaches one
    run "$PEER" connect "127.0.0.1:$added" send:one.
    [[ $output == *'Connection refused'* ]]
    [[ $(ss -Hltne "sport = :$PORT" | grep -o 'ino:[0-9]*') == "$inode" ]]
}

@test "daemon: a connection on an address that a reload removes goes on" {
    answer one
    find_free_port
    GLOBALS="bind = 127.0.0.1:$FREE" configure_answers one
    start_daemon
    local kept=$PORT
    PORT=$FREE
    hold_open one
    configure_answers one
    reload
    PORT=$kept
    reaches one
    go_on "$JOB"
}

@test "daemon: a reload that cannot bind changes nothing" {
    answer one two
    configure_answers one
    start_daemon
    GLOBALS="bind = 127.0.0.1:$two_port" configure_answers one
    reload
    log_says "cannot listen on 127.0.0.1:$two_port: Address already in use"
    log_says 'reload failed'
    reaches one
}

@test "daemon: a reload every 50 ms refuses and resets nobody" {
    answer one
    configure_answers one
    start_daemon
    local jobs=() i
    for i in 1 2 3; do
        client --until "$TMP/stop" send:one. expect:one:one. shutdown expect-eof >"$TMP/count.$i"
        jobs+=("$JOB")
    done
    for i in {1..40}; do
        kill -HUP "$DAEMON"
        pass_time 50
    done
    touch "$TMP/stop"
    local total=0
    for i in "${jobs[@]}"; do finish "$i"; done
    for i in 1 2 3; do total=$((total + $(<"$TMP/count.$i"))); done
    echo "$total connections"
    ((total >= 300 / PORTSPLIT_PATIENCE))
    wait_until 10 is_quiet
    logged_connections "$total"
    not log_has 'reload failed'
}

@test "daemon: a storm of reloads ends with the newest configuration" {
    answer one two
    configure_answers one
    start_daemon
    configure_answers two
    local i
    for i in {1..50}; do kill -HUP "$DAEMON"; done
    wait_until 10 reaches two 2>/dev/null
    wait_until 10 is_quiet
}

# --- stopping

@test "daemon: TERM and INT stop the listening, leave connections alone, and exit 0" {
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

@test "daemon: TERM under load cuts off nobody who was let in" {
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

@test "daemon: QUIT stops the listening and ends with the last connection" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    kill -QUIT "$DAEMON"
    wait_until 5 refuses
    nobody_works 300
    is_alive "$DAEMON"
    go_on "$JOB"
    expect_exit 0
}
refuses() { ! talk shutdown expect-end 2>/dev/null; }

@test "daemon: QUIT without connections ends at once" {
    answer one
    configure_answers one
    start_daemon
    stop_daemon QUIT
}

@test "daemon: TERM after QUIT does not wait" {
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

# --- sudden ends

@test "daemon: killed, it harms no connection, and starts again at once on the same port" {
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

@test "daemon: its zygote killed, connections live on and service is soon back" {
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

@test "daemon: clients that come while there is no zygote are served later" {
    answer one
    configure_answers one
    start_daemon
    local i
    for i in 1 2 3 4 5; do
        kill -KILL "$ZYGOTE"
        client --limit 20000 send:one. expect:one:one. shutdown expect-eof
        # Before the next one dies: the connection that it is just forking for would die with it.
        finish "$JOB"
        wait_until 15 another_zygote "$ZYGOTE"
    done
}
another_zygote() { find_zygote && [[ $ZYGOTE != "$1" ]]; }

@test "daemon: connections of a zygote that was killed count until they end" {
    answer one
    GLOBALS='maxconn = 1' configure_answers one
    start_daemon
    hold_open one
    local held=$JOB
    kill -KILL "$ZYGOTE"
    wait_until 10 another_zygote "$ZYGOTE"
    client send:one. expect:one:one. shutdown expect-eof
    nobody_works 300
    is_alive "$JOB"
    touch "$TMP/go"
    finish "$held"
    finish "$JOB"
}

@test "daemon: a dispatcher killed costs its own connection only" {
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

@test "daemon: a dispatcher stopped holds up nobody else" {
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

@test "daemon: a signal to one dispatcher reaches nobody else" {
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

@test "daemon: signals that mean nothing do no harm" {
    answer one
    configure_answers one
    start_daemon
    hold_open one
    local i signal
    for i in {1..30}; do
        for signal in USR1 USR2 ALRM PIPE CHLD CONT WINCH; do kill "-$signal" "$DAEMON"; done
    done
    reaches one
    # In the zygote too those that an administrator may aim at the wrong one.
    for signal in HUP PIPE CHLD CONT WINCH; do kill "-$signal" "$ZYGOTE"; done
    reaches one
    go_on "$JOB"
}

@test "daemon: USR1 tells what is being served" {
    answer one
    GLOBALS='maxconn = 7' configure_answers one
    start_daemon
    hold_open one
    kill -USR1 "$DAEMON"
    log_says "listening on 127.0.0.1:$PORT; connections being served: 1 of 7"
    go_on "$JOB"
}

# --- the pid file

with_pid_file() {
    answer one
    GLOBALS="pid = $TMP/pid-file" configure_answers one
}

@test "daemon: the pid file names the daemon while it listens" {
    with_pid_file
    start_daemon
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    stop_daemon
    [[ ! -e $TMP/pid-file ]]
}

@test "daemon: the pid file goes when the listening ends, not with the last connection" {
    with_pid_file
    start_daemon
    hold_open one
    kill -QUIT "$DAEMON"
    wait_until 5 not exists "$TMP/pid-file"
    is_alive "$DAEMON"
    go_on "$JOB"
    expect_exit 0
}

@test "daemon: a pid file that a crash left behind is taken over" {
    with_pid_file
    start_daemon
    kill -KILL "$DAEMON"
    wait_until 5 exists "$TMP/status"
    [[ -e $TMP/pid-file ]]
    start_daemon
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    reaches one
}

@test "daemon: a pid file that is a symbolic link is refused, and its target left alone" {
    with_pid_file
    echo precious >"$TMP/target"
    ln -s "$TMP/target" "$TMP/pid-file"
    spawn_daemon
    expect_exit 71
    log_says "$TMP/pid-file"
    [[ $(<"$TMP/target") == precious ]]
}

@test "daemon: a second daemon with the same pid file is refused, and the first unharmed" {
    with_pid_file
    start_daemon
    run -71 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *"another portsplitd holds the pid file $TMP/pid-file"* ]]
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    reaches one
}

@test "daemon: of twenty that start at once with one pid file, one serves" {
    with_pid_file
    local i pids=()
    for i in {1..20}; do
        # Ready to go, all wait for one file.
        bash -c 'until [[ -e $1 ]]; do :; done; exec "${@:2}"' - "$TMP/gate" \
            "$PORTSPLIT_BIN/portsplitd" --log "$TMP/log.$i" "$CONFIG" 3>&- &
        pids+=("$!")
        BACKGROUND+=("$!")
    done
    touch "$TMP/gate"
    local winner='' lost=0 alive
    only_one_lives() {
        alive=()
        for i in "${pids[@]}"; do ! is_alive "$i" || alive+=("$i"); done
        ((${#alive[@]} == 1))
    }
    wait_until 20 only_one_lives
    winner=${alive[0]}
    wait_until 5 file_says "$TMP/pid-file" "^$winner\$"
    for i in "${pids[@]}"; do
        [[ $i == "$winner" ]] && continue
        local code=0
        wait "$i" || code=$?
        ((code == 71)) && lost=$((lost + 1))
    done
    kill "$winner"
    wait "$winner"
    ((lost == 19))
    [[ ! -e $TMP/pid-file ]]
}

@test "daemon: a pid file that cannot be written is a reason not to start" {
    answer one
    GLOBALS="pid = $TMP/no-such-folder/pid" configure_answers one
    spawn_daemon
    expect_exit 71
    log_says "cannot write the pid file $TMP/no-such-folder/pid: No such file or directory"
}

# --- user and group

# The ids of a process: its uids, gids and groups, a line each.
ids_of() { sed -n 's/^\(Uid\|Gid\|Groups\):\s*//p' "/proc/$1/status" | sed 's/\s*$//'; }

@test "daemon: started by root, it serves as the user and group it is told to" {
    needs_root
    LOG_TO=stderr
    answer one
    local uid gid
    uid=$(id -u nobody)
    gid=$(id -g nobody)
    GLOBALS='user = nobody' configure_answers one
    printf '%s\n' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = head -c 2 >/dev/null; id -u; id -g; id -G; grep -E "^Cap(Inh|Prm|Eff):" /proc/self/status' >>"$CONFIG"
    start_daemon
    [[ $(ids_of "$ZYGOTE") == "$(printf '%s\n' "$uid	$uid	$uid	$uid" "$gid	$gid	$gid	$gid" "$gid")" ]]
    hold_open one
    find_dispatchers
    [[ $(ids_of "${DISPATCHERS[0]}") == "$(ids_of "$ZYGOTE")" ]]
    talk send:id print >"$TMP/id"
    diff -u - "$TMP/id" <<END
$uid
$gid
$gid
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
END
    go_on "$JOB"
    # And after a reload.
    reload
    wait_until 5 is_quiet
    [[ $(ids_of "$ZYGOTE") == "$(printf '%s\n' "$uid	$uid	$uid	$uid" "$gid	$gid	$gid	$gid" "$gid")" ]]
}

@test "daemon: a group alone changes the group alone" {
    needs_root
    LOG_TO=stderr
    answer one
    local gid
    gid=$(getent group daemon | cut -d: -f3)
    GLOBALS=$'user = nobody\ngroup = daemon' configure_answers one
    start_daemon
    [[ $(ids_of "$ZYGOTE" | sed -n 2p) == "$gid	$gid	$gid	$gid" ]]
    [[ $(ids_of "$ZYGOTE" | sed -n 3p) != 0* ]]
}

@test "daemon: who served as somebody else cannot become root again" {
    needs_root
    LOG_TO=stderr
    answer one
    GLOBALS='user = nobody' configure_answers one
    # Where everybody may run it.
    local place
    place=$(mktemp -d)
    chmod 755 "$place"
    cp "$PROBE" "$place/probe"
    printf '%s\n' '[probe]' 'string = probe' "exec = $place/probe" 'stdio = pipe' >>"$CONFIG"
    start_daemon
    talk send:probe print >"$TMP/account"
    rm -r "$place"
    file_says "$TMP/account" '^regain=no$'
    file_says "$TMP/account" "^uid=$(id -u nobody) $(id -u nobody)\$"
}

@test "daemon: a log file that only root may open serves those who are somebody else" {
    needs_root
    answer one
    GLOBALS='user = nobody' configure_answers one
    start_daemon
    reaches one
    log_says 'service=one reason=match'
}

@test "daemon: a user that does not exist is a reason not to start" {
    answer one
    GLOBALS='user = no-such-user' configure_answers one
    spawn_daemon
    expect_exit 78
    log_says 'no-such-user'
}

@test "daemon: when the user cannot be changed, nobody is served as root" {
    needs_root
    answer one
    GLOBALS='user = nobody' configure_answers one
    local call
    for call in setgroups setresgid setresuid; do
        : >"$LOG"
        export ASAN_OPTIONS=detect_leaks=0
        WRAPPER=(strace -D -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:error=EPERM")
        spawn_daemon
        expect_exit 71
        log_says 'cannot set the '
    done
}

# --- the start

@test "daemon: it starts with a missing program, and says so" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' "exec = $TMP/missing" | configure
    start_daemon
    log_says "$CONFIG:4: .*$TMP/missing"
}

@test "daemon: its dispatcher missing, it says so and exits 71" {
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplitd" "$TMP/bin"
    answer one
    configure_answers one
    run -71 "$TMP/bin/portsplitd" "$CONFIG"
    [[ $output == *'portsplit-dispatch'* ]]
}

@test "daemon: a dispatcher replaced on disk does not matter to the daemon that runs" {
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplitd" "$PORTSPLIT_BIN/portsplit-dispatch" "$TMP/bin"
    answer one
    configure_answers one
    PORTSPLIT_BIN=$TMP/bin start_daemon
    printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/new"
    chmod +x "$TMP/bin/new"
    mv "$TMP/bin/new" "$TMP/bin/portsplit-dispatch"
    reload
    not log_has 'reload failed'
    reaches one
    kill -KILL "$ZYGOTE"
    wait_until 5 reaches one
    wait_until 5 is_quiet
}

@test "daemon: a zygote that dies at birth is not started in a storm" {
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplitd" "$TMP/bin"
    printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/portsplit-dispatch"
    chmod +x "$TMP/bin/portsplit-dispatch"
    answer one
    configure_answers one
    run -71 timeout 20 "$TMP/bin/portsplitd" "$CONFIG"
    [[ $output == *'ended at once (exit=1)'* || $output == *'cannot execute'* ]]
}

@test "daemon: clients in the queue of a listener that goes are served, even at maxconn" {
    answer one
    printf 'bind = 127.0.0.1:0\nbind = 127.0.0.2:0\nmaxconn = 1\n[one]\nstring = one\nconnect = 127.0.0.1:%s\n' "$one_port" | configure
    start_daemon
    client send:one expect:one:one "touch:$TMP/up" "wait-file:$TMP/go" shutdown expect-eof
    local live=$JOB queued=() i
    wait_until 10 exists "$TMP/up"
    for i in 1 2 3 4 5; do
        in_background "$PEER" connect "${ADDRESSES[1]}" send:one "touch:$TMP/queued$i" expect:one:one shutdown expect-eof
        queued+=("$JOB")
    done
    for i in 1 2 3 4 5; do wait_until 10 exists "$TMP/queued$i"; done
    sed -i /127.0.0.2/d "$CONFIG"
    reload
    touch "$TMP/go"
    for i in "$live" "${queued[@]}"; do finish "$i"; done
}
