#!/usr/bin/env bats
# One line for one connection, in a form that programs read; nothing that a client sent is in it, no
# client can fill it, and no reader of it can hold up the service.

load harness

# The whole form of a connection's line, from service= to ms=, with what the test knows.
line() {
    echo "^portsplit\[[0-9]+\]: service=$1 reason=$2 src=127\.0\.0\.1 sport=$CLIENT dst=127\.0\.0\.1 dport=$PORT action=$3 target=$4 in=$5 out=$6 ms=[0-9]+$7\$"
}

# As talk, and the client's port in CLIENT.
talk_and_note() {
    talk say-port "$@" >"$TMP/client"
    CLIENT=$(<"$TMP/client")
}

configure_all() {
    answer one fallback
    find_free_port
    configure <<END
bind = 127.0.0.1:0
timeout = 0.3
[one]
string = one
connect = 127.0.0.1:$one_port
[refused]
string = refused
connect = 127.0.0.1:$FREE
[socket]
string = socket
exec = /bin/cat
[pipe]
string = pipe
exec = /bin/cat
stdio = pipe
[missing]
string = missing
exec = $TMP/missing
[fallback]
connect = 127.0.0.1:$fallback_port
END
    start_daemon
}

@test "log: a relayed connection" {
    configure_all
    talk_and_note send:one12345 expect:one:one12345 shutdown expect-eof
    log_says "$(line one match connect "127\.0\.0\.1:$one_port" 8 12 '')"
}

@test "log: a program on the socket, whose bytes nobody counts" {
    configure_all
    talk_and_note send:socket expect:socket shutdown expect-eof
    log_says "$(line socket match exec /bin/cat - - ' exit=0')"
}

@test "log: a program behind pipes" {
    configure_all
    talk_and_note send:pipe12345 expect:pipe12345 shutdown expect-eof
    log_says "$(line pipe match exec /bin/cat 9 9 ' exit=0')"
}

@test "log: a fallback" {
    configure_all
    talk_and_note send:what expect:fallback:what shutdown expect-eof
    log_says "$(line fallback fallback connect "127\.0\.0\.1:$fallback_port" 4 13 '')"
}

@test "log: a timeout that nobody serves" {
    configure_all
    talk_and_note expect-end
    log_says "$(line - timeout close - 0 0 '')"
}

@test "log: an end before any byte" {
    configure_all
    talk_and_note shutdown expect-end
    log_says "$(line - eof close - 0 0 '')"
}

@test "log: a target that cannot be reached" {
    configure_all
    talk_and_note send:refused expect-end
    log_says "$(line refused match connect - - - ' exit=111')"
}

@test "log: a program that cannot be started" {
    configure_all
    talk_and_note send:missing expect-end
    log_says "$(line missing match exec "$TMP/missing" - - ' exit=127')"
}

@test "log: IPv6 addresses stand without brackets" {
    answer one
    printf '%s\n' 'bind = [::1]:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    start_daemon
    "$PEER" connect "[::1]:$PORT" send:one expect:one:one shutdown expect-eof
    log_says "service=one reason=match src=::1 sport=[0-9]+ dst=::1 dport=$PORT action=connect "
}

@test "log: ms is the time from accept to the end" {
    configure_all
    client send:one expect:one:one "touch:$TMP/up" "wait-file:$TMP/go" shutdown expect-eof
    wait_until 5 exists "$TMP/up"
    pass_time 300
    touch "$TMP/go"
    finish "$JOB"
    log_says 'service=one reason=match'
    local ms
    ms=$(sed -En 's/.*service=one .* ms=([0-9]+)$/\1/p' "$LOG")
    echo "$ms ms"
    ((ms >= 300 && ms < 300 + 700 * PORTSPLIT_PATIENCE))
}

@test "log: one line for each connection, and whole lines only" {
    configure_all
    local i jobs=()
    for i in {1..5}; do
        client --repeat 40 send:one expect:one:one shutdown expect-eof
        jobs+=("$JOB")
    done
    for i in "${jobs[@]}"; do finish "$i"; done
    logged_connections 200
    not grep -vE '^portsplit\[[0-9]+\]: (service=one reason=match .* ms=[0-9]+|listening on .*|connections are served as root.*|[^ ]*portsplit.conf:[0-9]+: .*)$' "$LOG"
}

@test "log: an expression that takes too long is named, and counts as no" {
    local bytes
    bytes=$(printf 'a%.0s' {1..4000})
    configure <<'END'
bind = 127.0.0.1:0
[costly]
regex = (a+)+$
exec = cat
[fallback]
exec = cat
END
    start_daemon
    talk "send:$bytes!" "expect:$bytes!" shutdown expect-eof
    log_says 'service=fallback reason=fallback '
    log_says 'the expression of service costly took too long on what client 127\.0\.0\.1:[0-9]+ sent, which counts as no'
}

