#!/usr/bin/env bats
# SIGUSR2 makes the daemon the program that is in its file now, in place. Connections, clients and counts notice
# nothing.

load upgrade

@test "upgrade: connections of all kinds go on, from a version to the next and back" {
    take_programs
    answer one
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'
        connect_service one one
        exec_service cat /bin/cat
        exec_service pipe /bin/cat 'stdio = pipe'; } | configure
    start_daemon
    local pid=$DAEMON name jobs=()
    hold_open one
    jobs+=("$JOB")
    for name in cat pipe; do
        client "send:$name" "expect:$name" "touch:$TMP/$name" "wait-file:$TMP/go" send:on expect:on shutdown expect-eof
        jobs+=("$JOB")
        wait_until 10 exists "$TMP/$name"
    done
    client send:on "touch:$TMP/undecided" "wait-file:$TMP/go" send:e expect:one:one shutdown expect-eof
    jobs+=("$JOB")
    wait_until 10 exists "$TMP/undecided"
    wait_until 10 dispatchers_are 4
    upgrade_to 9.8.7
    log_has 'upgraded to portsplitd 9.8.7; connections being served: 4$'
    reaches one
    upgrade_to "$VERSION"
    log_has "upgraded to portsplitd $VERSION; connections being served: 4\$"
    reaches one
    upgrade_to 9.8.7 2
    reaches one
    go_on "${jobs[@]}"
    [[ $(<"$TMP/pid") == "$pid" ]]
    logged_connections 7
    kill -USR1 "$DAEMON"
    log_says "listening on 127.0.0.1:$PORT; connections being served: 0 of"
    not log_has 'portsplit-dispatch died'
}

@test "upgrade: no client is refused or lost while the daemon changes again and again" {
    take_programs
    GLOBALS='log = all' one_service
    start_daemon
    local jobs=() i total=0
    for i in 1 2 3; do
        client --until "$TMP/stop" send:one. expect:one:one. shutdown expect-eof >"$TMP/count.$i"
        jobs+=("$JOB")
    done
    for i in 1 2 3 4 5; do
        upgrade_to 9.8.7 "$i"
        upgrade_to "$VERSION" "$i"
    done
    touch "$TMP/stop"
    for i in "${jobs[@]}"; do finish "$i"; done
    for i in 1 2 3; do total=$((total + $(<"$TMP/count.$i"))); done
    echo "$total connections"
    wait_until 10 is_quiet
    logged_connections "$total"
}

@test "upgrade: clients that wait at maxconn are served later" {
    take_programs
    answer one
    GLOBALS='maxconn = 1' configure_answers one
    start_daemon
    hold_open one
    local held=$JOB i waiting=()
    for i in 1 2 3; do
        client send:one. "touch:$TMP/waits$i" expect:one:one. shutdown expect-eof
        waiting+=("$JOB")
        wait_until 10 exists "$TMP/waits$i"
    done
    upgrade_to 9.8.7
    uses_no_cpu
    is_alive "${waiting[0]}"
    go_on "$held" "${waiting[@]}"
    logged_connections 4
}

