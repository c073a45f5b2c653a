#!/usr/bin/env bats
# With `transparent = yes` and contrib/transparent/transparent.sh, a target sees the client's own address. Judges:
# nginx and sshd, which say whose connection it is.
#
# How it works: three network namespaces without a name, held by a process each, so that they end with it:
#
#   client 198.51.100.7  --  198.51.100.1 portsplit 203.0.113.1  --  203.0.113.5 server
#   client fd00:1::7     --  fd00:1::1    portsplit fd00:2::1    --  fd00:2::5   server
#
# Client and server have their default route through the machine of Portsplit.

load ../../integration/harness

TRANSPARENT=$BATS_TEST_DIRNAME/../transparent/transparent.sh
WEB=8080
SSH=2222

setup() {
    TMP=$BATS_TEST_TMPDIR
    CONFIG=$TMP/portsplit.conf
    LOG=$TMP/log
    STDERR=$TMP/stderr
    DAEMON=
    KEEPER=
    BACKGROUND=()
    LOG_TO='file'
    exec {NEVER}<> <(:)
    : >"$TMP/peers"
    export PORTSPLIT=$PORTSPLIT_BIN/portsplit
    needs_root
    make_network
}

# --- the machines ---------------------------------------------------------------------------------

# new_machine NAME: a network namespace; the pid of the process that holds it is in the variable NAME.
new_machine() {
    in_background unshare --net tail -f /dev/null
    wait_until 10 has_own_network "$JOB"
    printf -v "$1" %s "$JOB"
    on "$JOB" ip link set lo up
}
has_own_network() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" && $(<"/proc/$1/comm") == tail ]]; }

# on MACHINE COMMAND...
on() { nsenter --target "$1" --net "${@:2}"; }
# on_in_background MACHINE COMMAND...: the pid of the command is in JOB. A function in the background would have a
# shell around it.
on_in_background() { in_background nsenter --target "$1" --net "${@:2}"; }

# join MACHINE ADDRESS4 ADDRESS6 DEVICE: a link to the machine of Portsplit, which has .1 and ::1 there.
join() {
    on "$1" ip link add eth0 type veth peer name "$4" netns "$HOST"
    # Addresses of the link are given, too: those of the kernel appear later, once they are found to be unique.
    on "$1" ip link set eth0 addrgenmode none
    on "$HOST" ip link set "$4" addrgenmode none
    on "$1" ip address add fe80::2/64 dev eth0 nodad
    on "$HOST" ip address add fe80::1/64 dev "$4" nodad
    on "$1" ip address add "$2/24" dev eth0
    on "$1" ip address add "$3/64" dev eth0 nodad
    on "$HOST" ip address add "${2%.*}.1/24" dev "$4"
    on "$HOST" ip address add "${3%::*}::1/64" dev "$4" nodad
    on "$HOST" ip link set "$4" up
    on "$1" ip link set eth0 up
    on "$1" ip route add default via "${2%.*}.1"
    on "$1" ip route add default via "${3%::*}::1"
}

make_network() {
    new_machine HOST
    new_machine CLIENT
    new_machine SERVER
    join "$CLIENT" 198.51.100.7 fd00:1::7 clients
    join "$SERVER" 203.0.113.5 fd00:2::5 servers
    WRAPPER=(nsenter --target "$HOST" --net)
}

# The addresses of a target, in V4 and V6.
another_host() { V4=203.0.113.5 V6=fd00:2::5 PLACE=$SERVER; }
this_host() { V4=203.0.113.1 V6=fd00:2::1 PLACE=$HOST; }
loopback() { V4=127.0.0.1 V6=::1 PLACE=$HOST; }

# --- the servers ----------------------------------------------------------------------------------

# start_nginx MACHINE: answers with the address and port of its client.
start_nginx() {
    run_nginx nsenter --target "$1" --net <<END_OF_FILE
    server {
        listen 0.0.0.0:$WEB;
        listen [::]:$WEB ipv6only=on;
        return 200 "\$remote_addr \$remote_port\n";
    }
END_OF_FILE
    wait_until 10 listens "$1" "$WEB" || { cat "$TMP/nginx.log"; return 1; }
}

