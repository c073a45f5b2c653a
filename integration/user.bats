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

# The warnings and notices of the start, without time and pid.
warnings() { sed -En 's/^[^ ]+ portsplit\[[0-9]+\]: (warning: .*|connections are .*)/\1/p' "$LOG"; }

# Who serves where no user is named: `portsplit`, or `nobody`.
without_rights() { id -un portsplit 2>/dev/null || echo nobody; }

@test "user: without a user nobody serves as root, and the log says who does" {
    needs_root
    LOG_TO=stderr
    answer one
    configure_answers one
    start_daemon
    local uid
    uid=$(id -u "$(without_rights)")
    [[ $(ids_of "$ZYGOTE" | head -n 1) == "$uid	$uid	$uid	$uid" ]]
    [[ $(warnings) == "connections are served as $(without_rights)" ]]
    reaches one
    stop_daemon
    : >"$LOG"
    GLOBALS='user = nobody' configure_answers one
    start_daemon
    [[ $(warnings) == 'connections are served as nobody' ]]
    stop_daemon
    : >"$LOG"
    GLOBALS='user = root' configure_answers one
    start_daemon
    [[ $(warnings) == 'warning: connections are served as root; set user = NAME for another user' ]]
    [[ $(ids_of "$ZYGOTE" | head -n 1) == '0	0	0	0' ]]
    reaches one
}

@test "user: a program without a user runs as root, and the log warns of that" {
    needs_root
    LOG_TO=stderr
    { printf 'bind = 127.0.0.1:0\n'; show_ids id; } | configure
    start_daemon
    log_says "$CONFIG:4: warning: service id: /bin/sh runs as root, for no user is named; write user = NAME in the service, or user = root if it needs that\$"
    [[ $(talk send:id print) == $'0\n0\n'* ]]
    stop_daemon
    : >"$LOG"
    { printf 'bind = 127.0.0.1:0\n'; show_ids id 'user = root'; } | configure
    start_daemon
    [[ $(warnings) != *warning* ]]
    [[ $(talk send:id print) == $'0\n0\n'* ]]
}

# show_ids NAME [LINE...]: a service for what begins with its name; its program prints user, group, groups and rights.
show_ids() {
    printf '%s\n' "[$1]" "string = $1" 'exec = /bin/sh' 'execarg = -c' "${@:2}" \
        "execarg = head -c ${#1} >/dev/null; id -u; id -g; id -G; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status"
}

