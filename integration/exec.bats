#!/usr/bin/env bats
# A program gets the descriptors, environment and signals that a super-server gives, and nothing else of
# Portsplit.

load harness

# serve_probe [LINE...]: writes a file with the probe for streams that begin with P; the lines are added to
# its service.
serve_probe() {
    { printf 'bind = 127.0.0.1:0\ntimeout = 60\n[probe]\nstring = P\nexec = %s\n' "$PROBE"
        printf '%s\n' "$@"; } | configure
}

# reports LINE: the report has this line.
reports() {
    grep -qxF -- "$1" "$TMP/report" || {
        echo "the report lacks: $1"
        cat "$TMP/report"
        return 1
    }
}
reports_not() { ! grep -qE -- "$1" "$TMP/report"; }
descriptors() { grep '^fd ' "$TMP/report"; }

clean_state() {
    reports SigBlk=0000000000000000
    reports SigIgn=0000000000000000
    reports umask=22
    reports cwd=/
    # A session of its own, of which it is the leader.
    local pid
    pid=$(sed -n 's/^pid=//p' "$TMP/report")
    reports "session=$pid"
    reports "group=$pid"
}

# bats test_tags=fault:D2
@test "exec: on the socket, descriptors 0 and 1 are the connection and 2 a pipe to the log" {
    serve_probe
    start_daemon
    take_report
    [[ $(descriptors) == 'fd 0: socket both blocking
fd 1: socket both blocking
fd 2: pipe write blocking' ]]
    reports lowat=1
    reports 'keepalive=1 120 30 4'
    reports nodelay=1
    reports user-timeout=0
    clean_state
}

@test "exec: keepalive and nodelay are set as the service writes" {
    serve_probe 'keepalive = 40' 'nodelay = no' 'user-timeout = 90'
    start_daemon
    take_report
    reports 'keepalive=1 40 10 4'
    reports nodelay=0
    reports user-timeout=90000
    sed -i 's/^keepalive.*/keepalive = 0/' "$CONFIG"
    reload
    take_report
    grep -q '^keepalive=0 ' "$TMP/report"
}

@test "exec: small answers on the socket arrive without delay" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = while read -r line; do printf he; printf "llo\\n"; done' | configure
    start_daemon
    local steps=() i
    for i in {1..200}; do steps+=('send:X\n' 'expect:hello\n'); done
    look_at_clock
    local start=$NOW
    talk "${steps[@]}" shutdown expect-eof
    look_at_clock
    echo "$((NOW - start)) ms for 200 times"
    # A delayed acknowledgement of 40 ms each would be 8 s.
    ((NOW - start < 4000))
}

@test "exec: on the socket, the program sees the address of the client" {
    serve_probe
    start_daemon
    talk say-port send:P print >"$TMP/report" 2>"$TMP/talk" || true
    local port
    read -r port <"$TMP/report"
    reports "peer=127.0.0.1 $port"
    reports "env TCPREMOTEPORT=$port"
}

# bats test_tags=fault:D2
@test "exec: with pipes, there are three descriptors and a clean state" {
    serve_probe 'stdio = pipe'
    start_daemon
    take_report
    [[ $(descriptors) == 'fd 0: pipe read blocking
fd 1: pipe write blocking
fd 2: pipe write blocking' ]]
    clean_state
}

# bats test_tags=fault:D2,fault:D8
@test "exec: a terminal is raw, and the program's controlling one in a session of its own" {
    serve_probe 'stdio = pty'
    start_daemon
    take_report
    [[ $(descriptors) == 'fd 0: terminal both blocking
fd 1: terminal both blocking
fd 2: pipe write blocking' ]]
    clean_state
    reports controlling=yes
    reports foreground=yes
    reports mode=raw
    reports size=24x80
    reports 'env TERM=vt100'
}

@test "exec: a program that reads the terminal database runs on a terminal" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' 'exec = tput' 'execarg = lines' \
        'stdio = pty' | configure
    start_daemon
    talk send:X 'expect:24\n' expect-end
}

@test "exec: pty = yes is the old spelling of stdio = pty" {
    serve_probe 'pty = yes'
    start_daemon
    take_report
    reports 'fd 0: terminal both blocking'
}

@test "exec: without a terminal a program has no controlling one" {
    serve_probe
    start_daemon
    take_report
    reports controlling=no
}

# bats test_tags=fault:D2
@test "exec: the environment is what is documented and nothing else" {
    local stdio
    export SECRET=of-the-daemon LD_LIBRARY_PATH=/nowhere TCPREMOTEIP=192.0.2.1
    for stdio in socket pipe pty; do
        serve_probe "stdio = $stdio"
        start_daemon
        talk say-port send:P print >"$TMP/report" 2>"$TMP/talk" || true
        local port
        read -r port <"$TMP/report"
        diff -u - <(sed -n 's/^env //p' "$TMP/report" | tr -d '\r' | grep -v '^TERM=' | sort) <<END
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PORTSPLIT_REASON=match
PORTSPLIT_SERVICE=probe
PROTO=TCP
REMOTE_ADDR=127.0.0.1
REMOTE_HOST=127.0.0.1
REMOTE_PORT=$port
TCPLOCALIP=127.0.0.1
TCPLOCALPORT=$PORT
TCPREMOTEIP=127.0.0.1
TCPREMOTEPORT=$port
END
        stop_daemon
    done
}

@test "exec: over IPv6 the environment has PROTO=TCP, too" {
    serve_probe
    sed -i 's/^bind.*/bind = [::1]:0/' "$CONFIG"
    start_daemon
    "$PEER" connect "[::1]:$PORT" send:P print >"$TMP/report" 2>"$TMP/talk" || true
    reports 'env PROTO=TCP'
    reports 'env TCPREMOTEIP=::1'
    reports 'env REMOTE_ADDR=::1'
    reports 'env TCPLOCALIP=::1'
}

@test "exec: the environment has the service and the reason" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 0.2' '[x]' 'string = XYZ' 'exec = /bin/false' \
        '[fallback]' "exec = $PROBE" '[timeout]' "exec = $PROBE" | configure
    start_daemon
    talk print >"$TMP/report"
    reports 'env PORTSPLIT_REASON=timeout'
    reports 'env PORTSPLIT_SERVICE=timeout'
    talk send:other print >"$TMP/report" 2>"$TMP/talk" || true
    reports 'env PORTSPLIT_REASON=fallback'
    reports 'env PORTSPLIT_SERVICE=fallback'
}

@test "exec: arguments arrive as written, without a shell" {
    serve_probe 'execarg = $HOME `id` ; *' 'execarg =' "execarg = two  blanks and \"quotes\""
    start_daemon
    take_report
    reports "argv 0: $PROBE"
    reports 'argv 1: $HOME `id` ; *'
    reports 'argv 2: '
    reports 'argv 3: two  blanks and "quotes"'
    reports_not '^argv 4'
}

@test "exec: a program named without a slash is searched in PATH" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' 'exec = cat' | configure
    start_daemon
    talk send:Xyz expect:Xyz shutdown expect-eof
}

# bats test_tags=fault:A8,fault:D2
@test "exec: descriptors that the daemon inherited reach no program" {
    serve_probe
    WRAPPER=(bash -c 'for fd in {3..8} {10..50}; do eval "exec $fd</dev/null"; done; exec "$@"' -)
    start_daemon
    take_report
    [[ $(descriptors | wc -l) == 3 ]]
    sed -i 's/^string = P/&\nstdio = pipe/' "$CONFIG"
    reload
    take_report
    [[ $(descriptors | wc -l) == 3 ]]
}

# bats test_tags=fault:A8
@test "exec: a daemon started without descriptors 0, 1 and 2 serves as usual" {
    local stdio
    for stdio in socket pipe pty; do
        serve_probe "stdio = $stdio"
        WRAPPER=(bash -c 'exec "$@" <&- >&- 2>&-' -)
        start_daemon
        # Only root can read them, see count_fds.
        ((EUID != 0)) || [[ $(readlink "/proc/$DAEMON/fd/"{0,1,2} | sort -u) == /dev/null ]]
        take_report
        [[ $(descriptors | wc -l) == 3 ]]
        reports 'fd 2: pipe write blocking'
        stop_daemon
    done
}

# bats test_tags=fault:D2
@test "exec: signals that the daemon inherited as ignored have their default action" {
    serve_probe
    WRAPPER=(bash -c 'trap "" PIPE INT HUP USR1 TERM CHLD; exec "$@"' -)
    start_daemon
    take_report
    clean_state
}

@test "exec: a daemon that inherited SIGCHLD as ignored replaces its zygote" {
    serve_probe
    # While SIGCHLD is ignored, the kernel reaps children and waitpid(2) finds none.
    WRAPPER=(env --ignore-signal=CHLD)
    start_daemon
    find_zygote
    kill -KILL "$ZYGOTE"
    wait_until 10 another_zygote "$ZYGOTE"
}

@test "exec: directory, umask, argument 0 and the environment are set as the service writes" {
    local stdio
    export FROM_DAEMON=passed SECRET=kept
    for stdio in socket pipe pty; do
        serve_probe "stdio = $stdio" "directory = $TMP" 'umask = 007' 'argv0 = in.probed' \
            'env = HOME=/srv/my home' 'env = PROTO=mine' 'passenv = FROM_DAEMON' 'passenv = NOT_SET'
        start_daemon
        take_report
        reports "cwd=$TMP"
        reports umask=7
        reports 'argv 0: in.probed'
        reports 'env HOME=/srv/my home'
        reports 'env PROTO=mine'
        reports 'env FROM_DAEMON=passed'
        reports_not '^env (SECRET|NOT_SET)'
        stop_daemon
    done
}

# bats test_tags=fault:D1
@test "exec: without its directory a program is not started, and the client reads nothing" {
    local stdio
    for stdio in socket pipe pty; do
        serve_probe "stdio = $stdio" 'directory = /nowhere'
        start_daemon
        log_has 'directory = /nowhere: No such file or directory; create it or name another'
        talk send:P expect-end
        log_says "cannot enter the directory /nowhere of $PROBE for service probe, client 127.0.0.1:[0-9]+: No such file or directory"
        log_says 'service=probe .* exit=126$'
        stop_daemon
    done
}

@test "exec: a program may make a session of its own" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' 'exec = setsid' 'execarg = -w' 'execarg = cat' | configure
    start_daemon
    talk send:Xyz expect:Xyz shutdown expect-eof
    log_says 'service=x .* exit=0$'
}

@test "exec: tcpd starts the program that argument 0 names, and sees the client" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' 'exec = tcpd' "argv0 = $PROBE" | configure
    start_daemon
    talk send:X print >"$TMP/report" 2>"$TMP/talk" || true
    reports 'fd 0: socket both blocking'
    reports "argv 0: ${PROBE##*/}" # tcpd shortens it
}

