#!/usr/bin/env bats
# `portsplit explain` gives the verdict that the daemon gives, for any bytes, and the reason.

load harness

explain() { "$PORTSPLIT_BIN/portsplit" explain "$@" "$CONFIG"; }

configure_mixed() {
    find_free_port
    configure <<END
bind = 127.0.0.1:0
timeout = 30
[ssh]
string = SSH-
connect = 127.0.0.1:$FREE
[http]
regex = (?!CONNECT )[A-Z]{3,16} [^ \r\n]{1,100} HTTP/1
connect = 127.0.0.1:$FREE
[get]
string = GET\20
connect = 127.0.0.1:$FREE
[tls]
hex = 16 03 00-04 ?? ?? 01
connect = 127.0.0.1:$FREE
[fallback]
connect = 127.0.0.1:$FREE
END
}

@test "explain: the first line has the words of the log, and how many bytes decided" {
    configure_mixed
    run -0 explain --text 'SSH-2.0-x\0D\0A'
    [[ ${lines[0]} == "service=ssh reason=match bytes=4 action=connect target=127.0.0.1:$FREE" ]]
    run -0 explain --hex '16 03 01 02 00 01 00'
    [[ ${lines[0]} == "service=tls reason=match bytes=6 action=connect target=127.0.0.1:$FREE" ]]
    run -0 explain <<<'GET / HTTP/1.0'
    [[ ${lines[0]} == "service=http reason=match bytes=12 "* ]]
    run -0 explain --text 'CONNECT a:443 HTTP/1.1'
    [[ ${lines[0]} == "service=fallback reason=fallback bytes=8 "* ]]
}

@test "explain: too few bytes are undecided, and --final decides as at the deadline" {
    configure_mixed
    run -0 explain --text 'GET /'
    [[ ${lines[0]} == 'service=- reason=undecided bytes=5' ]]
    run -0 explain --final --text 'GET /'
    [[ ${lines[0]} == 'service=get reason=match bytes=5 '* ]]
    run -0 explain --final --text 'S'
    [[ ${lines[0]} == 'service=- reason=timeout bytes=1' ]]
    run -0 explain </dev/null
    [[ ${lines[0]} == 'service=- reason=undecided bytes=0' ]]
}

@test "explain: before the first byte, fallback wins only where there is no timeout service" {
    find_free_port
    local last="[fallback]
connect = 127.0.0.1:$FREE"
    configure <<<"$last"
    run -0 explain --text ''
    [[ ${lines[0]} == "service=fallback reason=fallback bytes=0 "* ]]
    configure <<<"$last
[timeout]
connect = 127.0.0.1:$FREE"
    run -0 explain --text ''
    [[ ${lines[0]} == 'service=- reason=undecided bytes=0' ]]
    run -0 explain --final --text ''
    [[ ${lines[0]} == 'service=timeout reason=timeout bytes=0 '* ]]
    run -0 explain --text x
    [[ ${lines[0]} == 'service=fallback reason=fallback bytes=1 '* ]]
}

@test "explain: prints the answer of every service and pattern, and at which byte" {
    configure_mixed
    run -0 explain --text 'GET /'
    diff - <(printf '%s\n' "$output") <<'END'
service=- reason=undecided bytes=5
bytes seen: 5
    47 45 54 20 2f
    GET /
ssh   no       at byte 1
      no       at byte 1     string "SSH-"
http  more     after 5
      more     after 5       regex "(?!CONNECT )[A-Z]{3,16} [^ \r\n]{1,100} HTTP/1"
get   match    at byte 4
      match    at byte 4     string "GET "
tls   no       at byte 1
      no       at byte 1     hex "16 03 00-04 ?? ?? 01"
END
}

@test "explain: --json has the same for programs" {
    configure_mixed
    run -0 explain --json --text 'SSH-'
    [[ $output == '{"service":"ssh","reason":"match","bytes":4,"action":"connect","target":"127.0.0.1:'$FREE'","seen":4,"services":[{"answer":"match","bytes":4,"name":"ssh","patterns":[{"answer":"match","bytes":4,"string":"SSH-"}]},'* ]]
    # As in the text, fallback and timeout are not listed.
    [[ $output == *'{"answer":"no","bytes":1,"hex":"16 03 00-04 ?? ?? 01"}]}]}' ]]
    run -0 explain --json --text 'x'
    [[ $output == '{"service":"fallback","reason":"fallback","bytes":1,"action":"connect",'* ]]
    run -0 explain --json --text 'SS'
    [[ $output == '{"service":null,"reason":"undecided","bytes":2,"action":null,"target":null,'* ]]
    printf '[fallback]\nexec = cat\n' >"$CONFIG"
    run -0 explain --json --text 'x'
    [[ $output == '{"service":"fallback","reason":"fallback","bytes":0,"action":"exec","target":"cat","seen":1,"services":[]}' ]]
}

@test "explain: an error in the bytes or the file is all that is printed" {
    configure_mixed
    run -64 explain --hex '16 0'
    [[ $output == 'portsplit: --hex: half a byte; write two digits, such as 0a or ?a (at byte 4)' ]]
    run -64 explain --hex '1?'
    [[ $output == 'portsplit: --hex: ? and ranges are for patterns only' ]]
    run -64 explain --pcap "$CONFIG"
    [[ $output == "portsplit: cannot read the capture $CONFIG: unknown file format; "* ]]
    printf '\xD4\xC3\xB2\xA1' >"$TMP/capture"
    # shellcheck disable=SC2016
    run -0 --separate-stderr bash -c '"$0" explain "$1" <"$2"' "$PORTSPLIT_BIN/portsplit" "$CONFIG" \
        "$TMP/capture"
    [[ $stderr == 'portsplit: standard input: this is a capture, '*'; name the file with --pcap' ]]
    run -64 explain --text a --hex 61
    # shellcheck disable=SC2016
    run -64 bash -c '"$0" explain "$1" <&-' "$PORTSPLIT_BIN/portsplit" "$CONFIG"
    [[ $output == 'portsplit: cannot read standard input: Bad file descriptor' ]]
    echo '[x' >>"$CONFIG"
    run -78 explain --text a
    [[ $output == "$CONFIG:"*': [x: not a section; write [NAME] alone on its line'* ]]
}

