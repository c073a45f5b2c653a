#!/usr/bin/env bats
# A system call of one kind of process fails, call after call (strace(1), inject). What must hold each time: the client
# gets its answer, or the end of its connection and no byte; the next client is served; and at the end of a test no
# slot of `maxconn` is lost, and teardown finds no descriptor, process or busy loop.
#
# How it works: a test reads a table. A row is SERVICE CALL:ERRNO[:WHEN] OUTCOME [LINE]: a client of this service comes,
# the WHENth such call of the process fails, the client is `served` or `closed`, and the log has a line that matches.
# A row whose call was never made fails the test. close(2) and munmap(2) are left out: such a failure is a leak made by
# the tracer.

load harness

readonly HEADER='PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\n'

# A daemon without programs, so it confines its dispatchers.
start_relays() {
    answer one
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'maxconn = 3' 'proxy-from = 127.0.0.9'
        printf '%s\n' '[one]' 'string = one.' "connect = 127.0.0.1:$one_port"
        printf '%s\n' '[name]' 'string = name' "connect = localhost:$one_port"; } | configure
    start_daemon
    : >"$TMP/trace"
}

# The same with services that start programs: so there are sniffers.
start_with_programs() {
    needs_root
    not_with_asan
    answer one
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'maxconn = 3' 'user = nobody'
        printf '%s\n' '[one]' 'string = one.' "connect = 127.0.0.1:$one_port"
        exec_service sock /bin/cat
        exec_service pipe /bin/cat 'stdio = pipe' 'grace = 0.2'
        exec_service pty /bin/cat 'stdio = pty' 'grace = 0.2'
        # It closes its output, and stays.
        exec_service long /bin/sh 'stdio = pipe' 'grace = 0.2' 'execarg = -c' \
            'execarg = head -c 4; exec tail -f /dev/null >/dev/null 2>&1'
        # A regular expression needs sniffers, a limit the answer of the daemon.
        printf '%s\n' '[rx]' 'regex = rx+y' 'exec = /bin/cat' 'maxconn = 2'; } | configure
    start_daemon
    : >"$TMP/trace"
}

# --- the tracer ------------------------------------------------------------------------------------

# attach FAULT PID...: from now on calls of these processes fail. FOLLOW=(-f): those of their later children, too.
attach() {
    local call error when pid processes=()
    IFS=: read -r call error when <<<"$1"
    for pid in "${@:2}"; do processes+=(-p "$pid"); done
    : >"$TMP/trace"
    in_background strace "${FOLLOW[@]}" -qq -o "$TMP/trace" -e "trace=$call" \
        -e "inject=$call:error=$error:when=${when:-1}" "${processes[@]}"
    TRACER=$JOB
    wait_until 5 are_traced "${@:2}"
}

are_traced() {
    local pid
    for pid; do grep -q '^TracerPid:.*[1-9]' "/proc/$pid/status" || return 1; done
}

# Ends the tracer, and fails if it has made no call fail. The call may come behind the end of the client.
detach() {
    wait_until 2 file_says "$TMP/trace" INJECTED
    end_tracer
}

# It may have ended with its last process. What it traces goes on, also if it has to be killed.
end_tracer() {
    kill -INT "$TRACER" 2>/dev/null || true
    wait_until 5 is_over "$TRACER" || kill -KILL "$TRACER"
    wait "$TRACER" || true
}

