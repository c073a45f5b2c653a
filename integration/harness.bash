# What every integration test stands on. `load harness` gives a file its setup and teardown: a test
# says `configure` and `start_daemon`, talks to 127.0.0.1:$PORT, and leaves the rest to the teardown,
# which fails the test if it left a process, a zombie, a descriptor or a spin behind.

bats_require_minimum_version 1.5.0

: "${PORTSPLIT_BIN:?the folder of the programs under test}"
: "${PORTSPLIT_TOOLS:?the folder of the tools built from integration/tools}"
: "${PORTSPLIT_PATIENCE:=1}"
: "${PORTSPLIT_FLAVOUR:=release}"

PEER=$PORTSPLIT_TOOLS/peer
PROBE=$PORTSPLIT_TOOLS/probe
SHELL_PROGRAM=/bin/sh

setup() {
    TMP=$BATS_TEST_TMPDIR
    CONFIG=$TMP/portsplit.conf
    LOG=$TMP/log
    STDERR=$TMP/stderr # of the daemon, and of whatever inherits it
    DAEMON=
    KEEPER=
    SUPERSERVER=
    PORT=
    BACKGROUND=()
    LOG_TO=file # or stderr
    # A pipe nobody writes to: reading from it with a limit is how a test waits.
    exec {NEVER}<> <(:)
    # Read by nobody but a failed test.
    : >"$TMP/peers"
}

teardown() { check_what_is_left; }

