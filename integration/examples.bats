#!/usr/bin/env bats
# Every configuration in examples/ can be served as it is, and does what its comments and its cases say.

load harness

EXAMPLES=$BATS_TEST_DIRNAME/../examples
KEY_TABLE=$BATS_TEST_DIRNAME/../src/config/key_table

# convert FILE SPELLING
convert() { "$PORTSPLIT_BIN/portsplit" convert --to "$2" "$EXAMPLES/$1"; }

# serve_example FILE [EDIT...]: starts the daemon with an example. Only addresses are replaced: it listens on a
# free port, and each port that it relays to becomes a server that sends it first, such as `port22:`. Each edit is
# a command for sed(1), which must change the file.
serve_example() {
    local port own ports edit
    { echo 'bind = 127.0.0.1:0'; grep -v '^bind' "$EXAMPLES/$1"; } | configure
    mapfile -t ports < <(sed -En 's/^connect *= .*:([0-9]+)$/\1/p' "$CONFIG" | sort -u)
    for port in "${ports[@]}"; do
        answer "port$port"
        own=port${port}_port
        sed -Ei "s/^(connect *= .*):$port\$/\1:${!own}/" "$CONFIG"
    done
    for edit in "${@:2}"; do
        cp "$CONFIG" "$TMP/unedited"
        sed -Ei "$edit" "$CONFIG"
        not cmp -s "$CONFIG" "$TMP/unedited"
    done
    start_daemon
}

# relays_to PORT TEXT: the text reaches the server of that port, byte for byte.
relays_to() { talk "send:$2" "expect:port$1:$2" shutdown expect-eof; }

@test "examples: check finds no problem in any of them" {
    local file files=0
    for file in "$EXAMPLES"/*.conf "$EXAMPLES"/*.cfg; do
        run -0 "$PORTSPLIT_BIN/portsplit" check --silence outer-name "$file"
        [[ $output == "$file: can be served (errors: 0, warnings: 0)" ]]
        files=$((files + 1))
    done
    ((files >= 6))
}

@test "examples: each of them has cases, and all are as expected" {
    local file
    for file in "$EXAMPLES"/*.conf; do
        run -0 "$PORTSPLIT_BIN/portsplit" test "$file" "${file%.conf}.cases"
        [[ $output =~ ^[0-9]+\ cases:\ [0-9]+\ as\ expected,\ 0\ not$ ]]
    done
    for file in "$EXAMPLES"/*.cases; do exists "${file%.cases}.conf"; done
}

@test "examples: the cases of each expect every service of it" {
    local file service
    for file in "$EXAMPLES"/*.conf; do
        while read -r service; do
            echo "$file: $service"
            grep -Eqx "service *= $service" "${file%.conf}.cases"
        done < <(sed -En 's/^\[([^] ]+)\]$/\1/p' "$file")
    done
}

@test "examples: a test serves each of them, and README lists each" {
    local file
    for file in "$EXAMPLES"/*.conf; do
        echo "$file"
        grep -qF "](examples/${file##*/})" "$BATS_TEST_DIRNAME/../README.md"
        [[ $file == */every-key.conf ]] || grep -q "serve_example ${file##*/}" "$BATS_TEST_DIRNAME"/examples*.bats
    done
}

@test "examples: every-key has every key, in both spellings" {
    local key keys
    keys=$(sed -En 's/.*(\.name|string_view k[A-Za-z]+) = "([a-z-]+)".*/\2/p' "$KEY_TABLE.cc" "$KEY_TABLE.h")
    [[ $keys == *half-closed*include*services*layout* ]]
    for key in $keys; do
        echo "$key?"
        grep -Eq "^ *$key *= " "$EXAMPLES/every-key.conf"
        grep -Eq "^ *$key *= " "$EXAMPLES/every-key.cfg"
    done
    # A layout, and a field of one.
    grep -q '^\[layout [a-z]' "$EXAMPLES/every-key.conf"
    grep -q '^layouts : {' "$EXAMPLES/every-key.cfg"
    grep -q '^[a-z]*\.[a-z]* *= ' "$EXAMPLES/every-key.conf"
}

@test "examples: every-key.cases has every key of a case" {
    local key keys
    keys=$(sed -En 's/.*\.name = "([a-z]+)".*/\1/p' "$BATS_TEST_DIRNAME/../src/cli/cases.cc")
    [[ -n $keys ]]
    for key in $keys; do
        echo "$key?"
        grep -Eq "^$key *= " "$EXAMPLES/every-key.cases"
    done
}

@test "examples: every-key means the same in both spellings" {
    local spelling
    for spelling in classic libconfig; do
        [[ $(convert every-key.conf "$spelling") == "$(convert every-key.cfg "$spelling")" ]]
    done
}

@test "examples: every-key passes a field of a layout to a program" {
    { echo 'bind = 127.0.0.1:0'; sed -n '/^\[\(layout \)\?hello\]$/,/^$/p' "$EXAMPLES/every-key.conf"; } | configure
    start_daemon
    talk 'send:HELLO Me.\r\n' 'expect:me\n' expect-eof
}

@test "examples: portsplit-1.0.conf keeps its meaning" {
    serve_example portsplit-1.0.conf
    relays_to 8080 'GET / HTTP/1.1\r\n\r\n'
    relays_to 1194 '\x00\x0e8\x01\x02'
    relays_to 8080 'neither'
    talk send:LIST expect:total
    log_says 'service=listing reason=match .* action=exec target=ls '
    [[ $(talk print) == "$(</etc/issue)" ]]
    log_says 'service=timeout reason=timeout .* action=exec target=cat '
}