# The spares of the zygote, in SPARES.
find_spares() {
    local pid
    SPARES=()
    children_of "$ZYGOTE"
    for pid in "${CHILDREN[@]}"; do ! is_spare "$pid" || SPARES+=("$pid"); done
    ((${#SPARES[@]} > 0))
}

# The zygote is stopped, so nobody takes a client once its spares are used up. That one comes back to the daemon when
# the zygote is killed, and waits there, since the others count for the new `maxconn`.
@test "upgrade: a client that waits in the daemon is served by the next program" {
    take_programs
    one_service
    start_daemon
    local old=$ZYGOTE jobs=() i
    wait_until 5 find_spares
    kill -STOP "$old"
    for ((i = 0; i < ${#SPARES[@]}; ++i)); do
        hold_open one
        jobs+=("$JOB")
    done
    client --limit 30000 send:one. "touch:$TMP/sent" expect:one:one. shutdown expect-eof
    jobs+=("$JOB")
    wait_until 10 exists "$TMP/sent"
    reports() { kill -USR1 "$DAEMON" && log_has "connections being served: $1"; }
    wait_until 5 reports "${#jobs[@]} of 1000"
    sed -i '1i maxconn = 1' "$CONFIG"
    reload
    kill -KILL "$old"
    wait_until 5 reports "${#SPARES[@]} of 1\$"
    upgrade_to 9.8.7
    uses_no_cpu
    is_alive "$JOB"
    go_on "${jobs[@]}"
    take_baseline
}

@test "upgrade: the pid file stays locked, and is removed at the end" {
    take_programs
    answer one
    GLOBALS="pid = $TMP/pid-file" configure_answers one
    start_daemon
    upgrade_to 9.8.7
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    run -71 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *"another portsplitd holds the pid file $TMP/pid-file"* ]]
    reaches one
    reload
    reaches one
    stop_daemon
    [[ ! -e $TMP/pid-file ]]
}

@test "upgrade: a Unix-domain socket keeps its file, its mode and its clients" {
    take_programs
    answer one
    GLOBALS="bind = unix:$TMP/socket,mode=0640,user=$(id -un),group=$(id -gn)" configure_answers one
    start_daemon
    local inode
    inode=$(stat -c '%i %a %U' "$TMP/socket")
    upgrade_to 9.8.7
    [[ $(stat -c '%i %a %U' "$TMP/socket") == "$inode" ]]
    "$PEER" connect "unix:$TMP/socket" send:one. expect:one:one. shutdown expect-eof
    reload
    not log_has 'reload failed'
    [[ $(stat -c '%i %a %U' "$TMP/socket") == "$inode" ]]
    stop_daemon
    [[ ! -e $TMP/socket ]]
}

@test "upgrade: root keeps serving as the user of the file" {
    needs_root
    take_programs
    answer one
    GLOBALS=$'user = nobody\ngroup = daemon' configure_answers one
    LOG_TO=stderr
    start_daemon
    local ids='s/^\(Uid\|Gid\|Groups\):\s*//p' before
    before=$(sed -n "$ids" "/proc/$ZYGOTE/status")
    upgrade_to 9.8.7
    [[ $(sed -n "$ids" "/proc/$ZYGOTE/status") == "$before" ]]
    reaches one
}

# As the relay unit runs it: with one capability, which it needs for each new port below 1024.
@test "upgrade: an ordinary user keeps the right to listen on low ports" {
    needs_root
    take_programs
    answer one
    GLOBALS="pid = $TMP/pid-file" configure_answers one
    chmod 755 "$BATS_RUN_TMPDIR" "$TMP/.."
    chmod 777 "$TMP"
    WRAPPER=(setpriv --reuid nobody --regid nogroup --clear-groups "--inh-caps=-all,+net_bind_service"
        --ambient-caps +net_bind_service "--bounding-set=-all,+net_bind_service" --no-new-privs)
    start_daemon
    local before
    before=$(grep Cap "/proc/$DAEMON/status")
    upgrade_to 9.8.7
    [[ $(grep Cap "/proc/$DAEMON/status") == "$before" ]]
    reaches one
    run -71 setpriv --reuid daemon --regid daemon --clear-groups "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"cannot send a signal to the process $DAEMON: Operation not permitted; only root and the user that it runs as can" ]]
    run -0 setpriv --reuid nobody --regid nogroup --clear-groups "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
}

@test "upgrade: listeners and services keep their settings" {
    take_programs
    answer one two
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'allow = 127.0.0.0/8' 'deny = 127.0.0.9'
        printf '%s\n' '[listener second]' 'bind = 127.0.0.2:0' 'services = two'
        connect_service one one
        connect_service two two '\x80\n\"'; } | configure
    start_daemon
    upgrade_to 9.8.7
    reaches one
    "$PEER" connect "127.0.0.1:$PORT" --from 127.0.0.9:0 expect-reset
    "$PEER" connect "${ADDRESSES[1]}" send:two. expect:two:two. shutdown expect-eof
    log_says 'reason=denied src=127.0.0.9'
    log_says 'service=two .* listener=second'
}

@test "upgrade: TERM right after it stops the new program" {
    take_programs
    one_service
    start_daemon
    hold_open one
    install_version 9.8.7
    kill -USR2 "$DAEMON"
    log_says 'upgraded to portsplitd 9.8.7'
    stop_daemon
    go_on "$JOB"
}

@test "upgrade: signals that come with it are not lost" {
    take_programs
    one_service
    start_daemon
    hold_open one
    local held=$JOB i
    install_version 9.8.7
    for i in {1..5}; do kill -USR2 "$DAEMON"; kill -HUP "$DAEMON"; kill -USR1 "$DAEMON"; done
    log_says 'upgraded to portsplitd 9.8.7'
    log_says "reloaded $CONFIG"
    log_says 'connections being served: 1 of'
    wait_until 10 reaches one
    go_on "$held"
    wait_until 10 is_quiet
    not log_has 'cannot upgrade'
}

@test "upgrade: after QUIT it is ignored" {
    take_programs
    one_service
    start_daemon
    hold_open one
    kill -QUIT "$DAEMON"
    log_says 'stopped listening'
    install_version 9.8.7
    kill -USR2 "$DAEMON"
    uses_no_cpu
    not log_has 'upgrade'
    go_on "$JOB"
    expect_exit 0
}

@test "upgrade: the connections of a zygote that was killed before count until they end" {
    take_programs
    answer one
    GLOBALS='maxconn = 1' configure_answers one
    start_daemon
    hold_open one
    local held=$JOB
    kill -KILL "$ZYGOTE"
    wait_until 10 another_zygote "$ZYGOTE"
    upgrade_to 9.8.7
    client send:one. expect:one:one. shutdown expect-eof
    uses_no_cpu
    is_alive "$JOB"
    touch "$TMP/go"
    finish "$held"
    finish "$JOB"
    take_baseline
}

@test "upgrade: the log file that is open stays in use, and USR1 opens it anew" {
    take_programs
    one_service
    start_daemon
    mv "$LOG" "$TMP/log.1"
    install_version 9.8.7
    kill -USR2 "$DAEMON"
    wait_until 10 file_says "$TMP/log.1" 'upgraded to portsplitd 9.8.7'
    [[ ! -e $LOG ]]
    kill -USR1 "$DAEMON"
    wait_until 10 exists "$LOG"
    log_says 'connections being served: 0 of'
    reaches one
    logged_connections 1
}

@test "upgrade: with the log on standard error it goes on there" {
    take_programs
    LOG_TO=stderr
    one_service
    start_daemon --idle-exit 1000
    upgrade_to 9.8.7
    reaches one
    logged_connections 1
    grep -qz -- --idle-exit "/proc/$DAEMON/cmdline"
}

# from ADDRESS STEP...: a client with this address.
from() { "$PEER" connect "127.0.0.1:$PORT" --from "$1:0" --limit 5000 "${@:2}"; }

@test "upgrade: who has a connection, who came too often and who is kept out is known afterwards" {
    take_programs
    answer one
    GLOBALS=$'maxconn-source = 1\nrate-source = 3/600\npenalty = rate 600' configure_answers one
    start_daemon
    in_background "$PEER" connect "127.0.0.1:$PORT" --from 127.0.0.7:0 send:one. expect:one:one. \
        "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
    local held=$JOB i
    wait_until 10 exists "$TMP/held"
    # One after the other: its place must be free again.
    for i in 1 2 3; do
        from 127.0.0.8 send:one. expect:one:one. shutdown expect-eof
        logged_connections "$i"
    done
    from 127.0.0.8 expect-reset
    for i in 1 2; do
        from 127.0.0.9 send:one. expect:one:one. shutdown expect-eof
        wait_until 10 dispatchers_are 1
    done
    upgrade_to 9.8.7
    from 127.0.0.7 expect-reset
    from 127.0.0.8 expect-reset
    from 127.0.0.9 send:one. expect:one:one. shutdown expect-eof
    from 127.0.0.9 expect-reset
    from 127.0.0.10 send:one. expect:one:one. shutdown expect-eof
    touch "$TMP/go"
    finish "$held"
    wait_until 5 from 127.0.0.7 send:one. expect:one:one. shutdown expect-eof 2>/dev/null
}

@test "upgrade: the limits of a service and of the undecided count connections from before" {
    take_programs
    answer one
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'maxundecided = 2'
        connect_service one one
        echo 'maxconn = 1'; } | configure
    start_daemon
    hold_open one
    local held=$JOB oldest
    in_background "$PEER" connect "127.0.0.1:$PORT" "touch:$TMP/first" expect-end
    oldest=$JOB
    wait_until 10 exists "$TMP/first"
    client "touch:$TMP/second" "wait-file:$TMP/go" shutdown expect-end
    local second=$JOB
    wait_until 10 exists "$TMP/second"
    wait_until 10 dispatchers_are 3
    upgrade_to 9.8.7
    talk send:one expect-reset
    client "touch:$TMP/third" "wait-file:$TMP/go" shutdown expect-end
    finish "$oldest"
    touch "$TMP/go"
    finish "$held"
    finish "$second"
}

# Starts the daemon; its messages to the service manager (sd_notify(3)) are in $TMP/notified.
start_notified() {
    in_background socat -u "UNIX-RECV:$TMP/notify" "OPEN:$TMP/notified,creat,append"
    wait_until 10 exists "$TMP/notify"
    export NOTIFY_SOCKET=$TMP/notify WATCHDOG_USEC=400000
    start_daemon
    unset NOTIFY_SOCKET WATCHDOG_USEC
}
notified() { wait_until 10 file_says "$TMP/notified" "$1"; }

@test "upgrade: the service manager is notified as at a reload, and goes on to get keep-alives" {
    take_programs
    one_service
    start_notified
    notified 'READY=1'
    hold_open one
    notified 'STATUS=serving 1 connections'
    : >"$TMP/notified"
    upgrade_to 9.8.7
    notified 'RELOADING=1'
    notified 'READY=1'
    not file_says "$TMP/notified" 'MAINPID\|STOPPING'
    : >"$TMP/notified"
    notified 'WATCHDOG=1'
    put /bin/true portsplitd
    kill -USR2 "$DAEMON"
    log_says 'cannot upgrade'
    notified 'RELOADING=1'
    notified 'READY=1'
    go_on "$JOB"
    notified 'STATUS=serving 0 connections'
    # No program inherits the socket.
    find_zygote
    not grep -qz '^NOTIFY_SOCKET' "/proc/$ZYGOTE/environ"
    stop_daemon
    notified 'STOPPING=1'
}

@test "upgrade: sockets of the service manager stay, over later reloads too" {
    take_programs
    answer one
    find_free_port
    printf '[one]\nstring = one\nconnect = 127.0.0.1:%s\n' "$one_port" | configure
    systemd-socket-activate -l "127.0.0.1:$FREE" --fdname=main "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    DAEMON=$!
    PORT=$FREE
    wait_until 10 reaches one 2>/dev/null
    wait_until 10 find_zygote
    upgrade_to 9.8.7
    reaches one
    kill -HUP "$DAEMON"
    log_says "reloaded $CONFIG, listening on 127.0.0.1:$FREE"
    reaches one
    not log_has 'has no bind'
}

@test "upgrade: portsplit upgrade waits for the outcome" {
    take_programs
    answer one
    GLOBALS="pid = $TMP/pid-file" configure_answers one
    start_daemon
    install_version 9.8.7
    run -0 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == "$CONFIG: upgraded to portsplitd 9.8.7, process $DAEMON" ]]
    reaches one
    put /bin/true portsplitd
    run -71 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == "$CONFIG: cannot upgrade to $PORTSPLIT_BIN/portsplitd: asked whether it can take over, "* ]]
    reaches one
    put "$FIRST" portsplitd
    put /bin/false portsplit-dispatch
    run -71 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"upgraded to portsplitd $VERSION, but its portsplit-dispatch does not start; "* ]]
    reaches one
}

@test "upgrade: portsplit upgrade says why it cannot find the daemon" {
    take_programs
    answer one
    configure_answers one
    run -78 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"$CONFIG: the file has no pid key, which names the running portsplitd; send SIGUSR2 to its process instead" ]]
    GLOBALS="pid = $TMP/pid-file" configure_answers one
    run -71 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"no portsplitd runs with the pid file $TMP/pid-file: No such file or directory" ]]
    echo "$$" >"$TMP/pid-file"
    run -71 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"no portsplitd runs with the pid file $TMP/pid-file: nothing locks it" ]]
    run -71 flock "$TMP/pid-file" "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"the process $$, which the pid file $TMP/pid-file names, is no portsplitd" ]]
    echo nonsense >"$TMP/pid-file"
    run -71 "$PORTSPLIT_BIN/portsplit" upgrade "$CONFIG"
    [[ $output == *"the pid file $TMP/pid-file does not begin with a process id" ]]
    run -78 "$PORTSPLIT_BIN/portsplit" upgrade "$TMP/nothing"
    [[ $output == *"$TMP/nothing"*'No such file or directory'* ]]
    rm "$TMP/pid-file"
}
