#!/usr/bin/env bats
# The files of contrib/scale work: several hosts serve one address, and a host that is drained or reloaded loses
# no connection. Needs root.
#
# How it works: each machine is a network namespace, with the addresses that the files name, so the files are used
# as they are. Clients, balancer or director, hosts and servers have links to bridges in namespaces of their own;
# no packet leaves them. `work` makes short connections all the time, with curl through TLS to nginx, and with
# tools/peer to a program. Each answer has the client's address as nginx or the program has it. `hold` makes long
# ones to an echo server, whose bytes tools/peer knows. At the end each line of the workers is judged.

PORTSPLIT_BIN=${PORTSPLIT_BUILD:?the build folder}/bin
PORTSPLIT_TOOLS=$PORTSPLIT_BUILD/integration/tools

load ../../integration/harness

readonly SCALE=$BATS_TEST_DIRNAME/../scale
readonly SERVICE=203.0.113.10 # the address that clients know

setup_file() {
    local program missing=()
    for program in ip haproxy nginx nft conntrack keepalived ss curl openssl ssh sshd socat; do
        [[ -x $(PATH=$PATH:/usr/sbin type -P "$program") ]] || missing+=("$program")
    done
    /usr/bin/python3 -c 'import yaml; from kubernetes import client' 2>/dev/null || missing+=(python3-yaml python3-kubernetes)
    ((${#missing[@]} == 0)) || {
        echo "not installed: ${missing[*]}; contrib/deps.sh test installs them" >&2
        return 1
    }
}

setup() {
    needs_root
    TMP=$BATS_TEST_TMPDIR
    RUN=ps$BASHPID-$RANDOM # begins the name of each namespace of this test
    MACHINES=()
    BACKGROUND=()
    exec {NEVER}<> <(:)
    : >"$TMP/peers"
    PATH=$PATH:/usr/sbin
    mkdir -m 755 "$TMP/run" "$TMP/run/haproxy"
}

teardown() {
    local name pids
    [[ -n ${RUN:-} ]] || return 0
    touch "$TMP/stop" "$TMP/go"
    for name in "${MACHINES[@]}"; do
        mapfile -t pids < <(ip netns pids "$RUN-$name")
        ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true
    done
    end_background
    for name in "${MACHINES[@]}"; do ip netns del "$RUN-$name"; done
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || show_files
}

# What a failed test left.
show_files() {
    local file
    for file in "$TMP"/*.log "$TMP/peers" "$TMP"/short.*; do
        [[ ! -s $file ]] || { echo "--- ${file##*/}"; tail -n 15 "$file"; }
    done
}

# readme BEGINNING: prints the lines of blocks in README.md that begin so; fails if there is none.
readme() { awk -v text="$1" '/^```/ { inside = !inside } inside && index($0, text) == 1' "$SCALE/README.md" | grep .; }

# --- machines --------------------------------------------------------------------------------------

# machine NAME...: namespaces with nothing but loopback.
machine() {
    local name
    for name; do
        ip netns add "$RUN-$name"
        MACHINES+=("$name")
        ip -n "$RUN-$name" link set dev lo up
    done
}

# on MACHINE COMMAND...
on() { ip netns exec "$RUN-$1" "${@:2}"; }

# switch NAME: a network to plug machines into.
switch() {
    machine "$1"
    ip -n "$RUN-$1" link add bridge type bridge forward_delay 0
    ip -n "$RUN-$1" link set dev bridge up
}

# plug MACHINE INTERFACE SWITCH ADDRESS...: a link between them.
plug() {
    ip link add "$2" netns "$RUN-$1" type veth peer name "to-$1" netns "$RUN-$3"
    ip -n "$RUN-$3" link set dev "to-$1" master bridge up
    ip -n "$RUN-$1" link set dev "$2" up
    printf "address add %s dev $2 nodad\n" "${@:4}" | sed '/:/! s/ nodad//' | ip -n "$RUN-$1" -batch -
}

# --- servers, hosts, clients -----------------------------------------------------------------------

# Starts nginx, sshd and an echo server on 192.0.2.21.
start_servers() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=site.example \
        -keyout "$TMP/key.pem" -out "$TMP/cert.pem" 2>/dev/null
    cat >"$TMP/nginx.conf" <<'CONF'
daemon off;
pid nginx.pid;
error_log stderr;
worker_processes 1;
events { }
http {
    access_log off;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    server {
        listen 192.0.2.21:8443 ssl proxy_protocol;
        location / { return 200 "$proxy_protocol_addr $proxy_protocol_port\n"; }
    }
}
CONF
    in_background on servers nginx -p "$TMP" -c "$TMP/nginx.conf" 2>>"$TMP/nginx.log"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$TMP/host_key"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$TMP/user_key"
    cp "$TMP/user_key.pub" "$TMP/authorized"
    printf '%s\n' "HostKey $TMP/host_key" 'UsePAM no' 'PidFile none' 'StrictModes no' 'ListenAddress 192.0.2.21:22' \
        "AuthorizedKeysFile $TMP/authorized" >"$TMP/sshd_config"
    [[ -d /run/sshd ]] || install -d -m 755 /run/sshd
    on servers /usr/sbin/sshd -D -e -f "$TMP/sshd_config" 2>"$TMP/sshd.log" 3>&- &
    BACKGROUND+=("$!")
    in_background on servers "$PEER" listen 192.0.2.21:7 --limit 100000 echo >/dev/null
    local port
    for port in 22 7 8443; do wait_until 10 listens servers "$port"; done
}

