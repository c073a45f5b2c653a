#!/usr/bin/env bats
# A connection goes to the service that its first bytes match, as soon as they match it, and no byte is
# lost.

load harness

# serve_many [TIMEOUT]: starts the daemon with patterns of text, of binary bytes and of many bytes.
serve_many() {
    answer ssh web vpn long fallback timeout
    LONG=$(printf 'x%.0s' {1..1500})
    configure <<END
bind = 127.0.0.1:0
timeout = ${1:-60}
$(connect_service ssh SSH-)
$(connect_service web 'GET\20' 'POST\20')
$(connect_service vpn '\00\0E8\FF\0A')
$(connect_service long "$LONG")
$(connect_service fallback)
$(connect_service timeout)
END
    start_daemon
}

# each_stream COMMAND...: runs the command with NAME and TEXT of a stream for each pattern.
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

# bats test_tags=fault:C1
@test "decide: a stream sent byte by byte reaches its service, byte for byte" {
    serve_many
    bytewise() { talk "send-bytewise:$2" "expect:$1:$2" shutdown expect-eof; }
    each_stream bytewise
}

# bats test_tags=fault:C6
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

@test "decide: a byte that no pattern allows leads to fallback at once, after any number that matched" {
    serve_many 60
    local text
    for text in X Sx SSx SSHx GETx 'GET\x00' '\x00\x0e8\xff\x0b'; do
        talk --limit 5000 "send:$text" "expect:fallback:$text" shutdown expect-eof
        talk --limit 5000 "send-bytewise:$text" "expect:fallback:$text" shutdown expect-eof
    done
    talk --limit 5000 "send:${LONG%x}y" "expect:fallback:${LONG%x}y" shutdown expect-eof
    not log_has 'reason=timeout'
}

# bats test_tags=fault:C8
@test "decide: every byte value and format directive arrives unchanged" {
    serve_many 60
    local value
    for value in 01 09 0a 0d 1b 25 7f 80 ff; do
        talk "send:\\x$value%n%s" "expect:fallback:\\x$value%n%s" shutdown expect-eof
    done
}

