#!/usr/bin/env bats
# Every kind of fault at a low rate, beside clients whose every byte is compared; see README.md. `soak` starts it, in
# namespaces of its own. PORTSPLIT_SOAK is the number of seconds.

load ../harness

: "${PORTSPLIT_SOAK:=25}" "${PORTSPLIT_SEED:=1}"

# The address of the balancer, from which PROXY headers come.
readonly BALANCER=127.0.0.9
# The honest clients, which are served at the same time. `named` is relayed to a target that a name server knows.
readonly HONEST=(one socket pipe pty layout named half behind)
readonly FAULTS=(reset_anywhere reset_anywhere reset_anywhere slow half_closed zero_window flood silent urgent storm
    header_bad header_cut target_down target_resets target_hangs name_hangs program_killed program_missing
    program_stubborn program_background over_budget undecided_many dispatcher_killed dispatcher_stopped
    spare_stopped sniffers_killed zygote_killed zygote_stopped reload reload_bad signals upgrade disk_full)

teardown() {
    local status=0
    check_what_is_left || status=1
    [[ -z ${PORTSPLIT_KEEP:-} ]] || cp "$TMP/faults" "$TMP/doomed" "$LOG" "$PORTSPLIT_KEEP"
    umount "$TMP/disk"
    return "$status"
}

configure_all() {
    find_free_port
    configure <<LINES
bind = 127.0.0.1:0
timeout = 1
log = start
proxy-from = $BALANCER
$(connect_service one one)
$(exec_service socket /bin/cat)
$(exec_service pipe /bin/cat 'stdio = pipe')
$(exec_service pty /bin/cat 'stdio = pty')
[layout]
http.host = layout.example
connect = 127.0.0.1:$one_port
[named]
string = named
connect = good.example:$one_port
[refused]
string = refused
connect = 127.0.0.1:$FREE
[hanging]
string = hanging
connect = 127.0.0.1:$hole_port
connect-timeout = 1
[nameless]
string = nameless
connect = silent.example:1
connect-timeout = 1
$(connect_service resetting resetting)
$(exec_service killed /bin/sh 'execarg = -c' 'execarg = kill -KILL $$')
$(exec_service missing "$TMP/missing" 'stdio = pipe')
$(exec_service stubborn /bin/bash 'execarg = -c' 'execarg = trap "" TERM HUP PIPE; while :; do read -r -t 1 <> <(:); done' 'stdio = pipe' 'grace = 1')
$(exec_service background /bin/sh 'execarg = -c' 'execarg = /bin/cat & /bin/cat' 'stdio = pipe' 'grace = 1')
$(exec_service limited /bin/cat 'maxconn = 1')
$(connect_service timeout)
LINES
}

# The disk of the log, 64 MB, and a name server that does not answer for silent.example.
prepare_system() {
    mkdir "$TMP/disk"
    mount -t tmpfs -o size=64m tmpfs "$TMP/disk"
    LOG=$TMP/disk/log
    printf '%s\n' 'good.example A 127.0.0.1' 'silent.example DROP A' 'silent.example DROP AAAA' >"$TMP/zone"
    printf '%s\n' 'nameserver 127.0.0.1' 'options timeout:1 attempts:1' >"$TMP/resolv.conf"
    mount --bind "$TMP/resolv.conf" /etc/resolv.conf
    : >"$TMP/questions"
    in_background "$PORTSPLIT_TOOLS/name_server" "$TMP/zone" "$TMP/questions" 127.0.0.1 -- \
        sh -c 'touch "$0"; exec tail -f /dev/null' "$TMP/entered"
    wait_until 10 exists "$TMP/entered"
    in_background "$PEER" hole 127.0.0.1:0 >"$TMP/hole.out"
    learn_port hole
}

# --- honest clients --------------------------------------------------------------------------------

# steps_of KIND SIZE: what an honest client sends and must receive, in STEPS.
steps_of() {
    local http='GET / HTTP/1.1\r\nHost: layout.example\r\n\r\n'
    case $1 in
        one) STEPS=("send-cut:$((RANDOM % 3 + 1)):one." expect:one:one. "transfer:$2" shutdown expect-eof) ;;
        named) STEPS=(send:named expect:one:named "transfer:$2" shutdown expect-eof) ;;
        layout) STEPS=("send-cut:$((RANDOM % 40 + 1)):$http" "expect:one:$http" "transfer:$2" shutdown expect-eof) ;;
        half) STEPS=(send:one "feed:$2" shutdown expect:one:one "drain:$2" expect-eof) ;;
        pty) STEPS=(send:pty expect:pty "transfer:$2" reset) ;;
        behind) STEPS=('send:PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\none.' expect:one:one. "transfer:$2" shutdown expect-eof) ;;
        *) STEPS=("send:$1" "expect:$1" "transfer:$2" shutdown expect-eof) ;;
    esac
}