# listens MACHINE PORT
listens() { on "$1" ss -Hltn "sport = :$2" | grep -q .; }

# The file of contrib/scale, with two more services: `who` prints its host and the client's address, and `hold` leads
# to the echo server.
write_portsplit_conf() {
    { cat "$SCALE/portsplit.conf"
      printf '%s\n' '[who]' 'string = WHO' 'exec = /bin/sh' 'execarg = -c' 'passenv = MACHINE' \
          'execarg = read -r line; echo "$MACHINE $TCPREMOTEIP $TCPREMOTEPORT"' \
          '[hold]' 'string = HOLD' 'connect = 192.0.2.21:7' 'log = start'; } >"$TMP/portsplit.conf"
}

# start_host MACHINE: portsplitd there, with the same file for all; its log is in $TMP/MACHINE.log.
start_host() {
    rm -f "$TMP/$1.ready"
    MACHINE=$1 ip netns exec "$RUN-$1" "$PORTSPLIT_BIN/portsplitd" --log "$TMP/$1.log" --ready-fd 9 "$TMP/portsplit.conf" \
        9>"$TMP/$1.ready" 2>>"$TMP/$1.err.log" 3>&- &
    BACKGROUND+=("$!")
    declare -g "daemon_$1=$!"
    wait_until 10 has_content "$TMP/$1.ready"
}

# daemon_of MACHINE: its portsplitd, in DAEMON.
daemon_of() {
    local -n pid=daemon_$1
    DAEMON=$pid
}

# signal SIGNAL MACHINE: to its portsplitd.
signal() {
    daemon_of "$2"
    kill "-$1" "$DAEMON"
}

# crash MACHINE: kills all of its processes at once.
crash() {
    local pids
    mapfile -t pids < <(ip netns pids "$RUN-$1")
    kill -KILL "${pids[@]}"
}

# worker NUMBER, which runs in the clients' namespace: makes short connections from ten addresses until $TMP/stop
# exists. Writes a line for each: KIND ADDRESS PORT|ANSWER, with the client's own address and port.
worker() {
    local address answer failed last=0
    while [[ ! -e $TMP/stop ]]; do
        last=$(((last + 1) % 10))
        address=198.51.100.1$1$last
        failed=
        # The body is `ADDRESS PORT` and a newline; curl writes its port behind it.
        answer=$(curl -sk --interface "$address" --max-time 15 -w '%{local_port}' "https://$SERVICE/") || failed=' failed'
        printf 'curl %s %s|%s%s\n' "$address" "${answer##*$'\n'}" "${answer%$'\n'*}" "$failed" >>"$TMP/short.$1"
        failed=
        answer=$("$PEER" connect "$SERVICE:443" --from "$address:0" --limit 15000 say-port 'send:WHO\n' print 2>&1) ||
            failed=' failed'
        printf 'peer %s %s|%s%s\n' "$address" "${answer%%$'\n'*}" "${answer#*$'\n'}" "$failed" >>"$TMP/short.$1"
    done
}

# Starts three workers.
work() {
    local i
    for i in 1 2 3; do
        : >"$TMP/short.$i"
        in_background env TMP="$TMP" SERVICE="$SERVICE" PEER="$PEER" \
            ip netns exec "$RUN-clients" bash -c "$(declare -f worker); worker $i"
        declare -g "worker_$i=$JOB"
    done
}