@test "decide: a match needs no byte beyond its pattern" {
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

@test "decide: bytes that may still match at the deadline go to the timeout service" {
    serve_many 0.3
    talk send:SSH expect:timeout:SSH shutdown expect-eof
    talk 'send:\x00\x0e' 'expect:timeout:\x00\x0e' shutdown expect-eof
    log_says 'service=timeout reason=timeout'
}

# bats test_tags=fault:C2
@test "decide: a trickle of bytes does not move the deadline" {
    answer fallback
    serve timeout "touch:$TMP/reached" send:timeout: echo
    configure <<END
bind = 127.0.0.1:0
timeout = 0.5
[never]
string = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
connect = 127.0.0.1:$fallback_port
$(connect_service timeout)
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

# bats test_tags=fault:C5
@test "decide: a client that sends too few bytes and EOF goes to fallback, with its EOF" {
    serve_many 60
    talk --limit 5000 send:SS shutdown expect:fallback:SS expect-eof
    talk --limit 5000 send-bytewise:GET shutdown expect:fallback:GET expect-eof
    logged_connections 2
    [[ $(grep -c 'service=fallback reason=fallback' "$LOG") == 2 ]]
}

# bats test_tags=fault:C5
@test "decide: a client that sends EOF without a byte is closed, and no service runs" {
    serve_many 60
    talk --limit 5000 shutdown expect-end
    log_says 'service=- reason=eof .* action=close target=- in=0 out=0 '
}

# bats test_tags=fault:C5
@test "decide: a client that sends EOF right after a match is served, with its EOF" {
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

# serve_overlapping TIMEOUT NAME STRING NAME STRING: starts the daemon with two patterns that overlap.
serve_overlapping() {
    answer long short fallback timeout
    {
        printf '%s\n' 'bind = 127.0.0.1:0' "timeout = $1"
        connect_service "$2" "$3"
        connect_service "$4" "$5"
        connect_service fallback
        connect_service timeout
    } | configure
    start_daemon
}

@test "decide: of two patterns that match, the service declared first wins" {
    serve_overlapping 60 short SSH- long SSH-2.0
    talk --limit 5000 send:SSH-2.0 expect:short:SSH-2.0 shutdown expect-eof
    talk --limit 5000 send-bytewise:SSH-2.0 expect:short:SSH-2.0 shutdown expect-eof
}

@test "decide: a later match waits until no earlier service can win" {
    serve_overlapping 0.4 long SSH-2.0 short SSH-
    talk --limit 5000 send:SSH-1 expect:short:SSH-1 shutdown expect-eof
    talk --limit 5000 send-bytewise:SSH-2.0 expect:long:SSH-2.0 shutdown expect-eof
    # Undecided until the deadline or EOF; the reason is still match.
    talk send:SSH-2 expect:short:SSH-2 shutdown expect-eof
    talk send:SSH-2 shutdown expect:short:SSH-2 expect-eof
    logged_connections 4
    [[ $(grep -c 'service=short reason=match' "$LOG") == 3 ]]
    [[ $(grep -c 'service=long reason=match' "$LOG") == 1 ]]
}

@test "decide: fallback is last wherever the file has it" {
    answer ssh fallback
    configure <<END
bind = 127.0.0.1:0
timeout = 60
$(connect_service fallback)
$(connect_service ssh SSH-)
END
    start_daemon
    talk --limit 5000 send:SSH-2 expect:ssh:SSH-2 shutdown expect-eof
    talk --limit 5000 send:other expect:fallback:other shutdown expect-eof
}

# serve_last_resorts NAME...: starts the daemon with these services only, and a deadline of 0.3 s.
serve_last_resorts() {
    answer "$@"
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 0.3'
        local name
        for name in "$@"; do connect_service "$name"; done
    } | configure
    start_daemon
}

@test "decide: with fallback and timeout alone, the first byte decides between them" {
    serve_last_resorts fallback timeout
    talk send:x expect:fallback:x shutdown expect-eof
    talk expect:timeout: shutdown expect-eof
    talk shutdown expect-end
    logged_connections 3
    log_says 'service=- reason=eof .* action=close '
}

@test "decide: timeout alone takes silent clients, and closes the others at their first byte" {
    serve_last_resorts timeout
    talk expect:timeout: shutdown expect-eof
    talk send:x expect-end
    log_says 'service=- reason=fallback .* action=close '
}

@test "decide: fallback alone takes a client before its first byte" {
    serve_last_resorts fallback
    talk expect:fallback: send:x expect:x shutdown expect-eof
    talk shutdown expect:fallback: expect-eof
}

@test "decide: an empty string takes every connection at once" {
    answer smtp timeout
    local spelling
    for spelling in classic libconfig; do
        {
            printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'
            connect_service smtp ''
            connect_service timeout
        } | configure
        "$PORTSPLIT_BIN/portsplit" convert --to "$spelling" "$CONFIG" >"$CONFIG.new"
        mv "$CONFIG.new" "$CONFIG"
        start_daemon
        talk --limit 5000 expect:smtp: send:EHLO expect:EHLO shutdown expect-eof
        talk --limit 5000 send:EHLO expect:smtp:EHLO shutdown expect-eof
        talk --limit 5000 shutdown expect:smtp: expect-eof
        stop_daemon
    done
}

@test "decide: a window smaller than a pattern grows to its length" {
    answer ssh fallback
    configure <<END
bind = 127.0.0.1:0
timeout = 60
window = 1
$(connect_service ssh SSH-2.0)
$(connect_service fallback)
END
    start_daemon
    talk --limit 5000 send:SSH-2.0-x expect:ssh:SSH-2.0-x shutdown expect-eof
    talk --limit 5000 send:SSH-2.1-x expect:fallback:SSH-2.1-x shutdown expect-eof
}

# bats test_tags=fault:C7
@test "decide: bytes beyond the window arrive" {
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

# scan [OPTION...]: asks for the server's key, as ssh-keyscan does: it waits for the server's line. Prints nothing
# if it gives up before.
scan() { ssh-keyscan -t ed25519 -p "$PORT" "$@" 127.0.0.1 2>>"$TMP/keyscan" | cut -d ' ' -f 2-; }

@test "decide: with the default timeout, ssh-keyscan gets the key of the timeout service" {
    prepare_sshd
    local sshd=('exec = /usr/sbin/sshd' 'execarg = -i' 'execarg = -f' "execarg = $TMP/sshd_config")
    printf '%s\n' 'bind = 127.0.0.1:0' '[ssh]' 'string = SSH-' "${sshd[@]}" '[timeout]' "${sshd[@]}" | configure
    start_daemon
    # It gives up after 5 seconds.
    [[ $(scan) == "$(sed 's/ *$//' "$TMP/host_key.pub")" ]]
    log_says 'service=timeout reason=timeout .* action=exec target=/usr/sbin/sshd '
    # The default is 3 seconds: a client that gives up after 2 has no answer.
    [[ -z $(scan -T 2) ]]
}

@test "decide: with timeout = 0 a client may be silent for ever" {
    answer ssh
    configure <<END
bind = 127.0.0.1:0
timeout = 0
$(connect_service ssh SSH-)
END
    start_daemon
    client "wait-file:$TMP/go" send:SSH-2 expect:ssh:SSH-2 shutdown expect-eof
    wait_until 5 dispatchers_are 1
    uses_no_cpu
    touch "$TMP/go"
    finish "$JOB"
}
