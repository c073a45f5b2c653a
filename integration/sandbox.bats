#!/usr/bin/env bats
# What serves clients is confined to what its plan needs. That it serves them all the same is shown by the other
# files: there `sandbox` has its default, auto.

load harness

# configure_relay [LINE...]: these lines, and a relay to the server `one`.
configure_relay() {
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "$@"
        connect_service one one
    } | configure
}

# is_confined PID: no capability, none to come, and a filter of system calls.
is_confined() {
    [[ $(status_of "$1" CapEff)$(status_of "$1" CapPrm)$(status_of "$1" CapAmb) =~ ^0+$ ]]
    [[ $(status_of "$1" NoNewPrivs) == 1 ]]
    [[ $(status_of "$1" Seccomp) == 2 ]]
}

@test "sandbox: zygote, spares and dispatchers are confined, and the log says to what" {
    not_with_asan
    answer one
    configure_relay 'sandbox = required'
    start_daemon
    log_says ': sandbox: seccomp, Landlock ABI [0-9]+ \(files(, TCP(, signals)?)?\)$'
    hold_open one
    find_dispatchers
    ((${#DISPATCHERS[@]} == 1))
    is_confined "${DISPATCHERS[0]}"
    is_confined "$ZYGOTE"
    children_of "$ZYGOTE"
    is_confined "${CHILDREN[0]}"
    go_on "$JOB"
}

@test "sandbox: a dispatcher holds no log, and may have few descriptors and no child" {
    needs_root # to see the descriptors
    not_with_asan
    answer one
    configure_relay 'sandbox = required'
    start_daemon
    hold_open one
    find_dispatchers
    [[ $(readlink "/proc/${DISPATCHERS[0]}/fd/"*) != *"$LOG"* ]]
    [[ $(sed -n 's/^Max processes *//p' "/proc/${DISPATCHERS[0]}/limits") =~ ^0\ +0 ]]
    [[ $(sed -n 's/^Max open files *//p' "/proc/${DISPATCHERS[0]}/limits") =~ ^64\ +64 ]]
    go_on "$JOB"
}

@test "sandbox: off confines nothing" {
    answer one
    configure_relay 'sandbox = off'
    start_daemon
    [[ $(status_of "$ZYGOTE" Seccomp)$(status_of "$ZYGOTE" NoNewPrivs) == 00 ]]
    reaches one
    logged_connections 1
    run ! grep -q sandbox "$LOG"
}

@test "sandbox: where programs are started, a relay is confined once that is known, and the log says to what" {
    not_with_asan
    answer one
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'sandbox = required'
        exec_service cat /bin/cat
        connect_service one one
    } | configure
    start_daemon
    log_says ': sandbox: Landlock ABI [0-9]+ \(.*\), of relays; service cat starts a program$'
    [[ $(status_of "$ZYGOTE" Seccomp) == 0 ]]
    hold_open one
    find_dispatchers
    [[ $(status_of "${DISPATCHERS[0]}" CapEff) =~ ^0+$ ]]
    [[ $(status_of "${DISPATCHERS[0]}" NoNewPrivs) == 1 ]]
    [[ $(sed -n 's/^Max processes *//p' "/proc/${DISPATCHERS[0]}/limits") =~ ^0\ +0 ]]
    go_on "$JOB"
    # The program has none of that.
    { printf '%s\n' 'bind = 127.0.0.1:0' 'sandbox = required' '[s]' 'string = s' 'exec = /bin/grep' 'execarg = NoNewPrivs' 'execarg = /proc/self/status'; } | configure
    reload
    [[ $(talk send:s print) == $'NoNewPrivs:\t0' ]]
}

# A program for what an expression matches.
configure_program() {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[get]' 'regex = G+ET' 'exec = /bin/cat' | configure
}

# looks: the parent of sniffers, in PARENT, and the sniffer that looks at a client, in LOOKING.
looks() {
    find_zygote && named portsplit-sniff "$ZYGOTE" && PARENT=$FOUND && named portsplit-look "$PARENT" && LOOKING=$FOUND
}

@test "sandbox: where programs are started, what looks at first bytes is confined, and the log says so" {
    not_with_asan
    configure_program
    start_daemon
    log_says ': sandbox: seccomp, Landlock ABI [0-9]+ \(.*\), of what looks at first bytes; service get starts a program$'
    client send:GG "wait-file:$TMP/go" send:ET-rest expect:GGET-rest shutdown expect-eof
    local job=$JOB
    wait_until 5 looks
    is_confined "$PARENT"
    is_confined "$LOOKING"
    (($(id -u) != 0)) || [[ $(readlink "/proc/$LOOKING/fd/"*) != *"$LOG"* ]]
    [[ $(sed -n 's/^Max processes *//p' "/proc/$LOOKING/limits") =~ ^0\ +0 ]]
    [[ $(sed -n 's/^Max open files *//p' "/proc/$LOOKING/limits") =~ ^16\ +16 ]]
    go_on "$job"
    wait_until 5 not named portsplit-look "$PARENT"
}

@test "sandbox: sniffers start without a syslog, though the log is to go there" {
    needs_root
    configure_program
    mkdir "$TMP/dev"
    touch "$TMP/dev/null"
    # In the place of `--log FILE`, the first two words of the daemon.
    WRAPPER=(unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && daemon=$1 && shift 3 &&
        exec "$daemon" --log syslog "$@"' "$TMP/dev")
    LOG_TO=stderr
    start_daemon
    talk send:GGET expect:GGET shutdown expect-eof
}

@test "sandbox: a sniffer that crashes costs its connection, and the next ones have other addresses" {
    configure_program
    start_daemon
    doomed_client send:GG expect-end
    wait_until 5 looks
    local before=$ZYGOTE
    kill -TRAP "$LOOKING"
    log_says 'the process that looks at the first bytes of 127\.0\.0\.1:[0-9]+ has ended without an answer; the connection is closed'
    log_says 'service=- reason=- src=127.0.0.1 .* action=close target=- in=0 out=0 ms=[0-9]+ exit=111$'
    wait_until 5 another_zygote "$before"
    talk send:GGET expect:GGET shutdown expect-eof
    take_baseline
}

@test "sandbox: when the parent of sniffers dies, the zygote is started again" {
    configure_program
    start_daemon
    client send:GGET expect:GGET "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
    local held=$JOB before=$ZYGOTE
    wait_until 5 exists "$TMP/held"
    named portsplit-sniff "$ZYGOTE"
    kill -KILL "$FOUND"
    log_says 'what looks at first bytes died \(signal=KILL\)'
    wait_until 5 another_zygote "$before"
    wait_until 5 talk --limit 2000 send:GGET expect:GGET shutdown expect-eof 2>/dev/null
    go_on "$held"
    take_baseline
}

@test "sandbox: a client is closed when the dispatcher dies whose sniffer looks at it" {
    configure_program
    start_daemon
    doomed_client send:GG expect-end
    local job=$JOB
    wait_until 5 looks
    find_dispatchers
    kill -KILL "${DISPATCHERS[0]}"
    wait_until 5 is_over "$job"
    wait_until 5 not named portsplit-look "$PARENT"
}

# without CALL:ERRNO...: a kernel that has no such calls.
without() {
    local call
    WRAPPER=(strace -D -f -qq -o /dev/null)
    for call; do WRAPPER+=(-e "inject=${call%:*}:error=${call#*:}"); done
}

# bats test_tags=fault:A11
@test "sandbox: on a kernel without Landlock, auto serves and says what is missing; required does not start" {
    not_with_asan
    answer one
    configure_relay
    without landlock_create_ruleset:ENOSYS
    start_daemon
    log_says ': sandbox: seccomp; no Landlock, which this kernel does not have or has off$'
    reaches one
    stop_daemon
    configure_relay 'sandbox = required'
    spawn_daemon
    expect_exit 71
    log_says ': sandbox = required: no Landlock, which this kernel does not have or has off$'
}

# bats test_tags=fault:A11
@test "sandbox: on a kernel without filters of system calls, auto serves, and required does not start" {
    not_with_asan
    answer one
    configure_relay
    without seccomp:ENOSYS
    start_daemon
    log_says ': sandbox: Landlock .*; no filter of system calls, for this kernel or processor has none$'
    reaches one
    stop_daemon
    configure_relay 'sandbox = required'
    spawn_daemon
    expect_exit 71
    log_says ': sandbox = required: no filter of system calls, for this kernel or processor has none$'
}

# bats test_tags=fault:A11
@test "sandbox: a reload to what the kernel cannot do is refused, and the old file serves on" {
    not_with_asan
    answer one
    configure_relay
    without landlock_create_ruleset:ENOSYS
    start_daemon
    configure_relay 'sandbox = required'
    kill -HUP "$DAEMON"
    log_says 'sandbox = required: no Landlock'
    log_says 'reload'
    reaches one
}

# start_inetd [WORD...]: a super-server that starts portsplit-dispatch, through these words. Its pid is in SUPER.
start_inetd() {
    in_background "$PEER" inetd 127.0.0.1:0 "$@" "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/super.out"
    SUPER=$JOB
    wait_until 10 has_content "$TMP/super.out"
    PORT=$(<"$TMP/super.out")
    : >>"$LOG"
}

@test "sandbox: under a super-server the process of a connection is confined, and has no line of its own" {
    not_with_asan
    answer one
    configure_relay 'sandbox = required'
    start_inetd
    hold_open one
    children_of "$SUPER"
    ((${#CHILDREN[@]} == 1))
    is_confined "${CHILDREN[0]}"
    go_on "$JOB"
    log_says ': service=one reason=match '
    run ! grep -q sandbox "$LOG"
}

# Another process of the connection than the child of the super-server is confined.
another_is_confined() {
    local pid
    children_of "$SUPER"
    for pid in /proc/[0-9]*; do
        [[ $(readlink "$pid/exe") == */portsplit-dispatch && ${pid#/proc/} != "${CHILDREN[0]}" ]] || continue
        { [[ $(tr '\0' ' ' <"$pid/cmdline") == *"$CONFIG"* ]]; } 2>/dev/null || continue
        ! grep -qsx portsplit-log "$pid/comm" || continue
        ! is_confined "${pid#/proc/}" || return 0
    done
    return 1
}

@test "sandbox: under a super-server, what looks is confined, and a program has no child that it does not know" {
    not_with_asan
    { printf '%s\n' '[get]' 'regex = G+ET' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = read -r -n 1 x </proc/self/task/$$/children; echo "children:$x"; exec cat' 'stdio = socket'
        printf '%s\n' '[timeout]' 'exec = /bin/echo' 'execarg = late'; } | configure
    start_inetd
    client send:GG "touch:$TMP/there" "wait-file:$TMP/go" send:ET "expect:children:\\n" expect:GGET shutdown expect-eof
    local job=$JOB
    wait_until 5 exists "$TMP/there"
    wait_until 5 another_is_confined
    go_on "$job"
}

# log_process: the process that writes the log of a connection under a super-server, in FOUND.
log_process() {
    local pid name
    FOUND=
    for pid in /proc/[0-9]*; do
        { read -r name <"$pid/comm"; } 2>/dev/null || continue
        [[ $name == portsplit-log ]] || continue
        { [[ $(tr '\0' ' ' <"$pid/cmdline") == *"$CONFIG"* ]]; } 2>/dev/null || continue
        FOUND=${pid#/proc/}
    done
    [[ -n $FOUND ]]
}

# fds_of PID: what the descriptors of a process from 3 on are, one a line.
fds_of() { (cd "/proc/$1/fd" && for fd in [3-9] [1-9][0-9]; do readlink "$fd" || true; done) | sed "s/:.*//" | sort; }

@test "sandbox: under a super-server, what looks or relays has no log, and what writes the log has no client" {
    needs_root # to see the descriptors
    not_with_asan
    answer one
    local services
    # Of the last, a program has the log itself, and the process that starts it has it before.
    for services in '' 'exec_service two /bin/cat "stderr = null" "stdio = pipe"' 'exec_service two /bin/cat "stdio = pipe"'; do
        { printf '%s\n' 'timeout = 60'; connect_service one one; eval "$services"; } | configure
        start_inetd
        hold_open one
        local relay held=$JOB
        children_of "$SUPER"
        ((${#CHILDREN[@]} == 1))
        relay=${CHILDREN[0]}
        [[ $(readlink "/proc/$relay/fd/"*) != *"$LOG"* ]]
        log_process
        [[ $(fds_of "$FOUND") == "$LOG"$'\n'socket ]]
        is_confined "$FOUND"
        # It ends with the connection, and the line is there then.
        go_on "$held"
        wait_until 5 is_gone "$relay"
        log_has "portsplit\\[$relay\\]: service=one reason=match .* in=6 out=10 ms=[0-9]+\$"
        wait_until 5 is_gone "$FOUND"
        if [[ -n $services ]]; then
            client send:two expect:two "touch:$TMP/there" "wait-file:$TMP/go2" shutdown expect-eof
            held=$JOB
            wait_until 5 exists "$TMP/there"
            children_of "$SUPER"
            [[ $(readlink "/proc/${CHILDREN[0]}/fd/"*) != *"$LOG"* ]]
            touch "$TMP/go2"
            finish "$held"
            log_says "portsplit\\[${CHILDREN[0]}\\]: service=two reason=match "
        fi
        kill "$SUPER"
        wait "$SUPER" || true
        rm -f "$TMP"/{held,go,go2,there} "$LOG"
    done
}

@test "sandbox: under a super-server, a dispatcher that is killed has a line, too" {
    answer one
    configure_relay
    start_inetd
    doomed_client send:one. expect:one:one. "touch:$TMP/held" expect-end
    wait_until 5 exists "$TMP/held"
    children_of "$SUPER"
    kill -KILL "${CHILDREN[0]}"
    log_says ': service=one reason=match '
    wait_until 5 not log_process
}

# bats test_tags=fault:A11
@test "sandbox: under a super-server required is required, too" {
    not_with_asan
    answer one
    configure_relay 'sandbox = required'
    start_inetd "$(type -P strace)" -f -qq -o /dev/null -e inject=seccomp:error=ENOSYS
    talk send:one expect-end
    log_says ': sandbox = required: no filter of system calls, for this kernel or processor has none$'
}

@test "sandbox: stopped and continued, a relay goes on" {
    not_with_asan
    answer one
    configure_relay 'sandbox = required'
    start_daemon
    hold_open one
    find_dispatchers
    kill -STOP "${DISPATCHERS[0]}" "$ZYGOTE"
    kill -CONT "${DISPATCHERS[0]}" "$ZYGOTE"
    go_on "$JOB"
    reaches one
}

@test "sandbox: after USR1 the zygote writes to the new file" {
    not_with_asan
    answer one
    configure_relay 'sandbox = required'
    start_daemon
    mv "$LOG" "$LOG.old"
    kill -USR1 "$DAEMON"
    wait_until 5 exists "$LOG"
    reaches one
    logged_connections 1
}

@test "sandbox: the daemon passes on no capability that it was started with, and as root keeps only those that it needs" {
    needs_root
    exec_service S /bin/sh 'execarg = -c' 'execarg = head -c 1 >/dev/null; grep ^CapAmb /proc/self/status' | configure
    sed -i '1i bind = 127.0.0.1:0' "$CONFIG"
    local two='+net_bind_service,+chown'
    WRAPPER=(setpriv --inh-caps "$two" --ambient-caps "$two")
    start_daemon
    # chown, dac_override, fowner, kill, setgid, setuid, setpcap, net_bind_service, net_raw
    local own needed=$((0x25eb))
    own=$((16#$(status_of "$DAEMON" CapPrm)))
    ((own != 0 && (own & ~needed) == 0))
    talk send:S print shutdown >"$TMP/got"
    [[ $(<"$TMP/got") =~ ^CapAmb:.0+$ ]]
}