# bats test_tags=fault:D2
@test "exec: the umask is 022, and limits are those of the daemon" {
    serve_probe
    WRAPPER=(bash -c 'umask 077; ulimit -Sn 321; exec "$@"' -)
    start_daemon
    take_report
    reports umask=22
    reports nofile=321
}

# serve_complaint STDIO STDERR: starts the daemon with a program that writes to standard error.
serve_complaint() {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = head -c 1 >/dev/null; echo complaint >&2; echo answer' \
        "stdio = $1" "stderr = $2" | configure
    start_daemon
}

# bats test_tags=fault:D3
@test "exec: standard error goes to the log, and not to the client" {
    local stdio
    for stdio in socket pipe pty; do
        : >"$LOG"
        serve_complaint "$stdio" log
        talk send:X 'expect:answer\n' expect-eof
        log_says complaint
        stop_daemon
    done
}

@test "exec: standard error can be discarded" {
    local stdio
    for stdio in socket pipe pty; do
        serve_complaint "$stdio" null
        talk send:X 'expect:answer\n' expect-eof
        logged_connections 1
        not log_has complaint
        stop_daemon
        : >"$LOG"
    done
}

@test "exec: standard error can go to the client" {
    local stdio
    for stdio in socket pipe pty; do
        serve_complaint "$stdio" client
        talk send:X 'expect:complaint\nanswer\n' expect-eof
        not log_has complaint
        stop_daemon
    done
}

