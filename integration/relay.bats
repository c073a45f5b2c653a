#!/usr/bin/env bats
# A relay carries every byte, EOF and reset both ways, uses no CPU time while nothing moves, and logs a
# target that cannot be reached.

load harness

# relay_to LINE...: starts the daemon with a service of these lines for streams that begin with X.
relay_to() {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[x]' 'string = X'
        printf '%s\n' "$@"; } | configure
    start_daemon
}

# bats test_tags=fault:E5
@test "relay: a client may shut down first" {
    serve backend expect:Xhello expect-eof send:reply
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:Xhello shutdown expect:reply expect-eof
    log_says 'in=6 out=5 '
}

# bats test_tags=fault:E5
@test "relay: a server may shut down first" {
    serve backend send:greeting shutdown expect:Xlater expect-eof "touch:$TMP/done"
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X expect:greeting expect-eof send:later shutdown
    wait_until 5 exists "$TMP/done"
}

# bats test_tags=fault:E5
@test "relay: both ends may shut down at once, with megabytes in transit" {
    serve backend expect:X transfer:3000000 shutdown expect-eof
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X transfer:3000000 shutdown expect-eof
    log_says 'in=3000001 out=3000000 '
}

# bats test_tags=fault:E5
@test "relay: when one direction has ended the other goes on, and uses no CPU time while idle" {
    serve backend expect:X expect-eof "wait-file:$TMP/go" feed:1000000
    relay_to "connect = 127.0.0.1:$backend_port"
    client send:X shutdown drain:1000000 expect-eof
    wait_until 5 dispatchers_are 1
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:E1,fault:E6
@test "relay: a server's reset reaches the client as a reset" {
    serve backend expect:X reset
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X expect-reset
}

# bats test_tags=fault:E6
@test "relay: a server's reset after the client has shut down is still a reset" {
    serve backend expect:X expect-eof reset
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X shutdown expect-reset
}

# bats test_tags=fault:E1,fault:E6
@test "relay: a server's reset in the middle of an answer is not a clean end" {
    serve backend expect:X send:part acked "wait-file:$TMP/go" reset
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X expect:part "touch:$TMP/go" expect-reset
}

# bats test_tags=fault:E6
@test "relay: a client's reset reaches the server as a reset" {
    serve backend expect:X "touch:$TMP/got" expect-reset "touch:$TMP/done"
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X "wait-file:$TMP/got" reset
    wait_until 5 exists "$TMP/done"
}

# bats test_tags=fault:E6
@test "relay: a client's reset after the server has shut down is still a reset" {
    serve backend shutdown expect:X expect-reset "touch:$TMP/done"
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X expect-eof reset
    wait_until 5 exists "$TMP/done"
}

# bats test_tags=fault:E1
@test "relay: the first target that answers is taken, in the order of the file" {
    answer second third
    find_free_port
    relay_to "connect = 127.0.0.1:$FREE" "connect = 127.0.0.1:$second_port" \
        "connect = 127.0.0.1:$third_port"
    talk send:X1 expect:second:X1 shutdown expect-eof
    log_says "action=connect target=127.0.0.1:$second_port in=2 out=9 "
}

# skips_silent_target LEAST MOST [LINE]: the second target serves, after so many milliseconds, with this line in the
# service.
skips_silent_target() {
    answer second
    in_background "$PEER" hole 127.0.0.1:0 >"$TMP/hole.out"
    learn_port hole
    relay_to "connect = 127.0.0.1:$hole_port" "connect = 127.0.0.1:$second_port" "${@:3}"
    look_at_clock
    local start=$NOW
    talk send:X1 expect:second:X1 shutdown expect-eof
    look_at_clock
    echo "after $((NOW - start)) ms"
    ((NOW - start >= $1 && NOW - start < $2 + 1000 * PORTSPLIT_PATIENCE))
}

# bats test_tags=fault:E1
@test "relay: after 5 s without an answer of a target the next one is tried" {
    skips_silent_target 4900 6000
}

# bats test_tags=fault:E1
@test "relay: connect-timeout sets how long a target may take to answer" {
    skips_silent_target 950 2000 'connect-timeout = 1'
}

@test "relay: a name is resolved when the connection comes" {
    answer named
    relay_to "connect = localhost:$named_port"
    talk send:X1 expect:named:X1 shutdown expect-eof
    log_says "target=localhost:$named_port "
}

# bats test_tags=fault:E2
@test "relay: a name that does not resolve ends the connection, and is logged" {
    relay_to 'connect = no-such-host.invalid:80'
    talk --limit 9000 send:X expect-end
    log_says 'cannot resolve no-such-host.invalid for service x, client 127.0.0.1:[0-9]+: '
    log_says 'service=x reason=match .* action=connect target=- in=- out=- ms=[0-9]+ exit=111$'
}

# bats test_tags=fault:E1
@test "relay: a target that refuses ends the connection, and is logged" {
    find_free_port
    relay_to "connect = 127.0.0.1:$FREE" '[fallback]' 'exec = /bin/echo' 'execarg = fallback'
    talk send:X expect-end
    log_says "cannot connect to 127.0.0.1:$FREE for service x, client 127.0.0.1:[0-9]+: Connection refused"
    log_says 'service=x reason=match .* action=connect target=- in=- out=- ms=[0-9]+ exit=111$'
}

@test "relay: a target may have an IPv6 address" {
    serve_on '[::1]:0' six send:six: echo
    learn_port six
    relay_to "connect = [::1]:$six_port"
    talk send:X1 expect:six:X1 shutdown expect-eof
    log_says "target=\[::1\]:$six_port "
}

@test "relay: 64 MiB each way at once arrive unchanged" {
    serve backend expect:X transfer:67108864 shutdown expect-eof
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X transfer:67108864 shutdown expect-eof
    log_says 'in=67108865 out=67108864 '
}

# bats test_tags=fault:D5
@test "relay: 64 MiB each way at once through pipes arrive unchanged" {
    relay_to 'exec = /bin/cat' 'stdio = pipe'
    talk send:X expect:X transfer:67108864 shutdown expect-eof
    log_says 'in=67108865 out=67108865 .* exit=0$'
}

# The private memory of the dispatcher in KiB, in MEMORY.
look_at_memory() {
    find_dispatchers
    MEMORY=$(sed -En 's/^RssAnon:\s+([0-9]+) kB/\1/p' "/proc/${DISPATCHERS[0]}/status")
}

# No byte moves, and the memory of the dispatcher does not grow.
stalls() {
    look_at_memory
    local before=$MEMORY
    uses_no_cpu
    look_at_memory
    echo "$before KiB, then $MEMORY KiB"
    [[ $PORTSPLIT_FLAVOUR == asan ]] || ((MEMORY < 4096))
    ((MEMORY <= before + 64))
}

# bats test_tags=fault:E3
@test "relay: a client that does not read costs a bounded buffer and no CPU time" {
    serve backend expect:X feed:67108864
    relay_to "connect = 127.0.0.1:$backend_port"
    client send:X "wait-file:$TMP/go" drain:67108864 expect-eof
    wait_until 10 stalls
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:E3
@test "relay: a server that does not read costs a bounded buffer and no CPU time" {
    serve backend "touch:$TMP/accepted" "wait-file:$TMP/go" expect:X drain:67108864 expect-eof
    relay_to "connect = 127.0.0.1:$backend_port"
    client send:X feed:67108864 shutdown expect-eof
    wait_until 5 exists "$TMP/accepted"
    wait_until 10 stalls
    touch "$TMP/go"
    finish "$JOB"
}

# bats test_tags=fault:E3
@test "relay: user-timeout breaks the connection of a client that takes no data" {
    serve backend expect:X feed:67108864
    relay_to "connect = 127.0.0.1:$backend_port" 'user-timeout = 1'
    # The kernel tells a peer nothing that it holds for dead.
    in_background "$PEER" connect "127.0.0.1:$PORT" --limit 60000 send:X hold 2>/dev/null
    # The kernel asks less and less often whether there is room, and looks at the time then.
    wait_until 60 log_has 'service=x reason=match '
    kill "$JOB"
    : >"$TMP/peers" # the server reports the reset
}

@test "relay: user-timeout breaks the connection to a target that takes no data" {
    serve backend hold
    relay_to "connect = 127.0.0.1:$backend_port" 'user-timeout = 1'
    doomed_client --limit 60000 send:X feed:67108864
    wait_until 60 log_has 'service=x reason=match '
    wait_until 10 is_over "$JOB"
    # The client was cut off: it could not send all.
    [[ $(<"$TMP/doomed") == *' feed:67108864: '* ]]
}

# bats test_tags=fault:E1
@test "relay: a server that accepts and hangs costs no CPU time" {
    serve backend "touch:$TMP/accepted" hold
    relay_to "connect = 127.0.0.1:$backend_port"
    client send:X "wait-file:$TMP/go" shutdown expect-end
    wait_until 5 exists "$TMP/accepted"
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

@test "relay: an urgent byte neither delays the bytes behind it nor uses CPU time" {
    serve backend expect:Xone "touch:$TMP/one" expect:two "touch:$TMP/two" expect-eof
    relay_to "connect = 127.0.0.1:$backend_port"
    client send:Xone acked "wait-file:$TMP/one" urgent:! acked send:two acked "wait-file:$TMP/two" \
        "wait-file:$TMP/go" shutdown expect-eof
    wait_until 5 exists "$TMP/two"
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}

# serve_kinds LINE...: starts the daemon on 127.0.0.1 and on [::1]. Streams that begin with four or six are
# relayed to a server in IPv4 or IPv6, those with pipe or pty to a program. Each service has these lines.
serve_kinds() {
    answer four
    serve_on '[::1]:0' six send:six: echo
    learn_port six
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'bind = [::1]:0' 'timeout = 60'
        printf '%s\n' '[four]' 'string = four' "connect = 127.0.0.1:$four_port" "$@"
        printf '%s\n' '[six]' 'string = six' "connect = [::1]:$six_port" "$@"
        printf '%s\n' '[pipe]' 'string = pipe' 'exec = /bin/cat' 'stdio = pipe' "$@"
        printf '%s\n' '[pty]' 'string = pty' 'exec = /bin/cat' 'stdio = pty' "$@"
    } | configure
    start_daemon
}

# for_each_kind COMMAND...: runs the command, with the port of the daemon and that of the server added, or `-`
# for a program, while a relay of each kind is idle.
for_each_kind() {
    local address kind expected server job
    for address in "${ADDRESSES[@]}"; do
        for kind in four six pipe pty; do
            expected=$kind server=-
            case $kind in
                four) expected=four:four server=$four_port ;;
                six) expected=six:six server=$six_port ;;
            esac
            rm -f "$TMP/up" "$TMP/go"
            in_background "$PEER" connect "$address" "send:$kind" "expect:$expected" acked "touch:$TMP/up" \
                "wait-file:$TMP/go" reset
            job=$JOB
            wait_until 10 exists "$TMP/up"
            echo "a client on $address, $kind"
            "$@" "${address##*:}" "$server"
            touch "$TMP/go"
            finish "$job"
            wait_until 10 dispatchers_are 0
        done
    done
}