# more_work NUMBER: waits until the workers have made so many connections from now on.
more_work() {
    local goal=$(($(cat "$TMP"/short.* | wc -l) + $1))
    wait_until 30 worked "$goal"
}
worked() { (($(cat "$TMP"/short.* | wc -l) >= $1)); }

# Ends the workers. LOST has the lines of connections that failed or showed another client; COUNT says how many
# connections there were.
end_work() {
    local line client
    touch "$TMP/stop"
    finish "$worker_1"
    finish "$worker_2"
    finish "$worker_3"
    LOST=()
    COUNT=0
    while read -r line; do
        COUNT=$((COUNT + 1))
        client=${line%%|*}
        client=${client#* }
        [[ $line == "curl $client|$client" || $line =~ ^peer\ $client\|[abc]\ $client$ ]] || LOST+=("$line")
    done < <(cat "$TMP"/short.*)
    echo "# short connections: $COUNT; not served: ${#LOST[@]}" >&3
    printf 'not served: %s\n' "${LOST[@]}"
}

# hold NUMBER: long connections, each from an address of its own. Each has moved 200000 bytes in both directions and
# moves as many again once $TMP/go exists. HELD has their jobs, HOLDER the host of each.
hold() {
    local i
    HELD=()
    HOLDER=()
    rm -f "$TMP/go" "$TMP"/held.*
    for ((i = 0; i < $1; ++i)); do
        ip netns exec "$RUN-clients" "$PEER" connect "$SERVICE:443" --from "198.51.100.$((20 + i)):0" --limit 60000 \
            say-port send:HOLD expect:HOLD transfer:200000 "touch:$TMP/held.$i" "wait-file:$TMP/go" transfer:200000 \
            shutdown expect-eof >"$TMP/hold.$i" 2>"$TMP/hold.$i.err" 3>&- &
        HELD+=("$!")
        BACKGROUND+=("$!")
    done
    for i in "${!HELD[@]}"; do
        wait_until 20 exists "$TMP/held.$i"
        HOLDER+=("$(holder_of "198.51.100.$((20 + i))" "$(head -n 1 "$TMP/hold.$i")")")
    done
}

# holder_of ADDRESS PORT: prints the host whose log has this client.
holder_of() {
    grep -l "started service=hold reason=match src=$1 sport=$2 " "$TMP"/[abc].log | sed 's|.*/||; s/\.log//'
}

# held_by MACHINE: how many of the long connections it holds, in COUNT.
held_by() {
    local host
    COUNT=0
    for host in "${HOLDER[@]}"; do [[ $host != "$1" ]] || COUNT=$((COUNT + 1)); done
}

# judge_held MACHINE...: all long connections end well now, but those of these hosts.
judge_held() {
    local i
    touch "$TMP/go"
    for i in "${!HELD[@]}"; do
        if [[ " $* " == *" ${HOLDER[i]} "* ]]; then
            wait_until 30 is_over "${HELD[i]}"
        elif ! finish "${HELD[i]}"; then
            echo "the long connection $i, of host ${HOLDER[i]}: $(<"$TMP/hold.$i.err")"
            return 1
        fi
    done
}

log_of() { grep -qE -- "$2" "$TMP/$1.log"; }

# ssh_session: a login through the service, which copies what it reads once $TMP/go exists.
ssh_session() {
    head -c 300000 /dev/urandom >"$TMP/sent"
    { until [[ -e $TMP/go ]]; do read -r -t 0.05 -u "$NEVER" || true; done; cat "$TMP/sent"; } 3>&- |
        ip netns exec "$RUN-clients" ssh -b 198.51.100.9 -p 443 -i "$TMP/user_key" -o BatchMode=yes -o StrictHostKeyChecking=no \
            -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -F none "root@$SERVICE" \
            "touch $TMP/logged_in; cat" >"$TMP/received" 2>"$TMP/ssh.log" 3>&- &
    SSH=$!
    BACKGROUND+=("$SSH")
}

# Waits for the login. Its host is in HOST.
find_ssh_host() {
    local address
    wait_until 30 exists "$TMP/logged_in"
    address=$(grep -o 'from 192.0.2.1[123] ' "$TMP/sshd.log")
    case $address in *.11\ ) HOST=a ;; *.12\ ) HOST=b ;; *.13\ ) HOST=c ;; esac
}

judge_ssh() {
    touch "$TMP/go"
    finish "$SSH"
    cmp "$TMP/sent" "$TMP/received"
}

