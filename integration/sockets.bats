#!/usr/bin/env bats
# What listeners and targets have of the kernel: interfaces, addresses that are missing, Multipath TCP, and the
# order of targets that fail.

load harness

# milliseconds COMMAND...: how long it takes, in TOOK.
milliseconds() {
    look_at_clock
    local begin=$NOW
    "$@"
    look_at_clock
    TOOK=$((NOW - begin))
}
echo_one() { talk send:one expect:one:one shutdown expect-eof; }

@test "sockets: a target that failed is tried last, until a reload" {
    answer one
    in_background "$PEER" hole 127.0.0.1:0 >"$TMP/hole.out"
    learn_port hole
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$hole_port" \
        "connect = 127.0.0.1:$one_port" 'connect-timeout = 1' | configure
    start_daemon
    milliseconds echo_one
    ((TOOK >= 900))
    log_says "cannot connect to 127.0.0.1:$hole_port for service one"
    milliseconds "$PEER" connect "127.0.0.1:$PORT" --repeat 20 send:one expect:one:one shutdown expect-eof
    ((TOOK < 900))
    (($(grep -c "cannot connect to 127.0.0.1:$hole_port" "$LOG") == 1))
    # Another generation knows nothing of it.
    reload
    milliseconds echo_one
    ((TOOK >= 900))
    # If all have failed, they are tried as in the file.
    sed -i "s/:$one_port/:$hole_port/" "$CONFIG"
    reload
    run -1 "$PEER" connect "127.0.0.1:$PORT" --limit 9000 send:one expect:one:one
    run -1 "$PEER" connect "127.0.0.1:$PORT" --limit 9000 send:one expect:one:one
}

@test "sockets: a target that is tried last answers, and is the first again" {
    answer two
    local two=$JOB
    find_free_port
    local first=$FREE
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$first" \
        "connect = 127.0.0.1:$two_port" | configure
    start_daemon
    talk send:one expect:two:one shutdown expect-eof
    log_says "cannot connect to 127.0.0.1:$first for service one, client .*: Connection refused"
    serve_on "127.0.0.1:$first" one send:one: echo
    wait_until 5 "$PEER" connect "127.0.0.1:$first" close
    talk send:one expect:two:one shutdown expect-eof
    # When the others fail, too, it is tried, and is then as good as before.
    kill "$two"
    wait_until 5 is_over "$two"
    talk send:one expect:one:one shutdown expect-eof
    talk send:one expect:one:one shutdown expect-eof
    (($(grep -c "cannot connect to 127.0.0.1:$two_port" "$LOG") == 1))
}

# clients_until TIME: one client after the other until the clock shows TIME; writes how long each took to $TMP/took.
clients_until() {
    look_at_clock
    while ((NOW < $1)); do
        milliseconds echo_one
        printf '%s\n' "$TOOK" >>"$TMP/took"
    done
}

@test "sockets: after ten seconds one client at a time tries a target that failed, and the others do not wait" {
    answer one
    in_background "$PEER" hole 127.0.0.1:0 >"$TMP/hole.out"
    learn_port hole
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$hole_port" \
        "connect = 127.0.0.1:$one_port" 'connect-timeout = 2' | configure
    start_daemon
    milliseconds echo_one
    ((TOOK >= 1900))
    look_at_clock
    local until=$((NOW + 11500)) i
    local -a clients=()
    for i in {1..4}; do
        clients_until "$until" 3>&- &
        clients+=("$!")
        BACKGROUND+=("$!")
    done
    for i in "${clients[@]}"; do wait "$i"; done
    echo "clients: $(wc -l <"$TMP/took"); the slowest: $(sort -n "$TMP/took" | tail -3 | tr '\n' ' ')"
    (($(awk '$1 >= 1000' "$TMP/took" | wc -l) == 1))
    (($(grep -c "cannot connect to 127.0.0.1:$hole_port" "$LOG") == 2))
}

is_past() { look_at_clock; ((NOW >= $1)); }

@test "sockets: a process that may try a target that failed, and ends before, is followed by another" {
    answer one
    in_background "$PEER" hole 127.0.0.1:0 >"$TMP/hole.out"
    learn_port hole
    # Without a byte, a client may have the permission for a minute.
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[one]' 'string = one' "connect = 127.0.0.1:$hole_port" \
        "connect = 127.0.0.1:$one_port" 'connect-timeout = 1' | configure
    start_daemon
    echo_one
    look_at_clock
    local until=$((NOW + 10500)) pid
    wait_until 20 is_past "$until"
    find_zygote
    children_of "$ZYGOTE"
    for pid in "${CHILDREN[@]}"; do ! is_spare "$pid" || kill -KILL "$pid"; done
    for pid in "${CHILDREN[@]}"; do wait_until 5 is_over "$pid"; done
    # The new ones may take clients in any order.
    local waited=0 i
    for i in {1..16}; do talk close; done
    for i in {1..16}; do
        milliseconds echo_one
        ((TOOK < 900)) || ((++waited))
    done
    ((waited == 1))
}

@test "sockets: freebind listens on an address that is not there" {
    printf '%s\n' 'bind = 192.0.2.77:0' 'bind = [2001:db8::77]:0' '[fallback]' 'connect = 127.0.0.1:1' | configure
    run -71 "$PORTSPLIT_BIN/portsplitd" --log stderr "$CONFIG"
    [[ $output == *'cannot listen on 192.0.2.77:0: '*'With freebind = yes it may come later' ]]
    sed -i '1i freebind = yes' "$CONFIG"
    start_daemon
    [[ ${ADDRESSES[0]} == 192.0.2.77:* && ${ADDRESSES[1]} == '[2001:db8::77]':* ]]
}

