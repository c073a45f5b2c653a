#!/usr/bin/env bats
# Under a super-server one connection is served as by the daemon, and the client never reads a word of
# Portsplit's own.

load harness

teardown() {
    if [[ -n $SUPERSERVER ]]; then
        if ! wait_until 10 served_all; then
            children_of "$SUPERSERVER"
            ps -fp "${CHILDREN[@]}" || true
            return 1
        fi
    fi
    check_what_is_left
}
served_all() {
    children_of "$SUPERSERVER"
    ((${#CHILDREN[@]} == 0))
}

# under_superserver [ARGUMENT...]: connections to $PORT each start the dispatcher.
under_superserver() {
    (($# > 0)) || set -- --inetd --log "$LOG" "$CONFIG"
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" "$@" >"$TMP/super.out"
    SUPERSERVER=$JOB
    learn_port super
    PORT=$super_port
    : >>"$LOG"
}

configure_some() {
    answer one
    configure <<END
timeout = 0.4
[one]
string = one
connect = 127.0.0.1:$one_port
[socket]
string = socket
exec = $PROBE
[pipe]
string = pipe
exec = /bin/cat
stdio = pipe
[missing]
string = missing
exec = $TMP/missing
END
}

@test "inetd: a connection is relayed, byte for byte and end for end" {
    configure_some
    under_superserver
    talk send-bytewise:one12345 expect:one:one12345 shutdown expect-eof
    log_says "service=one reason=match src=127.0.0.1 sport=[0-9]+ dst=127.0.0.1 dport=$PORT action=connect target=127.0.0.1:$one_port in=8 out=12 ms=[0-9]+\$"
}

@test "inetd: a program on the socket finds what it would find under the daemon" {
    configure_some
    under_superserver
    talk send:socket print >"$TMP/account" 2>/dev/null || true
    file_says "$TMP/account" '^fd 0: socket both blocking$'
    file_says "$TMP/account" '^fd 1: socket both blocking$'
    file_says "$TMP/account" '^fd 2: file write blocking$'
    [[ $(grep -c '^fd ' "$TMP/account") == 3 ]]
    file_says "$TMP/account" '^SigIgn=0000000000000000$'
    file_says "$TMP/account" '^SigBlk=0000000000000000$'
    file_says "$TMP/account" '^lowat=1$'
    file_says "$TMP/account" '^env TCPREMOTEIP=127.0.0.1$'
    file_says "$TMP/account" '^env PORTSPLIT_SERVICE=socket$'
    log_says 'service=socket reason=match .* action=exec '
}

@test "inetd: a program behind pipes is relayed, and its end is logged" {
    configure_some
    under_superserver
    talk send:pipe1 expect:pipe1 shutdown expect-eof
    log_says 'service=pipe reason=match .* in=5 out=5 ms=[0-9]+ exit=0$'
}

@test "inetd: a silent client is closed at the deadline" {
    configure_some
    under_superserver
    talk --limit 5000 expect-end
    log_says 'service=- reason=timeout .* action=close '
}

@test "inetd: the client reads nothing when the program is missing" {
    configure_some
    under_superserver
    talk send:missing expect-end
    log_says "cannot start $TMP/missing"
}

@test "inetd: the client reads nothing of a broken or missing file" {
    configure_some
    echo 'nonsense' >"$CONFIG"
    under_superserver
    talk expect-end
    log_says "$CONFIG:1: "
    rm "$CONFIG"
    talk expect-end
    log_says "$CONFIG"
}

@test "inetd: the client reads nothing of a wrong command line" {
    under_superserver --inetd
    talk expect-end
    end_background
    SUPERSERVER=
    under_superserver --no-such-option x
    talk expect-end
}

@test "inetd: a client that resets before or after ends it quietly" {
    configure_some
    under_superserver
    talk reset
    talk send:on acked reset
    wait_until 5 served_all
    not log_has 'cannot|rror'
}

@test "inetd: what is no connection is refused" {
    configure_some
    run -64 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" </dev/null
    log_has 'descriptor 0 is not a'
    : >"$LOG"
    run -64 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" <&-
    log_has 'descriptor 0 is not a'
}

@test "inetd: undecided, it keeps nobody busy" {
    configure_some
    sed -i 's/^timeout.*/timeout = 60/' "$CONFIG"
    under_superserver
    KEEPER=$SUPERSERVER
    client send:on acked "touch:$TMP/sent" "wait-file:$TMP/go" send:e expect:one:one shutdown expect-eof
    wait_until 5 exists "$TMP/sent"
    nobody_works 500
    KEEPER=
    touch "$TMP/go"
    finish "$JOB"
}