# ids USER [GROUP]: what show_ids prints for one that is not root.
ids() {
    local group=${2:-$(id -gn "$1")} groups
    groups=$(id -G "$1")
    [[ $# == 1 ]] || groups=$(getent group "$2" | cut -d: -f3)
    printf '%s\n' "$(id -u "$1")" "$(getent group "$group" | cut -d: -f3)" "$groups"
    printf '%s:\t%s\n' CapEff 0000000000000000 NoNewPrivs 0 Seccomp 0
}

# everyones STDIO: programs of several users, and a relay, in one file.
everyones() {
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'user = daemon'
        show_ids web 'user = www-data' "stdio = $1"
        show_ids root 'user = root' "stdio = $1"
        show_ids games 'user = games' 'group = mail' "stdio = $1"
        show_ids own "stdio = $1"
        # An expression, so that a sniffer looks.
        printf '%s\n' '[expression]' 'regex = A+B' 'exec = /bin/sh' 'execarg = -c' 'execarg = head -c 3 >/dev/null; id -u' 'user = www-data' "stdio = $1"
        connect_service one one
    } | configure
}

# printed: what a program prints, on a terminal without its carriage returns.
printed() { talk "send:$1" print | tr -d '\r'; }

# bats test_tags=fault:D10
@test "user: each program runs as the user of its service, with its groups, and all that this user may" {
    needs_root
    LOG_TO=stderr
    answer one
    local stdio root_rights
    for stdio in socket pipe pty; do
        everyones "$stdio"
        start_daemon
        [[ $(printed web) == "$(ids www-data)" ]]
        [[ $(printed games) == "$(ids games mail)" ]]
        [[ $(printed own) == "$(ids daemon)" ]]
        [[ $(talk send:AAB print | tr -d '\r') == "$(id -u www-data)" ]]
        # Root has all that the daemon could have, as a program that root starts.
        root_rights=$(sed -n 's/^CapBnd:/CapEff:/p' /proc/self/status)
        [[ $(printed root) == $'0\n0\n'*"$root_rights"$'\nNoNewPrivs:\t0\nSeccomp:\t0' ]]
        reaches one
        stop_daemon
    done
}

@test "user: the terminal of a program belongs to its user" {
    needs_root
    LOG_TO=stderr
    { printf '%s\n' 'bind = 127.0.0.1:0' '[tty]' 'string = tty' 'exec = /bin/sh' 'execarg = -c' 'stdio = pty' 'user = www-data' \
        'execarg = head -c 3 >/dev/null; stat -c %U "$(tty)"; echo open >"$(tty)"'; } | configure
    start_daemon

    [[ $(printed tty) == $'www-data\nopen' ]]
    # What starts a program on a terminal has no more rights than before it opened that.
    printf '%s\n' '[root]' 'string = r' 'exec = /bin/cat' 'user = root' '[held]' 'string = held' 'exec = /bin/cat' 'stdio = pty' \
        'user = www-data' >>"$CONFIG"
    reload
    rm -f "$TMP/held"
    client send:held expect:held "touch:$TMP/held" "wait-file:$TMP/go" reset
    wait_until 10 exists "$TMP/held"
    find_dispatchers
    named portsplit-keep "${DISPATCHERS[0]}"
    [[ $(status_of "$FOUND" CapEff) == 00000000000001e0 ]]
    go_on "$JOB"
}

@test "user: while a program of root waits, nobody who looks or relays is root" {
    needs_root
    not_with_asan
    LOG_TO=stderr
    answer one
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'user = daemon' '[cat]' 'string = cat' 'exec = /bin/cat' 'stdio = pipe' 'user = root'
        connect_service one one
    } | configure
    start_daemon
    local uid silent relay piped pid
    uid=$(id -u daemon)
    # The zygote is root, to change to others, and has a few rights of root only.
    [[ $(ids_of "$ZYGOTE" | head -n 1) == '0	0	0	0' ]]
    [[ $(sed -n 's/^CapEff:\t//p' "/proc/$ZYGOTE/status") == 00000000000001e0 ]]
    client "wait-file:$TMP/go"
    silent=$JOB
    sniffer_looks() { find_zygote && named portsplit-sniff "$ZYGOTE" && named portsplit-look "$FOUND"; }
    wait_until 5 sniffer_looks
    [[ $(ids_of "$FOUND" | head -n 1) == "$uid	$uid	$uid	$uid" ]]
    go_on "$silent"
    rm "$TMP/go"
    hold_open one
    relay=$JOB
    find_dispatchers
    [[ $(ids_of "${DISPATCHERS[0]}" | head -n 1) == "$uid	$uid	$uid	$uid" ]]
    [[ $(status_of "${DISPATCHERS[0]}" CapEff)$(status_of "${DISPATCHERS[0]}" NoNewPrivs) == 00000000000000001 ]]
    go_on "$relay"
    rm "$TMP/go"
    wait_until 5 dispatchers_are 0
    rm "$TMP/held"
    client send:cat expect:cat "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
    wait_until 10 exists "$TMP/held"
    piped=$JOB
    find_dispatchers
    pid=${DISPATCHERS[0]}
    [[ $(ids_of "$pid" | head -n 1) == "$uid	$uid	$uid	$uid" ]]
    [[ $(status_of "$pid" CapEff)$(status_of "$pid" NoNewPrivs) == 00000000000000001 ]]
    go_on "$piped"
}

@test "user: programs of other users end when their client is gone" {
    needs_root
    LOG_TO=stderr
    local stdio
    for stdio in socket pipe; do
        printf '%s\n' 'bind = 127.0.0.1:0' 'user = daemon' '[sleep]' 'string = s' 'user = www-data' "stdio = $stdio" 'grace = 1' \
            'exec = /bin/sh' 'execarg = -c' "execarg = trap '' HUP TERM; echo here; exec tail -f /dev/null >/dev/null" | configure
        start_daemon
        talk send:s expect:here reset
        wait_until 10 is_quiet
        log_says 'service=sleep .* signal=KILL$'
        stop_daemon
        : >"$LOG"
    done
}

