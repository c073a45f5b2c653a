#!/usr/bin/env bats
# What programs with `stderr = log` write to standard error becomes lines of the log, each with the name of the
# service. No program and no dispatcher has the log itself.

load harness

# configure_script SCRIPT [LINE...]: a service `x` that runs a script for the shell, with these lines.
configure_script() {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[x]' 'string = X' 'exec = /bin/sh' 'execarg = -c' \
        "execarg = $1" "${@:2}" | configure
}

# wait_for FILE: a line of a script that waits until the file is there. The test makes it.
wait_for() { printf 'i=0; until test -e %s || test $((i += 1)) -gt 3000; do sleep 0.01; done' "$1"; }

# lines_of PATTERN: how many lines of the log match.
lines_of() { grep -cE "$1" "$LOG" || true; }

TEXT='^[0-9T:+-]+ portsplit\[[0-9]+\]: stderr of service x: '

# bats test_tags=fault:D3
@test "stderr: each line of a program is a line of the log with the name of its service" {
    local stdio
    for stdio in socket pipe pty; do
        : >"$LOG"
        configure_script 'head -c 1 >/dev/null; echo one >&2; printf "two\nrest" >&2; echo answer' "stdio = $stdio"
        start_daemon
        talk send:X 'expect:answer\n' expect-eof
        logged_connections 1
        [[ $(grep -E "$TEXT" "$LOG" | sed -E "s/$TEXT//") == one$'\n'two$'\n'rest ]]
        # In front of the line of the connection, and with its pid.
        local pid
        pid=$(sed -n 's/.*portsplit\[\([0-9]*\)\]: service=x .*/\1/p' "$LOG")
        (($(grep -c "portsplit\[$pid\]: stderr of service x: " "$LOG") == 3))
        [[ $(tail -n 1 "$LOG") == *"]: service=x "* ]]
        stop_daemon
    done
}

@test "stderr: a program cannot write a line that looks like another" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' "exec = $TMP/forge" | configure
    cat >"$TMP/forge" <<'END'
#!/bin/sh
head -c 1 >/dev/null
printf '\n2026-11-30T10:00:00+00:00 portsplit[1]: service=ssh reason=match src=192.0.2.1\n\033[2J\r\t\n' >&2
echo answer
END
    chmod +x "$TMP/forge"
    start_daemon
    talk send:X 'expect:answer\n' expect-eof
    log_says '\]: service=x '
    (($(lines_of "$TEXT") == 3))
    log_says ': stderr of service x: 2026-11-30T10:00:00\+00:00 portsplit\[1\]: service=ssh reason=match src=192.0.2.1$'
    log_says ': stderr of service x: \\x1b\[2J\\x0d\\x09$'
    run ! grep -qE '^[^ ]+ portsplit\[[0-9]+\]: service=ssh ' "$LOG"
}

