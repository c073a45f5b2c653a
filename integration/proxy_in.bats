#!/usr/bin/env bats
# The PROXY header in front of a client's bytes, from the sources of `proxy-from`. Senders: HAProxy, nginx and curl.

load harness

readonly V2='\r\n\r\n\0\r\nQUIT\n'
# PROXY, TCP over IPv4, 12 bytes: 192.0.2.7:50022 to 192.0.2.1:443.
readonly V2_CLIENT=$V2'\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\xc3\x66\x01\xbb'
readonly V1_CLIENT='PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\n'

# from ADDRESS STEP...: a client with this address.
from() { "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" --limit 5000 "${@:2}"; }

# start_sender PROGRAM...: a balancer in the background that listens on $SENDER.
start_sender() {
    "$@" >"$TMP/sender.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
    if ! wait_until 10 sender_listens; then cat "$TMP/sender.log"; return 1; fi
}
sender_listens() { "$PEER" connect "127.0.0.1:$SENDER" close 2>/dev/null; }

# start_haproxy SERVER-OPTION...: relays to the daemon.
start_haproxy() {
    find_free_port
    SENDER=$FREE
    cat >"$TMP/haproxy.cfg" <<END
defaults
    mode tcp
    timeout client 10s
    timeout server 10s
    timeout connect 10s
listen sender
    bind 127.0.0.1:$SENDER
    bind [::1]:$SENDER
    server portsplit 127.0.0.1:$PORT source 127.0.0.9 $*
END
    start_sender haproxy -db -f "$TMP/haproxy.cfg"
}

start_nginx() {
    find_free_port
    SENDER=$FREE
    mkdir "$TMP/nginx"
    cat >"$TMP/nginx.conf" <<END
load_module $(find /usr/lib*/nginx/modules -name ngx_stream_module.so | head -n 1);
daemon off;
pid $TMP/nginx/pid;
error_log stderr;
worker_processes 1;
events { }
stream {
    server {
        listen 127.0.0.1:$SENDER;
        proxy_pass 127.0.0.1:$PORT;
        proxy_bind 127.0.0.9;
        proxy_protocol on;
    }
}
END
    start_sender nginx -c "$TMP/nginx.conf" -p "$TMP/nginx"
}

# The client's address as a program has it, and then what the client sent, byte for byte.
tell_client() {
    printf '%s\n' '[s]' 'string = S' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = printf "%s %s %s %s\n" "$TCPREMOTEIP" "$TCPREMOTEPORT" "$TCPLOCALIP" "$TCPLOCALPORT"; exec cat' \
        '[web]' 'string = GET' 'exec = /bin/bash' 'execarg = -c' \
        "execarg = while read -r line && [[ \$line != $'\r' ]]; do :; done; printf 'HTTP/1.0 200 OK\r\n\r\n%s %s %s %s\n' \"\$TCPREMOTEIP\" \"\$TCPREMOTEPORT\" \"\$TCPLOCALIP\" \"\$TCPLOCALPORT\"" \
        '[timeout]' 'exec = /bin/echo' 'execarg = timeout' '[fallback]' 'exec = /bin/echo' 'execarg = fallback'
}

# configure_tell [GLOBAL-LINE...]
configure_tell() {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'proxy-from = 127.0.0.9' "$@"; tell_client; } | configure
}

readonly TOLD='expect:192.0.2.7 50022 192.0.2.1 443\nS'

@test "proxy in: HAProxy sends both versions, and the checksum" {
    configure_tell
    start_daemon
    local options
    for options in send-proxy send-proxy-v2 'send-proxy-v2 proxy-v2-options crc32c,unique-id'; do
        # shellcheck disable=SC2086 # several words
        start_haproxy $options
        run -0 "$PEER" connect "127.0.0.1:$SENDER" --from 127.0.0.7:0 --limit 5000 say-port send:SSH shutdown print
        [[ ${lines[1]} == "127.0.0.7 ${lines[0]} 127.0.0.1 $SENDER" && ${lines[2]} == SSH ]]
        log_says "service=s reason=match src=127.0.0.7 sport=${lines[0]} dst=127.0.0.1 dport=$SENDER "
        run -0 "$PEER" connect "[::1]:$SENDER" --limit 5000 say-port send:S shutdown print
        [[ ${lines[1]} == "::1 ${lines[0]} ::1 $SENDER" ]]
    done
}

@test "proxy in: nginx and curl send a header" {
    configure_tell
    start_daemon
    start_nginx
    # nginx ends both directions at the end of one.
    sed -i 's/exec cat/exec head -c 3/' "$CONFIG"
    reload
    run -0 "$PEER" connect "127.0.0.1:$SENDER" --from 127.0.0.7:0 --limit 5000 say-port send:SSH print
    [[ ${lines[1]} == "127.0.0.7 ${lines[0]} 127.0.0.1 $SENDER" && ${lines[2]} == SSH ]]
    # curl is the balancer and the client.
    run -0 curl -sS --max-time 10 --interface 127.0.0.9 --haproxy-protocol "http://127.0.0.1:$PORT/"
    [[ $output =~ ^127\.0\.0\.9\ [0-9]+\ 127\.0\.0\.1\ $PORT$ ]]
}

