#!/usr/bin/env bats
# The log has one line for each connection, in a fixed form for programs. It holds no byte of a client, no
# client can fill it, and a slow reader delays no connection.

load harness

# ISO 8601 with the offset from UTC.
DATE='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}'

# line SERVICE REASON ACTION TARGET IN OUT [EXIT]: prints the pattern of a whole line of a connection.
line() {
    echo "^$DATE portsplit\[[0-9]+\]: service=$1 reason=$2 src=127\.0\.0\.1 sport=$CLIENT dst=127\.0\.0\.1 dport=$PORT action=$3 target=$4 in=$5 out=$6 ms=[0-9]+${7:-}\$"
}

# As talk, with the client's port in CLIENT.
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
log = all
$(connect_service one one)
[refused]
string = refused
connect = 127.0.0.1:$FREE
$(exec_service socket /bin/cat)
$(exec_service pipe /bin/cat 'stdio = pipe')
$(exec_service missing "$TMP/missing")
$(connect_service fallback)
END
    start_daemon
}

@test "log: a relayed connection" {
    configure_all
    talk_and_note send:one12345 expect:one:one12345 shutdown expect-eof
    log_says "$(line one match connect "127\.0\.0\.1:$one_port" 8 12)"
}

@test "log: a program on the socket, whose bytes are not counted" {
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
    log_says "$(line fallback fallback connect "127\.0\.0\.1:$fallback_port" 4 13)"
}

@test "log: a timeout without a service" {
    configure_all
    talk_and_note expect-end
    log_says "$(line - timeout close - 0 0)"
}

