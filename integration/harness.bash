# Shared by all integration tests. `load harness` gives a file its setup and teardown.
#
# How it works: a test writes a file with `configure`, starts portsplitd with `start_daemon` and connects
# to 127.0.0.1:$PORT with `talk` or `client`. The daemon runs under tools/keeper, which adopts every
# orphan. So the teardown finds all processes of the test, and fails the test if it left a process, a
# zombie, an open descriptor or a busy loop behind.

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
    STDERR=$TMP/stderr # of the daemon and of the programs that inherit it
    DAEMON=
    KEEPER=
    SUPERSERVER=
    PORT=
    BACKGROUND=()
    LOG_TO='file' # or stderr
    # An empty pipe: reading from it with a timeout waits without a process for sleep(1).
    exec {NEVER}<> <(:)
    : >"$TMP/peers" # what scripted peers print on standard error; must stay empty
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

# wait_until SECONDS COMMAND...: repeats the command every 10 ms until it succeeds; fails after SECONDS.
wait_until() {
    look_at_clock
    local end=$((NOW + $1 * 1000 * PORTSPLIT_PATIENCE))
    shift
    while ! "$@"; do
        look_at_clock
        if ((NOW >= end)); then
            echo "waited in vain for: $*"
            return 1
        fi
        # Always times out, which is a failure.
        read -r -t 0.01 -u "$NEVER" || true
    done
}

# pass_time MILLISECONDS: waits, for tests in which the time itself matters.
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

