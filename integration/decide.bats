#!/usr/bin/env bats
# A connection goes to the service that its first bytes name, at the moment they name it, and not one
# byte is lost on the way.

load harness

# Services with patterns of text, of binary bytes and of many bytes, each an answering server.
serve_many() {
    answer ssh web vpn long fallback timeout
    LONG=$(printf 'x%.0s' {1..1500})
    configure <<END
bind = 127.0.0.1:0
timeout = ${1:-60}
[ssh]
string = SSH-
connect = 127.0.0.1:$ssh_port
[web]
string = GET 
string = POST 
connect = 127.0.0.1:$web_port
[vpn]
string = \00\0E8\FF\0A
connect = 127.0.0.1:$vpn_port
[long]
string = $LONG
connect = 127.0.0.1:$long_port
[fallback]
connect = 127.0.0.1:$fallback_port
[timeout]
connect = 127.0.0.1:$timeout_port
END
    # A blank at the end of a value means itself only when it is escaped.
    sed -i 's/^\(string = [A-Z]*\) $/\1\\20/' "$CONFIG"
    start_daemon
}

# Each pattern with bytes after it, as NAME and TEXT.
each_stream() {
    "$@" ssh 'SSH-2.0-x\r\n'
    "$@" web 'GET / HTTP/1.1\r\n\r\n'
    "$@" web 'POST /\0\x00'
    "$@" vpn '\x00\x0e8\xff\n\x00\x00after'
}

@test "decide: a stream sent whole reaches its service, byte for byte" {
    serve_many
    whole() { talk "send:$2" "expect:$1:$2" shutdown expect-eof; }
    each_stream whole
    whole long "${LONG}after"
}

@test "decide: a stream sent byte by byte reaches its service, byte for byte" {
    serve_many
    bytewise() { talk "send-bytewise:$2" "expect:$1:$2" shutdown expect-eof; }
    each_stream bytewise
}

@test "decide: a stream cut anywhere reaches its service, byte for byte" {
    serve_many
    cut_everywhere() {
        local at
        for at in {1..12}; do
            talk "send-cut:$at:$2" "expect:$1:$2" shutdown expect-eof
        done
    }
    each_stream cut_everywhere
    local at
    for at in 1 700 1499 1500 1501; do
        talk "send-cut:$at:${LONG}after" "expect:long:${LONG}after" shutdown expect-eof
    done
}

@test "decide: an impossible byte leads to fallback at once, however many fitted before it" {
    serve_many 60
    local text
    for text in X Sx SSx SSHx GETx 'GET\x00' '\x00\x0e8\xff\x0b'; do
        talk --limit 5000 "send:$text" "expect:fallback:$text" shutdown expect-eof
        talk --limit 5000 "send-bytewise:$text" "expect:fallback:$text" shutdown expect-eof
    done
    talk --limit 5000 "send:${LONG%x}y" "expect:fallback:${LONG%x}y" shutdown expect-eof
    not log_has 'reason=timeout'
}

@test "decide: no byte value and no format directive is mistaken for another" {
    serve_many 60
    local value
    for value in 01 09 0a 0d 1b 25 7f 80 ff; do
        talk "send:\\x$value%n%s" "expect:fallback:\\x$value%n%s" shutdown expect-eof
    done
}

@test "decide: a match needs no byte more than its pattern" {
    serve_many 60
    talk --limit 5000 send:SSH- expect:ssh:SSH- send:more expect:more shutdown expect-eof
}

@test "decide: a silent client gets the timeout service at the deadline" {
    serve_many 0.5
    look_at_clock
    local start=$NOW
    talk expect:timeout: send:hello expect:hello shutdown expect-eof
    log_says 'service=timeout reason=timeout .* in=5 out=13 '
    local ms
    ms=$(sed -En 's/.*reason=timeout.* ms=([0-9]+).*/\1/p' "$LOG")
    look_at_clock
    echo "ended after $ms ms, seen after $((NOW - start)) ms"
    ((ms >= 500 && ms < 500 + 500 * PORTSPLIT_PATIENCE))
}

@test "decide: bytes that might still fit at the deadline go to the timeout service" {
    serve_many 0.3
    talk send:SSH expect:timeout:SSH shutdown expect-eof
    talk 'send:\x00\x0e' 'expect:timeout:\x00\x0e' shutdown expect-eof
    log_says 'service=timeout reason=timeout'
}

@test "decide: a trickle of bytes does not move the deadline" {
    answer fallback
    serve timeout "touch:$TMP/reached" send:timeout: echo
    configure <<END
bind = 127.0.0.1:0
timeout = 0.5
[never]
string = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
connect = 127.0.0.1:$fallback_port
[timeout]
connect = 127.0.0.1:$timeout_port
END
    start_daemon
    look_at_clock
    local start=$NOW
    client trickle:50:aaaaaaaaaaaaaaaaaaaa expect:timeout:aaaaaaaaaaaaaaaaaaaa shutdown expect-eof
    wait_until 5 exists "$TMP/reached"
    look_at_clock
    echo "reached after $((NOW - start)) ms"
    ((NOW - start >= 450 && NOW - start < 500 + 400 * PORTSPLIT_PATIENCE))
    finish "$JOB"
}