# timer_is TEXT FILTER: the keepalive timer of the socket that fits shows this, an expression (ss(8)).
timer_is() { ss -Htno "$2" | grep -Eq "timer:\(keepalive,$1,"; }

# timers_are TEXT PORT SERVER-PORT: on both sides.
timers_are() {
    wait_until 5 timer_is "$1" "sport = :$2"
    [[ $3 == - ]] || wait_until 5 timer_is "$1" "dport = :$3"
}

no_timers() {
    not timer_is '' "sport = :$1"
    [[ $2 == - ]] || not timer_is '' "dport = :$2"
}

# options_are TEXT PORT SERVER-PORT: the sockets of the dispatcher have these options (tools/options.cc).
options_are() {
    local expected="$2 $1"
    [[ $3 == - ]] || expected+=$'\n'"$3 $1"
    find_dispatchers
    # Of the client's socket the own port is known, of the server's the peer's.
    diff <(echo "$expected" | sort) <("$PORTSPLIT_TOOLS/options" "${DISPATCHERS[0]}" |
        awk -v port="$2" '{ sub($1 == port ? " [0-9]+" : "^[0-9]+ ", ""); print }' | sort)
}

# bats test_tags=fault:E10
@test "relay: keepalive is on, on both sides, and before programs on pipes and terminals" {
    serve_kinds
    for_each_kind timers_are '(2min|1min[0-9]+sec)'
}