# The children of a process that wait for a connection or a client, in SPARES.
spares_of() {
    local pid
    SPARES=()
    children_of "$1"
    for pid in "${CHILDREN[@]}"; do
        [[ $(cat "/proc/$pid/comm" 2>/dev/null) != portsplit-spare ]] || SPARES+=("$pid")
    done
    ((${#SPARES[@]} > 0))
}

# The parent of sniffers always has eight.
all_spares_of() { spares_of "$1" && ((${#SPARES[@]} == 8)); }

# attach_to KIND FAULT: when the spares of the last row are forked; a sniffer forked later is traced, too.
attach_to() {
    local FOLLOW=()
    wait_until 10 is_quiet
    case $1 in
        daemon) attach "$2" "$DAEMON" ;;
        zygote) attach "$2" "$ZYGOTE" ;;
        dispatcher) wait_until 5 spares_of "$ZYGOTE" && attach "$2" "${SPARES[@]}" ;;
        sniffer) wait_until 5 named portsplit-sniff "$ZYGOTE" && wait_until 5 all_spares_of "$FOUND" &&
            FOLLOW=(-f) && attach "$2" "$FOUND" "${SPARES[@]}" ;;
        'parent of sniffers') wait_until 5 named portsplit-sniff "$ZYGOTE" && attach "$2" "$FOUND" ;;
    esac
}

# --- clients ---------------------------------------------------------------------------------------

# come SERVICE OUTCOME: a client, which must have this outcome.
come() {
    local answer=${1#proxy-} from=()
    [[ $answer != @(one.|name) ]] || answer=one:$answer
    local steps=("send:$1" "expect:$answer" shutdown expect-eof)
    if [[ $1 == proxy-* ]]; then
        from=(--from 127.0.0.9:0)
        steps[0]="send:$HEADER${1#proxy-}"
    fi
    # A program on a terminal does not see the end of the stream.
    [[ $1 != pty ]] || steps=("${steps[@]:0:2}" reset)
    [[ $2 == served ]] || steps=("${steps[0]}" expect-end)
    "$PEER" connect "127.0.0.1:$PORT" "${from[@]}" --limit $((5000 * PORTSPLIT_PATIENCE)) "${steps[@]}"
}

# No slot of maxconn is lost, and no process was replaced.
all_slots_are_free() {
    wait_until 10 is_quiet
    local i jobs=()
    rm -f "$TMP/go"
    for i in 1 2 3; do
        hold_open one
        jobs+=("$JOB")
    done
    go_on "${jobs[@]}"
}

# endure KIND: tries the rows on standard input, of which an empty line or a comment is none.
endure() {
    local service fault outcome line
    while read -r service fault outcome line; do
        [[ -n $service && $service != \#* ]] || continue
        echo "$1: $service $fault $outcome $line"
        : >"$LOG"
        attach_to "$1" "$fault"
        come "$service" "$outcome"
        detach
        [[ -z $line ]] || log_says "$line"
        come one. served
        not grep -E ' signal=|crashed|replaced after a crash' "$LOG"
    done
    all_slots_are_free
}

# --- the tables ------------------------------------------------------------------------------------

# bats test_tags=fault:B1,fault:B2
@test "injection: a call of the daemon fails, and clients are served" {
    start_with_programs
    endure daemon <<'END'
one. accept4:ENOMEM served cannot accept on
one. sendmsg:ENOBUFS served cannot hand a connection over to portsplit-dispatch, and try again
one. recvmsg:ENOMEM served
one. poll:ENOMEM served cannot wait for descriptors: Cannot allocate memory
# The answer to a question of a dispatcher is lost: it goes on after two seconds.
rxxy sendto:ENOBUFS served
END
}

# bats test_tags=fault:B4,fault:B6,fault:B10
@test "injection: a call of the zygote fails, and no slot is lost" {
    start_with_programs
    endure zygote <<'END'
one. sendto:ENOBUFS served
one. sendto:ENOMEM:1..3 served
one. sendto:EAGAIN:1..3 served
one. recvmsg:ENOMEM served
one. recvmsg:ENOMEM:2 served
one. poll:ENOMEM served
one. wait4:EINTR served
one. read:ENOMEM served
one. write:ENOSPC served
pipe splice:ENOMEM served service=pipe .* exit=0$
pipe read:ENOMEM served service=pipe .* exit=0$
pipe fcntl:EINVAL served service=pipe .* exit=0$
pipe epoll_ctl:ENOSPC served service=pipe .* exit=0$
sock epoll_ctl:ENOMEM:2 served service=sock .* exit=0$
rxxy sendto:ENOBUFS served service=rx .* exit=0$
rxxy write:EAGAIN served service=rx .* exit=0$
END
    # An order that cannot be received is no end of the daemon.
    find_zygote
    local before=$ZYGOTE
    for error in ENOMEM EAGAIN; do
        attach "recvmsg:$error" "$ZYGOTE"
        kill -USR1 "$DAEMON"
        detach
        for i in {1..10}; do come one. served; done
    done
    find_zygote
    [[ $ZYGOTE == "$before" ]]
    all_slots_are_free
}

# bats test_tags=fault:B4
@test "injection: a call of the parent of sniffers fails, and clients are served" {
    start_with_programs
    endure 'parent of sniffers' <<'END'
one. clone:EAGAIN served
one. recvmsg:ENOMEM served
one. read:ENOMEM served
one. poll:ENOMEM served
END
}

# bats test_tags=fault:C12
@test "injection: a call of a sniffer fails, and its client alone is closed" {
    start_with_programs
    endure sniffer <<'END'
one. sendto:ENOBUFS served
one. recvfrom:ENOMEM closed cannot look at the first bytes for service -, .*: Cannot allocate memory
END
}

# bats test_tags=fault:C12,fault:E1,fault:E7
@test "injection: a call of a dispatcher fails, and its client alone is closed, or served" {
    start_with_programs
    endure dispatcher <<'END'
one. socketpair:ENFILE closed cannot look at the first bytes for service -, .*: Too many open files in system
one. sendmsg:ENOBUFS closed cannot look at the first bytes for service -, .*: No buffer space available
one. sendmsg:ETOOMANYREFS:2 closed cannot look at the first bytes for service -, .*: Too many references
one. sendto:ENOBUFS:2 closed cannot look at the first bytes for service -, .*: No buffer space available
one. poll:ENOMEM closed cannot look at the first bytes for service -, .*: Cannot allocate memory
one. poll:ENOMEM:2 served service=one .* in=4 out=8
one. recvmsg:ENOMEM:2 closed cannot look at the first bytes for service -, .*: Cannot allocate memory
one. capget:EPERM closed cannot give up rights before the relay for service one, .*: Operation not permitted
one. landlock_restrict_self:E2BIG closed cannot give up rights before the relay for service one, .*: Argument list too long
one. prctl:EINVAL:2 closed cannot give up rights before the relay for service one, .*: Invalid argument
one. socket:EMFILE closed cannot connect to 127\.0\.0\.1:[0-9]+ for service one, .*: Too many open files
one. connect:ENETUNREACH:2 closed cannot connect to 127\.0\.0\.1:[0-9]+ for service one, .*: Network is unreachable
one. pipe2:EMFILE served service=one .* in=4 out=8
one. splice:ENOMEM served service=one .* in=4 out=8
one. fcntl:EBADF served service=one .* in=4 out=8
one. setsockopt:ENOMEM:1..9 served service=one .* in=4 out=8
one. prlimit64:EPERM:1..2 served service=one .* in=4 out=8
rxxy poll:ENOMEM closed cannot look at the first bytes for service -, .*: Cannot allocate memory
END
}

# bats test_tags=fault:D1,fault:D8
@test "injection: a call fails when a dispatcher starts a program, and its client alone is closed" {
    start_with_programs
    endure dispatcher <<'END'
pipe pipe2:EMFILE served cannot log what /bin/cat writes to its standard error for service pipe, .*: Too many open files
pipe pipe2:EMFILE:2 closed cannot start /bin/cat for service pipe, .*: Too many open files
pipe pipe2:EMFILE:4 closed cannot start /bin/cat for service pipe, .*: Too many open files
pipe socketpair:EMFILE:2 closed cannot start /bin/cat for service pipe, .*: Too many open files
pipe clone:EAGAIN closed cannot start /bin/cat for service pipe, .*: Resource temporarily unavailable
pty openat:ENOSPC closed cannot open a terminal for /bin/cat for service pty, .*: No space left on device
pty ioctl:EIO closed cannot open a terminal for /bin/cat for service pty, .*: Input/output error
pty fcntl:EMFILE closed cannot open a terminal for /bin/cat for service pty, .*: Too many open files
sock dup2:EBUSY closed cannot start /bin/cat for service sock, .*: Device or resource busy
sock dup2:EBUSY:3 closed cannot start /bin/cat for service sock, .*: Device or resource busy
sock chdir:ENOMEM closed cannot enter the directory / of /bin/cat for service sock, .*: Cannot allocate memory
sock execve:ENOMEM closed cannot start /bin/cat for service sock, .*: Cannot allocate memory
END
}

# bats test_tags=fault:C10,fault:C12,fault:E1,fault:E2
@test "injection: a call of a confined relay fails, and its client alone is closed, or served" {
    not_with_asan
    start_relays
    endure dispatcher <<'END'
one. recvfrom:ENOMEM closed cannot look at the first bytes for service -, .*: Cannot allocate memory
one. poll:ENOMEM:2 served service=one .* in=4 out=8
one. socket:ENFILE closed cannot connect to 127\.0\.0\.1:[0-9]+ for service one, .*: Too many open files in system
one. sendto:ENOBUFS:1..9 served
proxy-one. recvfrom:ENOMEM closed cannot look at the first bytes for service -, .*: Cannot allocate memory
proxy-one. recvfrom:ENOMEM:2 closed cannot look at the first bytes for service -, .*: Cannot allocate memory
name openat:EMFILE:1..9 served
name read:EIO:1..9 served
name socket:EMFILE served
END
}

# hold_program SERVICE: a client of a program with a keeper, which is then in KEEPER_OF_IT. Once $TMP/go exists it ends
# its stream.
hold_program() {
    rm -f "$TMP/held" "$TMP/go"
    client --limit 20000 "send:$1" "expect:$1" "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
    wait_until 10 exists "$TMP/held"
    find_dispatchers
    wait_until 5 named portsplit-keep "${DISPATCHERS[0]}"
    KEEPER_OF_IT=$FOUND
}

# bats test_tags=fault:D6,fault:D7
@test "injection: a call of the keeper fails, and its program and client are served to the end" {
    start_with_programs
    local fault held
    for fault in read:ENOMEM wait4:EINTR sendto:ENOBUFS; do
        echo "$fault"
        : >"$LOG"
        hold_program pipe
        held=$JOB
        attach "$fault" "$KEEPER_OF_IT"
        touch "$TMP/go"
        finish "$held"
        detach
        log_says ': service=pipe .* in=4 out=4 .* exit=0$'
    done
    # A program that goes on is not ended, because the keeper could not receive.
    hold_program long
    held=$JOB
    attach recvmsg:ENOMEM "$KEEPER_OF_IT"
    go_on "$held"
    detach
    children_of "$KEEPER_OF_IT"
    kill "${CHILDREN[0]}"
    log_says ': service=long .* signal=TERM$'
    all_slots_are_free
}

# bats test_tags=fault:D1
@test "injection: a keeper cannot start, and its client is closed" {
    start_with_programs
    wait_until 5 spares_of "$ZYGOTE"
    local FOLLOW=(-f)
    attach signalfd4:EMFILE "${SPARES[@]}"
    come pipe closed
    detach
    log_says 'cannot start /bin/cat for service pipe, .*: Too many open files'
    all_slots_are_free
}

# bats test_tags=fault:B1
@test "injection: failed polls of a keeper and of the parent of sniffers are no busy loop" {
    start_with_programs
    hold_program long
    local held=$JOB
    attach poll:ENOMEM:1+2 "$KEEPER_OF_IT" # every other one: the one between is the pause
    go_on "$held"
    few_polls_fail
    children_of "$KEEPER_OF_IT"
    kill "${CHILDREN[0]}"
    log_says ': service=long '
    wait_until 5 named portsplit-sniff "$ZYGOTE"
    attach poll:ENOMEM:1+2 "$FOUND"
    kill -CHLD "$FOUND" # wakes it
    few_polls_fail
    come one. served
    all_slots_are_free
}

few_polls_fail() {
    wait_until 5 file_says "$TMP/trace" INJECTED
    pass_time 500
    local failed
    failed=$(grep -c INJECTED "$TMP/trace")
    detach
    echo "$failed polls failed in half a second"
    ((failed <= 8))
    # A pause is a poll of no descriptor.
    grep -qE '^poll\((NULL|\[\]|0x[0-9a-f]+), 0, 100' "$TMP/trace"
}

# bats test_tags=fault:F2
@test "injection: a call fails during a reload, and the old configuration or the new one serves" {
    start_with_programs
    local call when before FOLLOW=(-f)
    for call in memfd_create clone socketpair openat read dup2 fcntl execveat epoll_create1 signalfd4 pipe2 mmap ftruncate; do
        for when in 1 2; do
            echo "$call $when"
            before=$(grep -c reload "$LOG" || true)
            attach "$call:ENOMEM:$when" "$DAEMON"
            kill -HUP "$DAEMON"
            wait_until 10 reloads_exceed "$before"
            end_tracer
            come one. served
        done
    done
    wait_until 10 is_quiet
    reload
    tail -n 1 "$LOG" | grep -q 'reloaded '
    all_slots_are_free
}