# --- HAProxy ---------------------------------------------------------------------------------------

# Clients, the balancer, and behind it the hosts a, b and c and the machine with the servers.
lay_out_balancer() {
    machine clients balancer a b c servers
    switch front
    switch back
    plug clients eth0 front 198.51.100.{9..140}/24 2001:db8::9/64
    plug balancer eth0 front 198.51.100.254/24 "$SERVICE/32" 2001:db8::10/64
    ip -n "$RUN-clients" route add "$SERVICE" via 198.51.100.254
    plug balancer eth1 back 192.0.2.2/24
    plug a eth0 back 192.0.2.11/24
    plug b eth0 back 192.0.2.12/24
    plug c eth0 back 192.0.2.13/24
    plug servers eth0 back 192.0.2.21/24
}

# HAProxy with the file of contrib/scale. /run is a folder of this test there. The log goes to standard output, too.
start_haproxy() {
    printf '%s\n' global 'log stdout format raw local0' >"$TMP/log.cfg"
    # shellcheck disable=SC2016 # for the other shell
    ip netns exec "$RUN-balancer" sh -c 'mount --bind "$1/run" /run && exec haproxy -db -f "$1/log.cfg" -f "$2"' - "$TMP" \
        "$SCALE/haproxy.cfg" >"$TMP/haproxy.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
    wait_until 20 servers_are 'a UP' 'b UP' 'c UP'
}

# admin COMMAND: of HAProxy's socket.
admin() { socat -t 10 - "UNIX-CONNECT:$TMP/run/haproxy/admin.sock" <<<"$1"; }

# servers_are 'NAME STATE'...: HAProxy's opinion.
servers_are() {
    local wanted states
    states=$(admin 'show stat' 2>/dev/null | awk -F, '$1 == "portsplit" { print $2, $18 }')
    for wanted; do grep -q "^$wanted" <<<"$states" || return 1; done
}

# Reloads one host, drains another, the one with the login, and kills the third: in RELOADED, DRAINED and KILLED.
cast() {
    find_ssh_host
    DRAINED=$HOST
    case $HOST in a) RELOADED=b KILLED=c ;; b) RELOADED=c KILLED=a ;; c) RELOADED=a KILLED=b ;; esac
}

# The clients that a host has served by now.
served() { grep -cE 'service=(who|https|ssh|hold)' "$TMP/$1.log"; }

