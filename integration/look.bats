#!/usr/bin/env bats
# While a connection is undecided nobody works, whatever a client does to keep the socket awake, and
# whoever gets the socket then finds nothing changed.

load harness

# serve_ssh TIMEOUT: a service, a fallback, a timeout service.
serve_ssh() {
    answer ssh fallback timeout
    configure <<END
bind = 127.0.0.1:0
timeout = $1
[ssh]
string = SSH-
connect = 127.0.0.1:$ssh_port
[fallback]
connect = 127.0.0.1:$fallback_port
[timeout]
connect = 127.0.0.1:$timeout_port
END
    start_daemon
}

@test "look: waiting for the rest of a prefix takes no processor time" {
    serve_ssh 60
    client send:SS acked "touch:$TMP/sent" "wait-file:$TMP/go" send:H-2 expect:ssh:SSH-2 shutdown expect-eof
    wait_until 5 exists "$TMP/sent"
    nobody_works 500
    touch "$TMP/go"
    finish "$JOB"
}

@test "look: many undecided clients together take no processor time" {
    serve_ssh 60
    local i jobs=()
    for i in {1..20}; do
        client send-bytewise:SSH "wait-file:$TMP/go" send:-2 expect:ssh:SSH-2 shutdown expect-eof
        jobs+=("$JOB")
    done
    wait_until 5 dispatchers_are 20
    nobody_works 500
    touch "$TMP/go"
    for i in "${jobs[@]}"; do finish "$i"; done
}

@test "look: an urgent byte ends the looking, and costs no processor time" {
    serve_ssh 60
    client send:S acked urgent:! acked expect:fallback:S "touch:$TMP/urgent" "wait-file:$TMP/go" \
        shutdown expect-eof
    wait_until 5 exists "$TMP/urgent"
    nobody_works 500
    touch "$TMP/go"
    finish "$JOB"
    log_says 'service=fallback reason=fallback'
}

@test "look: bytes behind an urgent byte still arrive" {
    serve_ssh 60
    client send:S acked urgent:! acked expect:fallback:S send:after acked "touch:$TMP/sent" \
        "wait-file:$TMP/go" expect:after shutdown expect-eof
    wait_until 5 exists "$TMP/sent"
    nobody_works 500
    touch "$TMP/go"
    finish "$JOB"
}

@test "look: an urgent byte before any other leads to a decision, not to a spin" {
    serve_ssh 60
    client urgent:! acked "touch:$TMP/sent" "wait-file:$TMP/go" close
    wait_until 5 exists "$TMP/sent"
    nobody_works 500
    touch "$TMP/go"
    finish "$JOB"
}

@test "look: a client that has finished sending and waits costs no processor time" {
    serve held "touch:$TMP/reached" expect:SS expect-eof "wait-file:$TMP/go" send:bye
    configure <<END
bind = 127.0.0.1:0
timeout = 60
[ssh]
string = SSH-
connect = 127.0.0.1:1
[fallback]
connect = 127.0.0.1:$held_port
END
    start_daemon
    client send:SS shutdown expect:bye expect-eof
    wait_until 5 exists "$TMP/reached"
    nobody_works 500
    touch "$TMP/go"
    finish "$JOB"
}

@test "look: a reset at any byte ends quietly and soon" {
    serve_ssh 60
    local part
    for part in '' S SS SSH; do
        talk "send-bytewise:$part" acked reset
        wait_until 2 dispatchers_are 0
    done
    logged_connections 4
    [[ $(grep -c 'service=- reason=eof .* action=close' "$LOG") == 4 ]]
    not log_has 'cannot|rror'
}

@test "look: a reset before the connection is accepted ends quietly" {
    serve_ssh 60
    kill -STOP "$DAEMON"
    talk reset
    talk send:SS reset
    kill -CONT "$DAEMON"
    talk send:SSH-2 expect:ssh:SSH-2 shutdown expect-eof
    not log_has 'cannot|rror'
}

@test "look: each segment wakes the dispatcher once" {
    answer long
    local pattern
    pattern=$(printf 'x%.0s' {1..300})
    configure <<END
bind = 127.0.0.1:0
timeout = 60
[long]
string = $pattern
connect = 127.0.0.1:$long_port
END
    start_daemon
    client "send-bytewise:${pattern:100}" "touch:$TMP/sent" "wait-file:$TMP/go" \
        "send:${pattern:0:100}" "expect:long:$pattern" shutdown expect-eof
    wait_until 10 exists "$TMP/sent"
    find_dispatchers
    local waits
    waits=$(sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/${DISPATCHERS[0]}/status")
    echo "$waits waits for 200 segments"
    ((waits <= 220))
    touch "$TMP/go"
    finish "$JOB"
}

@test "look: a program finds the low-water mark as if nobody had looked" {
    configure <<END
bind = 127.0.0.1:0
timeout = 60
[probe]
string = SSH-
exec = $PROBE
END
    start_daemon
    talk send-bytewise:SSH- print shutdown >"$TMP/out" || true
    file_says "$TMP/out" '^lowat=1$'
}

@test "look: a program that wants a single byte gets it" {
    configure <<END
bind = 127.0.0.1:0
timeout = 60
[one]
string = SSH-
exec = /bin/sh
execarg = -c
execarg = head -c 4 >/dev/null; head -c 1
END
    start_daemon
    talk send-bytewise:SSH- send:y expect:y expect-eof
}
