#!/usr/bin/env bats
# Under a service manager, a supervisor, or as the only program of a container: the shipped entries as
# they are installed, what the manager is told, and what a restart leaves alone.

load harness

setup_file() {
    export ENTRIES=$BATS_FILE_TMPDIR/entries
    DESTDIR=$ENTRIES "${PORTSPLIT_CMAKE:?}" --install "${PORTSPLIT_BUILD:?}" >"$BATS_FILE_TMPDIR/install"
}

# The installed file whose path ends so.
installed() { find "$ENTRIES" -path "*/$1"; }

# Unit files that name programs which are there, in UNITS.
take_units() {
    UNITS=$TMP/units
    mkdir "$UNITS"
    cp "$(dirname "$(installed systemd/system/portsplit.service)")"/* "$UNITS"
    sed -i -E "s|^(ExecStart=)[^ ]*/(portsplit[^/ ]*) |\1$PORTSPLIT_BIN/\2 |; /^Documentation=/d" "$UNITS"/*.service
    sed -i '/^Documentation=/d' "$UNITS"/*.socket
}

# start_notified OPTION...: the daemon, with what it tells its manager in $TMP/told.
start_notified() {
    in_background socat -u "UNIX-RECV:$TMP/notify" "OPEN:$TMP/told,creat,append"
    wait_until 10 exists "$TMP/notify"
    export NOTIFY_SOCKET=$TMP/notify
    start_daemon "$@"
    unset NOTIFY_SOCKET
}
told() { wait_until 10 file_says "$TMP/told" "$1"; }

one_service() {
    answer one
    configure <<END
bind = 127.0.0.1:0
[one]
string = one
connect = 127.0.0.1:$one_port
END
}

@test "service: systemd finds nothing wrong with the units" {
    take_units
    run -0 systemd-analyze verify "$UNITS"/*
    [[ -z $output ]]
}

@test "service: the profile for relays only exposes next to nothing" {
    take_units
    cd "$UNITS"
    run -0 systemd-analyze security --offline=yes --threshold=20 --no-pager ./portsplit-relay.service
}

@test "service: the manager is told of readiness, reloads, connections and the end" {
    one_service
    start_notified
    told 'READY=1'
    told "STATUS=serving 0 connections on 127.0.0.1:$PORT"
    client send:one "expect:one:one" "touch:$TMP/up" "wait-file:$TMP/go" shutdown expect-eof
    wait_until 10 exists "$TMP/up"
    told 'STATUS=serving 1 connections'
    touch "$TMP/go"
    finish "$JOB"
    : >"$TMP/told"
    reload
    told 'RELOADING=1'
    told 'MONOTONIC_USEC=[0-9]'
    told 'READY=1'
    stop_daemon
    told 'STOPPING=1'
}

@test "service: a failed reload is told as such, and the daemon is ready again" {
    one_service
    start_notified
    echo nonsense >>"$CONFIG"
    reload
    told 'STATUS=serving 0 connections on .*; the last reload failed'
    told 'RELOADING=1'
}

@test "service: the watchdog is fed" {
    one_service
    export WATCHDOG_USEC=200000
    start_notified
    unset WATCHDOG_USEC
    told 'WATCHDOG=1'
}

@test "service: the watchdog is fed while the last connection is waited for" {
    one_service
    export WATCHDOG_USEC=200000
    start_notified
    unset WATCHDOG_USEC
    client send:one expect:one:one "touch:$TMP/up" "wait-file:$TMP/go" shutdown expect-eof
    wait_until 10 exists "$TMP/up"
    kill -QUIT "$DAEMON"
    told 'STATUS=ending with the last of 1 connections'
    : >"$TMP/told"
    told 'WATCHDOG=1'
    touch "$TMP/go"
    finish "$JOB"
    expect_exit 0
}

@test "service: no program finds what the manager said to the daemon" {
    configure <<END
bind = 127.0.0.1:0
[probe]
string = P
exec = $PROBE
END
    export WATCHDOG_USEC=60000000
    start_notified
    unset WATCHDOG_USEC
    talk send:P print >"$TMP/account" 2>"$TMP/talk" || true
    file_says "$TMP/account" '^end'
    not file_says "$TMP/account" '^env \(NOTIFY_SOCKET\|WATCHDOG\|LISTEN_\)'
    find_zygote
    not grep -qzE '^(NOTIFY_SOCKET|WATCHDOG|LISTEN_)' "/proc/$ZYGOTE/environ"
}

@test "service: passed sockets of every kind are served, and what is none is refused in words" {
    answer one
    configure <<END
[one]
string = one
connect = 127.0.0.1:$one_port
END
    find_free_port
    local v4=$FREE
    find_free_port
    systemd-socket-activate -l "127.0.0.1:$v4" -l "[::1]:$FREE" -l "$TMP/socket" \
        --fdname=four:six:unix "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    SUPER=$!
    wait_until 10 "$PEER" connect "127.0.0.1:$v4" send:one expect:one:one shutdown expect-eof 2>/dev/null
    "$PEER" connect "[::1]:$FREE" send:one expect:one:one shutdown expect-eof
    [[ $(printf one | socat - "UNIX-CONNECT:$TMP/socket") == one:one ]]
    log_says "passed the socket four: 127.0.0.1:$v4, which no bind names and which is served as well"
    log_says "passed the socket six: \[::1\]:$FREE"
    log_says "passed the socket unix: unix:$TMP/socket"
    # A reload keeps them.
    kill -HUP "$SUPER"
    log_says 'reloaded .*, listening on 127.0.0.1'
    "$PEER" connect "127.0.0.1:$v4" send:one expect:one:one shutdown expect-eof
}

@test "service: a datagram socket is refused in words, and the rest is served" {
    one_service
    find_free_port
    systemd-socket-activate --datagram -l "127.0.0.1:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    # A datagram is what starts the daemon then.
    knock() { echo x >"/dev/udp/127.0.0.1/$FREE" && log_has "$1"; }
    wait_until 10 knock 'which is no listening stream socket'
    log_says 'listening on 127.0.0.1'
}

@test "service: LISTEN_FDS meant for another process is not believed" {
    one_service
    export LISTEN_FDS=5 LISTEN_PID=1
    start_daemon
    unset LISTEN_FDS LISTEN_PID
    talk send:one expect:one:one shutdown expect-eof
}

@test "service: a passed socket serves the bind of its address" {
    answer one
    find_free_port
    printf 'bind = 127.0.0.1:%s\n[one]\nstring = one\nconnect = 127.0.0.1:%s\n' "$FREE" "$one_port" | configure
    systemd-socket-activate -l "127.0.0.1:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_until 10 "$PEER" connect "127.0.0.1:$FREE" send:one expect:one:one shutdown expect-eof 2>/dev/null
    log_has "listening on 127.0.0.1:$FREE\$"
    log_has "passed the socket unknown: 127.0.0.1:$FREE, which serves the bind of its address"
}

@test "service: with nothing to do for the time given, the daemon ends, and not before" {
    one_service
    start_daemon --idle-exit 1
    client send:one expect:one:one "wait-file:$TMP/go" shutdown expect-eof
    pass_time 1500
    is_alive "$DAEMON"
    touch "$TMP/go"
    finish "$JOB"
    # Counted from the end of the connection, not from its beginning.
    pass_time 500
    is_alive "$DAEMON"
    expect_exit 0
    log_says 'ending after 1 s without a connection'
}

@test "service: a restart leaves a live connection alone and binds at once" {
    one_service
    start_daemon
    sed -i "s/^bind.*/bind = 127.0.0.1:$PORT/" "$CONFIG"
    reload
    client send:one expect:one:one "touch:$TMP/up" "wait-file:$TMP/go" send:more expect:more shutdown expect-eof
    local live=$JOB
    wait_until 10 exists "$TMP/up"
    stop_daemon
    local first=$KEEPER
    start_daemon
    talk send:one expect:one:one shutdown expect-eof
    touch "$TMP/go"
    finish "$live"
    wait_until 10 is_over "$first"
}

