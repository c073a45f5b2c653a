#!/usr/bin/env bats
# Every client, way in, action and PROXY header with every other: each connection is served, and the far end has the
# right address. The services and the connections are generated.

load harness

# The far end of a relay: a program that prints what it received, in hex, a line for each connection.
start_far_ends() {
    printf '#!/bin/sh\nexec od -An -v -tx1 -w4096 | tr -d " " >>"%s"\n' "$TMP/far" >"$TMP/note"
    chmod +x "$TMP/note"
    : >"$TMP/far"
    in_background "$PEER" inetd 127.0.0.1:0 "$TMP/note" >"$TMP/tcp.out"
    learn_port tcp
    in_background "$PEER" inetd '[::1]:0' "$TMP/note" >"$TMP/tcp6.out"
    learn_port tcp6
    in_background "$PEER" inetd "unix:$TMP/far.sock" "$TMP/note" >"$TMP/unix.out"
    learn_port unix
}

# The services: a letter chooses each.
print_services() {
    local letter target version stdio
    local -a letters=(a b c d e f g h i j k l)
    set -- "${letters[@]}"
    for target in "127.0.0.1:$tcp_port" "[::1]:$tcp6_port" "unix:$TMP/far.sock"; do
        for version in no v1 v2; do
            printf '%s\n' "[connect-$1]" "string = $1" "connect = $target" "proxy = $version"
            shift
        done
    done
    for stdio in socket pipe pty; do
        # What it received first, and then who the client is.
        printf '%s\n' "[exec-$1]" "string = $1" "stdio = $stdio" 'exec = /bin/sh' 'execarg = -c' \
            'execarg = read -r word; echo "$word $PROTO ${TCPREMOTEIP:-$IPCREMOTEEUID} ${TCPREMOTEPORT:-$IPCLOCALPATH}"'
        shift
    done
}

# configure_matrix [BIND...]
configure_matrix() {
    start_far_ends
    { printf 'bind = %s\n' "$@"; printf '%s\n' 'timeout = 60'
      # Who may connect to the sockets in the folder of the test.
      ((EUID != 0)) || echo 'user = root'
      # A client on the address .9 is a balancer; so is one of IPv6, and one on the second socket.
      printf '%s\n' 'proxy-from = 127.0.0.9' 'proxy-from = ::1'
      print_services
      printf '%s\n' '[listener balancers]' "bind = unix:$TMP/balancer.sock" 'proxy-from = unix'; } | configure
}

in_hex() { od -An -v -tx1 | tr -d ' \n'; }
hex_of() { printf %b "$1" | in_hex; }

# What a client over FAMILY sends as a header of VERSION in, in HEADER; and its address then, in TOLD, `IP PORT`.
header_of() {
    TOLD=
    HEADER=
    case $1 in
        v1) TOLD='198.51.100.7 50022' HEADER='PROXY TCP4 198.51.100.7 198.51.100.1 50022 443\r\n' ;;
        v2) TOLD='2001:db8::7 50022'
            HEADER='\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24'
            HEADER+='\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xc3\x66\x01\xbb' ;;
    esac
}

# expected_header VERSION FAMILY IN FROM-PORT TO-PORT: the header at the far end in hex. Of a client over a
# Unix-domain socket, the paths are any.
expected_header() {
    local signature=0d0a0d0a000d0a515549540a ports loopback6=00000000000000000000000000000001
    printf -v ports '%04x%04x' "$4" "$5"
    EXPECTED=
    case $1-$3 in
        no-*) return ;;
        v1-v1) EXPECTED=$(hex_of 'PROXY TCP4 198.51.100.7 198.51.100.1 50022 443\r\n') ;;
        v2-v1) EXPECTED=${signature}2111000cc6336407c6336401c36601bb ;;
        v1-v2) EXPECTED=$(hex_of 'PROXY TCP6 2001:db8::7 2001:db8::1 50022 443\r\n') ;;
        v2-v2) EXPECTED=${signature}2121002420010db800000000000000000000000720010db8000000000000000000000001c36601bb ;;
        v1-no) case $2 in
                v4) EXPECTED=$(hex_of "PROXY TCP4 127.0.0.7 127.0.0.1 $4 $5\r\n") ;;
                v6) EXPECTED=$(hex_of "PROXY TCP6 ::1 ::1 $4 $5\r\n") ;;
                unix) EXPECTED=$(hex_of 'PROXY UNKNOWN\r\n') ;;
            esac ;;
        v2-no) case $2 in
                v4) EXPECTED=${signature}2111000c7f0000077f000001$ports ;;
                v6) EXPECTED=${signature}21210024$loopback6$loopback6$ports ;;
                unix) EXPECTED=${signature}20000000 ;;
            esac ;;
    esac
}

# port_of ADDRESS: its port; 0 of a Unix-domain socket.
port_of() { [[ $1 == unix:* ]] && echo 0 || echo "${1##*:}"; }