@test "log: nothing that a client sends is in it" {
    configure_all
    local value
    for value in '\x00' '\x07' '\x1b[31m' '\n' '\r\nportsplit[1]: service=ssh' '%n%s%x' '\x7f' '\xff' '\xe2\x80\xae'; do
        talk "send:LEAK${value}LEAK" "expect:fallback:LEAK${value}LEAK" shutdown expect-eof
        talk "send:refused${value}LEAK" expect-end
        talk "send:missing${value}LEAK" expect-end
        talk "send:pipe${value}LEAK" "expect:pipe${value}LEAK" shutdown expect-eof
    done
    logged_connections 36
    not log_has LEAK
    LC_ALL=C not grep -q '[^ -~]' "$LOG"
}

@test "log: errors that clients can cause do not fill it" {
    configure_all
    client --repeat 100 send:refused expect-end
    local other=$JOB
    client --repeat 100 send:refused expect-end
    finish "$JOB"
    finish "$other"
    logged_connections 200
    local lines
    lines=$(grep -c 'cannot connect' "$LOG")
    echo "$lines lines for 200 refused targets"
    ((lines >= 1 && lines <= 25))
}

# The log on a pipe that the test holds in READER.
start_on_pipe() {
    mkfifo "$TMP/pipe"
    exec {READER}<>"$TMP/pipe"
    WRAPPER=(bash -c 'exec "$@" 2>"$0"' "$TMP/pipe")
    LOG_TO=stderr
    STDERR=$TMP/stderr start_daemon
}

@test "log: a reader that is stuck holds up nobody, and what was lost is told" {
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    start_on_pipe
    # Full to the last page.
    dd if=/dev/zero bs=4096 count=16 oflag=nonblock >&"$READER" 2>/dev/null || true
    local i
    for i in {1..20}; do talk --limit 5000 send:one expect:one:one shutdown expect-eof; done
    wait_until 5 dispatchers_are 0
    nobody_works 200
    # The reader is back.
    timeout 1 cat <"$TMP/pipe" >"$TMP/read" || true
    talk send:one expect:one:one shutdown expect-eof
    timeout 1 cat <"$TMP/pipe" >"$TMP/read" || true
    exec {READER}>&-
    grep -aE '^portsplit\[[0-9]+\]: [0-9]+ log lines were lost' "$TMP/read"
    grep -aE 'service=one reason=match' "$TMP/read"
}

@test "log: a reader that has gone holds up nobody" {
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    start_on_pipe
    exec {READER}>&-
    local i
    for i in {1..5}; do talk --limit 5000 send:one expect:one:one shutdown expect-eof; done
    reload_unseen
    talk --limit 5000 send:one expect:one:one shutdown expect-eof
}
# A reload where no log can say how it went.
reload_unseen() {
    local before=$ZYGOTE
    kill -HUP "$DAEMON"
    wait_until 10 another_zygote "$before"
    wait_until 10 is_quiet
}
another_zygote() { find_zygote && [[ $ZYGOTE != "$1" ]]; }

@test "log: a file is added to, never cut" {
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    echo 'earlier' >"$LOG"
    start_daemon
    talk send:one expect:one:one shutdown expect-eof
    log_says 'service=one'
    [[ $(head -n 1 "$LOG") == earlier ]]
}

@test "log: a full disk holds up nobody" {
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    LOG=/dev/full start_daemon
    local i
    for i in {1..5}; do talk --limit 5000 send:one expect:one:one shutdown expect-eof; done
}

@test "log: syslog gets each event as one message, and a syslog that comes back is found" {
    needs_root
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    # A /dev of its own, whose log is the test's.
    mkdir "$TMP/dev"
    ln -s "$TMP/syslog" "$TMP/dev/log"
    touch "$TMP/dev/null"
    in_background socat -u "UNIX-RECV:$TMP/syslog" "CREATE:$TMP/messages"
    wait_until 5 exists "$TMP/syslog"
    WRAPPER=(unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --bind "$0" /dev && exec "$@"'
        "$TMP/dev")
    start_daemon --log syslog
    talk send:one expect:one:one shutdown expect-eof
    local header='<30>[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} portsplit\[[0-9]+\]: '
    wait_until 5 grep -aqE "${header}service=one reason=match " "$TMP/messages"
    kill "$JOB"
    wait "$JOB" || true
    rm -f "$TMP/syslog"
    talk send:one expect:one:one shutdown expect-eof
    in_background socat -u "UNIX-RECV:$TMP/syslog" "CREATE:$TMP/later"
    wait_until 5 exists "$TMP/syslog"
    talk send:one expect:one:one shutdown expect-eof
    wait_until 5 grep -aqE "${header}service=one reason=match " "$TMP/later"
}

@test "log: without a syslog the service goes on" {
    needs_root
    answer one
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" \
        '[complaint]' 'string = two' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = head -c 3 >/dev/null; echo complaint >&2; echo answer' | configure
    mkdir "$TMP/dev"
    touch "$TMP/dev/null"
    WRAPPER=(unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --bind "$0" /dev && exec "$@"'
        "$TMP/dev")
    start_daemon --log syslog
    talk send:one expect:one:one shutdown expect-eof
    talk send:two 'expect:answer\n' expect-eof
}

@test "log: a file that cannot be written is a reason not to start" {
    echo '[x]' | configure
    run -71 "$PORTSPLIT_BIN/portsplitd" --log "$TMP/no-such-folder/log" "$CONFIG"
    [[ $output == *"cannot open the log file $TMP/no-such-folder/log: No such file or directory"* ]]
}