@test "explain: a backslash in --text that begins no escape is kept, with a warning" {
    configure_mixed
    run -0 --separate-stderr explain --text 'SSH-2.0\r\n'
    [[ ${lines[1]} == 'bytes seen: 11' ]]
    [[ $stderr == 'portsplit: --text: \r is no escape here and stays as it is; write \0D for a carriage return' ]]
    run -0 --separate-stderr explain --text 'SSH-2.0\0D\5Cn'
    [[ $stderr == '' ]]
}

@test "explain, check, convert: a result that cannot be written is an error" {
    configure_mixed
    local words status
    for words in 'explain --text S' 'explain --json --text S' check convert; do
        echo "$words"
        status=0
        # shellcheck disable=SC2086
        "$PORTSPLIT_BIN/portsplit" $words "$CONFIG" >/dev/full 2>"$TMP/output" || status=$?
        ((status == 71))
        grep -qx 'portsplit: cannot write standard output: No space left on device' "$TMP/output"
    done
}

@test "explain: the readable part of a truncated capture is explained, and the rest is an error" {
    configure_mixed
    answer echo
    echo '# a version line
5353482d322e302d74657374' >"$TMP/ssh.hex"
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$echo_port" "$TMP/capture" 20 7 "$TMP/ssh.hex"
    truncate -s -1 "$TMP/capture"
    run -64 --separate-stderr explain --pcap "$TMP/capture"
    ((${#lines[@]} == 20))
    [[ $stderr == "portsplit: cannot read the rest of $TMP/capture: "* ]]
}

@test "explain: a capture without a connection says so" {
    configure_mixed
    # The header of a file of raw IP packets, and no packet (pcap-savefile(5)).
    printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\377\377\0\0\145\0\0\0' >"$TMP/capture"
    run -0 --separate-stderr explain --pcap "$TMP/capture"
    [[ -z $output ]]
    [[ $stderr == "portsplit: $TMP/capture: no TCP connection whose first bytes were captured" ]]
}

@test "explain: a capture gives a line for each stream, in order" {
    configure_mixed
    answer echo
    echo '# a version line
5353482d322e302d74657374' >"$TMP/ssh.hex"
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$echo_port" "$TMP/capture" 20 7 "$TMP/ssh.hex"
    run -0 explain --pcap "$TMP/capture"
    ((${#lines[@]} == 20))
    [[ $output == *"service=ssh reason=match src=127.0.0.1 sport="*" dst=127.0.0.1 dport=$echo_port bytes=4 "* ]]
}

@test "explain: a client of a capture has the address that it has there" {
    answer echo
    echo '5353482d322e302d74657374' >"$TMP/ssh.hex"
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$echo_port" "$TMP/capture" 3 7 "$TMP/ssh.hex"
    printf '%s\n' '[ssh]' 'string = SSH-' 'exec = cat' 'from = 127.0.0.1' '[fallback]' 'exec = cat' >"$CONFIG"
    run -0 --separate-stderr explain --pcap "$TMP/capture"
    [[ $output == *'service=ssh reason=match src=127.0.0.1 '* && -z $stderr ]]
    run -0 explain --pcap "$TMP/capture" --source 192.0.2.1
    [[ $output != *service=ssh* ]]
}

# Prints `SPORT NUMBER SERVICE REASON` of each connection; the number counts the connections that had the
# same port one after the other.
verdicts_of_log() {
    awk '/]: service=/ { delete f; for (i = 2; i <= NF; i++) { split($i, p, "="); f[p[1]] = p[2] }
         print f["sport"], ++seen[f["sport"]], f["service"], f["reason"] }' "$LOG" | sort
}
verdicts_of_capture() {
    explain --pcap "$1" | awk '{ delete f; for (i = 1; i <= NF; i++) { split($i, p, "="); f[p[1]] = p[2] }
         print f["sport"], ++seen[f["sport"]], f["service"], f["reason"] }' | sort
}
all_are_logged() { (($(grep -c ': service=' "$LOG") == $1)); }

@test "explain: agrees with the daemon on thousands of connections" {
    configure_mixed
    sed -i '1i log = start' "$CONFIG" # else not every line is written
    start_daemon
    local count=${PORTSPLIT_CROWD:-2000} seed=${PORTSPLIT_SEED:-$RANDOM}
    echo "seed $seed"
    mapfile -t recordings < <(find "$BATS_TEST_DIRNAME/../contrib/patterns/recordings" -name '*.hex')
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$PORT" "$TMP/capture" "$count" "$seed" "${recordings[@]}"
    wait_until 20 all_are_logged "$count"
    verdicts_of_log >"$TMP/daemon"
    verdicts_of_capture "$TMP/capture" >"$TMP/explain"
    diff "$TMP/daemon" "$TMP/explain" | head -20
    cmp "$TMP/daemon" "$TMP/explain"
    # Every service must have occurred, or the test shows nothing.
    for service in ssh http get tls fallback; do grep -q " $service " "$TMP/daemon"; done
}