@test "relay: keepalive = N is set on both sides, and before programs on pipes and terminals" {
    serve_kinds 'keepalive = 40'
    for_each_kind timers_are '(40|3[0-9])sec'
}

@test "relay: keepalive = 0 is set on both sides, and before programs on pipes and terminals" {
    serve_kinds 'keepalive = 0'
    for_each_kind no_timers
}

@test "relay: keepalive and nodelay are set as the service writes, on every socket" {
    needs_root
    serve_kinds
    for_each_kind options_are 'keepalive=1 120 30 4 nodelay=1 user-timeout=0'
    stop_daemon
    serve_kinds 'keepalive = 40' 'nodelay = no' 'user-timeout = 90'
    for_each_kind options_are 'keepalive=1 40 10 4 nodelay=0 user-timeout=90000'
}

# bats test_tags=fault:E10
@test "relay: half-closed and idle close a silent relay with a reset" {
    serve backend hold
    relay_to "connect = 127.0.0.1:$backend_port" 'half-closed = 0.2'
    talk send:X shutdown expect-reset
    stop_daemon
    relay_to "connect = 127.0.0.1:$backend_port" 'idle = 0.2'
    talk send:X expect-reset
}

# bats test_tags=fault:A4
@test "relay: a target that leads back by name is not connected to" {
    find_free_port
    printf '%s\n' "bind = 0.0.0.0:$FREE" 'maxconn = 40' '[a]' 'string = A' "connect = $(hostname):$FREE" | configure
    hostname -I >/dev/null
    WRAPPER=(unshare -m bash -c 'cp /etc/hosts "$0" && echo "127.0.0.1 $(hostname)" >>"$0" && mount --bind "$0" /etc/hosts && exec "$@"' "$TMP/hosts")
    needs_root
    start_daemon
    talk send:A expect-end
    log_says "cannot connect to $(hostname):$FREE for service a, client 127.0.0.1:[0-9]+: it leads back to a listener of this server, without end; name another port"
    log_says ']: service=a .* exit=111$'
    [[ $(grep -c ']: service=a' "$LOG") == 1 ]]
}