# Clients of a kind, one after the other, until $TMP/over exists or one fails; none while $TMP/pause exists.
be_honest() {
    local options size
    RANDOM=$((PORTSPLIT_SEED + $2))
    until [[ -e $TMP/over ]]; do
        [[ ! -e $TMP/pause ]] || { rm -f "$TMP/busy.$1"; pass_time 20; continue; }
        touch "$TMP/busy.$1"
        [[ ! -e $TMP/pause ]] || continue
        size=$((RANDOM * 10 + 1))
        # `half` reads only after it has sent all, which must fit into the buffers on the way.
        [[ $1 != half ]] || size=$RANDOM
        steps_of "$1" "$size"
        options=(--limit $((30000 * PORTSPLIT_PATIENCE)))
        [[ $1 != behind ]] || options+=(--from "$BALANCER:0")
        echo >>"$TMP/made"
        "$PEER" connect "127.0.0.1:$PORT" "${options[@]}" "${STEPS[@]}" 2>"$TMP/why.$1" ||
            { echo "an honest client failed, $1: $(<"$TMP/why.$1") (${STEPS[*]})" >>"$TMP/failed"; break; }
        echo >>"$TMP/served.$1"
        pass_time $((RANDOM % 100))
    done
    rm -f "$TMP/busy.$1"
}

start_honest() {
    local kind number=0
    for kind in "${HONEST[@]}"; do
        be_honest "$kind" $((number++)) 3>&- &
        BACKGROUND+=("$!")
        WORKERS+=("$!")
    done
}

no_one_busy() { ! compgen -G "$TMP/busy.*" >/dev/null; }
# Waits until no honest client is connected. go_ahead lets them go on.
pause() { touch "$TMP/pause" && wait_until 60 no_one_busy; }
go_ahead() { rm "$TMP/pause"; }

# --- faults ----------------------------------------------------------------------------------------

# bad STEP...: a client that may fail, in the background.
bad() {
    echo >>"$TMP/made"
    doomed_client --limit $((5000 * PORTSPLIT_PATIENCE)) "$@"
    BAD[JOB]=$*
}

# bad_served STEP...: the same, and waits until its program or relay serves. The pid of its dispatcher is in VICTIM.
bad_served() {
    local size
    rm -f "$TMP/bad.port"
    size=$(stat -c %s "$LOG")
    echo >>"$TMP/made"
    "$PEER" connect "127.0.0.1:$PORT" --limit $((5000 * PORTSPLIT_PATIENCE)) say-port "$@" >"$TMP/bad.port" 2>>"$TMP/doomed" 3>&- &
    BACKGROUND+=("$!")
    BAD[$!]=$*
    wait_until 10 has_content "$TMP/bad.port"
    wait_until 10 find_victim "$(<"$TMP/bad.port")" "$size"
}
# An earlier client may have had the same port, so only lines behind the first SIZE bytes count.
find_victim() {
    local line
    line=$(tail -c "+$(($2 + 1))" "$LOG" | grep -a "started service=.* sport=$1 ") || return 1
    VICTIM=${line#*portsplit\[}
    VICTIM=${VICTIM%%\]*}
}

reset_anywhere() {
    local text=one.and-more
    bad "send:${text:0:RANDOM % 12}" "trickle:$((RANDOM % 3)):${text:0:RANDOM % 12}" reset
    bad send:one expect:one:one "feed:$((RANDOM * 20))" reset
}
slow() { bad trickle:100:one. expect:one:one. shutdown expect-eof; }
half_closed() { bad shutdown expect-end; bad send:refu shutdown expect-end; }
# The client sends until every buffer is full, and reads nothing.
zero_window() { bad --limit 700 send:one. feed:100000000; }
flood() { bad feed:300000 expect-end; }
silent() { bad expect:timeout: shutdown expect-eof; }
urgent() { bad urgent:! acked reset; }
storm() { local i; for i in {1..20}; do bad reset; bad shutdown; done; }
header_bad() { bad --from "$BALANCER:0" send:one. expect-end; bad --from "$BALANCER:0" 'send:PROXY TCP4 1\r\n' expect-end; }
header_cut() { bad --from "$BALANCER:0" 'send:PROXY TCP4 192.' reset; bad --from "$BALANCER:0" 'send:PROXY ' expect-end; }
target_down() { bad send:refused expect-end; }
target_resets() { bad send:resetting expect-reset; }
target_hangs() { bad send:hanging expect-end; }
name_hangs() { bad send:nameless expect-end; }
program_killed() { bad send:killed expect-end; }
program_missing() { bad send:missing expect-end; }
program_stubborn() { bad send:stubborn reset; }
program_background() { bad send:background expect:background reset; }
over_budget() { bad send:limited expect:limited shutdown expect-eof; bad send:limited shutdown; bad send:limited shutdown; }
undecided_many() { local i; for i in {1..15}; do bad send:on expect:timeout:on reset; done; }
dispatcher_killed() { bad_served send:one. hold && kill -KILL "$VICTIM"; }
dispatcher_stopped() {
    bad_served send:one. expect:one:one. hold
    kill -STOP "$VICTIM"
    pass_time 200
    kill -KILL "$VICTIM"
}
name_of() { cat "/proc/$1/comm" 2>/dev/null || true; }

