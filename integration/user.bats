#!/usr/bin/env bats
# Started by root, the daemon serves as the user and group of the file, and never as root by accident.

load harness

# Prints the ids of a process: its uids, gids and groups, a line each.
ids_of() { sed -n 's/^\(Uid\|Gid\|Groups\):\s*//p' "/proc/$1/status" | sed 's/\s*$//'; }

# bats test_tags=fault:D10
@test "user: connections are served as the user of the file, without capabilities" {
    needs_root
    LOG_TO=stderr
    answer one
    local uid gid
    uid=$(id -u nobody)
    gid=$(id -g nobody)
    GLOBALS='user = nobody' configure_answers one
    printf '%s\n' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = head -c 2 >/dev/null; id -u; id -g; id -G; grep -E "^Cap(Inh|Prm|Eff):" /proc/self/status' >>"$CONFIG"
    start_daemon
    [[ $(ids_of "$ZYGOTE") == "$(printf '%s\n' "$uid	$uid	$uid	$uid" "$gid	$gid	$gid	$gid" "$gid")" ]]
    hold_open one
    find_dispatchers
    [[ $(ids_of "${DISPATCHERS[0]}") == "$(ids_of "$ZYGOTE")" ]]
    talk send:id print >"$TMP/id"
    diff -u - "$TMP/id" <<END
$uid
$gid
$gid
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
END
    go_on "$JOB"
    reload
    wait_until 5 is_quiet
    [[ $(ids_of "$ZYGOTE") == "$(printf '%s\n' "$uid	$uid	$uid	$uid" "$gid	$gid	$gid	$gid" "$gid")" ]]
}

# bats test_tags=fault:D10
@test "user: group replaces the groups of the user" {
    needs_root
    LOG_TO=stderr
    answer one
    local gid
    gid=$(getent group daemon | cut -d: -f3)
    GLOBALS=$'user = nobody\ngroup = daemon' configure_answers one
    start_daemon
    [[ $(ids_of "$ZYGOTE" | sed -n 2p) == "$gid	$gid	$gid	$gid" ]]
    [[ $(ids_of "$ZYGOTE" | sed -n 3p) != 0* ]]
}

@test "user: a user and a group may be numbers, in the user database or not" {
    needs_root
    LOG_TO=stderr
    answer one
    GLOBALS='user = 65534' configure_answers one
    start_daemon
    [[ $(ids_of "$ZYGOTE") == "$(ids_of_number 65534 "$(id -g 65534)")" ]]
    stop_daemon
    GLOBALS='user = 4242' configure_answers one
    start_daemon
    [[ $(ids_of "$ZYGOTE") == "$(ids_of_number 4242 4242)" ]]
    stop_daemon
    GLOBALS=$'user = 4242\ngroup = 4343' configure_answers one
    start_daemon
    [[ $(ids_of "$ZYGOTE") == "$(ids_of_number 4242 4343)" ]]
    reaches one
}
ids_of_number() { printf '%s\n' "$1	$1	$1	$1" "$2	$2	$2	$2" "$2"; }

# bats test_tags=fault:D10
@test "user: a program cannot become root again" {
    needs_root
    LOG_TO=stderr
    answer one
    GLOBALS='user = nobody' configure_answers one
    # A folder that the user may enter.
    local place
    place=$(mktemp -d)
    chmod 755 "$place"
    cp "$PROBE" "$place/probe"
    printf '%s\n' '[probe]' 'string = probe' "exec = $place/probe" 'stdio = pipe' >>"$CONFIG"
    start_daemon
    talk send:probe print >"$TMP/report"
    rm -r "$place"
    file_says "$TMP/report" '^regain=no$'
    file_says "$TMP/report" "^uid=$(id -u nobody) $(id -u nobody)\$"
}

@test "user: without a user the log warns that every connection and program runs as root" {
    needs_root
    answer one
    configure_answers one
    # The warnings of the start, without time and pid. Those about the file name it.
    warnings() { sed -En 's/^[^ ]+ portsplit\[[0-9]+\]: (warning: .*)/\1/p' "$LOG"; }
    start_daemon
    [[ $(warnings) == 'warning: every connection and program runs as root; set user = NAME' ]]
    stop_daemon
    : >"$LOG"
    GLOBALS='user = nobody' configure_answers one
    start_daemon
    [[ -z $(warnings) ]]
    stop_daemon
    # A group alone leaves the user.
    GLOBALS='group = daemon' configure_answers one
    start_daemon
    [[ $(warnings) == 'warning: every connection and program runs as root; set user = NAME' ]]
}