# fails_to_start PROGRAM REASON EXIT: the program cannot be started. The fallback is not tried.
fails_to_start() {
    local stdio
    for stdio in socket pipe pty; do
        : >"$LOG"
        printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' "exec = $1" "stdio = $stdio" \
            '[fallback]' 'exec = /bin/echo' 'execarg = fallback' | configure
        start_daemon
        talk send:X expect-end
        log_says "cannot start $1 for service x, client 127.0.0.1:[0-9]+: $2"
        log_says "service=x reason=match .* action=exec target=$1 .* exit=$3\$"
        stop_daemon
    done
}

# bats test_tags=fault:D1
@test "exec: a missing program sends nothing to the client; the log has the reason and exit 127" {
    fails_to_start "$TMP/missing" 'No such file or directory' 127
}

# bats test_tags=fault:D1
@test "exec: a file that cannot be executed sends nothing to the client; the log has the reason and exit 126" {
    echo 'not a program' >"$TMP/text"
    fails_to_start "$TMP/text" 'Permission denied' 126
    chmod +x "$TMP/text"
    fails_to_start "$TMP/text" 'Exec format error' 126
    fails_to_start "$TMP" 'Permission denied' 126
}

# bats test_tags=fault:D1
@test "exec: whatever error execve has, the client reads nothing and the fallback is not tried" {
    local error text cat
    cat=$(realpath /bin/cat)
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    while read -r error text; do
        # Calls that name this program alone fail (strace(1)).
        WRAPPER=(strace -D -f -qq -o /dev/null -P "$cat" -e trace=execve -e "inject=execve:error=$error")
        fails_to_start "$cat" "$text" 126
    done <<END
E2BIG Argument list too long
ENOMEM Cannot allocate memory
ETXTBSY Text file busy
EAGAIN Resource temporarily unavailable
END
}