# Not while a client may just have come to it.
spare_stopped() {
    local pid
    pause
    wait_until 10 find_zygote
    children_of "$ZYGOTE"
    for pid in "${CHILDREN[@]}"; do
        [[ $(name_of "$pid") != portsplit-spare ]] || { kill -STOP "$pid"; break; }
    done
    go_ahead
}
# The process that forks what looks at first bytes. Not while one of them looks at an honest client.
sniffers_killed() {
    local pid
    pause
    wait_until 10 find_zygote
    children_of "$ZYGOTE"
    for pid in "${CHILDREN[@]}"; do
        [[ $(name_of "$pid") != portsplit-sniff ]] || kill -KILL "$pid"
    done
    go_ahead
}
zygote_killed() {
    wait_until 10 find_zygote
    local before=$ZYGOTE
    kill -KILL "$before"
    wait_until 10 another_zygote "$before"
}
zygote_stopped() {
    wait_until 10 find_zygote
    kill -STOP "$ZYGOTE"
    pass_time 300
    kill -CONT "$ZYGOTE" 2>/dev/null || true
}
reload() { await_line 'reload|reloaded' kill -HUP "$DAEMON"; }
reload_bad() {
    echo nonsense >>"$CONFIG"
    await_line 'reload failed' kill -HUP "$DAEMON"
    sed -i '$d' "$CONFIG"
}
signals() { kill -ALRM "$DAEMON"; kill -PIPE "$DAEMON"; turn_log; }
upgrade() { await_line 'upgraded to portsplitd' kill -USR2 "$DAEMON"; }
# Lines are lost meanwhile, and counted.
disk_full() {
    head -c 64M /dev/zero >"$TMP/disk/other" 2>/dev/null || true
    pass_time 300
    rm "$TMP/disk/other"
}

# await_line PATTERN COMMAND...: runs the command, and waits until the log has one more such line.
await_line() {
    local before
    before=$(grep -caE "$1" "$LOG" || true)
    "${@:2}"
    wait_until 30 has_more_lines "$1" "$before"
}
has_more_lines() { (($(grep -caE "$1" "$LOG") > $2)); }

# --- checks ----------------------------------------------------------------------------------------

# turn_log: begins a new file, and counts what the old one has.
turn_log() {
    local old=$TMP/disk/old
    mv "$LOG" "$old"
    kill -USR1 "$DAEMON"
    wait_until 10 exists "$LOG"
    wait_until 10 log_has 'connections being served: '
    # The zygotes open the new one when they have read their order.
    pass_time 200
    add_up "$old"
    rm "$old"
}