# start_as_root: a super-server that starts Portsplit as root.
start_as_root() {
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" \
        >"$TMP/super.out"
    learn_port super
    PORT=$super_port
}

# bats test_tags=fault:D10
@test "user: under a super-server that is root, connections are served as the user and group of the file" {
    needs_root
    { printf '%s\n' 'user = nobody' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = head -c 2 >/dev/null; id -u; id -g; id -G; grep -E "^Cap(Inh|Prm|Eff):" /proc/self/status'; } | configure
    start_as_root
    talk send:id print >"$TMP/id"
    diff -u - "$TMP/id" <<END
$(id -u nobody)
$(id -g nobody)
$(id -G nobody)
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
END
    sed -i 's/^user = .*/user = nobody\ngroup = daemon/' "$CONFIG"
    talk send:id print >"$TMP/id"
    [[ $(sed -n 2p "$TMP/id") == $(getent group daemon | cut -d: -f3) ]]
    sed -i 's/^user = .*/user = 4242/; /^group/d' "$CONFIG"
    talk send:id print >"$TMP/id"
    [[ $(sed -n '1,3p' "$TMP/id") == $'4242\n4242\n4242' ]]
    end_background
}

# bats test_tags=fault:A10
@test "user: under a super-server that is root, no client is served if the user cannot be changed" {
    needs_root
    printf '%s\n' 'user = nobody' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' 'execarg = id -u' | configure
    mkdir "$TMP/etc"
    grep -v '^nobody:' /etc/passwd >"$TMP/passwd"
    in_background unshare -m sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$TMP/passwd" \
        "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" >"$TMP/super.out"
    learn_port super
    PORT=$super_port
    talk send:id expect-end
    log_says "user = nobody: no such user|cannot find the user nobody in /etc/passwd"
    end_background
}

# adjusted VALUE: what a process of this user has once it has asked for this oom_score_adj. Some containers have no
# right to ask for a smaller one.
adjusted() { sh -c '{ echo "$0" >/proc/self/oom_score_adj; } 2>/dev/null || :; cat /proc/self/oom_score_adj' "$1"; }

@test "user: when memory is short, the kernel ends other processes before the daemon" {
    needs_root
    answer one
    GLOBALS='user = nobody' configure_answers one
    local own
    own=$(</proc/self/oom_score_adj)
    start_daemon
    [[ $(<"/proc/$DAEMON/oom_score_adj") == $(adjusted -500) ]]
    [[ $(<"/proc/$ZYGOTE/oom_score_adj") == "$own" ]]
    stop_daemon
    # A process that is to be ended first gives this to its zygote alone.
    WRAPPER=(sh -c 'echo 300 >/proc/self/oom_score_adj; exec "$@"' sh)
    start_daemon
    [[ $(<"/proc/$DAEMON/oom_score_adj") == "$(adjusted -500 | sed "s/^$own\$/300/")" ]]
    [[ $(<"/proc/$ZYGOTE/oom_score_adj") == 300 ]]
}

@test "user: of the daemon's variables, the zygote has those that it needs and that programs get" {
    needs_root
    answer one
    export SECRET_TOKEN=of-the-daemon PASSED=to-programs LOCALDOMAIN=lab.example
    { GLOBALS='' configure_answers one
        printf '%s\n' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' \
            'execarg = head -c 2 >/dev/null; echo "$PASSED $SECRET_TOKEN"' 'passenv = PASSED' >>"$CONFIG"; }
    start_daemon
    [[ $(talk send:id print) == 'to-programs ' ]]
    tr '\0' '\n' <"/proc/$ZYGOTE/environ" | sed 's/=.*//' | sort >"$TMP/names"
    grep -qx PASSED "$TMP/names"
    grep -qx LOCALDOMAIN "$TMP/names"
    not grep -vqxE 'PASSED|LOCALDOMAIN|TZ|JOURNAL_STREAM|RES_OPTIONS|HOSTALIASES|PORTSPLIT_LISTENERS|[A-Z]+SAN_OPTIONS' "$TMP/names"
    unset SECRET_TOKEN PASSED LOCALDOMAIN
}

@test "user: a log file that only root may open gets the lines of dispatchers" {
    needs_root
    answer one
    GLOBALS='user = nobody' configure_answers one
    start_daemon
    reaches one
    log_says 'service=one reason=match'
}

# bats test_tags=fault:D10
@test "user: the daemon does not start if the user does not exist" {
    answer one
    GLOBALS='user = no-such-user' configure_answers one
    spawn_daemon
    expect_exit 78
    log_says "$CONFIG:3: user = no-such-user: no such user; create it or name another"
}

# bats test_tags=fault:A10
@test "user: when the user cannot be changed, no connection is served as root" {
    needs_root
    answer one
    GLOBALS='user = nobody' configure_answers one
    local call
    for call in setgroups setresgid setresuid; do
        : >"$LOG"
        export ASAN_OPTIONS=detect_leaks=0
        WRAPPER=(strace -D -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:error=EPERM")
        spawn_daemon
        expect_exit 71
        log_says 'cannot set the '
    done
}

# attempts_succeed PID: another process of its user may open its memory and have its descriptors.
attempts_succeed() {
    setpriv --reuid nobody --regid nogroup --clear-groups bash -c 'exec 3<>"/proc/$0/mem"' "$1" &&
        setpriv --reuid nobody --regid nogroup --clear-groups "$TMP/bin/options" "$1"
}

@test "user: another process of the daemon's user gets none of its descriptors, its memory or its control" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'LeakSanitizer traces its own process, so this build allows tracing'
    needs_root
    LOG_TO=stderr
    answer one
    configure_answers one
    chmod a+x "$BATS_RUN_TMPDIR" "$TMP/.." "$TMP"
    # That user may not be allowed to enter the folder of the build.
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN"/portsplit{d,-dispatch} "$PORTSPLIT_TOOLS/options" "$TMP/bin"
    local PORTSPLIT_BIN=$TMP/bin
    local as_nobody=(setpriv --reuid nobody --regid nogroup --clear-groups)
    WRAPPER=("${as_nobody[@]}")
    start_daemon
    [[ $(ids_of "$DAEMON" | head -n 1) == "$(id -u nobody)	"* ]]
    # Each attempt succeeds with a process that allows it.
    "${as_nobody[@]}" tail -f /dev/null 3>&- &
    local open=$! pid
    BACKGROUND+=("$open")
    wait_until 5 attempts_succeed "$open"
    for pid in "$DAEMON" "$ZYGOTE"; do
        run -1 "${as_nobody[@]}" "$TMP/bin/options" "$pid"
        [[ $output == 'options: pidfd_getfd: Operation not permitted' ]]
        run ! "${as_nobody[@]}" bash -c 'exec 3<>"/proc/$0/mem"' "$pid"
        run ! "${as_nobody[@]}" timeout 5 strace -o /dev/null -p "$pid"
        [[ $output == *'Operation not permitted'* ]]
    done
    reaches one
}

@test "user: without CAP_NET_RAW, the log says at the start and at a reload that transparent services fail" {
    needs_root
    printf '%s\n' 'bind = 127.0.0.1:0' '[seen]' 'string = S' 'connect = 127.0.0.1:1' 'transparent = yes' | configure
    local warning='warning: service seen: transparent = yes, but this root has no CAP_NET_RAW, so each of its connections fails; start portsplitd with CAP_NET_RAW in its bounding set \(CapabilityBoundingSet=\)$'
    WRAPPER=(setpriv '--bounding-set=-net_raw,-net_admin') # the second is enough for a build that is not confined
    start_daemon
    (($(grep -cE "$warning" "$LOG") == 1))
    talk send:S expect-end
    log_says 'cannot connect to 127.0.0.1:1 for service seen, .*: Operation not permitted'
    reload
    (($(grep -cE "$warning" "$LOG") == 2))
    # Others are not concerned.
    sed -i '/^transparent/d' "$CONFIG"
    reload
    stop_daemon
    (($(grep -cE "$warning" "$LOG") == 2))
    echo 'transparent = yes' >>"$CONFIG"
    WRAPPER=()
    start_daemon
    (($(grep -cE "$warning" "$LOG") == 2))
}