@test "log: end of stream before any byte" {
    configure_all
    talk_and_note shutdown expect-end
    log_says "$(line - eof close - 0 0)"
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

@test "log: IPv6 addresses are written without brackets" {
    answer one
    printf '%s\n' 'bind = [::1]:0' '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    start_daemon
    "$PEER" connect "[::1]:$PORT" send:one expect:one:one shutdown expect-eof
    log_says "service=one reason=match src=::1 sport=[0-9]+ dst=::1 dport=$PORT action=connect "
}

@test "log: ms counts from accept to the end of the connection" {
    configure_all
    hold_open one
    pass_time 300
    go_on "$JOB"
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
    not grep -vE "^$DATE "'portsplit\[[0-9]+\]: (service=one reason=match .* ms=[0-9]+|listening on .*|sandbox: .*|connections are served as [a-z]+|[^ ]*portsplit.conf:[0-9]+: .*)$' "$LOG"
}

# bats test_tags=fault:C11
@test "log: an expression that takes too long is named and counts as no match" {
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
    log_says 'the expression of service costly took too long on the bytes of client 127\.0\.0\.1:[0-9]+; it counts as no'
}

# bats test_tags=fault:C8
@test "log: no byte of a client is in it" {
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

# bats test_tags=fault:B9
@test "log: clients cannot fill it with errors" {
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

# Starts the daemon with its log on a pipe, which the test holds open in READER.
start_on_pipe() {
    mkfifo "$TMP/pipe"
    exec {READER}<>"$TMP/pipe"
    WRAPPER=(bash -c 'exec "$@" 2>"$0"' "$TMP/pipe")
    LOG_TO=stderr
    STDERR=$TMP/stderr start_daemon
}

# Prints what the pipe holds, without waiting for more.
read_pipe() { dd iflag=nonblock bs=65536 <&"$READER" 2>/dev/null || true; }

# A line that was read from the pipe so far matches.
pipe_had() {
    read_pipe >>"$TMP/read"
    grep -aqE -- "$1" "$TMP/read"
}

# bats test_tags=fault:G1
@test "log: a stuck reader delays no connection, and lost lines are counted" {
    answer one
    configure_answers one
    start_on_pipe
    # Fills every page of the pipe.
    dd if=/dev/zero bs=4096 count=16 oflag=nonblock 1>&"$READER" 2>/dev/null || true
    local i
    for i in {1..20}; do reaches one; done
    wait_until 5 dispatchers_are 0
    uses_no_cpu
    # The reader continues.
    read_pipe >/dev/null
    reaches one
    wait_until 5 pipe_had '^[0-9T:+-]+ portsplit\[[0-9]+\]: [0-9]+ log lines were lost'
    wait_until 5 pipe_had 'service=one reason=match'
    exec {READER}>&-
}

# bats test_tags=fault:G1
@test "log: a reader that has exited delays no connection" {
    answer one
    configure_answers one
    start_on_pipe
    exec {READER}>&-
    local i
    for i in {1..5}; do reaches one; done
    reload_unseen
    reaches one
}
# A reload whose result cannot be read from the log.
reload_unseen() {
    local before=$ZYGOTE
    kill -HUP "$DAEMON"
    wait_until 10 another_zygote "$before"
    wait_until 10 is_quiet
}

@test "log: an existing file is appended to" {
    answer one
    configure_answers one
    echo 'earlier' >"$LOG"
    start_daemon
    reaches one
    log_says 'service=one'
    [[ $(head -n 1 "$LOG") == earlier ]]
}

# bats test_tags=fault:G1
@test "log: a full disk delays no connection" {
    answer one
    configure_answers one
    LOG=/dev/full start_daemon
    local i
    for i in {1..5}; do reaches one; done
}

# Starts a daemon with the server `one` that logs to a syslog of the test: the process $JOB, which writes
# to $TMP/messages. The daemon has a /dev of its own for that.
start_with_syslog() {
    needs_root
    answer one
    configure_answers one
    exec_service two /bin/sh 'execarg = -c' \
        'execarg = head -c 3 >/dev/null; echo complaint >&2; echo answer' >>"$CONFIG"
    mkdir "$TMP/dev"
    ln -s "$TMP/syslog" "$TMP/dev/log"
    touch "$TMP/dev/null"
    in_background socat -u "UNIX-RECV:$TMP/syslog" "CREATE:$TMP/messages"
    wait_until 5 exists "$TMP/syslog"
    WRAPPER=(unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && exec "$@"'
        "$TMP/dev")
    STDERR=$LOG # gets the lines while there is no syslog
    start_daemon --log syslog
}

# bats test_tags=fault:G1
@test "log: syslog gets each event as one message, also after a restart" {
    start_with_syslog
    reaches one
    local header='<30>[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} portsplit\[[0-9]+\]: '
    wait_until 5 grep -aqE "${header}service=one reason=match " "$TMP/messages"
    kill "$JOB"
    wait "$JOB" || true
    rm -f "$TMP/syslog"
    reaches one
    in_background socat -u "UNIX-RECV:$TMP/syslog" "CREATE:$TMP/later"
    wait_until 5 exists "$TMP/syslog"
    reaches one
    wait_until 5 grep -aqE "${header}service=one reason=match " "$TMP/later"
    talk send:two 'expect:answer\n' expect-eof
    wait_until 5 grep -aqE '<29>[^<]* portsplit\[[0-9]+\]: stderr of service two: complaint' "$TMP/later"
}

# bats test_tags=fault:G1
@test "log: under a super-server syslog gets the line, also after a restart in a connection" {
    needs_root
    answer one
    connect_service one one | configure
    install -d -m 755 "$TMP/dev" # for everybody, as /dev is
    touch "$TMP/dev/null"
    in_background socat -u "UNIX-RECV:$TMP/dev/log,umask=000" "CREATE:$TMP/messages"
    local syslog=$JOB
    wait_until 5 exists "$TMP/dev/log"
    in_background unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && exec "$@"' "$TMP/dev" \
        "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd "$CONFIG" >"$TMP/super.out"
    wait_until 10 has_content "$TMP/super.out"
    PORT=$(<"$TMP/super.out")
    talk send:one. expect:one:one. shutdown expect-eof
    wait_until 5 grep -aqE 'portsplit\[[0-9]+\]: service=one reason=match ' "$TMP/messages"
    hold_open one
    local held=$JOB
    kill "$syslog"
    wait "$syslog" || true
    rm -f "$TMP/dev/log"
    in_background socat -u "UNIX-RECV:$TMP/dev/log,umask=000" "CREATE:$TMP/later"
    wait_until 5 exists "$TMP/dev/log"
    go_on "$held"
    wait_until 5 grep -aqE 'portsplit\[[0-9]+\]: service=one reason=match ' "$TMP/later"
}

# bats test_tags=fault:G1
@test "log: clients do not wait for a syslog that does not read" {
    start_with_syslog
    kill -STOP "$JOB"
    # More lines than the socket holds (net.unix.max_dgram_qlen, 10 by default).
    for _ in {1..40}; do reaches one; done
    kill -CONT "$JOB"
}

@test "log: without a syslog the lines go to standard error, and the first says so" {
    needs_root
    answer one
    configure_answers one
    exec_service two /bin/sh 'execarg = -c' \
        'execarg = head -c 3 >/dev/null; echo complaint >&2; echo answer' >>"$CONFIG"
    mkdir "$TMP/dev"
    touch "$TMP/dev/null"
    WRAPPER=(unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && exec "$@"'
        "$TMP/dev")
    STDERR=$LOG
    start_daemon --log syslog
    [[ $(head -n 1 "$LOG") =~ ^$DATE\ portsplit\[[0-9]+\]:\ no\ syslog\ here:\ /dev/log\ cannot\ be\ reached\;\ logging\ to\ standard\ error$ ]]
    reaches one
    talk send:two 'expect:answer\n' expect-eof
    log_says 'service=one reason=match '
    log_says 'service=two reason=match '
    log_says 'portsplit\[[0-9]+\]: stderr of service two: complaint$'
}

# in_new_log PATTERN: waits until the new log has the line, and fails if the renamed one has it.
in_new_log() {
    log_says "$1"
    not grep -qE -- "$1" "$LOG.1"
}

@test "log: after USR1 or HUP the lines go to a new file, also those of connections in progress" {
    answer one two
    local signal
    for signal in USR1 HUP; do
        configure_answers one two
        start_daemon
        hold_open one
        mv "$LOG" "$LOG.1"
        kill "-$signal" "$DAEMON"
        if [[ $signal == USR1 ]]; then in_new_log 'connections being served: 1 of'; else in_new_log 'reloaded '; fi
        reaches two
        in_new_log 'service=two reason=match'
        go_on "$JOB"
        in_new_log 'service=one reason=match'
        stop_daemon
        in_new_log 'stopping at SIGTERM'
        rm -f "$LOG" "$LOG.1" "$TMP/go"
        : >"$LOG"
    done
}

@test "log: a log file that cannot be opened anew stays in use, and the log says so" {
    LOG=$TMP/folder/log
    mkdir "$TMP/folder"
    answer one
    configure_answers one
    start_daemon
    mv "$TMP/folder" "$TMP/renamed"
    kill -USR1 "$DAEMON"
    LOG=$TMP/renamed/log
    log_says "cannot open the log file $TMP/folder/log: No such file or directory; the file that is open stays in use"
    reaches one
    log_says 'service=one reason=match'
}

@test "log: a path that names a descriptor is that descriptor, also after USR1 and HUP" {
    answer one
    configure_answers one
    # A socket cannot be opened by its path below /proc, as a file of another user cannot.
    find_free_port
    in_background socat -u "TCP-LISTEN:$FREE,bind=127.0.0.1,reuseaddr" "CREATE:$TMP/lines"
    socat_listens() { [[ -n $(ss -Hltn "sport = :$FREE") ]]; }
    wait_until 5 socat_listens
    WRAPPER=(bash -c 'exec 2>"/dev/tcp/127.0.0.1/$0"; exec "$@"' "$FREE")
    LOG=$TMP/lines
    start_daemon --log /dev/stderr
    reaches one
    log_says 'service=one reason=match'
    kill -USR1 "$DAEMON"
    log_says 'connections being served: '
    reload
    reaches one
    logged_connections 2
    not log_has 'cannot open'
}

@test "log: a word that is no place for it is refused, and no file has its name" {
    answer one
    configure_answers one
    cd "$TMP"
    local program
    for program in portsplit portsplitd; do
        run -64 timeout 20 "$PORTSPLIT_BIN/$program" --log journal "$CONFIG"
        [[ $output == 'portsplitd: --log journal: not a place for the log; under systemd, stderr goes to the journal; ./journal is a file of that name'$'\n''Try portsplitd --help.' ]]
    done
    [[ ! -e journal ]]
}

@test "log: with log = start there is a line when the service is chosen" {
    answer one
    GLOBALS='log = start' configure_answers one
    start_daemon
    hold_open one
    log_says "^$DATE portsplit\[[0-9]+\]: started service=one reason=match src=127\.0\.0\.1 sport=[0-9]+ dst=127\.0\.0\.1 dport=$PORT action=connect target="
    not log_has ' service=one reason=match .* ms='
    go_on "$JOB"
    log_says ']: service=one reason=match .* ms='
}

@test "log: connections without a byte are counted after the third of a source" {
    answer one
    configure_answers one
    start_daemon
    local i
    for i in {1..20}; do talk shutdown expect-end; done
    reaches one
    log_says 'service=one'
    [[ $(grep -c 'reason=eof' "$LOG") == 3 ]]
    reload # the zygote that counted ends
    log_says '17 more connections from 127\.0\.0\.1 ended before a service was chosen$'
    sed -i '1i log = start' "$CONFIG"
    reload
    for i in {1..20}; do talk shutdown expect-end; done
    eof_lines_are() { [[ $(grep -c 'reason=eof' "$LOG") == "$1" ]]; }
    wait_until 5 eof_lines_are 23
}

@test "log: of a source that is served often, 100 lines a minute are written, and with log = all each" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[one]' 'string = one' 'exec = true' >"$CONFIG"
    start_daemon
    local i
    serve_many() { for ((i = 0; i < $1; ++i)); do talk send:one expect-end; done; }
    lines_are() { [[ $(grep -c 'service=one' "$LOG") == "$1" ]]; }
    serve_many 104
    reload # the zygote that counted ends
    log_says '4 more connections from 127\.0\.0\.1 ended; with log = all each has a line$'
    lines_are 100
    sed -i '1i log = all' "$CONFIG"
    reload
    serve_many 104
    wait_until 5 lines_are 204
}

@test "log: maxconn reached is in it, with who holds the connections" {
    answer one
    GLOBALS='maxconn = 3' configure_answers one
    start_daemon
    hold_open one
    hold_open one
    not log_has 'maxconn = 3 reached'
    hold_open one
    log_says 'maxconn = 3 reached; new clients wait until a connection ends; most connections: 127\.0\.0\.1 \(3\)$'
    end_background
}

# bats test_tags=fault:G1
@test "log: a line that a full disk cut short is ended before the next" {
    needs_root
    answer one
    configure_answers one
    mkdir "$TMP/disk"
    # In a mount namespace of its own.
    WRAPPER=(unshare --mount bash -c 'mount -t tmpfs -o size=8k tmpfs "$0/disk" && head -c 4000 /dev/zero >"$0/disk/other" &&
        exec "$@"' "$TMP")
    start_daemon --log "$TMP/disk/log"
    local inside=/proc/$DAEMON/root$TMP/disk i
    for i in {1..60}; do reaches one; done
    # Its last line has no end: there was no room for it.
    wait_until 5 is_full "$inside"
    [[ $(tail -c 1 "$inside/log" | od -An -c) != *'\n'* ]]
    rm "$inside/other"
    reaches one
    wait_until 5 grep -q 'log lines were lost$' "$inside/log"
    reaches one
    # Each line that has an end begins as it should, and is one.
    not grep -E 'portsplit\[[0-9]+\]: .*portsplit\[[0-9]+\]: ' "$inside/log"
    (($(grep -cvE '^[-0-9T:+]+ portsplit\[[0-9]+\]: ' "$inside/log") <= 1)) # the short one
    [[ $(tail -n 1 "$inside/log") == *' service=one reason=match '*' ms='* ]]
}
is_full() { (($(stat -f -c %a "$1") == 0)); }

@test "log: a link of another user is not followed" {
    needs_root
    answer one
    configure_answers one
    mkdir "$TMP/folder"
    echo precious >"$TMP/file"
    ln -s "$TMP/file" "$TMP/folder/log"
    chown -h nobody "$TMP/folder/log"
    run -71 "$PORTSPLIT_BIN/portsplitd" --log "$TMP/folder/log" "$CONFIG"
    [[ $output == *"cannot open the log file $TMP/folder/log: Too many levels of symbolic links; a user who is neither root nor this one has made this symbolic link"* ]]
    [[ $(<"$TMP/file") == precious ]]
    chown -h root "$TMP/folder/log"
    start_daemon --log "$TMP/folder/log"
    grep -q 'listening on' "$TMP/file"
    stop_daemon
    # A relative one begins in the folder of the link, and may lead to another link.
    ln -s ../file "$TMP/folder/next"
    ln -sf next "$TMP/folder/log"
    : >"$TMP/file"
    start_daemon --log "$TMP/folder/log"
    grep -q 'listening on' "$TMP/file"
}

@test "log: the daemon does not start if the log file cannot be written" {
    echo '[x]' | configure
    run -71 "$PORTSPLIT_BIN/portsplitd" --log "$TMP/no-such-folder/log" "$CONFIG"
    [[ $output == *"cannot open the log file $TMP/no-such-folder/log: No such file or directory"* ]]
}