# add_up FILE: counts the lines of connections in LINES, and in MISSING those that a full disk or a killed zygote took.
add_up() {
    local counts
    counts=$(awk '
        / portsplit\[[0-9]+\]: service=/ { lines++ }
        match($0, /[0-9]+ log lines were lost/) { missing += substr($0, RSTART) }
        match($0, /without a log line at their end: [0-9]+/) { missing += substr($0, RSTART + 32) }
        END { print lines + 0, missing + 0 }' "$1")
    LINES_SEEN=$((LINES_SEEN + ${counts% *}))
    MISSING=$((MISSING + ${counts#* }))
    ! grep -aE ' signal=(SEGV|ABRT|BUS|ILL|FPE|SYS)' "$1" || fail 'a process crashed'
}

fail() { echo "$*" >>"$TMP/failed"; }
nothing_failed() { [[ ! -s $TMP/failed ]] || { cat "$TMP/failed"; return 1; }; }

count_zombies() {
    local pid all=()
    ZOMBIES=0
    for pid in "$DAEMON" "$ZYGOTE"; do
        children_of "$pid"
        all+=("${CHILDREN[@]}")
    done
    for pid in "${all[@]}"; do
        if state_of "$pid" && [[ $STATE == Z ]]; then ((++ZOMBIES)); fi
    done
}

# measure: with everything idle, what daemon and zygote have, in MEASURED.
measure() {
    local pid
    wait_until 60 is_quiet || { describe_descendants "$KEEPER"; return 1; }
    MEASURED=()
    for pid in "$DAEMON" "$ZYGOTE"; do
        MEASURED+=("$(sed -En 's/^VmRSS:\s+([0-9]+) kB/\1/p' "/proc/$pid/status")")
        count_fds "$pid"
        children_of "$pid"
        # The zygote has a descriptor for each process that waits.
        MEASURED+=($((COUNT - ${#CHILDREN[@]})) "${#CHILDREN[@]}")
    done
    count_zombies
    ((ZOMBIES == 0)) || fail "$ZOMBIES zombies"
}

# compare: what was measured is no more than in FIRST, and the log has a line for each connection.
compare() {
    local made=0 i names=('KiB of the daemon' 'descriptors of the daemon besides those of its children' 'children of the daemon'
        'KiB of the zygote' 'descriptors of the zygote besides those of its children' 'children of the zygote')
    made=$(wc -l <"$TMP/made")
    echo "# $((SECONDS - BEGAN)) s: $made connections, $LINES_SEEN lines, at most $MISSING missing; ${MEASURED[*]} (KiB, descriptors besides those of children, and children, of daemon and zygote)" >&3
    ((LINES_SEEN <= made)) || fail "$LINES_SEEN lines of $made connections"
    ((LINES_SEEN + MISSING >= made)) || fail "only $LINES_SEEN lines of $made connections, and $MISSING may be missing"
    for i in "${!MEASURED[@]}"; do
        case ${names[i]} in
            # The heap is not compact, and a sanitizer keeps what was freed.
            KiB*) [[ $PORTSPLIT_FLAVOUR != asan ]] || continue
                ((MEASURED[i] <= FIRST[i] + 1024)) || fail "${MEASURED[i]} ${names[i]}, ${FIRST[i]} before" ;;
            # Spares and sniffers that wait, and the parent of the sniffers: more may be wanted for a while.
            'children of the zygote') ((MEASURED[i] <= 17)) || fail "${MEASURED[i]} ${names[i]}" ;;
            *) ((MEASURED[i] <= FIRST[i])) || fail "${MEASURED[i]} ${names[i]}, ${FIRST[i]} before" ;;
        esac
    done
}

# has_ended JOB: in a long run another process may have its pid by then.
has_ended() {
    children_of "$$"
    [[ " ${CHILDREN[*]} " != *" $1 "* ]] || is_over "$1"
}

# look: waits until everything is idle, and compares with the first time.
look() {
    local i
    pause
    for i in "${!BAD[@]}"; do
        wait_until 30 has_ended "$i" || { echo "a client does not end: ${BAD[i]}"; tail -n 5 "$TMP/faults"; return 1; }
        wait "$i" 2>/dev/null || true
    done
    BAD=() BACKGROUND=("${WORKERS[@]}")
    measure
    turn_log
    ((${#FIRST[@]} > 0)) || FIRST=("${MEASURED[@]}")
    compare
    go_ahead
    nothing_failed
}

# bats test_tags=fault:G4
@test "soak: every byte of honest clients arrives beside every fault, and nothing grows" {
    needs_root
    local WORKERS=() BAD=() FIRST=() LINES_SEEN=0 MISSING=0 BEGAN=$SECONDS fault next i
    answer one timeout
    serve resetting expect:resetting reset
    prepare_system
    configure_all
    start_daemon
    start_honest
    RANDOM=$PORTSPLIT_SEED
    # Every fault once before the first look.
    local order=("${FAULTS[@]}")
    next=0
    while ((SECONDS - BEGAN < PORTSPLIT_SOAK || ${#order[@]} > 0)); do
        if ((${#order[@]} > 0)); then
            i=$((RANDOM % ${#order[@]}))
            fault=${order[i]}
            order=("${order[@]:0:i}" "${order[@]:i+1}")
        else
            fault=${FAULTS[RANDOM % ${#FAULTS[@]}]}
        fi
        echo "$((SECONDS - BEGAN)) $fault" >>"$TMP/faults"
        "$fault"
        nothing_failed || { tail -n 5 "$TMP/faults"; return 1; }
        pass_time $((RANDOM % 300))
        ((${#order[@]} == 0 && SECONDS - BEGAN >= next)) || continue
        look
        next=$((SECONDS - BEGAN + PORTSPLIT_SOAK / 10 + 1))
    done
    look
    touch "$TMP/over"
    wait "${WORKERS[@]}"
    nothing_failed
    # Each kind of honest client was served.
    for i in "${HONEST[@]}"; do [[ -s $TMP/served.$i ]]; done
    echo "# honest clients: $(cat "$TMP"/served.* | wc -l); faults: $(wc -l <"$TMP/faults")" >&3
    take_baseline
    : >"$TMP/peers" # the servers report the resets of the clients
}