# try FAMILY IN ADDRESS [FROM [IP]]: one connection for each service. IP is the address of a client without a header.
try() {
    local family=$1 in=$2 address=$3 letter version port
    local -a from=()
    [[ -z ${4:-} ]] || from=(--from "$4")
    header_of "$in"
    local -A versions=([a]=no [b]=v1 [c]=v2 [d]=no [e]=v1 [f]=v2 [g]=no [h]=v1 [i]=v2)
    for letter in a b c d e f g h i; do
        version=${versions[$letter]}
        : >"$TMP/far"
        port=$("$PEER" connect "$address" "${from[@]}" --limit 9000 say-port "send:$HEADER$letter-bytes" shutdown expect-end)
        wait_until 10 has_content "$TMP/far"
        expected_header "$version" "$family" "$in" "$port" "$(port_of "$address")"
        if ! [[ $(<"$TMP/far") =~ ^$EXPECTED$(hex_of "$letter-bytes")$ ]]; then
            echo "$family, header in: $in, service $letter ($version): $(<"$TMP/far")"
            return 1
        fi
        CELLS=$((CELLS + 1))
    done
    for letter in j k l; do
        run -0 "$PEER" connect "$address" "${from[@]}" --limit 9000 say-port "send:$HEADER$letter\n" print
        if [[ -n $TOLD ]]; then
            [[ ${lines[1]} == "$letter TCP $TOLD"* ]]
        elif [[ $family == unix ]]; then
            [[ ${lines[1]} == "$letter IPC $EUID $TMP/"* ]]
        else
            [[ ${lines[1]} == "$letter TCP ${5:-127.0.0.7} ${lines[0]}"* ]]
        fi
        CELLS=$((CELLS + 1))
    done
}

# try_all: every family with every header; ADDRESSES are those of IPv4 and IPv6.
try_all() {
    CELLS=0
    local in
    try v4 no "$V4" 127.0.0.7:0
    try v6 no "$V6_PLAIN" '' ::1
    try unix no "unix:$TMP/client.sock"
    for in in v1 v2; do
        try v4 "$in" "$V4" 127.0.0.9:0
        try v6 "$in" "$V6"
        try unix "$in" "unix:$TMP/balancer.sock"
    done
    ((CELLS == 108))
}

@test "matrix: the daemon with its own sockets" {
    configure_matrix 127.0.0.1:0 '[::1]:0' "unix:$TMP/client.sock"
    # IPv6 clients of this listener have no header.
    sed -i "s/^\[listener balancers\]/[listener plain]\nbind = [::1]:0\nproxy-from = none\n&/" "$CONFIG"
    start_daemon
    V4=${ADDRESSES[0]} V6=${ADDRESSES[1]}
    local address
    for address in "${ADDRESSES[@]:2}"; do [[ $address != '[::1]:'* ]] || V6_PLAIN=$address; done
    try_all
}

@test "matrix: sockets that a service manager passes" {
    configure_matrix 127.0.0.1:1 "unix:$TMP/client.sock"
    sed -i "/^bind/d; s/^\[listener balancers\]/[listener plain]\nproxy-from = none\n&/; \$d" "$CONFIG"
    echo 'proxy-from = unix' >>"$CONFIG"
    local -a ports=()
    for _ in 1 2 3; do
        find_free_port
        ports+=("$FREE")
    done
    systemd-socket-activate -l "127.0.0.1:${ports[0]}" -l "[::1]:${ports[1]}" -l "[::1]:${ports[2]}" \
        -l "$TMP/client.sock" -l "$TMP/balancer.sock" --fdname=main:main:plain:plain:balancers \
        "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=("$!")
    V4=127.0.0.1:${ports[0]} V6="[::1]:${ports[1]}" V6_PLAIN="[::1]:${ports[2]}"
    # systemd-socket-activate starts the daemon at the first connection.
    wait_until 10 "$PEER" connect "127.0.0.1:${ports[0]}" --limit 2000 --from 127.0.0.7:0 'send:j\n' print 2>/dev/null
    try_all
}

@test "matrix: under a super-server, with --inetd" {
    configure_matrix "unix:$TMP/unused"
    sed -i '/^bind/d; /^\[listener balancers\]/d; $d' "$CONFIG"
    { echo '[listener plain]'; echo 'proxy-from = none'; echo '[listener balancers]'; echo 'proxy-from = unix'; } >>"$CONFIG"
    local name
    super() {  # super NAME ADDRESS LISTENER
        in_background "$PEER" inetd "$2" "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --listener "$3" --log "$LOG" \
            "$CONFIG" >"$TMP/$1.out"
        learn_port "$1"
    }
    super s4 127.0.0.1:0 main
    super s6 '[::1]:0' main
    super plain '[::1]:0' plain
    super client "unix:$TMP/client.sock" main
    super balancer "unix:$TMP/balancer.sock" balancers
    V4=127.0.0.1:$s4_port V6="[::1]:$s6_port" V6_PLAIN="[::1]:$plain_port"
    try_all
}
