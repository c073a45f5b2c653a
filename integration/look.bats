#!/usr/bin/env bats
# An undecided connection uses no CPU time, even if data that cannot be consumed keeps its socket readable;
# and the program or target then gets the socket as if no byte had been peeked.

load harness

# serve_ssh TIMEOUT: starts the daemon with a service, a fallback and a timeout service.
serve_ssh() {
    answer ssh fallback timeout
    configure <<END
bind = 127.0.0.1:0
timeout = $1
$(connect_service ssh SSH-)
$(connect_service fallback)
$(connect_service timeout)
END
    start_daemon
}

@test "look: waiting for the rest of a prefix uses no CPU time" {
    serve_ssh 60
    client send:SS acked "touch:$TMP/sent" "wait-file:$TMP/go" send:H-2 expect:ssh:SSH-2 shutdown expect-eof
    wait_until 5 exists "$TMP/sent"
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:B8
@test "look: many undecided clients together use no CPU time" {
    serve_ssh 60
    local i jobs=()
    for i in {1..20}; do
        client send-bytewise:SSH "wait-file:$TMP/go" send:-2 expect:ssh:SSH-2 shutdown expect-eof
        jobs+=("$JOB")
    done
    wait_until 5 dispatchers_are 20
    uses_no_cpu
    touch "$TMP/go"
    for i in "${jobs[@]}"; do finish "$i"; done
}

# bats test_tags=fault:C3
@test "look: an urgent byte ends the peeking, and uses no CPU time" {
    serve_ssh 60
    client send:S acked urgent:! acked expect:fallback:S "touch:$TMP/urgent" "wait-file:$TMP/go" \
        shutdown expect-eof
    wait_until 5 exists "$TMP/urgent"
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
    log_says 'service=fallback reason=fallback'
}

# bats test_tags=fault:C3
@test "look: bytes behind an urgent byte still arrive" {
    serve_ssh 60
    client send:S acked urgent:! acked expect:fallback:S send:after acked "touch:$TMP/sent" \
        "wait-file:$TMP/go" expect:after shutdown expect-eof
    wait_until 5 exists "$TMP/sent"
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:C3
@test "look: an urgent first byte leads to a decision, not to a busy loop" {
    serve_ssh 60
    client urgent:! acked "touch:$TMP/sent" "wait-file:$TMP/go" close
    wait_until 5 exists "$TMP/sent"
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:C5
@test "look: a client that has finished sending and waits uses no CPU time" {
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
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:C5
@test "look: a reset at any byte ends the dispatcher soon and logs no error" {
    serve_ssh 60
    sed -i '1i log = start' "$CONFIG" # else not every line is written
    reload
    local part
    for part in '' S SS SSH; do
        talk "send-bytewise:$part" acked reset
        wait_until 2 dispatchers_are 0
    done
    logged_connections 4
    [[ $(grep -c 'service=- reason=eof .* action=close' "$LOG") == 4 ]]
    not log_has 'cannot|rror'
}

# bats test_tags=fault:B3
@test "look: a reset before accept logs no error" {
    serve_ssh 60
    kill -STOP "$DAEMON"
    talk reset
    talk send:SS reset
    kill -CONT "$DAEMON"
    talk send:SSH-2 expect:ssh:SSH-2 shutdown expect-eof
    not log_has 'cannot|rror'
}

# bats test_tags=fault:C1
@test "look: each segment wakes the dispatcher once" {
    answer long
    local pattern
    pattern=$(printf 'x%.0s' {1..160})
    configure <<END
bind = 127.0.0.1:0
timeout = 60
$(connect_service long "$pattern")
END
    start_daemon
    client "send-bytewise:${pattern:96}" "touch:$TMP/sent" "wait-file:$TMP/go" \
        "send:${pattern:0:96}" "expect:long:$pattern" shutdown expect-eof
    wait_until 10 exists "$TMP/sent"
    find_dispatchers
    local waits
    waits=$(sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/${DISPATCHERS[0]}/status")
    echo "$waits waits for 64 segments"
    ((waits <= 70))
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:D2
@test "look: a program finds the low-water mark at 1" {
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

@test "look: a program can read a single byte" {
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

# with_failing CALL:error=ERRNO:when=...: these system calls of each process fail with this errno (strace(1), inject).
with_failing() {
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    WRAPPER=(strace -D -f --seccomp-bpf -qq -o /dev/null -e "trace=${1%%:*}" -e "inject=$1")
}

# bats test_tags=fault:C12
@test "look: a dispatcher whose calls are interrupted, or bring nothing, decides as ever" {
    local fault
    for fault in recvfrom:error=EINTR:when=1+2 recvfrom:error=EAGAIN:when=1+2 \
        poll:error=EINTR:when=1+2; do
        with_failing "$fault"
        serve_ssh 60
        talk send:SS acked send:H-2 expect:ssh:SSH-2 shutdown expect-eof
        talk --limit 5000 send:X expect:fallback:X shutdown expect-eof
        uses_no_cpu
        stop_daemon
        end_background
    done
}

# bats test_tags=fault:C12
@test "look: a dispatcher that cannot look at its client closes it, and the log says why" {
    with_failing recvfrom:error=ENOMEM:when=1
    serve_ssh 60
    talk send:SSH-2 expect-end
    log_says 'cannot look at the first bytes for service -, client 127\.0\.0\.1:[0-9]+: Cannot allocate memory'
    log_says 'service=- reason=- src=127\.0\.0\.1 .* action=close target=- in=0 out=0 ms=[0-9]+ exit=111$'
}