@test "decide: a client that ends with too few bytes goes to fallback, its end included" {
    serve_many 60
    talk --limit 5000 send:SS shutdown expect:fallback:SS expect-eof
    talk --limit 5000 send-bytewise:GET shutdown expect:fallback:GET expect-eof
    logged_connections 2
    [[ $(grep -c 'service=fallback reason=fallback' "$LOG") == 2 ]]
}

@test "decide: a client that ends without a byte is closed, and nothing runs" {
    serve_many 60
    talk --limit 5000 shutdown expect-end
    log_says 'service=- reason=eof .* action=close target=- in=0 out=0 '
}

@test "decide: a client that ends right after a match is served, its end included" {
    serve_many 60
    talk send:SSH-2.0 shutdown expect:ssh:SSH-2.0 expect-eof
    log_says 'service=ssh reason=match'
}

@test "decide: without a fallback the connection is closed without a byte" {
    configure <<END
bind = 127.0.0.1:0
timeout = 60
[ssh]
string = SSH-
connect = 127.0.0.1:1
END
    start_daemon
    talk --limit 5000 send:X expect-end
    log_says 'service=- reason=fallback .* action=close target=- '
}

@test "decide: without a timeout service the connection is closed at the deadline" {
    configure <<END
bind = 127.0.0.1:0
timeout = 0.3
[ssh]
string = SSH-
connect = 127.0.0.1:1
[fallback]
connect = 127.0.0.1:1
END
    start_daemon
    talk --limit 5000 expect-end
    talk --limit 5000 send:SSH expect-end
    logged_connections 2
    [[ $(grep -c 'service=- reason=timeout .* action=close target=- ' "$LOG") == 2 ]]
}

# Services whose patterns overlap, in an order given by the caller.
serve_overlapping() {
    answer long short fallback timeout
    { printf 'bind = 127.0.0.1:0\ntimeout = %s\n' "$1"; cat; } <<END | configure
[$2]
string = $3
connect = 127.0.0.1:$(port_of "$2")
[$4]
string = $5
connect = 127.0.0.1:$(port_of "$4")
[fallback]
connect = 127.0.0.1:$fallback_port
[timeout]
connect = 127.0.0.1:$timeout_port
END
    start_daemon
}
port_of() { local -n port=$1_port; echo "$port"; }

@test "decide: of two patterns that fit, the one declared first wins" {
    serve_overlapping 60 short SSH- long SSH-2.0
    talk --limit 5000 send:SSH-2.0 expect:short:SSH-2.0 shutdown expect-eof
    talk --limit 5000 send-bytewise:SSH-2.0 expect:short:SSH-2.0 shutdown expect-eof
}

@test "decide: a later match waits until no earlier service can win" {
    serve_overlapping 0.4 long SSH-2.0 short SSH-
    talk --limit 5000 send:SSH-1 expect:short:SSH-1 shutdown expect-eof
    talk --limit 5000 send-bytewise:SSH-2.0 expect:long:SSH-2.0 shutdown expect-eof
    # Undecided until the deadline or the end, and then a match like any other.
    talk send:SSH-2 expect:short:SSH-2 shutdown expect-eof
    talk send:SSH-2 shutdown expect:short:SSH-2 expect-eof
    logged_connections 4
    [[ $(grep -c 'service=short reason=match' "$LOG") == 3 ]]
    [[ $(grep -c 'service=long reason=match' "$LOG") == 1 ]]
}

@test "decide: last resorts stay last wherever they stand" {
    answer ssh fallback
    configure <<END
bind = 127.0.0.1:0
timeout = 60
[fallback]
connect = 127.0.0.1:$fallback_port
[ssh]
string = SSH-
connect = 127.0.0.1:$ssh_port
END
    start_daemon
    talk --limit 5000 send:SSH-2 expect:ssh:SSH-2 shutdown expect-eof
    talk --limit 5000 send:other expect:fallback:other shutdown expect-eof
}

@test "decide: a window smaller than a pattern grows to fit it" {
    answer ssh fallback
    configure <<END
bind = 127.0.0.1:0
timeout = 60
window = 1
[ssh]
string = SSH-2.0
connect = 127.0.0.1:$ssh_port
[fallback]
connect = 127.0.0.1:$fallback_port
END
    start_daemon
    talk --limit 5000 send:SSH-2.0-x expect:ssh:SSH-2.0-x shutdown expect-eof
    talk --limit 5000 send:SSH-2.1-x expect:fallback:SSH-2.1-x shutdown expect-eof
}

@test "decide: a flood beyond the window is delivered whole" {
    serve sink drain:8388608 expect-eof
    configure <<END
bind = 127.0.0.1:0
timeout = 60
window = 64
[ssh]
string = SSH-
connect = 127.0.0.1:1
[fallback]
connect = 127.0.0.1:$sink_port
END
    start_daemon
    talk feed:8388608 shutdown expect-eof
    log_says 'service=fallback reason=fallback .* in=8388608 out=0 '
}

@test "decide: without a deadline a client may be silent for ever" {
    answer ssh
    configure <<END
bind = 127.0.0.1:0
timeout = 0
[ssh]
string = SSH-
connect = 127.0.0.1:$ssh_port
END
    start_daemon
    client "wait-file:$TMP/go" send:SSH-2 expect:ssh:SSH-2 shutdown expect-eof
    wait_until 5 dispatchers_are 1
    nobody_works 400
    touch "$TMP/go"
    finish "$JOB"
}
