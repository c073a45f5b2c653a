#!/usr/bin/env bats
# `portsplit test` compares the decisions of a configuration with a file of cases.

load harness

# cases: takes the file of cases from standard input.
cases() { cat >"$TMP/portsplit.cases"; }

tested() { "$PORTSPLIT_BIN/portsplit" test "$@" "$CONFIG" "$TMP/portsplit.cases"; }

configure_words() {
    configure <<'END'
[ssh]
string = SSH-
exec = true
[get]
string = GET\20
exec = true
[fallback]
exec = true
[timeout]
exec = true
END
}

@test "test: cases that are as expected exit 0, for a file without a bind, too" {
    configure_words
    cases <<'END'
# The service, the reason and the byte of the log and of explain.
[an SSH client]
string  = SSH-2.0-x\0D\0A
service = ssh
reason  = match
certain = 4
[layout of a request]
string  = G
hex     = 45 54
string  = \20
service = get
[other bytes]
string  = x
service = fallback
[a silent client]
service = timeout
reason  = timeout
certain = 0
[a client that ends at once]
end     = yes
service = -
reason  = eof
[a client that ends too early]
string  = GE
end     = yes
service = fallback
[a client that stops too early]
string  = GE
service = timeout
END
    run -0 tested
    [[ $output == '7 cases: 7 as expected, 0 not' ]]
}

@test "test: each case that is not as expected is a line, and the exit code is 1" {
    configure_words
    cases <<'END'
[right]
string  = SSH-
service = ssh
[another service]
string  = GET /
service = ssh
[another reason]
service = timeout
reason  = fallback
[another byte]
string  = GET /
service = get
reason  = match
certain = 5
END
    run -1 --separate-stderr tested
    diff - <(printf '%s\n' "$output") <<END
$TMP/portsplit.cases:4: another service: expected service=ssh, got service=get reason=match certain=4
$TMP/portsplit.cases:7: another reason: expected service=timeout reason=fallback, got service=timeout reason=timeout certain=0
$TMP/portsplit.cases:10: another byte: expected service=get reason=match certain=5, got service=get reason=match certain=4
4 cases: 1 as expected, 3 not
END
    [[ -z $stderr ]]
}

# judged: what prove(1) says of the cases.
judged() {
    prove --verbose --exec "$PORTSPLIT_BIN/portsplit test --tap $CONFIG" "$TMP/portsplit.cases" 2>&1
}