@test "examples: ssh-and-https.conf separates SSH, TLS, other bytes and silence" {
    serve_example ssh-and-https.conf
    relays_to 22 'SSH-2.0-OpenSSH_9.2\r\n'
    relays_to 8443 '\x16\x03\x01\x02\x00\x01\x00\x01\xfc'
    relays_to 8443 'GET / HTTP/1.1\r\n\r\n'
    talk expect:port22: 'send:SSH-2.0-x\r\n' 'expect:SSH-2.0-x\r\n' shutdown expect-eof
    log_says 'service=timeout reason=timeout '
}

@test "examples: vpn-behind-web.conf shows the web server to every other client" {
    serve_example vpn-behind-web.conf
    local start request='GET / HTTP/1.1\r\n\r\n'
    for start in '\x00\x0e8' '\x00\x2a8' '\x00\x368' '\x00\x568' '\x01\x61P'; do
        relays_to 1194 "$start\xa1\xa2\xa3"
    done
    for start in '\x16\x03\x01' "$request" '\x00\x0e\x40' '\x01\x61\x38' 'SSH-2.0-x\r\n'; do
        relays_to 8443 "$start"
    done
    talk 'send:\x00' shutdown 'expect:port8443:\x00' expect-eof
    talk expect:port8443: shutdown expect-eof
}

@test "examples: programs.conf starts each program on the connection" {
    serve_example programs.conf
    talk 'send:GET /no-such-file HTTP/1.0\r\n\r\n' expect:HTTP/1.
    log_says 'service=web reason=match .* action=exec target=busybox '
    talk 'send:DIGEST me' shutdown "expect:$(printf 'DIGEST me' | sha256sum)\n" expect-eof
    talk send:TTY expect:/dev/pts/
    talk 'send:any bytes' 'expect:any bytes' shutdown expect-eof
    talk 'expect:Send SSH-, GET, DIGEST or TTY.\n' expect-eof
    # sshd may have no host keys on this machine, so its answer does not matter.
    talk 'send:SSH-2.0-test\r\n' shutdown hold
    log_says 'service=ssh reason=match .* action=exec target=/usr/sbin/sshd '
    log_says 'service=digest reason=match .* target=sha256sum in=9 out=68 '
}

# from ADDRESS STEP...: a client with this address.
from() { "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" --limit 5000 "${@:2}"; }

# In place of sshd, whose exit codes older versions do not have: exits with the number that the client sends behind
# SSH-2.0-, or else sends back what comes.
write_sshd() {
    printf '%s\n' '#!/bin/sh' 'echo SSH-2.0-test' 'read -r line' 'line=${line#SSH-2.0-}' \
        'case $line in [0-9]*) exit "$line" ;; esac' 'echo "$line"' 'exec cat' >"$TMP/sshd"
    chmod +x "$TMP/sshd"
}

@test "examples: guessers.conf keeps out who guesses passwords, and serves the others" {
    write_sshd
    # The times of the file are too short for a slow machine.
    serve_example guessers.conf "s#^(exec *= )/usr/sbin/sshd#\1$TMP/sshd#" 's/^(penalty *= [a-z:0-9]+) .*/\1 600/' \
        's#^(rate-source *= [0-9]+)/.*#\1/600#'
    local code last=10 i jobs=()
    for code in 3 4 5; do
        last=$((last + 1))
        from "127.0.0.$last" "send:SSH-2.0-$code\n" 'expect:SSH-2.0-test\n' expect-eof
        wait_until 10 log_has "service=ssh reason=match src=127.0.0.$last .* exit=$code listener=main\$"
        from "127.0.0.$last" expect-reset
    done
    log_says 'reason=limit src=127.0.0.11 .* listener=main limit=penalty$'
    # An end that is no failed login, and a silent client.
    from 127.0.0.14 'send:SSH-2.0-255\n' 'expect:SSH-2.0-test\n' expect-eof
    wait_until 10 log_has 'src=127.0.0.14 .* exit=255 listener=main$'
    from 127.0.0.14 'expect:SSH-2.0-test\n' 'send:SSH-2.0-me\n' 'expect:me\n' shutdown expect-eof
    log_says 'service=ssh reason=timeout src=127.0.0.14 '
    # A source has four sessions, and a browser beside them.
    for i in 1 2 3 4; do
        in_background from 127.0.0.15 'send:SSH-2.0-me\n' 'expect:SSH-2.0-test\nme\n' "touch:$TMP/held$i" \
            "wait-file:$TMP/go" shutdown expect-eof
        jobs+=("$JOB")
        wait_until 10 exists "$TMP/held$i"
    done
    from 127.0.0.15 'send:SSH-2.0-me\n' expect-reset
    from 127.0.0.16 'send:SSH-2.0-me\n' 'expect:SSH-2.0-test\nme\n' shutdown expect-eof
    from 127.0.0.15 'send:\x16\x03\x01' 'expect:port8443:\x16\x03\x01' shutdown expect-eof
    go_on "${jobs[@]}"
    # A source that comes too often.
    for ((i = 0; i < 100; i++)); do from 127.0.0.17 shutdown expect-eof; done
    from 127.0.0.17 expect-reset
    relays_to 8443 'GET / HTTP/1.1\r\n\r\n'
}
