#!/usr/bin/env bats
# Programs may exit early, late, by a signal, or without reading or writing. No byte that they wrote is
# lost, no process is left, and the log has their exit status.

load harness

# serve_script STDIO SCRIPT [LINE...]: starts the daemon with a shell script for connections that begin with X.
# Only $TMP is replaced in the script. The lines are added to the service, and GLOBALS comes before it.
serve_script() {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "${GLOBALS:-}" '[x]' 'string = X' \
        "exec = $SHELL_PROGRAM" 'execarg = -c' "execarg = ${2//\$TMP/$TMP}" "stdio = $1" "${@:3}" | configure
    start_daemon
}

# A FIFO from which a script reads a line to wait. It is open for both reading and writing here, so that
# no open(2) blocks.
make_gate() {
    mkfifo "$TMP/gate"
    exec {GATE}<>"$TMP/gate"
}
open_gate() { echo >&"$GATE"; }

# for_each_stdio COMMAND...: runs the command with socket, pipe and pty, each with a new daemon.
for_each_stdio() {
    local stdio
    for stdio in socket pipe pty; do
        : >"$LOG"
        "$@" "$stdio"
        stop_daemon
    done
}

# bats test_tags=fault:D4
@test "programs: a program that exits at once ends the connection" {
    ends_at_once() {
        serve_script "$1" 'exit 0'
        talk send:X expect-end
        log_says 'service=x reason=match .* action=exec .* exit=0$'
    }
    for_each_stdio ends_at_once
}

# bats test_tags=fault:D4
@test "programs: everything written before exit arrives" {
    seq 200000 >"$TMP/expected"
    before_exit() {
        serve_script "$1" 'head -c 1 >/dev/null; seq 200000; exit 3'
        talk send:X print >"$TMP/got"
        cmp "$TMP/expected" "$TMP/got"
        log_says ' exit=3$'
    }
    for_each_stdio before_exit
}

# bats test_tags=fault:D6
@test "programs: everything written before a fatal signal arrives" {
    seq 20000 >"$TMP/expected"
    killed() {
        serve_script "$1" 'head -c 1 >/dev/null; seq 20000; kill -KILL $$'
        talk send:X print >"$TMP/got"
        cmp "$TMP/expected" "$TMP/got"
        log_says ' signal=KILL$'
    }
    for_each_stdio killed
}

# bats test_tags=fault:D4,fault:E3
@test "programs: a slow client receives everything of a program that has exited" {
    seq 300000 >"$TMP/expected"
    late() {
        rm -f "$TMP/go"
        serve_script "$1" 'head -c 1 >/dev/null; seq 300000'
        client send:X "wait-file:$TMP/go" print >"$TMP/got"
        uses_no_cpu
        touch "$TMP/go"
        finish "$JOB"
        cmp "$TMP/expected" "$TMP/got"
    }
    for_each_stdio late
}
# bats test_tags=fault:D4
@test "programs: a program that reads nothing blocks its client and uses no CPU time" {
    make_gate
    unread() {
        serve_script "$1" 'read -r line <$TMP/gate; echo done'
        doomed_client send:X feed:16777216
        uses_no_cpu
        open_gate
        wait_until 10 is_over "$JOB"
        log_says 'service=x reason=match .* exit=0$'
    }
    for_each_stdio unread
}

# bats test_tags=fault:D4
@test "programs: the answer of a program that reads nothing arrives" {
    serve_script pipe 'echo answer'
    talk send:Xand-some-more 'expect:answer\n' expect-eof
}

# bats test_tags=fault:D4
@test "programs: a program that closed its output may read on" {
    for stdio in socket pipe; do
        rm -f "$TMP/read"
        serve_script "$stdio" 'echo out; exec >&-; cat >$TMP/part; mv $TMP/part $TMP/read'
        if [[ $stdio == pipe ]]; then
            talk send:Xone 'expect:out\n' expect-eof send:two shutdown
        else
            # Descriptor 0 is the same socket: the client sees EOF when both are closed.
            talk send:Xone 'expect:out\n' send:two shutdown expect-eof
        fi
        wait_until 5 exists "$TMP/read"
        [[ $(<"$TMP/read") == Xonetwo ]]
        stop_daemon
    done
}

# bats test_tags=fault:D4
@test "programs: a program that closed its input may write on" {
    make_gate
    serve_script pipe 'exec <&-; echo one; read -r line <$TMP/gate; echo two'
    client send:Xunread 'expect:one\n' "touch:$TMP/heard" 'expect:two\n' expect-eof
    wait_until 5 exists "$TMP/heard"
    uses_no_cpu
    open_gate
    finish "$JOB"
}