check_what_is_left() {
    local problems=()
    end_background
    if [[ -n $KEEPER ]]; then
        check_quiet
        check_end
    fi
    grep -q . "$TMP/peers" && problems+=("a scripted peer failed: $(<"$TMP/peers")")
    exec {NEVER}<&-
    ((${#problems[@]} == 0)) && return
    printf 'after the test: %s\n' "${problems[@]}"
    [[ -s $LOG ]] && printf 'log: %s\n' "$(tail -n 30 "$LOG")"
    [[ -s $STDERR ]] && printf 'stderr: %s\n' "$(tail -n 30 "$STDERR")"
    return 1
}

# --- waiting ---------------------------------------------------------------------------------------

# The wall clock in milliseconds, in NOW.
look_at_clock() {
    NOW=$((${EPOCHREALTIME/[.,]/} / 1000))
}

# wait_until SECONDS COMMAND...: until the command succeeds; fails when it did not in time.
wait_until() {
    look_at_clock
    local end=$((NOW + $1 * 1000 * PORTSPLIT_PATIENCE))
    shift
    while ! "$@"; do
        look_at_clock
        if ((NOW >= end)); then
            echo "in vain waited for: $*"
            return 1
        fi
        # Fails when nothing was there to read: always.
        read -r -t 0.01 -u "$NEVER" || true
    done
}

# A phase of a test in which nobody has anything to do: pass_time MILLISECONDS.
pass_time() {
    local part
    printf -v part '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
    read -r -t "$part" -u "$NEVER" || true
}

exists() { [[ -e $1 ]]; }
has_content() { [[ -s $1 ]]; }
file_says() { grep -q -- "$2" "$1" 2>/dev/null; }
not() { ! "$@"; }

# --- processes -------------------------------------------------------------------------------------

# The state letter of a process, in STATE; fails when it is gone.
state_of() {
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    STATE=${line##*) }
    STATE=${STATE%% *}
}

is_alive() { state_of "$1" && [[ $STATE != [ZX] ]]; }
is_gone() { ! state_of "$1"; }
is_over() { ! is_alive "$1"; }

# The children of a process, in CHILDREN.
children_of() {
    local line=
    { read -r line <"/proc/$1/task/$1/children"; } 2>/dev/null || true
    read -r -a CHILDREN <<<"$line"
}

# All that came of a process, itself, tracers and spare dispatchers not counted, in DESCENDANTS.
descendants_of() {
    DESCENDANTS=()
    local pid name queue=("$1")
    while ((${#queue[@]} > 0)); do
        children_of "${queue[0]}"
        queue=("${queue[@]:1}")
        for pid in "${CHILDREN[@]}"; do
            { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
            [[ $name == strace || $name == portsplit-spare ]] && continue
            queue+=("$pid")
            DESCENDANTS+=("$pid")
        done
    done
}

# `PID NAME STATE` of all that came of a process, one a line.
describe_descendants() {
    local pid name
    descendants_of "$1"
    for pid in "${DESCENDANTS[@]}"; do
        state_of "$pid" || continue
        { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
        echo "$pid $name $STATE"
    done
}

# A zygote takes SIGCHLD by descriptor and so blocks it; a dispatcher, whose command line is the same,
# blocks nothing.
is_zygote() { is_alive "$1" && grep -qs '^SigBlk:.*[1-9a-f]' "/proc/$1/status"; }

# The zygote that takes connections, in ZYGOTE: the youngest child of the daemon that is one.
find_zygote() {
    local pid
    ZYGOTE=
    children_of "$DAEMON"
    for pid in "${CHILDREN[@]}"; do
        ! is_zygote "$pid" || ZYGOTE=$pid
    done
    [[ -n $ZYGOTE ]]
}

# A spare dispatcher waits for its connection.
is_spare() {
    local name
    { read -r name <"/proc/$1/comm"; } 2>/dev/null && [[ $name == portsplit-spare ]]
}

# The processes that serve connections now, in DISPATCHERS: the children of the zygotes, and of the
# daemon those that lost theirs, without the spare ones. Programs that have taken a dispatcher's place
# are among them.
find_dispatchers() {
    local pid all=()
    DISPATCHERS=()
    children_of "$DAEMON"
    local own=("${CHILDREN[@]}")
    for pid in "${own[@]}"; do
        if is_zygote "$pid"; then
            children_of "$pid"
            all+=("${CHILDREN[@]}")
        elif is_alive "$pid"; then
            all+=("$pid")
        fi
    done
    for pid in "${all[@]}"; do
        is_spare "$pid" || DISPATCHERS+=("$pid")
    done
}

dispatchers_are() {
    find_dispatchers
    ((${#DISPATCHERS[@]} == $1))
}

# Just the daemon and one zygote: nothing is being served, and no older generation is left.
is_quiet() {
    descendants_of "$KEEPER"
    ((${#DESCENDANTS[@]} == 2)) && find_zygote
}

# How many descriptors a process has open, in COUNT. Those of the zygote, which lets nobody look at it,
# only root can count; for others it is always the same number.
count_fds() {
    local fds=("/proc/$1/fd/"*)
    COUNT=${#fds[@]}
}

# Processor time of all that came of the keeper, in ticks of 10 ms, in TICKS; a child's counts for its
# parent once it is reaped.
count_ticks() {
    local pid line fields
    TICKS=0
    descendants_of "$KEEPER"
    for pid in "${DESCENDANTS[@]}"; do
        { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
        read -r -a fields <<<"${line##*) }"
        TICKS=$((TICKS + fields[11] + fields[12] + fields[13] + fields[14]))
    done
}

# nobody_works MILLISECONDS: lets that time pass and fails when the processes under test used more than
# a twentieth of it.
nobody_works() {
    count_ticks
    local before=$TICKS
    pass_time "$1"
    count_ticks
    local used=$(((TICKS - before) * 10))
    if ((used > $1 / 20 + 20)); then
        echo "$used ms of processor time in $1 ms of waiting:"
        describe_descendants "$KEEPER"
        return 1
    fi
}

# --- the daemon ------------------------------------------------------------------------------------

# Takes the configuration from standard input.
configure() { cat >"$CONFIG"; }

# start_daemon [OPTION...]: with the configuration as it is. Sets DAEMON, PORT (of its first address)
# and ADDRESSES. WRAPPER, an array, is a command to start it through; with LOG_TO=stderr the log comes
# by standard error.
start_daemon() {
    spawn_daemon "$@"
    if ! wait_until 10 has_content_or_over "$TMP/ready"; then return 1; fi
    if ! has_content "$TMP/ready"; then
        echo "the daemon ended at once: $(<"$TMP/status")"
        cat "$LOG" "$STDERR"
        return 1
    fi
    read -r -a ADDRESSES <"$TMP/ready"
    ADDRESSES=("${ADDRESSES[@]:2}") # after "listening on"
    PORT=${ADDRESSES[0]##*:}
    take_baseline
}

has_content_or_over() { [[ -s $1 ]] || exists "$TMP/status"; }

# As start_daemon, without waiting for it to listen.
spawn_daemon() {
    rm -f "$TMP/ready" "$TMP/pid" "$TMP/status"
    local log=$LOG
    if [[ $LOG_TO == stderr ]]; then
        log=stderr
        STDERR=$LOG
    fi
    "$PORTSPLIT_TOOLS/keeper" "$TMP" "${WRAPPER[@]}" "$PORTSPLIT_BIN/portsplitd" --log "$log" \
        --ready-fd 9 "$@" "$CONFIG" 9>"$TMP/ready" >>"$STDERR" 2>&1 3>&- &
    KEEPER=$!
    wait_until 10 exists "$TMP/pid"
    DAEMON=$(<"$TMP/pid")
}

# What the daemon and its zygote hold open while nothing is being served.
take_baseline() {
    wait_until 10 find_zygote
    count_fds "$DAEMON"
    DAEMON_FDS=$COUNT
    count_fds "$ZYGOTE"
    ZYGOTE_FDS=$COUNT
}

# Asks for a reload and waits until the log says how it went.
reload() {
    local before
    before=$(grep -c 'reload' "$LOG" || true)
    kill -HUP "$DAEMON"
    wait_until 10 reloads_exceed "$before"
    find_zygote
}
reloads_exceed() { (($(grep -c 'reload' "$LOG") > $1)); }

# Ends the daemon and fails unless it exits 0.
stop_daemon() {
    kill "-${1:-TERM}" "$DAEMON"
    expect_exit 0
}

# expect_exit CODE: the daemon ends with it.
expect_exit() {
    wait_until 10 exists "$TMP/status"
    [[ $(<"$TMP/status") == "exit=$1" ]] || {
        echo "the daemon ended with $(<"$TMP/status"), not exit=$1"
        return 1
    }
}

# --- peers -----------------------------------------------------------------------------------------

# talk STEP...: a scripted client on the first address; fails when anything goes otherwise.
talk() { "$PEER" connect "127.0.0.1:$PORT" "$@"; }

# in_background COMMAND...: as a job that the test may wait for; the teardown ends it. Its pid is in
# JOB. Complaints on standard error fail the test.
in_background() {
    "$@" 2>>"$TMP/peers" 3>&- &
    JOB=$!
    echo "$JOB" >>"$TMP/background" # a file, so that those of a subshell are ended too
}

# A client in the background.
client() { in_background "$PEER" connect "127.0.0.1:$PORT" "$@"; }

# A client in the background that may be cut off.
doomed_client() {
    "$PEER" connect "127.0.0.1:$PORT" "$@" 2>>"$TMP/doomed" 3>&- &
    JOB=$!
    BACKGROUND+=("$JOB")
}

# finish JOB: waits for a job in the background and fails when it failed.
finish() {
    wait_until 30 is_over "$1"
    wait "$1"
}

# serve NAME STEP...: a scripted server in the background. Its port is in NAME_port.
serve() { serve_on 127.0.0.1:0 "$@" && learn_port "$1"; }

# serve_on ADDRESS NAME STEP...: as serve, without waiting for its port.
serve_on() {
    in_background "$PEER" listen "$1" "${@:3}" >"$TMP/$2.out"
}

learn_port() {
    wait_until 10 has_content "$TMP/$1.out"
    read -r "${1}_port" <"$TMP/$1.out"
}

# answer NAME...: servers that say their name and then send back what they get, so that one look at
# what a client received tells where it was led and whether every byte came.
answer() {
    local name
    for name; do serve_on 127.0.0.1:0 "$name" "send:$name:" echo; done
    for name; do learn_port "$name"; done
}

# A port of 127.0.0.1 where nobody listens, in FREE: the system's choice, just given back.
find_free_port() {
    "$PEER" listen 127.0.0.1:0 hold >"$TMP/free" 3>&- &
    local pid=$!
    wait_until 10 has_content "$TMP/free"
    kill "$pid"
    wait "$pid" || true
    FREE=$(<"$TMP/free")
    rm "$TMP/free"
}

end_background() {
    local pid own=()
    [[ ! -e $TMP/background ]] || mapfile -t own <"$TMP/background"
    for pid in "${BACKGROUND[@]}" "${own[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    BACKGROUND=()
    rm -f "$TMP/background"
}

# --- the log ---------------------------------------------------------------------------------------

# The lines of connections, without what differs from run to run: `PID`, ports, `ms`.
connection_lines() { grep ': service=' "$LOG" | sed -E 's/\[[0-9]+\]/[PID]/; s/sport=[0-9]+/sport=N/; s/dport=[0-9]+/dport=N/; s/ms=[0-9]+/ms=N/'; }

# log_says PATTERN: waits until a line of the log fits (grep -E).
log_says() { wait_until 10 log_has "$1"; }
log_has() { grep -qE -- "$1" "$LOG"; }

# logged_connections N: waits until so many connections have their line.
logged_connections() { wait_until 15 connections_are "$1"; }
connections_are() { (($(grep -c ': service=' "$LOG") == $1)); }

# --- privilege -------------------------------------------------------------------------------------

# A test that needs root fails loudly without, unless whoever runs it has said that this is known.
needs_root() {
    (($(id -u) == 0)) && return
    [[ ${PORTSPLIT_TEST_UNPRIVILEGED:-} == 1 ]] || {
        echo 'needs root; PORTSPLIT_TEST_UNPRIVILEGED=1 leaves such tests out'
        return 1
    }
    skip 'needs root, and PORTSPLIT_TEST_UNPRIVILEGED=1 is set'
}

# --- what every teardown checks --------------------------------------------------------------------

# At rest: nobody is being served, nothing is held open, nobody works.
check_quiet() {
    is_alive "$DAEMON" || return 0
    if ! wait_until 10 is_quiet >/dev/null; then
        problems+=("still there: $(describe_descendants "$KEEPER")")
        return 0
    fi
    count_fds "$DAEMON"
    ((COUNT <= DAEMON_FDS)) ||
        problems+=("portsplitd holds $COUNT descriptors, $DAEMON_FDS at the start: $(ls -l "/proc/$DAEMON/fd")")
    count_fds "$ZYGOTE"
    ((COUNT <= ZYGOTE_FDS)) ||
        problems+=("the zygote holds $COUNT descriptors, $ZYGOTE_FDS at the start: $(ls -l "/proc/$ZYGOTE/fd")")
    local spin
    spin=$(nobody_works 100) || problems+=("$spin")
}

# At the end: the daemon goes when it is told to, and nothing of it stays.
check_end() {
    if is_alive "$DAEMON"; then
        kill -TERM "$DAEMON"
        wait_until 10 exists "$TMP/status" || problems+=("portsplitd does not end at SIGTERM")
        [[ $(<"$TMP/status") == exit=0 ]] || problems+=("portsplitd ended with $(<"$TMP/status")")
    fi
    if ! wait_until 10 is_over "$KEEPER" >/dev/null; then
        problems+=("left behind: $(describe_descendants "$KEEPER")")
        descendants_of "$KEEPER"
        kill -KILL "${DESCENDANTS[@]}" 2>/dev/null || true
    fi
    wait "$KEEPER" 2>/dev/null || true
    grep -Eq ' signal=(SEGV|ABRT|BUS|ILL|FPE)' "$LOG" 2>/dev/null && problems+=("something crashed")
    [[ $STDERR != "$LOG" && -s $STDERR ]] && problems+=("something was said on standard error")
    return 0
}