# bats test_tags=fault:C10
@test "proxy in: a header in any pieces, and nothing of it is left for the program" {
    configure_tell
    start_daemon
    from 127.0.0.9 "send:${V2_CLIENT}S" "$TOLD" shutdown expect-eof
    from 127.0.0.9 "send:${V1_CLIENT}S" "$TOLD" shutdown expect-eof
    from 127.0.0.9 "send-bytewise:${V2_CLIENT}S" "$TOLD" shutdown expect-eof
    from 127.0.0.9 "send-bytewise:${V1_CLIENT}S" "$TOLD" shutdown expect-eof
    from 127.0.0.9 "send-cut:28:${V2_CLIENT}S" "$TOLD" shutdown expect-eof
    # The bytes behind the header are looked at as ever.
    from 127.0.0.9 "send:${V1_CLIENT}x" 'expect:fallback\n' expect-end
    logged_connections 6
    log_says 'service=fallback reason=fallback src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 '
}

# has_read BYTES: a dispatcher has got so many bytes of its client, and has read them.
has_read() { [[ $(ss -Htin state established "sport = :$PORT") =~ ^0\ .*bytes_received:$1\  ]]; }

# bats test_tags=fault:C10
@test "proxy in: the longest header, in one piece and slowly" {
    configure_tell
    start_daemon
    # 12 bytes of addresses, and an unknown value of 65520 bytes.
    { printf '\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff\xc0\0\x02\x07\xc0\0\x02\x01\xc3\x66\x01\xbb\xe0\xff\xf0'
      head -c 65520 /dev/zero; printf SSH-2.0; } >"$TMP/stream"
    run -0 socat -t 10 - "TCP4:127.0.0.1:$PORT,bind=127.0.0.9" <"$TMP/stream"
    [[ ${lines[0]} == '192.0.2.7 50022 192.0.2.1 443' && ${lines[1]} == SSH-2.0 ]]
    mkfifo "$TMP/slow"
    socat -t 10 - "TCP4:127.0.0.1:$PORT,bind=127.0.0.9" <"$TMP/slow" >"$TMP/answer" 3>&- &
    BACKGROUND+=("$!")
    exec 7>"$TMP/slow"
    head -c 30000 "$TMP/stream" >&7
    wait_until 10 has_read 30000
    tail -c +30001 "$TMP/stream" >&7
    exec 7>&-
    wait_until 10 is_over "${BACKGROUND[-1]}"
    [[ $(<"$TMP/answer") == $'192.0.2.7 50022 192.0.2.1 443\nSSH-2.0' ]]
}

# bats test_tags=fault:C10
@test "proxy in: LOCAL and UNKNOWN keep the balancer's address" {
    configure_tell
    start_daemon
    local header
    for header in "$V2\x20\0\0\0" "$V2\x21\0\0\0" 'PROXY UNKNOWN\r\n' 'PROXY UNKNOWN ffff:f...f:ffff\r\n'; do
        run -0 from 127.0.0.9 say-port "send:${header}S" shutdown print
        [[ ${lines[1]} == "127.0.0.9 ${lines[0]} 127.0.0.1 $PORT" && ${lines[2]} == S ]]
    done
}

@test "proxy in: health checks of HAProxy are no faults" {
    configure_tell
    start_daemon
    start_haproxy check inter 100 rise 1 fall 1 send-proxy-v2
    wait_until 10 log_says 'service=- reason=eof src=127.0.0.9 '
    not log_has 'PROXY header'
}

# bats test_tags=fault:C10
@test "proxy in: who owes a header and sends none is closed, and the log says why" {
    # With `log = start` no line of a source is left out.
    configure_tell 'timeout = 0.3' 'log = start'
    sed -i '/timeout = 60/d' "$CONFIG"
    start_daemon
    local count=0 stream why
    while IFS='|' read -r stream why; do
        from 127.0.0.9 "send:$stream" expect-end
        logged_connections $((count += 1))
        wait_until 5 log_says "no valid PROXY header from 127.0.0.9:[0-9]*: $why; proxy-from has this peer"
        log_says 'service=- reason=proxy src=127.0.0.9 .* action=close target=- in=0 out=0 '
    done <<END
SSH-2.0|the connection begins with something else
PROXY TCP4 192.0.2.7\r\n|its line of version 1 is malformed
$V2\x31|its version is neither 1 nor 2
$V2\x21\x12|its address family is neither TCP nor a Unix-domain stream
$V2\x21\x11\0\0b|it is shorter than its addresses
$V2\x21\x11\0\x13\xc0\0\x02\x07\xc0\0\x02\x01\xc3\x66\x01\xbb\x03\0\x04abcd|its checksum is wrong
END
    from 127.0.0.9 'send:PROXY TC' shutdown expect-end
    logged_connections 7
    log_says 'the connection ended within it; proxy-from'
    # Neither timeout nor fallback runs.
    from 127.0.0.9 expect-end
    from 127.0.0.9 'send:PROXY TCP4 ' expect-end
    logged_connections 9
    log_says 'it did not come within the timeout; proxy-from'
    not log_has 'service=timeout'
    not log_has 'service=fallback'
    # As a check whether the port is open does it.
    from 127.0.0.9 shutdown expect-end
    logged_connections 10
    log_says 'service=- reason=eof src=127.0.0.9 '
}