@test "sockets: freebind serves a client once the address is there" {
    needs_root
    printf '%s\n' 'freebind = yes' 'bind = 192.0.2.77:0' 'bind = [2001:db8::77]:0' '[any]' 'string = ' \
        'exec = /bin/echo' 'execarg = served' | configure
    WRAPPER=(unshare -n bash -c 'ip link set lo up; exec "$@"' -)
    start_daemon
    inside() { nsenter --target "$DAEMON" --net "$@"; }
    not inside "$PEER" connect "${ADDRESSES[0]}" close 2>/dev/null
    inside ip address add 192.0.2.77/32 dev lo
    inside ip address add 2001:db8::77/128 dev lo nodad
    local address
    for address in "${ADDRESSES[@]}"; do
        inside "$PEER" connect "$address" --limit 5000 'expect:served\n' expect-end
    done
    logged_connections 2
    log_says 'service=any .* dst=192.0.2.77 '
    log_says 'service=any .* dst=2001:db8::77 '
}

@test "sockets: Multipath TCP, if the kernel has it" {
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' 'bind = [::1]:0' 'mptcp = yes' '[one]' 'string = one' \
        "connect = 127.0.0.1:$one_port" | configure
    start_daemon
    if [[ $(cat /proc/sys/net/mptcp/enabled 2>/dev/null) == 1 ]]; then
        [[ $(ss -HMltn "sport = :$PORT") == *"127.0.0.1:$PORT"* ]]
    else
        log_says 'no Multipath TCP on 127.0.0.1:0: the kernel has none'
    fi
    if [[ $(cat /proc/sys/net/mptcp/enabled 2>/dev/null) == 1 ]]; then
        # A client of Multipath TCP, with both ends of it in the kernel's list.
        in_background "$PEER" connect "127.0.0.1:$PORT" --protocol mptcp send-cut:1:one expect:one:one "touch:$TMP/held" \
            "wait-file:$TMP/go" transfer:300000 shutdown expect-eof
        wait_until 10 exists "$TMP/held"
        [[ $(ss -HMtn state established "sport = :$PORT") == *"127.0.0.1:$PORT"* ]]
        touch "$TMP/go"
        finish "$JOB"
        log_says 'service=one .* in=300003 out=300007 '
    fi
    # Clients of TCP are served all the same, byte by byte as well.
    echo_one
    talk send-bytewise:one expect:one:one shutdown expect-eof
    "$PEER" connect "${ADDRESSES[1]}" send:one expect:one:one shutdown expect-eof
    # A reload keeps the socket, and says that it stays as it is.
    sed -i 's/mptcp = yes/mptcp = no/' "$CONFIG"
    reload
    log_says '127.0.0.1:0 stays as it was opened: interface, freebind and mptcp change at a restart'
    echo_one
}

# in_links COMMAND...: in a network namespace of its own, with two interfaces, left and right, that are the ends of
# one cable. left has 192.0.2.1 and fe80::1.
in_links() {
    unshare -n bash -c '
        ip link set lo up && ip link add left type veth peer name right && ip link set left up && ip link set right up &&
        ip addr add 192.0.2.1/24 dev left && ip -6 addr add fe80::1/64 dev left nodad &&
        ip -6 addr add fe80::2/64 dev right nodad || exit 99
        "$@"' - "$@"
}

@test "sockets: an interface serves its own clients only; a link-local address has a zone" {
    [[ $EUID == 0 ]] || skip 'only root makes network namespaces here'
    printf '%s\n' 'bind = *:4711' '[any]' 'string = ' 'exec = /bin/echo' 'execarg = served' \
        '[listener left]' 'bind = *:4712' 'interface = left' '[listener link]' 'bind = [fe80::1%left]:4713' \
        'allow = fe80::2%left' '[listener elsewhere]' 'bind = [fe80::1%left]:4715' 'allow = fe80::2%right' \
        '[listener other]' 'bind = 0.0.0.0:4714' 'interface = no-such' | configure
    run -71 in_links "$PORTSPLIT_BIN/portsplitd" --log stderr "$CONFIG"
    [[ $output == *'cannot listen on 0.0.0.0:4714 of the interface no-such: No such device; there is no such interface; see those that there are: ip link'* ]]
    sed -i '/listener other/,$d' "$CONFIG"
    cat >"$TMP/inside" <<'END'
"$1/portsplitd" --log "$2" "$3" &
daemon=$!
peer=$4
for ((i = 0; i < 500; ++i)); do "$peer" connect 127.0.0.1:4711 close 2>/dev/null && break; read -r -t 0.02 <> <(:) || true; done
echo "lo 4711: $("$peer" connect 127.0.0.1:4711 print 2>&1)"
echo "lo 4712: $("$peer" connect 127.0.0.1:4712 print 2>&1)"
echo "link 4713: $(socat -t 2 - 'TCP6:[fe80::1%right]:4713' </dev/null 2>&1)"
echo "link 4715: $(socat -t 2 - 'TCP6:[fe80::1%right]:4715' </dev/null 2>&1)"
echo "link 4712: $(socat -t 2 - 'TCP6:[fe80::1%right]:4712' </dev/null 2>&1)"
kill "$daemon"
wait "$daemon"
END
    run -0 in_links bash "$TMP/inside" "$PORTSPLIT_BIN" "$LOG" "$CONFIG" "$PEER"
    echo "$output"
    [[ $output == *'lo 4711: served'* ]]
    [[ $output == *'lo 4712: '*'refused'* ]]
    [[ $output == *'link 4713: served'* && $output == *'link 4712: served'* ]]
    log_says 'src=fe80::2 .* listener=link'
    # The same address on another link.
    [[ $output != *'link 4715: served'* ]]
    log_says 'reason=denied src=fe80::2 .* listener=elsewhere'
}