# bats test_tags=fault:D4,fault:D7
@test "programs: output of a background process arrives" {
    make_gate
    background_output() {
        serve_script "$1" 'head -c 1 >/dev/null; (read -r line <$TMP/gate; echo late) & echo early'
        client send:X 'expect:early\n' "touch:$TMP/heard" 'expect:late\n' expect-eof
        wait_until 5 exists "$TMP/heard"
        uses_no_cpu
        open_gate
        finish "$JOB"
        rm "$TMP/heard"
    }
    for stdio in socket pipe; do
        background_output "$stdio"
        stop_daemon
    done
}

# bats test_tags=fault:D4,fault:D7
@test "programs: a background process without the output holds no connection and becomes no zombie" {
    make_gate
    detached() {
        serve_script "$1" 'trap "" HUP; head -c 1 >/dev/null; (exec >/dev/null 2>&1; exec <$TMP/gate; read -r line) & echo early'
        talk send:X 'expect:early\n' expect-eof
        log_says 'service=x reason=match .* exit=0$'
        open_gate
        wait_until 5 is_quiet
    }
    for_each_stdio detached
}

# bats test_tags=fault:D7
@test "programs: a client that resets ends a program that reads or writes" {
    local script
    for script in 'cat >/dev/null' 'while echo y; do :; done'; do
        resets() {
            serve_script "$1" "$script"
            talk send:X acked reset
            wait_until 5 dispatchers_are 0
        }
        for_each_stdio resets
    done
}

# bats test_tags=fault:D7
@test "programs: a program that ignores a broken connection is ended after its grace" {
    stubborn() {
        serve_script "$1" 'trap "" HUP TERM; head -c 1 >/dev/null; touch $TMP/started; read -r line <$TMP/gate' 'grace = 0.2'
        talk send:X "wait-file:$TMP/started" reset
        log_says 'service=x reason=match .* signal=KILL$'
        wait_until 10 dispatchers_are 0
        rm -f "$TMP/started"
    }
    make_gate
    for_each_stdio stubborn
}

# bats test_tags=fault:D7
@test "programs: with grace = 0 a program may outlive its client" {
    outlives() {
        serve_script "$1" 'head -c 1 >/dev/null; trap "" HUP; touch $TMP/started; read -r line <$TMP/gate; touch $TMP/done' 'grace = 0'
        talk send:X "wait-file:$TMP/started" reset
        pass_time 200
        dispatchers_are 1
        open_gate
        wait_until 5 exists "$TMP/done"
        wait_until 5 dispatchers_are 0
        rm -f "$TMP/started" "$TMP/done"
    }
    make_gate
    for_each_stdio outlives
}

@test "programs: a place in maxconn comes back when the client breaks the connection" {
    place() {
        GLOBALS='maxconn = 1' serve_script "$1" 'trap "" HUP; head -c 1 >/dev/null; touch $TMP/started; read -r line <$TMP/gate' 'grace = 0.2'
        talk send:X "wait-file:$TMP/started" reset
        rm -f "$TMP/started"
        talk send:X "wait-file:$TMP/started" reset
        wait_until 10 dispatchers_are 0
        rm -f "$TMP/started"
    }
    make_gate
    for_each_stdio place
}

# bats test_tags=fault:D7,fault:D8
@test "programs: a terminal hangs up when the client resets" {
    serve_script pty 'echo $$ >$TMP/part; mv $TMP/part $TMP/started; while :; do read -r line || exit; done'
    client send:X "wait-file:$TMP/started" reset
    finish "$JOB"
    wait_until 5 dispatchers_are 0
}

# bats test_tags=fault:D7,fault:D8
@test "programs: a terminal hangs up after half-closed when the client closes" {
    serve_script pty 'echo $$ >$TMP/part; mv $TMP/part $TMP/started; while :; do read -r line || exit; done' \
        'half-closed = 0.2'
    talk send:X "wait-file:$TMP/started" close
    # A raw terminal has no end of file, so its program can only learn of it by SIGHUP.
    wait_until 10 dispatchers_are 0
}

@test "programs: the end of the client's stream is the end of the program's input" {
    for stdio in socket pipe; do
        serve_script "$stdio" 'wc -c'
        talk send:X feed:99999 shutdown 'expect:100000\n' expect-eof
        stop_daemon
    done
}

# bats test_tags=fault:D8
@test "programs: every byte value passes both ways, through a terminal too" {
    local every
    every=$(printf '\\x%02x' {0..255})
    echoes() {
        serve_script "$1" 'cat'
        talk "send:X$every" "expect:X$every" reset
    }
    for_each_stdio echoes
}

# bats test_tags=fault:D5
@test "programs: a terminal carries much both ways at once" {
    serve_script pty cat
    talk send:X expect:X transfer:2000000 reset
}