# The children of a process, their children and so on, without tracers and spare dispatchers, in
# DESCENDANTS.
descendants_of() {
    DESCENDANTS=()
    local pid name queue=("$1")
    while ((${#queue[@]} > 0)); do
        children_of "${queue[0]}"
        queue=("${queue[@]:1}")
        for pid in "${CHILDREN[@]}"; do
            { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
            [[ $name == strace || $name == portsplit-spare || $name == portsplit-sniff ]] && continue
            queue+=("$pid")
            DESCENDANTS+=("$pid")
        done
    done
}

# Prints `PID NAME STATE` of every descendant, one a line.
describe_descendants() {
    local pid name
    descendants_of "$1"
    for pid in "${DESCENDANTS[@]}"; do
        state_of "$pid" || continue
        { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
        echo "$pid $name $STATE"
    done
}

# A zygote blocks SIGCHLD, since it reads it from a signalfd; a dispatcher has the same command line and
# blocks no signal. The keeper of a program does, too.
is_zygote() {
    local name
    { read -r name <"/proc/$1/comm"; } 2>/dev/null && [[ $name != portsplit-keep ]] &&
        is_alive "$1" && grep -qs '^SigBlk:.*[1-9a-f]' "/proc/$1/status"
}

# The zygote of the newest generation, in ZYGOTE: the youngest child of the daemon that is one.
find_zygote() {
    local pid
    ZYGOTE=
    children_of "$DAEMON"
    for pid in "${CHILDREN[@]}"; do
        ! is_zygote "$pid" || ZYGOTE=$pid
    done
    [[ -n $ZYGOTE ]]
}

# A new zygote has taken the place of PID: another_zygote PID.
another_zygote() { find_zygote && [[ $ZYGOTE != "$1" ]]; }

# A dispatcher or a sniffer that waits for its connection, or the parent of sniffers.
is_spare() {
    local name
    { read -r name <"/proc/$1/comm"; } 2>/dev/null && [[ $name == portsplit-s@(pare|niff) ]]
}

# The processes that serve connections now, in DISPATCHERS: children of a zygote, and children of the
# daemon whose zygote has died, without spare dispatchers. A program that a dispatcher has executed
# counts.
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

# status_of PID FIELD: a line of /proc/PID/status.
status_of() { sed -n "s/^$2:\t//p" "/proc/$1/status"; }

# not_with_asan: AddressSanitizer makes calls of its own, so its builds confine nothing.
not_with_asan() { [[ $PORTSPLIT_FLAVOUR != asan ]] || skip 'a build with AddressSanitizer confines nothing'; }

# named NAME PID: the child of a process with this name, in FOUND.
named() {
    local pid name
    FOUND=
    children_of "$2"
    for pid in "${CHILDREN[@]}"; do
        { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
        [[ $name != "$1" ]] || FOUND=$pid
    done
    [[ -n $FOUND ]]
}

# True while only the daemon and one zygote run: no connection, and no older generation.
is_quiet() {
    descendants_of "$KEEPER"
    ((${#DESCENDANTS[@]} == 2)) && find_zygote
}

# How many descriptors a process has open, in COUNT. Only root can read those of the daemon and the zygote, which
# are not dumpable (prctl(2)); for other users the count is always 1, the pattern itself.
count_fds() {
    local fds=("/proc/$1/fd/"*)
    COUNT=${#fds[@]}
}

# CPU time of all descendants of the keeper in microseconds, in CPU. A process's own time is exact
# (proc(5), schedstat); that of children it has reaped is counted in ticks of 10 ms.
count_cpu() {
    local pid line own fields
    CPU=0
    descendants_of "$KEEPER"
    for pid in "${DESCENDANTS[@]}"; do
        { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
        { read -r own _ <"/proc/$pid/schedstat"; } 2>/dev/null || continue
        read -r -a fields <<<"${line##*) }"
        CPU=$((CPU + own / 1000 + (fields[13] + fields[14]) * 10000))
    done
}

# rests MILLISECONDS: waits that long, and fails if the processes under test used more than a twentieth of the
# time. 20 ms are allowed for forking spares. A busy loop uses all of it.
rests() {
    local window=$1 before used
    count_cpu
    before=$CPU
    pass_time "$window"
    count_cpu
    used=$(((CPU - before) / 1000))
    if ((used > window / 20 + 20)); then
        echo "$used ms of CPU time in $window ms of waiting:"
        describe_descendants "$KEEPER"
        return 1
    fi
}

# uses_no_cpu [MILLISECONDS]: fails unless the processes under test rest that long, 200 by default, within a few
# seconds: they may still be at work for what the test did before.
uses_no_cpu() {
    local window=${1:-200} end spin
    look_at_clock
    end=$((NOW + 3000 * PORTSPLIT_PATIENCE))
    until spin=$(rests "$window"); do
        look_at_clock
        ((NOW < end)) || { echo "$spin"; return 1; }
    done
}

# --- configurations --------------------------------------------------------------------------------

# Takes the configuration from standard input.
configure() { cat >"$CONFIG"; }

# connect_service NAME [STRING...]: prints a service that relays to the server NAME (see `answer`).
connect_service() {
    local -n port=${1}_port
    printf '[%s]\n' "$1"
    (($# == 1)) || printf 'string = %s\n' "${@:2}"
    echo "connect = 127.0.0.1:$port"
}

# exec_service NAME PROGRAM [LINE...]: prints a service that runs a program for streams that begin with
# NAME.
exec_service() { printf '%s\n' "[$1]" "string = $1" "exec = $2" "${@:3}"; }

# configure_probe [LINE...]: these lines, an address, and the service `probe`; see take_report.
configure_probe() {
    { (($# == 0)) || printf '%s\n' "$@"
        printf '%s\n' 'bind = 127.0.0.1:0' '[probe]' 'string = P' "exec = $PROBE"; } | configure
}

# configure_answers NAME...: one service for each of these servers, whose pattern is its name. GLOBALS,
# lines, comes first.
configure_answers() {
    local name
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "${GLOBALS:-}"
        for name; do connect_service "$name" "$name"; done
    } | configure
}

# --- the daemon ------------------------------------------------------------------------------------

# start_daemon [OPTION...]: starts portsplitd and waits until it listens. Sets DAEMON, PORT (of its first
# address) and ADDRESSES. WRAPPER, an array, is a command to start it through; with LOG_TO=stderr it logs
# to standard error.
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

# As start_daemon, but does not wait.
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

# Notes how many descriptors the daemon and its zygote have open while they serve no connection.
take_baseline() {
    wait_until 10 find_zygote
    count_fds "$DAEMON"
    DAEMON_FDS=$COUNT
    count_fds "$ZYGOTE"
    ZYGOTE_FDS=$COUNT
}

# Sends SIGHUP and waits until the log has the result.
reload() {
    local before
    before=$(grep -c 'reload' "$LOG" || true)
    kill -HUP "$DAEMON"
    wait_until 10 reloads_exceed "$before"
    find_zygote
}
reloads_exceed() { (($(grep -c 'reload' "$LOG") > $1)); }

# stop_daemon [SIGNAL]: ends the daemon and fails unless it exits 0.
stop_daemon() {
    kill "-${1:-TERM}" "$DAEMON"
    expect_exit 0
}

# expect_exit CODE: waits for the end of the daemon and fails unless that is its exit code.
expect_exit() {
    wait_until 10 exists "$TMP/status"
    [[ $(<"$TMP/status") == "exit=$1" ]] || {
        echo "the daemon ended with $(<"$TMP/status"), not exit=$1"
        return 1
    }
}

# --- peers -----------------------------------------------------------------------------------------

# talk STEP...: a scripted client on the first address (tools/peer.cc has the steps). Fails at the first
# step that fails.
talk() { "$PEER" connect "127.0.0.1:$PORT" "$@"; }

# in_background COMMAND...: starts a job, which the teardown ends. Its pid is in JOB. Output on standard
# error fails the test.
in_background() {
    "$@" 2>>"$TMP/peers" 3>&- &
    JOB=$!
    begin_of "$JOB"
    echo "$JOB $BEGIN" >>"$TMP/background" # a file, so that jobs of a subshell are ended, too
}

# begin_of PID: when this process began (proc(5), field 22), in BEGIN; 0 if it is over. A later process may get the same
# pid, but began later.
begin_of() {
    local line fields
    BEGIN=0
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    read -r -a fields <<<"${line##*) }"
    BEGIN=${fields[19]}
}

# A client in the background.
client() { in_background "$PEER" connect "127.0.0.1:$PORT" "$@"; }

# A client in the background that may fail.
doomed_client() {
    "$PEER" connect "127.0.0.1:$PORT" "$@" 2>>"$TMP/doomed" 3>&- &
    JOB=$!
    BACKGROUND+=("$JOB")
}

# finish JOB: waits for a job in the background and fails if it failed.
finish() {
    wait_until 30 is_over "$1"
    wait "$1"
}

# reaches NAME: a new client is served by the server NAME (see `answer`).
reaches() { talk --limit $((5000 * PORTSPLIT_PATIENCE)) "send:$1." "expect:$1:$1." shutdown expect-eof; }

# prepare_sshd [LINE...]: a key in $TMP/host_key and host_key.pub, and a configuration in $TMP/sshd_config.
prepare_sshd() {
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$TMP/host_key"
    printf '%s\n' "HostKey $TMP/host_key" 'UsePAM no' 'PidFile none' "$@" >"$TMP/sshd_config"
    # Started by root, sshd needs this folder, which its system service creates otherwise.
    (($(id -u) != 0)) || [[ -d /run/sshd ]] || install -d -m 755 /run/sshd
}

# run_nginx [COMMAND...]: nginx in the background, which COMMAND starts, with the servers that standard input has. Its
# folder is $TMP/nginx.
run_nginx() {
    mkdir "$TMP/nginx"
    # Started by root, its workers could not enter the folder of the test as another user.
    cat >"$TMP/nginx.conf" <<END
$( ((EUID != 0)) || echo 'user root;')
daemon off;
pid $TMP/nginx/pid;
error_log stderr;
worker_processes 1;
events { }
http {
    access_log off;
    client_body_temp_path $TMP/nginx/a; proxy_temp_path $TMP/nginx/b; fastcgi_temp_path $TMP/nginx/c;
    uwsgi_temp_path $TMP/nginx/d; scgi_temp_path $TMP/nginx/e;
$(cat)
}
END
    "$@" nginx -c "$TMP/nginx.conf" -p "$TMP/nginx" >"$TMP/nginx.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
}

# hold_open NAME: a client that the server NAME serves now, and that goes on once $TMP/go exists. Its pid
# is in JOB.
hold_open() {
    rm -f "$TMP/held"
    client "send:$1." "expect:$1:$1." "touch:$TMP/held" "wait-file:$TMP/go" send:on expect:on \
        shutdown expect-eof
    wait_until 10 exists "$TMP/held"
}

# go_on JOB...: lets held clients finish.
go_on() {
    local job
    touch "$TMP/go"
    for job; do finish "$job"; done
}

# take_report [BYTES]: the report of tools/probe, which these first bytes reach (P by default), in
# $TMP/report. The probe exits with a byte unread, so its connection may end with a reset, as it does
# without Portsplit.
take_report() {
    talk --limit 10000 "send:${1:-P}" print >"$TMP/report" 2>"$TMP/talk" || true
    file_says "$TMP/report" '^end'
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

# answer NAME...: servers that send `NAME:` and then echo. So the bytes that a client receives show which
# server it reached and whether every byte arrived.
answer() {
    local name
    for name; do serve_on 127.0.0.1:0 "$name" "send:$name:" echo; done
    for name; do learn_port "$name"; done
}

# A port of 127.0.0.1 without a listener, in FREE. Until the background jobs end, the kernel gives it to no
# socket that is bound to port 0; a program can listen on it (SO_REUSEADDR).
find_free_port() {
    local own=$JOB
    rm -f "$TMP/free"
    in_background "$PEER" reserve 127.0.0.1:0 >"$TMP/free"
    JOB=$own
    wait_until 10 has_content "$TMP/free"
    FREE=$(<"$TMP/free")
}

end_background() {
    local pid begin jobs=() CHILDREN=()
    children_of "$BASHPID" # what has been waited for may be another process now
    for pid in "${BACKGROUND[@]}"; do
        [[ " ${CHILDREN[*]} " != *" $pid "* ]] || jobs+=("$pid")
    done
    if [[ -e $TMP/background ]]; then
        while read -r pid begin; do
            begin_of "$pid"
            ((BEGIN == 0 || BEGIN != begin)) || jobs+=("$pid")
        done <"$TMP/background"
    fi
    for pid in "${jobs[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    BACKGROUND=()
    rm -f "$TMP/background"
}

# --- the log ---------------------------------------------------------------------------------------

# log_says PATTERN: waits until a line of the log matches (grep -E).
log_says() { wait_until 10 log_has "$1"; }
log_has() { grep -qE -- "$1" "$LOG"; }

# logged_connections N: waits until N connections have their line.
logged_connections() { wait_until 15 connections_are "$1"; }
connections_are() { (($(grep -c ': service=' "$LOG") == $1)); }

# --- privilege -------------------------------------------------------------------------------------

# Fails a test that does not run as root; skips it if PORTSPLIT_TEST_UNPRIVILEGED=1.
needs_root() {
    (($(id -u) == 0)) && return
    [[ ${PORTSPLIT_TEST_UNPRIVILEGED:-} == 1 ]] || {
        echo 'needs root; PORTSPLIT_TEST_UNPRIVILEGED=1 leaves such tests out'
        return 1
    }
    skip 'needs root, and PORTSPLIT_TEST_UNPRIVILEGED=1 is set'
}

# --- installed files -------------------------------------------------------------------------------

# Installs the build below $ENTRIES, for `setup_file`.
install_entries() {
    export ENTRIES=$BATS_FILE_TMPDIR/entries
    DESTDIR=$ENTRIES "${PORTSPLIT_CMAKE:?}" --install "${PORTSPLIT_BUILD:?the build folder}" \
        >"$BATS_FILE_TMPDIR/install"
}

# installed PATH: prints the path of the installed file that ends so.
installed() { find "$ENTRIES" -path "*/$1"; }

# --- what every teardown checks --------------------------------------------------------------------

# Adds to `problems` unless the daemon and the zygote are idle, with the descriptors of the start.
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
    spin=$(uses_no_cpu 60) || problems+=("$spin")
}

# Ends the daemon, and adds to `problems` if a process is left, one crashed, or one wrote to standard error.
check_end() {
    if is_alive "$DAEMON"; then
        kill -TERM "$DAEMON"
        wait_until 10 exists "$TMP/status" || problems+=("portsplitd does not exit at SIGTERM")
        [[ $(<"$TMP/status") == exit=0 ]] || problems+=("portsplitd ended with $(<"$TMP/status")")
    fi
    if ! wait_until 10 is_over "$KEEPER" >/dev/null; then
        problems+=("left behind: $(describe_descendants "$KEEPER")")
        descendants_of "$KEEPER"
        kill -KILL "${DESCENDANTS[@]}" 2>/dev/null || true
    fi
    wait "$KEEPER" 2>/dev/null || true
    grep -Eq ' signal=(SEGV|ABRT|BUS|ILL|FPE|SYS)' "$LOG" 2>/dev/null && problems+=("a process crashed")
    [[ $STDERR != "$LOG" && -s $STDERR ]] && problems+=("standard error is not empty")
    return 0
}