@test "service: s6 sees it ready, and ends it" {
    one_service
    mkdir "$TMP/service"
    sed -E "s|exec [^ ]*/portsplitd|exec $PORTSPLIT_BIN/portsplitd|; s| [^ ]*/portsplit.conf| $CONFIG|; s|2>&1|>$LOG 2>\&1|" \
        "$(installed s6/portsplit/run)" >"$TMP/service/run"
    chmod +x "$TMP/service/run"
    cp "$(installed s6/portsplit/notification-fd)" "$TMP/service"
    in_background s6-supervise "$TMP/service"
    wait_until 10 exists "$TMP/service/supervise/control"
    s6-svwait -U -t "$((10000 * PORTSPLIT_PATIENCE))" "$TMP/service"
    read -r _ _ _ PORT < <(sed -n 's/.*listening on 127.0.0.1:/listening on at /p' "$LOG")
    talk send:one expect:one:one shutdown expect-eof
    s6-svc -xd "$TMP/service"
    finish "$JOB"
}

@test "service: runit runs it, and ends it" {
    one_service
    mkdir "$TMP/service"
    sed -E "s|exec [^ ]*/portsplitd|exec $PORTSPLIT_BIN/portsplitd|; s| [^ ]*/portsplit.conf| $CONFIG|; s|2>&1|>$LOG 2>\&1|" \
        "$(installed runit/portsplit/run)" >"$TMP/service/run"
    chmod +x "$TMP/service/run"
    in_background runsv "$TMP/service"
    log_says 'listening on 127.0.0.1:[0-9]'
    read -r _ _ _ PORT < <(sed -n 's/.*listening on 127.0.0.1:/listening on at /p' "$LOG")
    talk send:one expect:one:one shutdown expect-eof
    sv -w 10 exit "$TMP/service"
    finish "$JOB"
}

@test "service: as process 1 of a container it reaps orphans, and ends when it is told to" {
    answer one
    configure <<END
bind = 127.0.0.1:0
[orphan]
string = orphan
exec = $SHELL_PROGRAM
execarg = -c
execarg = (read -r line </dev/null; exec true) & echo left; exit 0
[one]
string = one
connect = 127.0.0.1:$one_port
END
    local user=()
    (($(id -u) == 0)) || user=(--map-root-user)
    in_background unshare "${user[@]}" --pid --fork --mount-proc \
        "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG"
    log_says 'listening on 127.0.0.1:[0-9]'
    read -r _ _ _ PORT < <(sed -n 's/.*listening on 127.0.0.1:/listening on at /p' "$LOG")
    talk send:one expect:one:one shutdown expect-eof
    talk send:orphan 'expect:left\n' expect-end
    children_of "$JOB"
    local first=${CHILDREN[0]}
    is_alone() {
        children_of "$first"
        ((${#CHILDREN[@]} == 1))
    }
    wait_until 10 is_alone
    kill -TERM "$first"
    finish "$JOB"
}
