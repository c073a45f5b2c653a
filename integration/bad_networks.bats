#!/usr/bin/env bats
# Over a network that loses, delays and reorders packets, every byte arrives; and a peer that vanishes without a word
# is noticed.
#
# How it works: the client and the target are on one machine, Portsplit is on another, each a network namespace, with
# tools/lossy between them.

load harness

readonly THERE=192.0.2.1 HERE=192.0.2.2

# connect_machines LOSS DELAY: the pid of the process that holds the other machine is in THEIRS, that of Portsplit's
# in OURS.
connect_machines() {
    needs_root
    new_machine THEIRS
    new_machine OURS
    in_background "$PORTSPLIT_TOOLS/lossy" "$@" "$THEIRS" "$OURS" >"$TMP/lossy.out"
    wait_until 10 has_content "$TMP/lossy.out"
    local machine
    for machine in "$THEIRS $THERE $HERE" "$OURS $HERE $THERE"; do
        read -r machine own other <<<"$machine"
        on "$machine" ip link set lo up
        on "$machine" ip address add "$own" peer "$other" dev lossy
        on "$machine" ip link set lossy mtu 576 up
    done
    WRAPPER=(nsenter --target "$OURS" --net)
}
new_machine() {
    in_background unshare --net tail -f /dev/null
    wait_until 10 has_own_network "$JOB"
    printf -v "$1" %s "$JOB"
}
has_own_network() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" && $(<"/proc/$1/comm") == tail ]]; }

# on MACHINE COMMAND...
on() { nsenter --target "$1" --net "${@:2}"; }

# start_there STEP...: a server on the other machine, and a daemon with the service x that leads to it.
start_there() {
    in_background nsenter --target "$THEIRS" --net "$PEER" listen "$THERE:0" "$@" >"$TMP/server.out"
    learn_port server
    { printf '%s\n' "bind = $HERE:7001" 'timeout = 60' "${GLOBALS:-}" '[x]' 'string = X' \
        "connect = $THERE:$server_port"; cat; } | configure
    start_daemon
}

# bats test_tags=fault:E4
@test "bad networks: packets are small, lost, late and out of order, and every byte arrives both ways" {
    connect_machines 5 20
    start_there --limit 60000 expect:X transfer:1000000 shutdown expect-eof </dev/null
    on "$THEIRS" "$PEER" connect "$HERE:7001" --limit 60000 send-bytewise:X transfer:1000000 shutdown expect-eof
    log_says 'service=x reason=match .* in=1000001 out=1000000 '
    # Packets were lost: TCP has sent some again.
    (($(on "$THEIRS" nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/ { print $2 }') > 10))
}

# bats test_tags=fault:E10
@test "bad networks: a client or a target that vanishes is found by keepalive, and its connection ends" {
    connect_machines 0 1
    start_there --limit 60000 expect:X hold <<LINES
keepalive = 1
[here]
string = H
exec = /bin/cat
keepalive = 1
LINES
    local text
    for text in X H; do
        in_background nsenter --target "$THEIRS" --net "$PEER" connect "$HERE:7001" --limit 60000 "send:$text" acked \
            "touch:$TMP/sent.$text" hold
        wait_until 10 exists "$TMP/sent.$text"
    done
    wait_until 10 dispatchers_are 2
    # Packets to the other machine go nowhere, and nobody says so.
    on "$THEIRS" ip link set lossy down
    uses_no_cpu
    wait_until 20 dispatchers_are 0
    log_says 'service=x reason=match '
    log_says 'service=here reason=match .* (exit=1|signal=HUP)$'
    : >"$TMP/peers" # of the peers that wait
}