@test "scale: behind HAProxy a reload and a drain lose nothing, and a dead host loses what it held" {
    lay_out_balancer
    write_portsplit_conf
    start_servers
    start_host a
    start_host b
    start_host c
    start_haproxy
    hold 9
    local host
    for host in a b c; do held_by $host; ((COUNT > 0)); done
    ssh_session
    work
    cast
    more_work 20

    # A reload.
    signal HUP "$RELOADED"
    wait_until 10 log_of "$RELOADED" 'reloaded'
    more_work 20

    # A drain: HAProxy sends no new connections. Then the daemon stops listening, and exits after its last one.
    local command
    command=$(readme "echo 'set server portsplit/b state drain'")
    command=${command/'portsplit/b'/"portsplit/$DRAINED"}
    bash -c "${command/'/run/'/"$TMP/run/"}"
    wait_until 10 servers_are "$DRAINED DRAIN"
    more_work 10
    local before
    before=$(served "$DRAINED")
    signal QUIT "$DRAINED"
    wait_until 10 log_of "$DRAINED" 'stopped listening; exiting when the last of'
    more_work 20
    (($(served "$DRAINED") == before))

    # A crash. Until HAProxy marks the host as down, connections to it are refused, and HAProxy tries the next one.
    crash "$KILLED"
    wait_until 10 servers_are "$KILLED DOWN"
    more_work 10
    grep -qE " portsplit/$RELOADED [0-9/]+ [0-9]+ -- [0-9/]+\+1 " "$TMP/haproxy.log"

    end_work
    # HAProxy says that the dead host held them.
    local line client
    for line in "${LOST[@]}"; do
        client=${line#* }
        client=${client%%|*}
        grep -F "${client/ /:} " "$TMP/haproxy.log" || echo "HAProxy has no line for $client"
        grep -q "^${client/ /:} .* portsplit/$KILLED " "$TMP/haproxy.log"
    done
    ((${#LOST[@]} <= 3 && COUNT > 90))
    judge_held "$KILLED"
    judge_ssh
    daemon_of "$DRAINED"
    finish "$DAEMON"
}

@test "scale: behind HAProxy a host without its link delays clients by a second, and its connections end" {
    lay_out_balancer
    write_portsplit_conf
    start_servers
    start_host a
    start_host b
    start_host c
    start_haproxy
    hold 6
    held_by a
    ((COUNT > 0))
    ip -n "$RUN-back" link set dev to-a down
    # HAProxy does not know it yet.
    local begin i
    for i in 1 2 3; do
        look_at_clock
        begin=$NOW
        run -0 on clients "$PEER" connect "$SERVICE:443" --from 198.51.100.9:0 say-port 'send:WHO\n' print
        [[ ${lines[1]} =~ ^[bc]\ 198\.51\.100\.9\ ${lines[0]}$ ]]
        look_at_clock
        ((NOW - begin < 4000 * PORTSPLIT_PATIENCE))
    done
    wait_until 10 servers_are 'a DOWN'
    # HAProxy ends the long connections of a after tcp-ut or the probes.
    judge_held a
    # The host comes back.
    ip -n "$RUN-back" link set dev to-a up
    wait_until 15 servers_are 'a UP'
}

@test "scale: HAProxy takes a frozen Portsplit out of service, and has clients of IPv6" {
    lay_out_balancer
    write_portsplit_conf
    start_servers
    start_host a
    start_host b
    start_host c
    start_haproxy
    run -0 on clients "$PEER" connect '[2001:db8::10]:443' --limit 9000 say-port 'send:WHO\n' print
    [[ ${lines[1]} == [abc]" 2001:db8::9 ${lines[0]}" ]]
    # The kernel still accepts connections, but no process answers the question of the health check.
    signal STOP b
    wait_until 15 servers_are 'a UP' 'b DOWN' 'c UP'
    signal CONT b
    wait_until 15 servers_are 'a UP' 'b UP' 'c UP'
    # No check is a fault, and none leaves a line.
    log_of a 'listening on'
    not log_of a 'service=health|PROXY header'
}

# --- nftables --------------------------------------------------------------------------------------

# Clients, the director, and behind it the hosts and the machine with the servers. The hosts have another default
# route, which leads nowhere: only the rule for port 443 leads to the director, as README.md has it.
lay_out_director() {
    local host
    machine clients director a b c servers
    switch front
    switch back
    plug clients eth0 front 198.51.100.{9..140}/24
    plug director eth0 front 198.51.100.254/24 "$SERVICE/32"
    ip -n "$RUN-clients" route add "$SERVICE" via 198.51.100.254
    plug director eth1 back 192.0.2.2/24
    plug a eth0 back 192.0.2.11/24
    plug b eth0 back 192.0.2.12/24
    plug c eth0 back 192.0.2.13/24
    plug servers eth0 back 192.0.2.21/24
    for host in a b c; do
        ip -n "$RUN-$host" route add default via 192.0.2.1
        on "$host" sh -c "$(readme 'ip route add default')"
        on "$host" sh -c "$(readme 'ip rule add')"
    done
}

start_director() {
    cp "$SCALE/hosts" "$TMP/hosts"
    on director sysctl -q -w net.ipv4.ip_forward=1
    on director nft -f "$SCALE/director.nft"
    ip netns exec "$RUN-director" "$SCALE/portsplit-director" "$TMP/hosts" 2>"$TMP/director.log" 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 spreads_to a b c
}

# spreads_to HOST...: the map has all of these hosts and no other.
spreads_to() {
    local host elements wanted=0
    elements=$(on director nft list map ip portsplit slots)
    for host in a b c; do
        case $host in a) wanted=11 ;; b) wanted=12 ;; c) wanted=13 ;; esac
        if [[ " $* " == *" $host "* ]]; then
            [[ $elements == *"192.0.2.$wanted"* ]] || return 1
        else
            [[ $elements != *"192.0.2.$wanted"* ]] || return 1
        fi
    done
}

@test "scale: behind the director a reload and a drain lose nothing, and a change of the hosts moves no connection" {
    lay_out_director
    write_portsplit_conf
    start_servers
    start_host a
    start_host b
    start_host c
    start_director
    ssh_session
    hold 9
    local host
    for host in a b c; do held_by $host; ((COUNT > 0)); done
    work
    cast
    more_work 20

    signal HUP "$RELOADED"
    wait_until 10 log_of "$RELOADED" 'reloaded'
    # The file can be loaded again.
    on director nft -f "$SCALE/director.nft"
    more_work 20

    # A drain.
    local address before command
    case $DRAINED in a) address=192.0.2.11 ;; b) address=192.0.2.12 ;; c) address=192.0.2.13 ;; esac
    command=$(readme 'sed -i' | sed "s/192.*12\\$/${address//./\\\\.}\$/; s|/etc/portsplit/|$TMP/|")
    sh -c "$command"
    wait_until 10 spreads_to "$RELOADED" "$KILLED"
    more_work 10
    before=$(served "$DRAINED")
    signal QUIT "$DRAINED"
    wait_until 10 log_of "$DRAINED" 'stopped listening; exiting when the last of'
    more_work 20
    (($(served "$DRAINED") == before))

    # A crash. New connections to this host are refused until the director has noticed it.
    crash "$KILLED"
    wait_until 10 spreads_to "$RELOADED"
    more_work 20

    # The host comes back.
    start_host "$KILLED"
    wait_until 10 spreads_to "$RELOADED" "$KILLED"
    more_work 10
    end_work
    # The map is as before the crash, so it shows that the clients which were not served had slots of this host.
    local client
    for client in "${LOST[@]}"; do
        client=${client#* }
        client=${client%% *}
        run -0 on clients "$PEER" connect "$SERVICE:443" --from "$client:0" --limit 9000 'send:WHO\n' print
        [[ $output == "$KILLED $client "* ]]
    done
    ((COUNT > 90))
    judge_held "$KILLED"
    judge_ssh
    daemon_of "$DRAINED"
    finish "$DAEMON"
}

