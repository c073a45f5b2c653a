#!/usr/bin/env bats
# The daemon listens on every address of the file, accepts no connection beyond maxconn, and goes on after
# every error of accept(2).

load harness

# configure_binds BIND...: the service `one` on these addresses. GLOBALS, lines, comes after them.
configure_binds() {
    answer one
    { printf 'bind = %s\n' "$@"
        printf '%s\n' 'timeout = 60' "${GLOBALS:-}"
        connect_service one one; } | configure
}
served_at() { "$PEER" connect "$1" --limit 5000 send:one. expect:one:one. shutdown expect-eof; }

@test "listeners: every address serves" {
    configure_binds 127.0.0.1:0 127.0.0.2:0 '[::1]:0'
    start_daemon
    ((${#ADDRESSES[@]} == 3))
    local address
    for address in "${ADDRESSES[@]}"; do served_at "$address"; done
}

@test "listeners: a port of 0 is chosen by the kernel, and written to --ready-fd and the log" {
    configure_binds 127.0.0.1:0 127.0.0.1:0
    start_daemon
    log_says "listening on ${ADDRESSES[0]} ${ADDRESSES[1]}\$"
    [[ $(<"$TMP/ready") == "listening on ${ADDRESSES[0]} ${ADDRESSES[1]}" ]]
    [[ ${ADDRESSES[0]} != "${ADDRESSES[1]}" ]]
    [[ $(ss -Hltn "sport = :$PORT" | wc -l) == 1 ]]
}

@test "listeners: IPv4 and IPv6 share a port" {
    find_free_port
    configure_binds "0.0.0.0:$FREE" "[::]:$FREE"
    start_daemon
    served_at "127.0.0.1:$FREE"
    served_at "[::1]:$FREE"
    # An IPv4 client does not appear as an IPv4-mapped IPv6 address.
    logged_connections 2
    log_says 'src=127\.0\.0\.1 .* dst=127\.0\.0\.1 '
    log_says 'src=::1 .* dst=::1 '
}

@test "listeners: the old spelling :::PORT of all IPv6 addresses works" {
    find_free_port
    configure_binds "0.0.0.0:$FREE" ":::$FREE"
    start_daemon
    served_at "[::1]:$FREE"
}

@test "listeners: * is both families, with one port" {
    configure_binds '*:0'
    start_daemon
    ((${#ADDRESSES[@]} == 2))
    [[ ${ADDRESSES[0]} == "0.0.0.0:$PORT" && ${ADDRESSES[1]} == "[::]:$PORT" ]]
    served_at "127.0.0.1:$PORT"
    served_at "[::1]:$PORT"
    reload
    served_at "127.0.0.1:$PORT"
    served_at "[::1]:$PORT"
}

@test "listeners: equal addresses in other spellings are one address" {
    find_free_port
    configure_binds "[0:0:0:0:0:0:0:1]:$FREE" "[::FFFF:127.0.0.1]:$FREE"
    start_daemon
    [[ ${ADDRESSES[*]} == "[::1]:$FREE 127.0.0.1:$FREE" ]]
    configure_binds "[::0001]:$FREE" "127.0.0.1:$FREE"
    reload
    served_at "[::1]:$FREE"
    served_at "127.0.0.1:$FREE"
    log_says 'src=127\.0\.0\.1 .* dst=127\.0\.0\.1 '
}

# without_ipv6 N: the N-th socket that the daemon makes is of a family that the kernel lacks (strace(1)).
without_ipv6() {
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    WRAPPER=(strace -D -qq -o /dev/null -e trace=socket
        -e "inject=socket:error=EAFNOSUPPORT:when=$1")
}

@test "listeners: where the kernel has no IPv6, * is IPv4 alone, and the log says so" {
    configure_binds '*:0'
    without_ipv6 2
    start_daemon
    ((${#ADDRESSES[@]} == 1))
    served_at "127.0.0.1:$PORT"
    log_says 'not listening on \[::\]:0, a half of bind = \*:0: the kernel has no IPv6$'
}

@test "listeners: where the kernel has no IPv6, a bind to :: fails" {
    configure_binds '[::]:0'
    without_ipv6 1
    spawn_daemon
    expect_exit 71
    log_says 'cannot listen on \[::\]:0: Address family not supported by protocol'
    [[ ! -s $TMP/ready ]]
}

# bats test_tags=fault:A1
@test "listeners: the daemon does not start on a port in use, and names it" {
    configure_binds 127.0.0.1:0
    sed -i "s/^bind.*/bind = 127.0.0.2:0\nbind = 127.0.0.1:$one_port/; s/^connect.*/connect = 127.0.0.9:1/" "$CONFIG"
    spawn_daemon
    expect_exit 71
    log_says "cannot listen on 127.0.0.1:$one_port: Address already in use; see which program has it: ss -ltnp 'sport = :$one_port'\$"
}

# bats test_tags=fault:A1
@test "listeners: the daemon does not start on an address of another machine, and names it" {
    configure_binds 192.0.2.1:0
    spawn_daemon
    expect_exit 71
    log_says 'cannot listen on 192.0.2.1:0: Cannot assign requested address; no interface has this address; see those that there are: ip address. With freebind = yes it may come later$'
}

# bats test_tags=fault:A1
@test "listeners: the daemon does not start on a port below 1024 that it may not use, and says what it needs" {
    configure_binds 0.0.0.0:443
    # A namespace whose ports belong to another user.
    WRAPPER=(unshare --user --net)
    spawn_daemon
    expect_exit 71
    log_says '^[^ ]+ portsplit\[[0-9]+\]: cannot listen on 0\.0\.0\.0:443: Permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE \(see portsplit-relay\.service\)$'
}

@test "listeners: the accept queue is as long as the kernel allows" {
    configure_binds 127.0.0.1:0
    start_daemon
    local longest
    longest=$(</proc/sys/net/core/somaxconn)
    [[ $(ss -Hltn "sport = :$PORT" | awk '{ print $3 }') == "$longest" ]]
}

# bats test_tags=fault:B6
@test "listeners: at maxconn a client waits, and is served when a connection ends" {
    GLOBALS='maxconn = 2' configure_binds 127.0.0.1:0
    start_daemon
    local i jobs=()
    for i in 1 2; do
        client send:one. expect:one:one. "touch:$TMP/held.$i" "wait-file:$TMP/go.$i" shutdown expect-eof
        jobs+=("$JOB")
        wait_until 5 exists "$TMP/held.$i"
    done
    client --limit 30000 send:one. expect:one:one. "touch:$TMP/held.3" shutdown expect-eof
    jobs+=("$JOB")
    uses_no_cpu
    [[ ! -e $TMP/held.3 ]]
    dispatchers_are 2
    touch "$TMP/go.1"
    wait_until 5 exists "$TMP/held.3"
    touch "$TMP/go.2"
    for i in "${jobs[@]}"; do finish "$i"; done
}

@test "listeners: maxconn counts over reloads, and a reload may change it" {
    GLOBALS='maxconn = 1' configure_binds 127.0.0.1:0
    start_daemon
    client send:one. expect:one:one. "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
    local held=$JOB
    wait_until 5 exists "$TMP/held"
    reload
    client --limit 30000 send:one. expect:one:one. "touch:$TMP/second" shutdown expect-eof
    uses_no_cpu
    [[ ! -e $TMP/second ]]
    sed -i 's/^maxconn.*/maxconn = 2/' "$CONFIG"
    reload
    wait_until 5 exists "$TMP/second"
    finish "$JOB"
    touch "$TMP/go"
    finish "$held"
}

# bats test_tags=fault:B6
@test "listeners: an undecided client counts for maxconn until the deadline" {
    answer one timeout
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 0.4' 'maxconn = 1'; connect_service one one; } | configure
    start_daemon
    client expect-end
    local silent=$JOB
    wait_until 5 dispatchers_are 1
    served_at "127.0.0.1:$PORT"
    finish "$silent"
}

# serve_with_failing_accept ERRNO: the first three accept4(2) of the daemon fail with ERRNO.
serve_with_failing_accept() {
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    WRAPPER=(strace -D -qq -o /dev/null -e trace=accept4 -e "inject=accept4:error=$1:when=1..3")
    configure_binds 127.0.0.1:0
    start_daemon
}

# bats test_tags=fault:B1,fault:B2
@test "listeners: no error of accept ends the service or fills the log" {
    local error
    for error in EMFILE ENFILE ENOBUFS ENOMEM ECONNABORTED EPROTO EPERM ENETDOWN ENONET EHOSTUNREACH \
        EINTR; do
        : >"$LOG"
        serve_with_failing_accept "$error"
        served_at "127.0.0.1:$PORT"
        served_at "127.0.0.1:$PORT"
        (($(grep -c 'accept' "$LOG" || true) <= 3))
        stop_daemon
        end_background
    done
}

# bats test_tags=fault:B1
@test "listeners: a connection that cannot be handed over is sent again for a second, and then closed" {
    answer one
    configure_answers one
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    # ETOOMANYREFS: too many descriptors of this user are on their way.
    WRAPPER=(strace -D -qq -o /dev/null -e trace=sendmsg -e inject=sendmsg:error=ETOOMANYREFS:when=1..3)
    start_daemon
    reaches one
    log_says 'cannot hand a connection over to portsplit-dispatch, and try again for a second: Too many references'
    stop_daemon
    : >"$LOG"
    WRAPPER=(strace -D -qq -o /dev/null -e trace=sendmsg -e inject=sendmsg:error=ETOOMANYREFS:when=1..15)
    start_daemon
    talk send:one. expect-end
    log_says 'cannot hand a connection over to portsplit-dispatch, so it is closed: Too many references'
    reaches one
}

# bats test_tags=fault:B1
@test "listeners: without free descriptors clients wait, and the daemon uses no CPU time" {
    configure_binds 127.0.0.1:0
    start_daemon
    # Fewer than are open now.
    prlimit --pid "$DAEMON" --nofile=3:4096
    client --limit 20000 send:one. expect:one:one. shutdown expect-eof
    log_says 'cannot accept on 127.0.0.1:[0-9]+, clients wait until it works again: Too many open files'
    uses_no_cpu 300
    (($(grep -c 'cannot accept' "$LOG") <= 21))
    prlimit --pid "$DAEMON" --nofile=1024:4096
    finish "$JOB"
}

# bats test_tags=fault:B1
@test "listeners: when poll fails the daemon pauses, and serves when it works again" {
    # Every other poll(2) fails, five in all. A pause is a poll of no descriptor; the log polls its own.
    export ASAN_OPTIONS=detect_leaks=0
    WRAPPER=(strace -D -qq -o "$TMP/polls" -e trace=poll -e "inject=poll:error=ENOMEM:when=1..9+2")
    configure_binds 127.0.0.1:0
    start_daemon
    served_at "127.0.0.1:$PORT"
    log_says 'cannot wait for descriptors: Cannot allocate memory'
    local failed pauses
    failed=$(grep 'INJECTED' "$TMP/polls" | grep -c 'POLLIN') || true
    pauses=$(grep -cE '^poll\((NULL|\[\]|0x[0-9a-f]+), 0, (9[0-9]|100)' "$TMP/polls") || true
    ((failed > 0 && pauses == failed))
}

# bats test_tags=fault:B4
@test "listeners: while fork fails clients wait" {
    # strace(1) counts for each process: the daemon's first two forks are the reader and the zygote; the
    # zygote's first two are spares, and the next ten fail.
    export ASAN_OPTIONS=detect_leaks=0
    WRAPPER=(strace -D -f -qq -o /dev/null -e 'trace=clone,clone3,fork,vfork'
        -e 'inject=clone,clone3,fork,vfork:error=EAGAIN:when=3..12')
    configure_binds 127.0.0.1:0
    start_daemon
    local i
    for i in 1 2 3; do served_at "127.0.0.1:$PORT"; done
    log_says 'cannot fork, clients wait until it works again: Resource temporarily unavailable'
}

# bats test_tags=fault:D2,fault:F4
@test "listeners: no listening socket reaches a dispatcher or a program" {
    configure_binds 127.0.0.1:0
    printf '%s\n' '[cat]' 'string = cat' 'exec = /bin/cat' 'stdio = pipe' >>"$CONFIG"
    start_daemon
    client send:cat expect:cat "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
    wait_until 5 exists "$TMP/held"
    kill -KILL "$DAEMON"
    wait_until 5 exists "$TMP/status"
    [[ -z $(ss -Hltn "sport = :$PORT") ]]
    touch "$TMP/go"
    finish "$JOB"
}

# in_network COMMAND...: in the network of the daemon.
in_network() { nsenter --target "$DAEMON" --net "$@"; }

# bats test_tags=fault:B11
@test "listeners: an address or an interface that goes and comes back is served again" {
    needs_root
    printf '%s\n' 'bind = 192.0.2.9:7001' 'bind = 127.0.0.1:7001' '[x]' 'string = X' 'exec = /bin/cat' | configure
    WRAPPER=(unshare -n bash -c 'ip link set lo up; ip address add 192.0.2.9/32 dev lo; exec "$@"' -)
    start_daemon
    echoes() { in_network "$PEER" connect "$1" --limit 5000 send:X expect:X shutdown expect-eof; }
    echoes 192.0.2.9:7001
    in_network ip address del 192.0.2.9/32 dev lo
    not echoes 192.0.2.9:7001 2>"$TMP/unreachable"
    echoes 127.0.0.1:7001
    uses_no_cpu
    in_network ip address add 192.0.2.9/32 dev lo
    echoes 192.0.2.9:7001
    in_network ip link set lo down
    not in_network timeout 0.5 "$PEER" connect 127.0.0.1:7001 send:X
    uses_no_cpu
    in_network ip link set lo up
    echoes 127.0.0.1:7001
    echoes 192.0.2.9:7001
    not log_has 'cannot accept|portsplit-dispatch died'
}