@test "proxy in: of a source that sends no header three lines are written in a minute" {
    configure_tell
    start_daemon
    local i
    for i in 1 2 3 4 5 6; do from 127.0.0.9 send:SSH expect-end; done
    wait_until 5 dispatchers_are 0
    logged_connections 3
    stop_daemon
    log_says '3 more connections from 127.0.0.9 ended before a service was chosen$'
    connections_are 3
}

@test "proxy in: the deadline counts from accept" {
    configure_tell 'timeout = 1'
    sed -i '/timeout = 60/d' "$CONFIG"
    start_daemon
    look_at_clock
    local begin=$NOW
    # The header takes most of the time, and the client says too little.
    run -0 from 127.0.0.9 "trickle:14:$V1_CLIENT" print
    [[ $output == timeout ]]
    look_at_clock
    ((NOW - begin >= 950 && NOW - begin < 1900))
}

# bats test_tags=fault:C10
@test "proxy in: from others a header is bytes like any" {
    configure_tell
    start_daemon
    from 127.0.0.8 "send:${V1_CLIENT}S" 'expect:fallback\n' expect-end
    run -0 from 127.0.0.8 say-port send:S shutdown print
    [[ ${lines[1]} == "127.0.0.8 ${lines[0]} 127.0.0.1 $PORT" ]]
    logged_connections 2
    log_says 'service=fallback reason=fallback src=127.0.0.8 '
}

@test "proxy in: the client counts for services, the balancer for the listener" {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'proxy-from = 127.0.0.0/8' 'deny = 192.0.2.7' \
          'deny = 127.0.0.8' '[near]' 'string = S' 'from = 192.0.2.0/24' 'exec = /bin/echo' 'execarg = near'
      tell_client; } | configure
    start_daemon
    from 127.0.0.9 "send:${V1_CLIENT}S" 'expect:near\n' expect-end
    from 127.0.0.9 'send:PROXY TCP4 203.0.113.9 192.0.2.1 1 2\r\nS' 'expect:203.0.113.9 1 192.0.2.1 2\nS' shutdown expect-eof
    from 127.0.0.8 expect-reset
    logged_connections 3
    log_says 'reason=denied src=127.0.0.8 '
}

@test "proxy in: a program that asks the kernel gets the balancer, as sshd does: bans by its log hit everybody" {
    needs_root
    prepare_sshd 'LogLevel VERBOSE'
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'proxy-from = 127.0.0.9' '[ssh]' 'string = SSH-' \
        'exec = /usr/sbin/sshd' 'execarg = -i' 'execarg = -f' "execarg = $TMP/sshd_config" \
        'execarg = -E' "execarg = $TMP/sshd.log" | configure
    start_daemon
    from 127.0.0.9 "send:${V2_CLIENT}SSH-2.0-client\\r\\n" expect:SSH- shutdown print >"$TMP/answer"
    logged_connections 1
    log_says 'service=ssh reason=match src=192.0.2.7 sport=50022 '
    file_says "$TMP/sshd.log" '^Connection from 127\.0\.0\.9 port '
    not grep -F 192.0.2.7 "$TMP/sshd.log"
}