@test "scale: behind the director a host without its link delays clients, and no new connection is lost" {
    lay_out_director
    write_portsplit_conf
    start_servers
    start_host a
    start_host b
    start_host c
    start_director
    hold 12
    held_by a
    ((COUNT > 0))
    ip -n "$RUN-back" link set dev to-a down
    # Each client that would go to a sends its first packet again, and is served by another host.
    local i clients=()
    for ((i = 20; i < 32; ++i)); do
        ip netns exec "$RUN-clients" "$PEER" connect "$SERVICE:443" --from "198.51.100.$i:0" 'send:WHO\n' print \
            >"$TMP/who.$i" 2>&1 3>&- &
        clients+=("$!")
    done
    for i in "${clients[@]}"; do finish "$i"; done
    for ((i = 20; i < 32; ++i)); do [[ $(<"$TMP/who.$i") == [bc]\ 198.51.100.$i\ * ]]; done
    spreads_to b c
}

# --- ECMP ------------------------------------------------------------------------------------------

@test "scale: behind ECMP the removal of a dead host ends no connection of another one, and its return neither" {
    lay_out_director
    write_portsplit_conf
    start_servers
    start_host a
    start_host b
    start_host c
    local host
    for host in a b c; do on "$host" sh -c "$(readme 'ip address add')"; done
    on director sh -c "$(readme 'sysctl -w net.ipv4.ip_forward=1 net.ipv4.fib')"
    ip -n "$RUN-director" address del "$SERVICE/32" dev eth0
    on director ip -batch "$SCALE/ecmp.ip"
    hold 24
    for host in a b c; do held_by $host; ((COUNT > 0)); done
    crash a
    on director sh -c "$(readme 'ip nexthop replace')"
    local client
    for client in 198.51.100.{100..119}; do
        run -0 on clients "$PEER" connect "$SERVICE:443" --from "$client:0" say-port 'send:WHO\n' print
        [[ ${lines[1]} == [bc]" $client ${lines[0]}" ]]
    done
    judge_held a
    hold 16
    for host in b c; do held_by $host; ((COUNT > 0)); done
    on director ip nexthop replace id 10 group 1/2/3 type resilient
    judge_held
}

# --- keepalived ------------------------------------------------------------------------------------

# start_keepalived MACHINE PRIORITY: with the file of contrib/scale. /run is a folder of its own there.
start_keepalived() {
    mkdir -p "$TMP/run-$1"
    sed "s/priority 100/priority $2/" "$SCALE/keepalived.conf" >"$TMP/keepalived-$1.conf"
    # shellcheck disable=SC2016 # for the other shell
    ip netns exec "$RUN-$1" sh -c 'mount --bind "$1" /run && exec keepalived -n -l -f "$2"' - "$TMP/run-$1" \
        "$TMP/keepalived-$1.conf" >>"$TMP/keepalived-$1.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
}