# bats test_tags=fault:A4
@test "relay: a target that leads back by another address of this machine is not connected to" {
    needs_root
    answer other
    # A file for the daemon alone: other addresses of this machine are found when the connection comes.
    WRAPPER=(unshare -n bash -c 'ip link set lo up; ip address add 192.0.2.9/32 dev lo; exec "$@"' -)
    printf '%s\n' 'bind = 0.0.0.0:7001' '[a]' 'string = A' 'connect = 192.0.2.9:7001' | configure
    start_daemon
    nsenter -t "$DAEMON" -n "$PEER" connect 127.0.0.1:7001 send:A expect-end
    log_says 'cannot connect to 192.0.2.9:7001 for service a, .*: it leads back to a listener of this server'
}

# bats test_tags=fault:E9
@test "relay: a byte at a time goes back and forth without delay" {
    serve backend expect:X echo
    relay_to "connect = 127.0.0.1:$backend_port"
    local steps=() i
    for i in {1..200}; do steps+=(send:a expect:a); done
    look_at_clock
    local start=$NOW
    talk send:X "${steps[@]}" shutdown expect-eof
    look_at_clock
    echo "$((NOW - start)) ms for 200 times"
    # A delayed acknowledgement of 40 ms each would be 8 s.
    ((NOW - start < 2000))
}

# with_failing CALL:error=ERRNO[:when=...]: the system calls of the dispatcher fail with this errno (strace(1), inject).
with_failing() {
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    WRAPPER=(strace -D -f --seccomp-bpf -qq -o /dev/null -e "trace=${1%%:*}" -e "inject=$1")
}

both_ways() {
    serve backend expect:X transfer:8388608 shutdown expect-eof
    relay_to "connect = 127.0.0.1:$backend_port"
    talk send:X transfer:8388608 shutdown expect-eof
    log_says 'in=8388609 out=8388608 '
}

# bats test_tags=fault:E1
@test "relay: whatever error connect has, the next target is tried, and the log says why" {
    local error text
    answer second
    find_free_port
    while read -r error text; do
        with_failing "connect:error=$error:when=1"
        relay_to "connect = 127.0.0.1:$FREE" "connect = 127.0.0.1:$second_port"
        talk --limit 5000 send:X1 expect:second:X1 shutdown expect-eof
        log_says "cannot connect to 127.0.0.1:$FREE for service x, client 127.0.0.1:[0-9]+: $text"
        stop_daemon
        : >"$LOG"
    done <<END
EADDRNOTAVAIL Cannot assign requested address
ENETUNREACH Network is unreachable
EHOSTUNREACH No route to host
ENOBUFS No buffer space available
EACCES Permission denied
END
}

# bats test_tags=fault:E7
@test "relay: without pipes to splice through, bytes pass as usual" {
    # AddressSanitizer itself needs pipes, so with it this is the same as the next test.
    if [[ $PORTSPLIT_FLAVOUR == asan ]]; then
        with_failing splice:error=ENOSYS
    else
        with_failing pipe2:error=EMFILE
    fi
    both_ways
}

# bats test_tags=fault:E7
@test "relay: where the kernel cannot splice, bytes pass as usual" {
    with_failing splice:error=EINVAL
    both_ways
}

# bats test_tags=fault:E7
@test "relay: when splice fails half-way, bytes pass as usual" {
    with_failing splice:error=ENOMEM:when=20+
    both_ways
}

# bats test_tags=fault:E8
@test "relay: interrupted calls are repeated" {
    with_failing splice:error=EINTR:when=3+7
    both_ways
}

@test "relay: an answer arrives although the server closed without reading the request" {
    serve_on 127.0.0.1:0 early send:early close
    learn_port early
    configure <<END
bind = 127.0.0.1:0
[early]
string = POST
connect = 127.0.0.1:$early_port
END
    start_daemon
    "$PEER" connect "127.0.0.1:$PORT" --repeat 50 send:POST-and-much-more expect:early expect-end
}