@test "test: --tap is read by prove, which counts each case" {
    configure_words
    cases <<'END'
[right: \ and # TODO are no directives]
string  = SSH-
service = ssh
[a second one]
service = timeout
END
    run -0 judged
    [[ $output == *'Files=1, Tests=2, '*'Result: PASS'* ]]
    [[ $output == *'ok 1 - right: \\ and \# TODO are no directives'* ]]
    cat >>"$TMP/portsplit.cases" <<'END'
[wrong # TODO]
string  = GET /
service = ssh
END
    run -1 judged
    [[ $output == *'Failed test:  3'*'Files=1, Tests=3, '*'Result: FAIL'* ]]
    run -1 tested --tap
    diff - <(printf '%s\n' "$output") <<END
TAP version 13
1..3
ok 1 - right: \\\\ and \\# TODO are no directives
ok 2 - a second one
not ok 3 - wrong \\# TODO
  ---
  message: not the expected decision
  severity: fail
  found: "service=get reason=match certain=4"
  wanted: "service=ssh"
  at:
    file: "$TMP/portsplit.cases"
    line: 6
  ...
END
}

@test "test: errors in the files are printed with their lines, and exit 78" {
    configure_words
    run -78 tested
    [[ $output == "portsplit: cannot read $TMP/portsplit.cases: No such file or directory" ]]
    cases <<'END'
[a]
strng = x
service = shh
END
    run -78 tested
    [[ ${lines[0]} == "$TMP/portsplit.cases:2: unknown key strng; did you mean string?" ]]
    [[ ${lines[1]} == "$TMP/portsplit.cases:3: service = shh: the configuration has no such service; did you mean ssh?" ]]
    ((${#lines[@]} == 2))
    echo 'x' >>"$CONFIG"
    run -78 tested
    [[ $output == "$CONFIG:11: x: neither key = value"* ]]
    run -64 "$PORTSPLIT_BIN/portsplit" test "$CONFIG"
    [[ $output == 'portsplit: CASES is required; try portsplit --help' ]]
}

@test "test: a result that cannot be written is an error" {
    configure_words
    printf '%s\n' '[a]' 'service = ssh' | cases
    local option status
    for option in '' --tap; do
        status=0
        # shellcheck disable=SC2086
        tested $option >/dev/full 2>"$TMP/output" || status=$?
        ((status == 71))
        grep -qx 'portsplit: cannot write standard output: No space left on device' "$TMP/output"
    done
}

@test "test: colour only on a terminal" {
    configure_words
    printf '%s\n' '[a]' 'service = ssh' | cases
    local screen
    printf '%q ' "$PORTSPLIT_BIN/portsplit" test "$CONFIG" "$TMP/portsplit.cases" >"$TMP/command"
    screen=$(SHELL=$SHELL_PROGRAM TERM=xterm script -qec ". $TMP/command" /dev/null </dev/null) || true
    [[ $screen == $'\e[1;31m'"$TMP/portsplit.cases:1:"$'\e[0m'*"1 case: "$'\e[1;31m0 as expected, 1 not\e[0m'* ]]
    run -1 tested
    [[ $output != *$'\e'* ]]
}

@test "test: a recording is hex, the bytes themselves, or a capture of one connection" {
    configure_words
    mkdir "$TMP/recordings"
    printf '# SSH-\n53 53\n48 2d\n' >"$TMP/recordings/ssh.hex"
    printf 'GET /' >"$TMP/recordings/get"
    answer echo
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$echo_port" "$TMP/recordings/many" 3 7 "$TMP/recordings/ssh.hex"
    cases <<'END'
[hex]
recording = recordings/ssh.hex
service   = ssh
[bytes]
recording = ./recordings/get
service   = get
END
    run -0 tested
    # Another folder changes nothing.
    (cd / && tested)
    printf '%s\n' '[many]' 'recording = recordings/many' 'service = ssh' | cases
    run -78 tested
    [[ $output == "$TMP/portsplit.cases:2: recording = recordings/many: $TMP/recordings/many: a capture of 3 connections; write one of them to a file of its own, such as with tcpdump -r $TMP/recordings/many -w FILE port "* ]]
    # The client of this seed sends the recording unchanged.
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$echo_port" "$TMP/recordings/one" 1 "$(seed_that_sends SSH-)" "$TMP/recordings/ssh.hex"
    printf '%s\n' '[one]' 'recording = recordings/one' 'service = ssh' 'certain = 4' | cases
    run -0 tested
}

# seed_that_sends TEXT: prints a seed with which the client of crowd sends just that.
seed_that_sends() {
    local seed
    for ((seed = 1; seed < 100; seed++)); do
        "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$echo_port" "$TMP/recordings/tried" 1 $seed "$TMP/recordings/ssh.hex"
        if "$PORTSPLIT_BIN/portsplit" explain --pcap "$TMP/recordings/tried" "$CONFIG" | grep -q '^service=ssh '; then
            echo "$seed"
            return
        fi
    done
    return 1
}

@test "test: agrees with explain about every recording, byte by byte" {
    configure_words
    local file recordings=("$BATS_TEST_DIRNAME"/../contrib/patterns/recordings/{ssh,http,tls,git}/*.hex)
    for file in "${recordings[@]}"; do
        mapfile -t rows < <(sed 1d "$file")
        printf '%s\n' "[$file]" "recording = $file" \
            "$("$PORTSPLIT_BIN/portsplit" explain --final --hex "${rows[*]}" "$CONFIG" |
                sed -nE '1s/^service=([^ ]*) reason=([^ ]*) bytes=([0-9]*) .*/service = \1\nreason = \2\ncertain = \3/p')"
    done >"$TMP/portsplit.cases"
    run -0 tested
    [[ $output == "${#recordings[@]} cases: ${#recordings[@]} as expected, 0 not" ]]
}