@test "user: a program has its limits and its nice value" {
    needs_root
    LOG_TO=stderr
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'user = daemon' '[limits]' 'string = l' 'exec = /bin/sh' 'execarg = -c' 'user = www-data' \
            'execarg = head -c 1 >/dev/null; ulimit -Sn; ulimit -Hn; ulimit -c; nice' 'limit = nofile 100:900' \
            'limit = core 0' 'nice = 7'
    } | configure
    start_daemon
    [[ $(talk send:l print) == $'100\n900\n0\n7' ]]
}

# as_nobody COMMAND...: who may read the configuration.
as_nobody() {
    chmod -R a+rX "$TMP"
    setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

@test "user: check and the daemon refuse what only root can give a program" {
    needs_root
    {
        printf '%s\n' 'bind = 127.0.0.1:0' '[a]' 'string = a' 'exec = /bin/cat' 'user = www-data' 'nice = -1' 'limit = nofile unlimited'
        printf '%s\n' '[b]' 'string = b' 'exec = /bin/cat' 'user = nobody'
    } | configure
    # That user may not be allowed to enter the folder of the build.
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplit" "$PORTSPLIT_BIN/portsplitd" "$PORTSPLIT_BIN/portsplit-dispatch" "$TMP/bin"
    chmod a+x "$BATS_RUN_TMPDIR" "$TMP/.."
    run -78 as_nobody "$TMP/bin/portsplit" check "$CONFIG"
    [[ $output == *"$CONFIG:5: user = www-data: service a cannot have it: only root can start a program as another user; start portsplitd as such, or delete it"* ]]
    [[ $output == *"$CONFIG:6: nice = -1: service a cannot have it: only root with CAP_SYS_NICE can go below the nice value of this process, which is "* ]]
    [[ $output == *"$CONFIG:7: limit = nofile unlimited: service a cannot have it: only root with CAP_SYS_RESOURCE can go above the hard limit of this process, which is "* ]]
    [[ $output != *'service b cannot'* ]]
    run -78 as_nobody "$TMP/bin/portsplitd" --log stderr "$CONFIG"
    [[ $output == *'user = www-data: service a cannot have it'* ]]
    # Root without the right to change the user.
    run -78 setpriv --bounding-set=-setuid,-setgid "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *'service a cannot have it: this root has no CAP_SETUID and CAP_SETGID, which it takes'* ]]
    # Some containers' root has no more than other users here.
    sed -i '/^nice\|^limit/d' "$CONFIG"
    run -0 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    sed -i 's/www-data/no-such-user/' "$CONFIG"
    run -78 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *"$CONFIG:5: user = no-such-user: no such user; create it or name another"* ]]
}

# start_as_root: a super-server that starts Portsplit as root.
start_as_root() {
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" \
        >"$TMP/super.out"
    SUPER=$JOB
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

# bats test_tags=fault:D10
@test "user: under a super-server that is root, each program runs as the user of its service, and no relay as root" {
    needs_root
    not_with_asan
    answer one
    everyones socket
    start_as_root
    [[ $(talk send:web print) == "$(ids www-data)" ]]
    [[ $(talk send:own print) == "$(ids daemon)" ]]
    [[ $(talk send:root print) == $'0\n0\n'* ]]
    [[ $(talk send:AAB print) == "$(id -u www-data)" ]]
    hold_open one
    children_of "$SUPER"
    [[ $(ids_of "${CHILDREN[-1]}" | head -n 1) == "$(id -u daemon)	"* ]]
    go_on "$JOB"
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

@test "user: under a super-server that is root, the log says that /dev/null is closed to the user of the file" {
    needs_root
    printf '%s\n' 'user = nobody' '[id]' 'string = id' 'exec = /bin/sh' 'execarg = -c' 'execarg = id -u' | configure
    install -d -m 755 "$TMP/dev"
    install -m 600 /dev/null "$TMP/dev/null"
    in_background unshare -m sh -c 'mount --bind "$0" /dev && exec "$@"' "$TMP/dev" \
        "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" >"$TMP/super.out"
    learn_port super
    PORT=$super_port
    talk send:id expect-end
    log_says 'cannot open /dev/null: Permission denied; the connection is closed$'
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