@test "proxy in: what a header says goes on to the target" {
    serve judge print
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'proxy-from = 127.0.0.9' '[v1]' 'string = 1' \
        "connect = 127.0.0.1:$judge_port" 'proxy = v1' '[v2]' 'string = 2' "connect = 127.0.0.1:$judge_port" \
        'proxy = v2' | configure
    start_daemon
    local count=0 header
    for header in "${V2_CLIENT}1" "${V1_CLIENT}2" "$V2\x20\0\0\x001" "$V2\x20\0\0\x002" "$V2\x21\0\0\x001" "$V2\x21\0\0\x002"; do
        from 127.0.0.9 "send:$header" shutdown expect-end
        logged_connections $((count += 1))
    done
    local wanted
    wanted=$(printf 'PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\n1' | od -An -tx1 -v | tr -d ' \n')
    wanted+=0d0a0d0a000d0a515549540a2111000cc0000207c0000201c36601bb32
    wanted+=$(printf 'PROXY UNKNOWN\r\n1' | od -An -tx1 -v | tr -d ' \n')
    wanted+=0d0a0d0a000d0a515549540a2000000032
    wanted+=$(printf 'PROXY UNKNOWN\r\n1' | od -An -tx1 -v | tr -d ' \n')
    wanted+=0d0a0d0a000d0a515549540a2000000032
    run -0 bash -c 'tail -n +2 "$1" | od -An -tx1 -v | tr -d " \n"' - "$TMP/judge.out"
    [[ $output == "$wanted" ]]
}

@test "proxy in: under --inetd, on a socket and on two pipes" {
    configure_tell
    sed -i '/^bind/d' "$CONFIG"
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/super.out"
    learn_port super
    ADDRESSES=("127.0.0.1:$super_port")
    from 127.0.0.9 "send-bytewise:${V2_CLIENT}S" "$TOLD" shutdown expect-eof
    from 127.0.0.9 send:SSH expect-end
    log_says 'service=s reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 '
    log_says 'service=- reason=proxy src=127.0.0.9 '
    # On pipes, a super-server says who the peer is.
    sed -i 's/^exec = .*/&\nstdio = pipe/' "$CONFIG"
    local piece
    for piece in 1 7 200; do
        run -0 bash -c 'printf "$1" | dd bs="$2" status=none | TCPREMOTEIP=127.0.0.9 TCPREMOTEPORT=1 "${@:3}" | cat' - \
            "${V1_CLIENT}SSH" "$piece" "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG"
        [[ ${lines[0]} == '192.0.2.7 50022 192.0.2.1 443' && ${lines[1]} == SSH ]]
    done
}

@test "proxy in: explain reads the header, and test does" {
    configure_tell
    run -0 "$PORTSPLIT_BIN/portsplit" explain --source 127.0.0.9 --text "${V1_CLIENT//\\r\\n/\\0D\\0A}SSH" "$CONFIG"
    [[ ${lines[0]} == 'service=s reason=match bytes=1 action=exec target=/bin/sh' ]]
    [[ ${lines[1]} == 'PROXY header: 42 bytes, client 192.0.2.7:50022, which came to 192.0.2.1:443' ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --source 127.0.0.9 --text SSH- "$CONFIG"
    [[ ${lines[0]} == 'service=- reason=proxy bytes=4' ]]
    [[ ${lines[1]} == 'no valid PROXY header: the connection begins with something else' ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --source 127.0.0.9 --text PROXY "$CONFIG"
    [[ ${lines[0]} == 'service=- reason=undecided bytes=5' && ${lines[1]} == 'a PROXY header that is not complete' ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --json --source 127.0.0.9 --hex '0d0a0d0a000d0a515549540a20000000 53' "$CONFIG"
    [[ $output == *'"proxy":{"bytes":16,"local":true}'* && $output == '{"service":"s",'* ]]
    printf '%s\n' '[a]' 'source = 127.0.0.9' "string = ${V1_CLIENT//\\r\\n/\\0D\\0A}" 'string = SSH' 'service = s' \
        '[b]' 'source = 127.0.0.9' 'string = SSH' 'service = -' 'reason = proxy' \
        '[c]' 'source = 127.0.0.9' 'service = -' 'reason = proxy' >"$TMP/cases"
    run -0 "$PORTSPLIT_BIN/portsplit" test "$CONFIG" "$TMP/cases"
}

@test "proxy in: the process that accepts reads nothing of a client" {
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    configure_tell
    WRAPPER=(strace -D -qq -s 200 -o "$TMP/calls" -e 'trace=accept4,%network,read,readv,pread64,preadv,splice,sendfile,tee,mmap')
    start_daemon
    from 127.0.0.9 "send:${V2_CLIENT}S" "$TOLD" shutdown expect-eof
    from 127.0.0.9 "send:${V1_CLIENT}S" "$TOLD" shutdown expect-eof
    logged_connections 2
    local accepted
    accepted=$(sed -nE 's/^accept4\(.* = ([0-9]+)$/\1/p' "$TMP/calls" | sort -u | tr '\n' '|')
    [[ -n $accepted ]]
    # Before, the number was that of other descriptors.
    sed -i -n '/^accept4(.* = [0-9]/,$p' "$TMP/calls"
    grep -q '^recvmsg(' "$TMP/calls" # what the zygote says
    not grep -E "^(read|readv|pread64|preadv|recvfrom|recvmsg|recvmmsg|splice|sendfile|tee)\((${accepted%|})," "$TMP/calls"
    not grep -E 'PROXY|QUIT' "$TMP/calls"
}