# start_sshd MACHINE: runs one command for each login, which prints the address and port of the client.
start_sshd() {
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$TMP/host_key"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$TMP/key"
    printf '%s\n' "HostKey $TMP/host_key" 'UsePAM no' 'PidFile none' "Port $SSH" 'StrictModes no' \
        "AuthorizedKeysFile $TMP/key.pub" 'PermitRootLogin yes' \
        "ForceCommand echo \$SSH_CLIENT" >"$TMP/sshd_config"
    # Started by root, sshd needs this folder, which its system service creates otherwise.
    [[ -d /run/sshd ]] || install -d -m 755 /run/sshd
    nsenter --target "$1" --net /usr/sbin/sshd -D -e -f "$TMP/sshd_config" >"$TMP/sshd.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 listens "$1" "$SSH" || { cat "$TMP/sshd.log"; return 1; }
}

# listens MACHINE PORT: in both families.
listens() { [[ $(on "$1" ss -Hltn "sport = :$2" | wc -l) == 2 ]]; }

start_servers() {
    start_nginx "$PLACE"
    start_sshd "$PLACE"
}

# --- Portsplit ------------------------------------------------------------------------------------

# bracketed ADDRESS: prints it as it stands before a port.
bracketed() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

# configure_target ADDRESS [LINE...]: SSH and web are relayed to this target; the lines are global ones.
configure_target() {
    local target
    target=$(bracketed "$1")
    { (($# == 1)) || printf '%s\n' "${@:2}"
        printf '%s\n' 'bind = 198.51.100.1:443' 'bind = [fd00:1::1]:443' 'timeout = 20' \
            '[ssh]' 'string = SSH-' "connect = $target:$SSH" 'transparent = yes' \
            '[web]' 'string = GET\20' "connect = $target:$WEB" 'transparent = yes'; } | configure
}

transparent() { on "$HOST" "$TRANSPARENT" "$@"; }
# Checks the machine for what the configuration needs.
check_system() { on "$HOST" "$PORTSPLIT_BIN/portsplit" check --system --silence no-fallback --silence no-timeout "$CONFIG"; }

# state: prints all rules, routes and tables of nft of the machine.
state() {
    on "$HOST" ip rule
    on "$HOST" ip -6 rule
    on "$HOST" ip route show table all
    on "$HOST" ip -6 route show table all
    on "$HOST" nft list ruleset
}

# --- clients --------------------------------------------------------------------------------------

# ask_web ADDRESS PORT: what nginx says, and then the port that the client had, in one line.
ask_web() {
    on "$CLIENT" curl -sS --max-time 10 -w '%{local_port}' "http://$(bracketed "$1"):$2/" | tr '\n' ' '
}

# ask_ssh ADDRESS PORT: prints who sshd says the client is.
ask_ssh() {
    on "$CLIENT" ssh -F none -i "$TMP/key" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=10 -p "$2" "root@$1" </dev/null
}

# sees ADDRESS CLIENT: both servers see the client's own address and port through Portsplit at this address.
sees() {
    run -0 ask_web "$1" 443
    echo "nginx through $1: $output"
    [[ $output =~ ^"$2 "([0-9]+)\ ([0-9]+)$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
    run -0 ask_ssh "$1" 443
    echo "sshd through $1: $output"
    [[ $output == "$2 "* ]]
}

# clients_are_seen: by the servers of V4 and V6, from the first configuration on.
clients_are_seen() {
    configure_target "$V4" "$@"
    transparent up --config "$CONFIG"
    start_daemon
    sees 198.51.100.1 198.51.100.7
    configure_target "$V6" "$@"
    transparent up --config "$CONFIG"
    reload
    sees fd00:1::1 fd00:1::7
}

# --- what the servers see -------------------------------------------------------------------------

@test "transparent: servers on another host see the client's address and port, IPv4 and IPv6" {
    another_host
    start_servers
    clients_are_seen
}

@test "transparent: servers on this host see the client's address and port, IPv4 and IPv6" {
    this_host
    start_servers
    clients_are_seen
}

@test "transparent: servers on 127.0.0.1 and ::1 see the client's address and port" {
    loopback
    start_servers
    clients_are_seen
}

@test "transparent: direct clients of a server on this host are served as before" {
    this_host
    start_servers
    configure_target "$V4"
    transparent up "$V4:$WEB" "[$V6]:$WEB"
    local address
    for address in 198.51.100.1 fd00:1::1 203.0.113.1 fd00:2::1; do
        run -0 ask_web "$address" "$WEB"
        [[ $output == 198.51.100.7\ * || $output == fd00:1::7\ * ]]
    done
}

@test "transparent: answers come back with strict checks of their source address" {
    another_host
    start_servers
    on "$HOST" sysctl -qw net.ipv4.conf.{all,default,servers,clients,lo}.rp_filter=1
    on "$HOST" sysctl -qw net.ipv4.conf.all.src_valid_mark=1
    # As firewalld has it with IPv6_rpfilter=yes.
    on "$HOST" nft -f - <<'END_OF_RULES'
table inet strict {
    chain prerouting {
        type filter hook prerouting priority mangle + 10; policy accept;
        meta nfproto ipv6 fib saddr . mark . iif oif missing drop
    }
}
END_OF_RULES
    clients_are_seen
}

@test "transparent: many connections at once, each with its own client's port" {
    another_host
    start_nginx "$PLACE"
    configure_target "$V4"
    transparent up --config "$CONFIG"
    start_daemon
    local i jobs=()
    for i in {1..20}; do
        in_background ask_web 198.51.100.1 443 >"$TMP/answer.$i"
        jobs+=("$JOB")
    done
    for i in "${jobs[@]}"; do finish "$i"; done
    [[ $(grep -lE '^198\.51\.100\.7 ([0-9]+) \1$' "$TMP"/answer.* | wc -l) == 20 ]]
    logged_connections 20
}

@test "transparent: a relay goes on while the rules are set up again" {
    local place jobs=()
    printf '%s\n' 'bind = [fd00:1::1]:443' | configure
    for place in another_host this_host loopback; do
        "$place"
        on_in_background "$PLACE" "$PEER" listen "[$V6]:0" echo >"$TMP/$place"
        wait_until 10 has_content "$TMP/$place"
        printf '%s\n' "[$place]" "string = $place" "connect = [$V6]:$(<"$TMP/$place")" 'transparent = yes' >>"$CONFIG"
    done
    transparent up --config "$CONFIG"
    start_daemon
    for place in another_host this_host loopback; do
        on_in_background "$CLIENT" "$PEER" connect '[fd00:1::1]:443' "send:$place" "expect:$place" \
            "touch:$TMP/$place.held" "wait-file:$TMP/go" send:on expect:on shutdown expect-eof
        jobs+=("$JOB")
        wait_until 10 exists "$TMP/$place.held"
    done
    transparent up --config "$CONFIG" 203.0.113.77:1
    go_on "${jobs[@]}"
}

# --- privilege ------------------------------------------------------------------------------------

# capabilities_of PID: prints the effective and the permitted ones.
capabilities_of() { sed -n 's/^Cap\(Eff\|Prm\):\s*//p' "/proc/$1/status"; }

# introduced LINE: a client of a balancer on 198.51.100.7 that names itself with this line of PROXY version 1.
introduced() { on "$CLIENT" "$PEER" connect 198.51.100.1:443 --limit 10000 "send:$1\\r\\nGET / HTTP/1.0\\r\\n\\r\\n" print; }

@test "transparent: behind a balancer the servers see the client of the header, and no other address" {
    another_host
    start_nginx "$PLACE"
    configure_target "$V4" 'proxy-from = 198.51.100.7'
    transparent up --config "$CONFIG"
    start_daemon
    run -0 introduced 'PROXY TCP4 192.0.2.77 198.51.100.1 50022 443'
    echo "$output"
    [[ ${lines[-1]} == '192.0.2.77 50022' ]]
    # The kernel would take an address of its own in place of these. The second target is not reached with what the
    # first attempt left of the socket.
    local address
    sed -i "s/^connect = .*:$WEB$/&\n&/" "$CONFIG"
    reload
    for address in 0.0.0.0 224.0.0.1 255.255.255.255 203.0.113.255; do
        run introduced "PROXY TCP4 $address 198.51.100.1 50022 443"
        [[ $output != *200* ]]
        log_says "cannot connect to .*, client $address:50022: "
        log_says "service=web .* src=$address .* target=- "
    done
}

@test "transparent: with user = nobody the servers see the client, too" {
    another_host
    start_servers
    clients_are_seen 'user = nobody'
}

@test "transparent: a dispatcher that looks at bytes, a relay and a program have no capability" {
    another_host
    start_nginx "$PLACE"
    configure_target "$V4" 'user = nobody'
    printf '%s\n' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = head -c 2 >/dev/null; id -un; grep -E "^Cap(Inh|Prm|Eff|Amb):" /proc/self/status' >>"$CONFIG"
    transparent up --config "$CONFIG"
    start_daemon
    # One client has sent too little; the other is relayed.
    on_in_background "$CLIENT" "$PEER" connect 198.51.100.1:443 send:S "touch:$TMP/waits" "wait-file:$TMP/go" shutdown
    local waiting=$JOB
    wait_until 10 exists "$TMP/waits"
    wait_until 10 dispatchers_are 1
    on_in_background "$CLIENT" "$PEER" connect 198.51.100.1:443 'send:GET /' "touch:$TMP/relayed" "wait-file:$TMP/go" shutdown
    local relayed=$JOB
    wait_until 10 target_is_connected
    wait_until 10 dispatchers_are 2
    local pid
    for pid in "${DISPATCHERS[@]}"; do
        echo "$pid: $(tr '\0' ' ' <"/proc/$pid/cmdline") $(capabilities_of "$pid")"
        [[ $(capabilities_of "$pid") == $'0000000000000000\n0000000000000000' ]]
        grep -qE "^Uid:(\s+$(id -u nobody)){4}" "/proc/$pid/status"
    done
    on "$CLIENT" "$PEER" connect 198.51.100.1:443 send:id print >"$TMP/id"
    diff -u - "$TMP/id" <<'END_OF_ID'
nobody
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
CapAmb:	0000000000000000
END_OF_ID
    touch "$TMP/go"
    finish "$waiting"
    finish "$relayed"
}
target_is_connected() { [[ -n $(on "$SERVER" ss -Htn state established "sport = :$WEB") ]]; }

# --- the check ------------------------------------------------------------------------------------

# A machine has a default route; the answers to a client that does not exist need one.
give_default_route() {
    on "$HOST" ip route add default via 198.51.100.7
    on "$HOST" ip route add default via fd00:1::7
}

# checks CODE [LINE...]: the check of the system exits so, and prints these lines behind the name of the file.
checks() {
    local code=$1
    shift
    run "-$code" check_system
    echo "$output"
    diff <(printf '%s\n' "${output//"$CONFIG: "/}") <(printf '%s\n' 'can be served (errors: 0, warnings: 0)' "$@")
}

# complains_around_up: the check names what is missing before up and after down, and nothing in between.
complains_around_up() {
    local address missing=() refused=() it
    give_default_route
    start_nginx "$PLACE"
    # No server listens on port 9.
    printf '%s\n' 'bind = 198.51.100.1:443' '[ssh]' 'string = SSH-' "connect = $V4:9" "connect = [$V6]:9" \
        'transparent = yes' '[web]' 'string = GET\20' "connect = $V4:$WEB" "connect = [$V6]:$WEB" 'transparent = yes' |
        configure
    for it in "ssh: $V4:9" "ssh: [$V6]:9" "web: $V4:$WEB" "web: [$V6]:$WEB"; do
        local family=4
        [[ $it != *'['* ]] || family=6
        missing+=("service $it does not answer to a client's address")
        [[ $V4 == 127.0.0.1 ]] ||
            missing+=("service $it: no rule of nftables marks its answers (table inet portsplit_transparent)")
        missing+=("service $it: no rule of policy routing sends its answers through the routing table 5053"
            "service $it: the routing table 5053 has no local route for IPv$family")
        [[ $it != ssh* ]] ||
            refused+=("service $it refuses the connection, so its answers come back, but no server listens there")
    done
    missing+=("this sets up what is missing: transparent.sh up --config $CONFIG"
        "targets that see the client's address, for root: 0 answer, 4 do not")
    checks 1 "${missing[@]}"
    transparent up --config "$CONFIG"
    checks 0 "${refused[@]}" "targets that see the client's address, for root: 4 answer, 0 do not"
    transparent down
    checks 1 "${missing[@]}"
}

@test "check --system: targets on another host answer between up and down, and else it is said what is missing" {
    another_host
    complains_around_up
}

@test "check --system: targets on this host answer between up and down, and else it is said what is missing" {
    this_host
    complains_around_up
}

@test "check --system: targets on loopback answer between up and down, and else it is said what is missing" {
    loopback
    complains_around_up
}

@test "check --system: each missing part is named" {
    give_default_route
    another_host
    start_nginx "$PLACE"
    configure_target "$V4"
    sed -i '/^\[ssh\]/,/^transparent/d; /^bind = \[fd00/d' "$CONFIG"
    local web="service web: $V4:$WEB"
    local first="$web does not answer to a client's address"
    local last=("this sets up what is missing: transparent.sh up --config $CONFIG"
        "targets that see the client's address, for root: 0 answer, 1 do not")
    transparent up --config "$CONFIG"
    on "$HOST" nft delete table inet portsplit_transparent
    checks 1 "$first" "$web: no rule of nftables marks its answers (table inet portsplit_transparent)" "${last[@]}"
    run -1 transparent status
    [[ $output == *"missing: nft's table inet portsplit_transparent for IPv4; call up again" ]]
    transparent up --config "$CONFIG"
    on "$HOST" ip route flush table 5053
    checks 1 "$first" "$web: the routing table 5053 has no local route for IPv4" "${last[@]}"
    run -1 transparent status
    transparent up --config "$CONFIG"
    on "$HOST" ip rule delete pref 5053
    checks 1 "$first" "$web: no rule of policy routing sends its answers through the routing table 5053" "${last[@]}"
    transparent up --config "$CONFIG"
    checks 0 "targets that see the client's address, for root: 1 answer, 0 do not"
    # The answers take another way: the fault of the target's routes.
    on "$SERVER" ip route delete default
    run -1 check_system
    [[ $output == *"$web: all that transparent.sh sets up is there; the target's route to its clients must lead through this machine"* ]]
    [[ $output != *'this sets up'* ]]
}

@test "check --system: needs root" {
    another_host
    configure_target "$V4"
    run -1 on "$HOST" setpriv --bounding-set=-all --inh-caps=-all "$PORTSPLIT_BIN/portsplit" check --system "$CONFIG"
    [[ $output == *'cannot be tried: only root, or a process with CAP_NET_RAW, can use a client'* ]]
}

# --- the script -----------------------------------------------------------------------------------

@test "transparent.sh: up can be repeated, and down leaves the machine as it was" {
    on "$HOST" nft add table inet another
    on "$HOST" ip rule add pref 100 fwmark 7 lookup 77
    state >"$TMP/before"
    local targets=(203.0.113.5:80 203.0.113.1:80 127.0.0.1:80 '[fd00:2::5]:80' '[fd00:2::1]:80' '[::1]:80')
    transparent up "${targets[@]}"
    state >"$TMP/up"
    run ! diff "$TMP/before" "$TMP/up"
    run -0 transparent up "${targets[@]}"
    state | diff "$TMP/up" -
    run -0 transparent status
    [[ $output == *'from 203.0.113.5 fwmark'*'table inet portsplit_transparent'* ]]
    run -0 transparent down
    state | diff "$TMP/before" -
    run -0 transparent down
    [[ $output == 'transparent.sh: nothing is set up' ]]
    run -1 transparent status
}

@test "transparent.sh: up takes away what an earlier call has set up for other targets" {
    transparent up 203.0.113.5:80 '[fd00:2::5]:80' 203.0.113.1:80
    transparent up 203.0.113.6:80
    state >"$TMP/second"
    transparent down
    transparent up 203.0.113.6:80
    state | diff "$TMP/second" -
    # No rule of nft is needed for loopback addresses.
    transparent up 127.0.0.1:80
    run -0 on "$HOST" nft list ruleset
    [[ -z $output ]]
}

@test "transparent.sh: the targets come from transparent services of the configurations" {
    printf '%s\n' 'bind = 198.51.100.1:443' '[a]' 'string = A' 'connect = 203.0.113.5:1' 'transparent = yes' \
        '[b]' 'string = B' 'connect = 203.0.113.5:2' \
        '[c]' 'string = C' 'transparent = yes' 'connect = 127.0.0.1:3' 'connect = 203.0.113.5:4' | configure
    printf '%s\n' 'bind = 198.51.100.1:444' '[d]' 'string = D' 'connect = 203.0.113.5:5' >"$TMP/none.conf"
    run -0 transparent up --config "$CONFIG" --config "$TMP/none.conf" '[::1]:6'
    diff - <(printf '%s\n' "$output" | sort) <<END_OF_OUTPUT
transparent.sh: $TMP/none.conf: no service is transparent
transparent.sh: 127.0.0.1:3 is a loopback address: a rule turns its answers around
transparent.sh: 203.0.113.5:1 is on another host: nftables marks its answers as they come in
transparent.sh: 203.0.113.5:4 is on another host: nftables marks its answers as they come in
transparent.sh: [::1]:6 is a loopback address: a rule turns its answers around
transparent.sh: set up: rules: 3, nftables table: inet portsplit_transparent
END_OF_OUTPUT
    run -0 transparent up --config "$TMP/none.conf"
    diff - <(printf '%s\n' "$output") <<END_OF_OUTPUT
transparent.sh: $TMP/none.conf: no service is transparent
transparent.sh: everything is taken away
END_OF_OUTPUT
}

@test "transparent.sh: a mistake changes nothing, and is named" {
    transparent up 203.0.113.5:80
    state >"$TMP/before"
    local target
    for target in x :5 5 a:0 a:70000 '[::1]' 'fe80::1%lo:4' --wrong '--config'; do
        run -64 transparent up 127.0.0.1:1 "$target"
        echo "$target: $output"
        [[ $output == 'transparent.sh: '* ]]
    done
    run -64 transparent up
    run -64 transparent wrong
    run -64 transparent
    run -78 transparent up --config "$TMP/missing"
    run -71 transparent up name.invalid:80
    state | diff "$TMP/before" -
}

@test "transparent.sh: without root, or with a routing table of another program, it refuses" {
    run -71 setpriv --reuid "$(id -u nobody)" --clear-groups sh -s up 127.0.0.1:1 <"$TRANSPARENT"
    [[ $output == 'transparent.sh: only root can do this' ]]
    on "$HOST" ip route add unreachable 192.0.2.0/24 table 5053
    state >"$TMP/before"
    run -71 transparent up 127.0.0.1:1
    [[ $output == *'table 5053 has a route of another program: unreachable 192.0.2.0/24;'* ]]
    run -71 transparent down
    state | diff "$TMP/before" -
}

# --- the unit -------------------------------------------------------------------------------------

# take_unit: the unit with the paths of this test, in $TMP.
take_unit() {
    sed -E "s|^(Exec[A-Za-z]*=)[^ ]*/transparent.sh|\1$TRANSPARENT|; s|/[^ ]*/portsplit\.conf|$CONFIG|
        /^Documentation=/d" "$PORTSPLIT_BUILD/contrib/entries/systemd/portsplit-transparent.service" \
        >"$TMP/portsplit-transparent.service"
}

@test "portsplit-transparent.service: systemd finds nothing wrong, and its commands set up and take away" {
    take_unit
    run -0 systemd-analyze verify "$TMP/portsplit-transparent.service"
    [[ -z $output ]]
    configure_target 203.0.113.5
    state >"$TMP/before"
    local key command
    for key in ExecStart ExecReload; do
        read -r -a command < <(sed -n "s/^$key=//p" "$TMP/portsplit-transparent.service")
        on "$HOST" "${command[@]}"
        run -0 transparent status
    done
    read -r -a command < <(sed -n 's/^ExecStop=//p' "$TMP/portsplit-transparent.service")
    on "$HOST" "${command[@]}"
    state | diff "$TMP/before" -
}