@test "stderr: no dispatcher, spare or program has the log open" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'a build with AddressSanitizer keeps descriptor 2 for its reports'
    needs_root # to see the descriptors
    answer one
    local where
    for where in file stderr; do
        LOG_TO=$where
        : >"$LOG"
        { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'user = nobody'
            connect_service one one
            exec_service sock /bin/cat 'stdio = socket'
            exec_service pipe /bin/cat 'stdio = pipe'; } | configure
        start_daemon
        hold_open one
        local held=$JOB
        client send:sock expect:sock "touch:$TMP/sock" "wait-file:$TMP/go" shutdown expect-eof
        local sock=$JOB
        client send:pipe expect:pipe "touch:$TMP/pipe" "wait-file:$TMP/go" shutdown expect-eof
        local pipe=$JOB
        wait_until 5 exists "$TMP/sock"
        wait_until 5 exists "$TMP/pipe"
        # Three dispatchers, one of them a program by now, a program of another and its keeper, and the spares.
        local pid seen=0 fd
        descendants_of "$ZYGOTE"
        ((${#DESCENDANTS[@]} == 5))
        children_of "$ZYGOTE"
        for pid in "${DESCENDANTS[@]}" "${CHILDREN[@]}"; do
            for fd in "/proc/$pid/fd/"*; do
                [[ $(readlink "$fd") != "$LOG" ]] || { echo "$pid: $fd"; return 1; }
            done
            seen=$((seen + 1))
        done
        ((seen >= 9))
        # A spare has the channel, the progress channel, the rules for a relay and /dev/null, nothing else.
        local spares=0 programs=0
        for pid in "${CHILDREN[@]}"; do
            is_spare "$pid" || continue
            spares=$((spares + 1))
            [[ $(readlink "/proc/$pid/fd/"* | sort | sed 's/\[.*//' | uniq -c | tr -s ' ') == \
                " 3 /dev/null"$'\n'" 1 anon_inode:"$'\n'" 2 socket:" ]] || { ls -l "/proc/$pid/fd"; return 1; }
        done
        ((spares > 0))
        # A program has three descriptors, the last of them a pipe.
        for pid in "${DESCENDANTS[@]}"; do
            [[ $(readlink "/proc/$pid/exe") == */portsplit-dispatch ]] && continue
            [[ $(cd "/proc/$pid/fd" && echo *) == '0 1 2' ]]
            [[ $(readlink "/proc/$pid/fd/2") == pipe:* ]]
            programs=$((programs + 1))
        done
        ((programs == 2))
        go_on "$held" "$sock" "$pipe"
        stop_daemon
        rm -f "$TMP"/{go,sock,pipe}
    done
}

@test "stderr: a program that writes without end is read, delays no other, and is counted" {
    answer one
    { connect_service one one
        exec_service flood /bin/sh 'execarg = -c' \
            'execarg = head -c 5 >/dev/null; yes | head -c 20000000 >&2; echo answer'; } >"$TMP/services"
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'; cat "$TMP/services"; } | configure
    start_daemon
    client --limit 30000 send:flood 'expect:answer\n' expect-eof
    local flood=$JOB i
    for i in {1..20}; do reaches one; done
    finish "$flood"
    wait_until 5 log_has ': 9999900 lines of stderr of service flood were left out$'
    (($(lines_of 'stderr of service flood: y$') == 100))
}

@test "stderr: lines that were left out are reported after a minute" {
    configure_script 'head -c 1 >/dev/null; yes | head -n 300 >&2; cat'
    start_daemon
    client send:X "touch:$TMP/there" "wait-file:$TMP/go" send:more expect:more shutdown expect-eof
    local held=$JOB
    wait_until 5 eval '(($(lines_of "$TEXT") == 100))'
    pass_time 500
    (($(lines_of "$TEXT") == 100))
    run ! grep -q 'left out' "$LOG"
    go_on "$held"
    wait_until 5 log_has ': 200 lines of stderr of service x were left out$'
}

# bats test_tags=fault:D7
@test "stderr: what a child of a program writes after its end is logged" {
    configure_script "head -c 1 >/dev/null; echo early >&2; { $(wait_for "$TMP/go"); echo late >&2; } >/dev/null </dev/null & "
    start_daemon
    talk send:X expect-end
    logged_connections 1
    (($(lines_of "${TEXT}early$") == 1))
    touch "$TMP/go"
    wait_until 5 log_has 'stderr of service x: late$'
}

@test "stderr: a generation ends after a reload though a child of a program holds standard error" {
    configure_script "head -c 1 >/dev/null; printf unfinished >&2; { trap '' PIPE; $(wait_for "$TMP/go"); echo late >&2 || echo failed >$TMP/result; } </dev/null >/dev/null & "
    start_daemon
    local before=$ZYGOTE
    talk send:X expect-end
    logged_connections 1
    reload
    wait_until 5 is_gone "$before"
    log_says 'stderr of service x: unfinished$'
    touch "$TMP/go"
    wait_until 5 exists "$TMP/result"
    (($(lines_of 'late') == 0))
    take_baseline
}

# bats test_tags=fault:G2
@test "stderr: after USR1, and after an upgrade, a program that runs writes to the new log" {
    configure_script "head -c 1 >/dev/null; echo old >&2; $(wait_for "$TMP/one"); echo new >&2; touch $TMP/done; $(wait_for "$TMP/two"); echo upgraded >&2; cat"
    start_daemon
    client send:X "wait-file:$TMP/go" send:Y expect:Y shutdown expect-eof
    local held=$JOB
    wait_until 5 log_has 'stderr of service x: old$'
    mv "$LOG" "$LOG.old"
    kill -USR1 "$DAEMON"
    wait_until 5 exists "$LOG"
    touch "$TMP/one"
    wait_until 5 log_has 'stderr of service x: new$'
    run ! grep -q 'stderr of service x: new$' "$LOG.old"
    kill -USR2 "$DAEMON"
    log_says 'upgraded to portsplitd .*; connections being served: 1$'
    touch "$TMP/two"
    wait_until 5 log_has 'stderr of service x: upgraded$'
    go_on "$held"
    find_zygote
    take_baseline
}

# bats test_tags=fault:F1
@test "stderr: if the zygote dies, a program gets SIGPIPE when it writes there, and others go on" {
    configure_script "head -c 1 >/dev/null; echo there >&2; $(wait_for "$TMP/go"); echo lost >&2; echo not reached"
    start_daemon
    doomed_client send:X expect-end
    local held=$JOB before=$ZYGOTE
    wait_until 5 log_has 'stderr of service x: there$'
    kill -KILL "$ZYGOTE"
    wait_until 5 another_zygote "$before"
    touch "$TMP/go"
    finish "$held"
    wait_until 5 dispatchers_are 0
    take_baseline
}

# bats test_tags=fault:B1
@test "stderr: without a pipe a program has /dev/null, and the log says so once a minute" {
    needs_root
    configure_script 'head -c 1 >/dev/null; readlink /proc/$$/fd/2'
    start_daemon
    local i
    local pid processes=(-p "$ZYGOTE")
    children_of "$ZYGOTE"
    for pid in "${CHILDREN[@]}"; do processes+=(-p "$pid"); done
    in_background strace -f -qq -o /dev/null -e trace=pipe2 -e inject=pipe2:error=EMFILE "${processes[@]}"
    local tracer=$JOB
    is_traced() { grep -q '^TracerPid:.*[1-9]' "/proc/$1/status"; }
    all_are_traced() {
        local pid
        children_of "$ZYGOTE"
        for pid in "$ZYGOTE" "${CHILDREN[@]}"; do is_traced "$pid" || return 1; done
    }
    wait_until 5 all_are_traced
    for i in {1..5}; do talk send:X 'expect:/dev/null\n' expect-eof; done
    logged_connections 5
    kill -INT "$tracer"
    wait_until 5 is_over "$tracer"
    (($(lines_of ': cannot log what /bin/sh writes to its standard error for service x, client 127\.0\.0\.1:[0-9]+: Too many open files$') == 1))
}