@test "programs: the exit code of a script is logged" {
    serve_script pipe 'exit 42'
    talk send:X expect-end
    log_says 'service=x reason=match .* exit=42$'
}

@test "programs: a program can start another in its place" {
    serve_script socket 'exec cat'
    talk send:Xyz expect:Xyz shutdown expect-eof
}

# bats test_tags=fault:C14
@test "programs: a client that goes between the decision and the start of the program leaves nothing behind" {
    export ASAN_OPTIONS=detect_leaks=0 # which does not work under a tracer
    SHELL_PROGRAM=$(realpath "$SHELL_PROGRAM")
    # The program starts 300 ms after the dispatcher has asked the kernel for it (strace(1)).
    WRAPPER=(strace -D -f -qq -o /dev/null -P "$SHELL_PROGRAM" -e trace=execve -e "inject=execve:delay_enter=$((300000 * PORTSPLIT_PATIENCE))")
    goes() {
        rm -f "$TMP/started" "$TMP/go"
        GLOBALS='log = start' serve_script "$1" 'touch $TMP/started; cat; echo end'
        client send:X "wait-file:$TMP/go" reset
        log_says ' started service=x '
        touch "$TMP/go"
        finish "$JOB"
        [[ ! -e $TMP/started ]]
        wait_until 10 log_has 'service=x reason=match .* (exit=0|signal=HUP)$'
        wait_until 10 dispatchers_are 0
        # For pipes and terminals the dispatcher waits for the start.
        [[ $1 == socket ]] || log_has ' ms=([3-9]..|.....*) '
        # A client that ends its stream gets the whole answer. A raw terminal has no end of a stream.
        if [[ $1 != pty ]]; then
            talk send:X shutdown 'expect:Xend\n' expect-eof
        fi
    }
    for_each_stdio goes
}

# bats test_tags=fault:D8
@test "programs: where no terminal can be had, the log says why, the client reads nothing, and others are served" {
    needs_root
    # Another file in place of /dev/ptmx; and a /dev/pts with one terminal, which is in use.
    local no_device=(unshare -m sh -c 'mount --bind /dev/null /dev/ptmx && exec "$@"' -)
    local none_left=(unshare -m sh -c 'mount -t devpts -o newinstance,max=1,ptmxmode=666 none /dev/pts &&
        mount --bind /dev/pts/ptmx /dev/ptmx && exec 8<>/dev/ptmx && exec "$@"' -)
    local kind why
    while read -r kind why; do
        : >"$LOG"
        local -n wrapper=$kind
        WRAPPER=("${wrapper[@]}")
        serve_script pty 'echo never' '[y]' 'string = Y' 'exec = /bin/cat' 'stdio = pipe'
        talk send:X expect-end
        log_says "cannot open a terminal for $SHELL_PROGRAM for service x, client 127\\.0\\.0\\.1:[0-9]+: $why\$"
        log_says 'service=x reason=match .* action=exec .* exit=126$'
        talk send:Yes expect:Yes shutdown expect-eof
        stop_daemon
    done <<'END'
no_device Invalid argument
none_left No space left on device
END
}

# processes_of USER: how many processes the user has, in COUNT.
processes_of() { COUNT=$(ps -o pid= -U "$1" | wc -l); }

# bats test_tags=fault:D9
@test "programs: a program that forks as often as its user may leaves the other services as they are" {
    needs_root
    LOG_TO=stderr
    local nobody_else=47110 most=60
    answer one
    make_gate
    chmod 666 "$TMP/gate"
    # That user may not be allowed to enter the folder of the build.
    chmod a+x "$BATS_RUN_TMPDIR" "$TMP/.." "$TMP"
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN"/portsplit{d,-dispatch} "$TMP/bin"
    local PORTSPLIT_BIN=$TMP/bin
    WRAPPER=(setpriv --reuid "$nobody_else" --regid "$nobody_else" --clear-groups prlimit "--nproc=$most")
    serve_script pipe 'while :; do (read -r line <$TMP/gate) & done 2>/dev/null' "$(connect_service one one)"
    client send:X "wait-file:$TMP/go" reset
    local bomb=$JOB
    is_full_of() { processes_of "$1" && ((COUNT >= $2 - 1)); }
    wait_until 10 is_full_of "$nobody_else" "$most"
    local i
    for i in {1..30}; do talk --limit 5000 send:one expect:one:one shutdown expect-eof; done
    processes_of "$nobody_else"
    ((COUNT >= most - 10))
    touch "$TMP/go"
    finish "$bomb"
    wait_until 10 dispatchers_are 0
    wait_until 10 is_quiet
}