has_address() { ip -n "$RUN-$1" -4 address show dev eth0 | grep -qF " $SERVICE/"; }

@test "scale: keepalived leaves the address during a restart, moves it after a failure, and does not move it back" {
    machine clients a b servers
    switch front
    plug clients eth0 front 203.0.113.200/24 198.51.100.{9..140}/24
    plug a eth0 front 203.0.113.11/24 192.0.2.11/24
    plug b eth0 front 203.0.113.12/24 192.0.2.12/24
    plug servers eth0 front 192.0.2.21/24
    local host
    for host in a b; do ip -n "$RUN-$host" route add 198.51.100.0/24 dev eth0; done
    write_portsplit_conf
    start_servers
    start_host a
    # The address does not come back to a, even if a has the higher priority.
    start_keepalived a 150
    wait_until 20 has_address a
    start_host b
    start_keepalived b 100
    wait_until 20 file_says "$TMP/keepalived-b.log" 'Entering BACKUP STATE'
    hold 3
    held_by a; ((COUNT == 3))

    # A restart. The connections go on, and the address stays.
    signal TERM a
    wait_until 10 log_of a 'stopping at SIGTERM'
    start_host a
    work
    more_work 20
    # A reload.
    signal HUP a
    wait_until 10 log_of a 'reloaded'
    more_work 10
    end_work
    ((${#LOST[@]} == 0))
    has_address a
    not has_address b
    judge_held

    # Only portsplitd is killed. The address moves, and with it the connections of a end.
    hold 2
    held_by a; ((COUNT == 2))
    signal KILL a
    wait_until 20 has_address b
    not has_address a
    run -0 on clients "$PEER" connect "$SERVICE:443" --from 198.51.100.9:0 'send:WHO\n' print
    [[ $output == 'b 198.51.100.9 '* ]]
    judge_held a

    # It runs again. The address stays: a machine that takes the address does so after 3 to 4 seconds.
    hold 2
    held_by b; ((COUNT == 2))
    start_host a
    wait_until 20 in_backup_state a
    pass_time 5000
    in_backup_state a
    has_address b
    judge_held

    # The other machine is gone.
    ip -n "$RUN-front" link set dev to-b down
    wait_until 10 has_address a
    run -0 on clients "$PEER" connect "$SERVICE:443" --from 198.51.100.9:0 'send:WHO\n' print
    [[ $output == 'a 198.51.100.9 '* ]]
}
in_backup_state() { grep -E 'Entering (BACKUP|MASTER|FAULT) STATE' "$TMP/keepalived-$1.log" | tail -n 1 | grep -q BACKUP; }

# --- Kubernetes ------------------------------------------------------------------------------------

# manifest EXPRESSION: prints a value of kubernetes.yaml; `objects` has its documents by kind.
manifest() {
    /usr/bin/python3 -c '
import sys, yaml
objects = {one["kind"]: one for one in yaml.safe_load_all(open(sys.argv[1]))}
pod = objects["DaemonSet"]["spec"]["template"]["spec"]
containers = {one["name"]: one for one in pod["containers"]}
value = eval(sys.argv[2])
print("\n".join(value) if isinstance(value, list) else value)' "$SCALE/kubernetes.yaml" "$1"
}

@test "scale: portsplit.conf can be served; kubernetes.yaml has only fields that the Kubernetes API has, and its parts name each other" {
    # The client library turns each document into an object of its own types and back. A required field that is
    # missing is an error, and one that is unknown is missing afterwards.
    /usr/bin/python3 -c '
import json, sys, types, yaml
from kubernetes import client
api = client.ApiClient()
for one in yaml.safe_load_all(open(sys.argv[1])):
    typed = api.deserialize(types.SimpleNamespace(data=json.dumps(one)), "V1" + one["kind"])
    assert api.sanitize_for_serialization(typed) == one, one["kind"]' "$SCALE/kubernetes.yaml"
    run -0 manifest 'all([
        objects["DaemonSet"]["spec"]["selector"]["matchLabels"] == objects["Service"]["spec"]["selector"],
        objects["DaemonSet"]["spec"]["template"]["metadata"]["labels"] == objects["Service"]["spec"]["selector"],
        pod["volumes"][0]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"],
        objects["Service"]["spec"]["ports"][0]["targetPort"] == containers["portsplit"]["ports"][0]["name"],
        containers["portsplit"]["image"] == containers["reload"]["image"]])'
    [[ $output == True ]]
    manifest 'objects["ConfigMap"]["data"]["portsplit.conf"]' >"$TMP/portsplit.conf"
    local file
    for file in "$TMP/portsplit.conf" "$SCALE/portsplit.conf"; do
        run -0 "$PORTSPLIT_BIN/portsplit" check "$file"
        [[ $output == *'can be served (errors: 0, warnings: 0)' ]]
    done
}

@test "scale: in a pod of kubernetes.yaml the probes pass, a change of the ConfigMap reloads, SIGQUIT drains" {
    machine pod
    # The files as the kubelet lays them: a folder, a link ..data to it, and a link to the file.
    mkdir -p "$TMP/etc/portsplit/..1" "$TMP/run/portsplit"
    chmod -R a+rwX "$TMP/run"
    ln -s ..1 "$TMP/etc/portsplit/..data"
    ln -s ..data/portsplit.conf "$TMP/etc/portsplit/portsplit.conf"
    manifest 'objects["ConfigMap"]["data"]["portsplit.conf"]' |
        sed -E 's/^( *connect *=).*/\1 127.0.0.1:7/' >"$TMP/etc/portsplit/..1/portsplit.conf"
    in_background on pod "$PEER" listen 127.0.0.1:7 echo >/dev/null
    # shellcheck disable=SC2016 # for the other shell
    printf '%s\n' '#!/bin/sh' "mount --bind $TMP/etc /etc && mount --bind $TMP/run /run && mount --bind $PORTSPLIT_BIN /mnt" 'PATH=/mnt:$PATH' \
        'exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs "$@"' >"$TMP/enter"
    chmod +x "$TMP/enter"
    local probe
    mapfile -t probe < <(manifest 'containers["portsplit"]["readinessProbe"]["exec"]["command"]')
    not on pod "${probe[@]}"
    ip netns exec "$RUN-pod" "$TMP/enter" portsplitd /etc/portsplit/portsplit.conf >"$TMP/a.log" 2>&1 3>&- &
    local daemon=$!
    BACKGROUND+=("$daemon")
    wait_until 10 on pod "${probe[@]}"
    mapfile -t probe < <(manifest 'containers["portsplit"]["livenessProbe"]["exec"]["command"]')
    on pod "${probe[@]}"

    local reload
    reload=$(manifest 'containers["reload"]["args"][0]')
    [[ $(manifest 'containers["reload"]["command"]') == $'/bin/sh\n-c' ]]
    ip netns exec "$RUN-pod" "$TMP/enter" /bin/sh -c "$reload" >"$TMP/reload.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
    in_background on pod "$PEER" connect 127.0.0.1:8443 --limit 60000 send:SSH- expect:SSH- "touch:$TMP/held" \
        "wait-file:$TMP/go" transfer:100000 shutdown expect-eof
    local held=$JOB
    wait_until 10 exists "$TMP/held"

    mkdir "$TMP/etc/portsplit/..2"
    sed 's/^string *= *SSH-/string = NEW/' "$TMP/etc/portsplit/..1/portsplit.conf" >"$TMP/etc/portsplit/..2/portsplit.conf"
    # In a form that no reload sees half done, as the kubelet does it.
    ln -s ..2 "$TMP/etc/portsplit/..new"
    mv -T "$TMP/etc/portsplit/..new" "$TMP/etc/portsplit/..data"
    wait_until 20 log_of a 'reloaded'
    on pod "$PEER" connect 127.0.0.1:8443 send:NEW expect:NEW shutdown expect-eof
    log_of a 'service=ssh reason=match'

    # A file with an error: the container says so, and nothing is reloaded.
    mkdir "$TMP/etc/portsplit/..3"
    echo 'nonsense = 1' >"$TMP/etc/portsplit/..3/portsplit.conf"
    ln -s ..3 "$TMP/etc/portsplit/..new"
    mv -T "$TMP/etc/portsplit/..new" "$TMP/etc/portsplit/..data"
    wait_until 20 file_says "$TMP/reload.log" 'nonsense'
    on pod "$PEER" connect 127.0.0.1:8443 send:NEW expect:NEW shutdown expect-eof

    # What the runtime does to stop the container.
    grep -qx 'STOPSIGNAL SIGQUIT' "$SCALE/../container/Containerfile"
    kill -QUIT "$daemon"
    wait_until 10 not on pod "${probe[@]}"
    is_alive "$daemon"
    touch "$TMP/go"
    finish "$held"
    finish "$daemon"
}
