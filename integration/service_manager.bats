#!/usr/bin/env bats
# Under systemd, s6 or runit, or as process 1 of a container: the installed entries work, the manager is
# notified, and a restart cuts no connection.

load harness

setup_file() { install_entries; }

# Copies of the installed units that name the programs under test, in UNITS.
take_units() {
    UNITS=$TMP/units
    mkdir "$UNITS"
    cp "$(dirname "$(installed systemd/system/portsplit.service)")"/* "$UNITS"
    sed -i -E "s|^(Exec[A-Za-z]*=)[^ ]*/(portsplit[^/ ]*) |\1$PORTSPLIT_BIN/\2 |; /^Documentation=/d" "$UNITS"/*.service
    sed -i '/^Documentation=/d' "$UNITS"/*.socket
}

# calls_in NAME...: prints system calls: NAME itself, or of a set (@...) those in it.
calls_in() {
    local name members
    for name; do
        if [[ $name == @* ]]; then
            mapfile -t members < <(systemd-analyze syscall-filter "$name" | grep -oE '^    [@a-z0-9_-]+')
            calls_in "${members[@]// /}"
        else
            echo "$name"
        fi
    done
}

# take_filter UNIT [DROP-IN]: the system calls that it allows, in $TMP/allowed. Its lines apply in their order,
# and an empty one begins anew (systemd.exec(5) SystemCallFilter).
take_filter() {
    local names
    calls_in @default >"$TMP/allowed"
    while read -r -a names; do
        if ((${#names[@]} == 0)); then
            calls_in @default >"$TMP/allowed"
        elif [[ ${names[0]} == '~'* ]]; then
            calls_in "${names[@]#'~'}" | grep -vxFf - "$TMP/allowed" >"$TMP/kept"
            mv "$TMP/kept" "$TMP/allowed"
        else
            calls_in "${names[@]}" >>"$TMP/allowed"
        fi
    done < <(cat "$UNITS/$1" "${@:2}" | sed -n 's/^SystemCallFilter=//p')
}

# Starts the daemon; its messages to the service manager (sd_notify(3)) are in $TMP/notified.
start_notified() {
    in_background socat -u "UNIX-RECV:$TMP/notify" "OPEN:$TMP/notified,creat,append"
    wait_until 10 exists "$TMP/notify"
    export NOTIFY_SOCKET=$TMP/notify
    start_daemon
    unset NOTIFY_SOCKET
}
notified() { wait_until 10 file_says "$TMP/notified" "$1"; }

one_service() {
    answer one
    configure_answers one
}

# The port of 127.0.0.1 that the log names, in PORT.
take_port() {
    log_says 'listening on 127.0.0.1:[0-9]'
    PORT=$(sed -n 's/.*listening on 127.0.0.1://p' "$LOG")
}

# bats test_tags=fault:F9
@test "service manager: systemd finds nothing wrong with the units" {
    take_units
    cd "$UNITS" || return
    run -0 systemd-analyze verify ./*.socket ./portsplit{,-relay}{,@instance}.service ./portsplit-inetd@instance.service
    [[ -z $output ]]
}

# scores_at_most TENTHS UNIT: its exposure in systemd-analyze security, with the drop-ins beside it.
scores_at_most() {
    cd "$UNITS" || return
    run -0 systemd-analyze security --offline=yes --threshold="$1" --no-pager "./$2"
}

@test "service manager: the units for one file and for several have the same settings" {
    take_units
    local unit
    for unit in portsplit portsplit-relay; do
        diff <(sed 's/portsplit\.conf/%i.conf/; s/^Description=.*/& (%i.conf)/; s/^Conflicts=portsplit/&@%i/' \
            "$UNITS/$unit.service") "$UNITS/$unit@.service"
    done
}

@test "service manager: the relay unit scores at most 1.5 in systemd-analyze security, the others at most 3.5" {
    take_units
    scores_at_most 15 portsplit-relay.service
    scores_at_most 15 portsplit-relay@instance.service
    scores_at_most 35 portsplit.service
    scores_at_most 35 portsplit@instance.service
    scores_at_most 35 portsplit-inetd@instance.service
}

@test "service manager: systemd finds nothing wrong with the drop-ins, and each scores what it says" {
    take_units
    local drop_in score drop_ins=0
    for drop_in in "$(dirname "$(installed examples/systemd/login.conf)")"/*.conf; do
        echo "$drop_in"
        rm -rf "$UNITS/portsplit.service.d"
        install -D -m 644 -t "$UNITS/portsplit.service.d" "$drop_in"
        run -0 systemd-analyze verify "$UNITS/portsplit.service"
        [[ -z $output ]]
        score=$(sed -n 's/^# Exposure (systemd-analyze security): \([0-9]*\)\.\([0-9]\)$/\1\2/p' "$drop_in")
        scores_at_most "${score#0}" portsplit.service
        drop_ins=$((drop_ins + 1))
    done
    ((drop_ins == 5))
}

# take_reload UNIT: the commands of its ExecReload lines, one a line in $TMP/commands, for this test's file.
take_reload() {
    sed -nE "s#[^ ]*/(portsplit|%i)\.conf\$#$CONFIG#; s/^ExecReload=//p" "$UNITS/$1" >"$TMP/commands"
    grep -q . "$TMP/commands"
}

# reload_unit: runs the commands in their order, up to the first that fails, as systemd does
# (systemd.service(5) ExecStart).
reload_unit() {
    local command
    while read -r command; do
        MAINPID=$DAEMON "$SHELL_PROGRAM" -c "exec $command" </dev/null || return
    done <"$TMP/commands"
}

reloads_are() { (($(grep -c ': reload' "$LOG") == $1)); }

@test "service manager: a reload by systemd fails if the file has an error, and the daemon is not asked" {
    take_units
    one_service
    start_daemon
    local unit reloads=0
    cp "$CONFIG" "$TMP/good"
    for unit in portsplit{,-relay}{,@}.service; do
        take_reload "$unit"
        cp "$TMP/good" "$CONFIG"
        run -0 reload_unit
        reloads=$((reloads + 1))
        wait_until 10 reloads_are "$reloads"
        echo nonsense >>"$CONFIG"
        run -78 reload_unit
        [[ $output == *"$CONFIG: cannot be served (errors: 1, warnings: "* ]]
        reloads_are "$reloads"
        reaches one
    done
}

@test "service manager: a reload by systemd fails if a program is missing, and not because of a warning" {
    take_units
    take_reload portsplit.service
    printf '%s\n' 'bind = 127.0.0.1:0' '[cat]' 'string = MEOW' 'exec = cat' | configure
    start_daemon
    run -0 reload_unit
    [[ $output == *"$CONFIG: can be served (errors: 0, warnings: "[1-9]* ]]
    wait_until 10 reloads_are 1
    sed -i 's|^exec = .*|exec = /no/such/program|' "$CONFIG"
    run -78 reload_unit
    [[ $output == *'exec = /no/such/program: No such file or directory'* ]]
    reloads_are 1
}

@test "service manager: a reload by systemd needs no bind, which is left out with a socket unit" {
    take_units
    take_reload portsplit.service
    one_service
    start_daemon
    sed -i '/^bind/d' "$CONFIG"
    run -0 "$SHELL_PROGRAM" -c "$(head -n 1 "$TMP/commands")"
}

# as_unit_user: what starts the daemon, as a user without rights, and lists its system calls in $TMP/calls.
as_unit_user() {
    WRAPPER=(strace -D -f -qq -o "$TMP/calls")
    ((EUID == 0)) || return 0
    # That user may not be allowed to enter the folder of the build.
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN"/portsplit{d,-dispatch} "$TMP/bin"
    PORTSPLIT_BIN=$TMP/bin
    chmod 755 "$BATS_RUN_TMPDIR" "$TMP/.."
    chmod 777 "$TMP"
    chmod a+r "$CONFIG"
    WRAPPER=(setpriv --reuid nobody --regid nogroup --clear-groups "${WRAPPER[@]}")
    LOG_TO=stderr
}

@test "service manager: the relay unit allows every system call of a long relay" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'sanitizers have system calls of their own'
    take_units
    take_filter portsplit-relay.service
    serve backend expect:X drain:70000000 expect-eof
    { echo 'bind = 127.0.0.1:0' && connect_service backend X; } | configure
    as_unit_user
    start_daemon
    talk send:X feed:70000000 shutdown expect-eof
    log_says 'in=70000001 '
    sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$TMP/calls" | sort -u >"$TMP/used"
    grep -qx sched_setattr "$TMP/used" # only a long relay calls it
    not grep -vxFf "$TMP/allowed" "$TMP/used"
}

@test "service manager: the relay unit allows every system call of the check before a reload" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'sanitizers have system calls of their own'
    take_units
    take_filter portsplit-relay.service
    one_service
    printf '[two]\nregex = GET .*HTTP\nconnect = 127.0.0.1:1\n' >>"$CONFIG"
    strace -f -qq -o "$TMP/calls" "$PORTSPLIT_BIN/portsplit" check --inetd "$CONFIG"
    sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$TMP/calls" | sort -u >"$TMP/used"
    not grep -vxFf "$TMP/allowed" "$TMP/used"
}

@test "service manager: the relay unit allows every system call of an upgrade" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'sanitizers have system calls of their own'
    take_units
    take_filter portsplit-relay.service
    one_service
    as_unit_user
    start_daemon
    kill -USR2 "$DAEMON"
    log_says 'upgraded to portsplitd'
    wait_until 10 another_zygote "$ZYGOTE"
    reaches one
    sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$TMP/calls" | sort -u >"$TMP/used"
    grep -qx memfd_create "$TMP/used"
    not grep -vxFf "$TMP/allowed" "$TMP/used"
}

# programs_answer LINE [COMMAND...]: a web server, and programs on a pipe and a terminal, answer under portsplitd,
# which COMMAND starts, with LINE in its configuration. Their system calls are in $TMP/used.
programs_answer() {
    echo 'hello from the web' >"$TMP/hello"
    chmod 755 "$BATS_RUN_TMPDIR" "$TMP/.." "$TMP"
    configure <<END
bind = 127.0.0.1:0
$1
[web]
string = GET
exec = busybox
execarg = httpd
execarg = -i
execarg = -h
execarg = $TMP
[pipe]
string = PIPE
exec = cat
stdio = pipe
[pty]
string = PTY
exec = cat
stdio = pty
END
    if (($# > 1)); then WRAPPER=(strace -D -f -qq -o "$TMP/calls" "${@:2}"); else as_unit_user; fi
    start_daemon
    run -0 curl -sS --noproxy '*' "http://127.0.0.1:$PORT/hello"
    [[ $output == 'hello from the web' ]]
    talk send:PIPE shutdown expect:PIPE expect-eof
    talk send:PTY expect:PTY reset
    logged_connections 3
    sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$TMP/calls" | sort -u >"$TMP/used"
}

@test "service manager: the unit for programs allows every capability and system call that servers need" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'sanitizers have system calls of their own'
    needs_root
    take_units
    take_filter portsplit.service
    local capabilities
    capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$UNITS/portsplit.service" | tr '\n' ' ' |
        sed 's/CAP_//g; s/ $//; s/ /,+/g' | tr '[:upper:]' '[:lower:]')
    programs_answer 'user = nobody' setpriv --no-new-privs --bounding-set "-all,+$capabilities"
    grep -qx setresuid "$TMP/used"
    not grep -vxFf "$TMP/allowed" "$TMP/used"
}

@test "service manager: the drop-in for web servers allows every system call that they need" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'sanitizers have system calls of their own'
    take_units
    take_filter portsplit.service "$(installed examples/systemd/web.conf)"
    not grep -qx setresuid "$TMP/allowed"
    programs_answer 'maxconn = 100'
    not grep -vxFf "$TMP/allowed" "$TMP/used"
}

@test "service manager: the manager is notified of readiness, reloads, connections and the end" {
    one_service
    start_notified
    notified 'READY=1'
    notified "STATUS=serving 0 connections on 127.0.0.1:$PORT"
    hold_open one
    notified 'STATUS=serving 1 connections'
    go_on "$JOB"
    : >"$TMP/notified"
    reload
    notified 'RELOADING=1'
    notified 'MONOTONIC_USEC=[0-9]'
    notified 'READY=1'
    stop_daemon
    notified 'STOPPING=1'
}

@test "service manager: the manager is notified of a failed reload, and that the daemon is ready again" {
    one_service
    start_notified
    echo nonsense >>"$CONFIG"
    reload
    notified 'STATUS=serving 0 connections on .*; the last reload failed'
    notified 'RELOADING=1'
}

# bats test_tags=fault:F9
@test "service manager: the watchdog gets its keep-alives" {
    one_service
    export WATCHDOG_USEC=200000
    start_notified
    unset WATCHDOG_USEC
    notified 'WATCHDOG=1'
}

@test "service manager: the watchdog gets its keep-alives after QUIT until the last connection ends" {
    one_service
    export WATCHDOG_USEC=200000
    start_notified
    unset WATCHDOG_USEC
    hold_open one
    kill -QUIT "$DAEMON"
    notified 'STATUS=stopped listening; exiting when the last of 1 connections ends'
    : >"$TMP/notified"
    notified 'WATCHDOG=1'
    go_on "$JOB"
    expect_exit 0
}

# bats test_tags=fault:A9
@test "service manager: no program inherits the variables of the manager" {
    configure_probe
    export WATCHDOG_USEC=60000000
    start_notified
    unset WATCHDOG_USEC
    take_report
    not file_says "$TMP/report" '^env \(NOTIFY_SOCKET\|WATCHDOG\|LISTEN_\)'
    find_zygote
    not grep -qzE '^(NOTIFY_SOCKET|WATCHDOG|LISTEN_)' "/proc/$ZYGOTE/environ"
}

# bats test_tags=fault:F9
@test "service manager: passed sockets of every family are served, and stay over a reload" {
    answer one
    configure <<END
[one]
string = one
connect = 127.0.0.1:$one_port
END
    find_free_port
    local v4=$FREE
    find_free_port
    systemd-socket-activate -l "127.0.0.1:$v4" -l "[::1]:$FREE" -l "$TMP/socket" \
        --fdname=four:six:unix "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    SUPER=$!
    wait_until 10 "$PEER" connect "127.0.0.1:$v4" send:one expect:one:one shutdown expect-eof 2>/dev/null
    "$PEER" connect "[::1]:$FREE" send:one expect:one:one shutdown expect-eof
    [[ $(printf one | socat - "UNIX-CONNECT:$TMP/socket") == one:one ]]
    log_says "also listening on 127.0.0.1:$v4, passed by the service manager as four\$"
    log_says "also listening on \[::1\]:$FREE, passed by the service manager as six\$"
    log_says "also listening on unix:$TMP/socket, passed by the service manager as unix\$"
    # A reload keeps them.
    kill -HUP "$SUPER"
    log_says 'reloaded .*, listening on 127.0.0.1'
    "$PEER" connect "127.0.0.1:$v4" send:one expect:one:one shutdown expect-eof
    # Clients of the Unix-domain socket can be denied.
    sed -i '1i deny = unix' "$CONFIG"
    kill -HUP "$SUPER"
    wait_until 10 reloads_exceed 1
    [[ -z $(printf one | socat - "UNIX-CONNECT:$TMP/socket" 2>/dev/null) ]]
    log_says 'service=- reason=denied src=unix sport=0 '
    "$PEER" connect "127.0.0.1:$v4" send:one expect:one:one shutdown expect-eof
}

# bats test_tags=fault:A9
@test "service manager: a passed datagram socket is refused with a reason, and the rest is served" {
    one_service
    find_free_port
    systemd-socket-activate --datagram -l "127.0.0.1:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    # systemd-socket-activate starts the daemon at the first datagram.
    knock() { echo x >"/dev/udp/127.0.0.1/$FREE" && log_has "$1"; }
    wait_until 10 knock "the service manager passed 127.0.0.1:$FREE, which is not a listening stream socket and is closed; its unit needs ListenStream= and Accept=no\$"
    log_says 'listening on 127.0.0.1'
}

# bats test_tags=fault:A9
@test "service manager: sockets that are announced and not there are reported" {
    answer one
    configure_answers one
    WRAPPER=(sh -c 'LISTEN_PID=$$ LISTEN_FDS=99999 exec "$@"' sh)
    start_daemon
    log_says 'the sockets that the environment announces \(LISTEN_FDS=99999\) cannot be used: '
    reaches one
}

# bats test_tags=fault:A9
@test "service manager: what it says of one process alone does not reach a program of Accept=yes" {
    { printf '%s\n' '[env]' 'string = e' 'exec = /usr/bin/env' 'passenv = OF_UNIT'; } | configure
    in_background "$PEER" inetd 127.0.0.1:0 /bin/sh -c \
        'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=connection OF_UNIT=kept exec "$@"' sh \
        "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" >"$TMP/super.out"
    learn_port super
    PORT=$super_port
    talk send:e print >"$TMP/env" 2>/dev/null || true
    file_says "$TMP/env" '^OF_UNIT=kept$'
    not file_says "$TMP/env" '^LISTEN_'
    end_background
}

# bats test_tags=fault:A9
@test "service manager: LISTEN_FDS for another process is ignored" {
    one_service
    export LISTEN_FDS=5 LISTEN_PID=1
    start_daemon
    unset LISTEN_FDS LISTEN_PID
    reaches one
}

@test "service manager: a passed socket serves the bind of its address" {
    answer one
    find_free_port
    printf 'bind = 127.0.0.1:%s\n[one]\nstring = one\nconnect = 127.0.0.1:%s\n' "$FREE" "$one_port" | configure
    systemd-socket-activate -l "127.0.0.1:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_until 10 "$PEER" connect "127.0.0.1:$FREE" send:one expect:one:one shutdown expect-eof 2>/dev/null
    log_has "listening on 127.0.0.1:$FREE\$"
    log_has "using the socket 127.0.0.1:$FREE from the service manager for the bind of its address\$"
}

@test "service manager: a passed socket serves the bind of its address, however that is written" {
    answer one
    find_free_port
    printf 'bind = [0:0:0:0:0:0:0:1]:%s\n[one]\nstring = one\nconnect = 127.0.0.1:%s\n' "$FREE" "$one_port" | configure
    systemd-socket-activate -l "[::1]:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_until 10 "$PEER" connect "[::1]:$FREE" send:one expect:one:one shutdown expect-eof 2>/dev/null
    log_has "using the socket \[::1\]:$FREE from the service manager for the bind of its address\$"
}

# bats test_tags=fault:A4
@test "service manager: a target that leads back to a passed socket is not connected to" {
    find_free_port
    printf 'timeout = 60\nmaxconn = 40\n[a]\nstring = A\nconnect = 127.0.0.1:%s\nconnect = [::1]:%s\n' "$FREE" "$FREE" | configure
    systemd-socket-activate -l "[::]:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_until 10 "$PEER" connect "127.0.0.1:$FREE" send:A expect-end 2>/dev/null
    log_says 'service=a .* exit=111'
    [[ $(grep -c 'it leads back to a listener' "$LOG") == 2 ]]
}

@test "service manager: --idle-exit ends the daemon that many seconds after its last connection" {
    one_service
    start_daemon --idle-exit 1
    client send:one expect:one:one "wait-file:$TMP/go" shutdown expect-eof
    pass_time 1500
    is_alive "$DAEMON"
    touch "$TMP/go"
    finish "$JOB"
    # The second counts from the end of the connection.
    pass_time 500
    is_alive "$DAEMON"
    expect_exit 0
    log_says 'exiting after 1 s without a connection'
}

# bats test_tags=fault:F9
@test "service manager: a restart cuts no connection and binds at once" {
    one_service
    start_daemon
    sed -i "s/^bind.*/bind = 127.0.0.1:$PORT/" "$CONFIG"
    reload
    hold_open one
    local live=$JOB
    stop_daemon
    local first=$KEEPER
    start_daemon
    reaches one
    go_on "$live"
    wait_until 10 is_over "$first"
}

# take_logger s6|runit: copies the installed run file of the logger to $TMP/service/log, with a folder of the
# test, $TMP/logs.
take_logger() {
    mkdir "$TMP/service/log"
    sed "s|/var/log/portsplit|$TMP/logs|" "$(installed "$1/portsplit/log/run")" >"$TMP/service/log/run"
    chmod +x "$TMP/service/log/run"
    sed -i "s|>$LOG 2>&1|2>\&1|" "$TMP/service/run"
    LOG=$TMP/logs/current
}

# take_run_file s6|runit: copies the installed run file to $TMP/service, with the program, the
# configuration and the log of the test.
take_run_file() {
    mkdir "$TMP/service"
    sed -E "s|exec [^ ]*/portsplitd|exec $PORTSPLIT_BIN/portsplitd|; s| [^ ]*/portsplit.conf| $CONFIG|; s|2>&1|>$LOG 2>\&1|" \
        "$(installed "$1/portsplit/run")" >"$TMP/service/run"
    chmod +x "$TMP/service/run"
}

@test "service manager: s6 starts it, sees it ready, and stops it" {
    one_service
    take_run_file s6
    cp "$(installed s6/portsplit/notification-fd)" "$TMP/service"
    # SIGCONT, which s6 sends behind SIGTERM, can end the stop that the leak check waits for (ptrace(2)).
    export ASAN_OPTIONS=detect_leaks=0
    in_background s6-supervise "$TMP/service"
    wait_until 10 exists "$TMP/service/supervise/control"
    s6-svwait -U -t "$((10000 * PORTSPLIT_PATIENCE))" "$TMP/service"
    take_port
    reaches one
    s6-svc -xd "$TMP/service"
    finish "$JOB"
}

@test "service manager: runit starts it and stops it" {
    one_service
    take_run_file runit
    export ASAN_OPTIONS=detect_leaks=0 # as above
    in_background runsv "$TMP/service"
    take_port
    reaches one
    sv -w 10 exit "$TMP/service"
    finish "$JOB"
}

@test "service manager: s6-log gets the log of the service under s6" {
    one_service
    take_run_file s6
    cp "$(installed s6/portsplit/notification-fd)" "$TMP/service"
    take_logger s6
    export ASAN_OPTIONS=detect_leaks=0 # as above
    mkdir "$TMP/scan"
    ln -s ../service "$TMP/scan/portsplit"
    in_background s6-svscan "$TMP/scan"
    take_port
    reaches one
    log_says ': service=one reason=match '
    s6-svscanctl -t "$TMP/scan"
    finish "$JOB"
}

@test "service manager: svlogd gets the log of the service under runit" {
    one_service
    take_run_file runit
    take_logger runit
    export ASAN_OPTIONS=detect_leaks=0 # as above
    in_background runsv "$TMP/service"
    take_port
    reaches one
    log_says ': service=one reason=match '
    sv -w 10 exit "$TMP/service"
    finish "$JOB"
}

@test "service manager: as process 1 of a container it reaps orphans, and exits at TERM" {
    answer one
    configure <<END
bind = 127.0.0.1:0
[orphan]
string = orphan
exec = $SHELL_PROGRAM
execarg = -c
execarg = (read -r line </dev/null; exec true) & echo left; exit 0
[one]
string = one
connect = 127.0.0.1:$one_port
END
    local user=()
    (($(id -u) == 0)) || user=(--map-root-user)
    in_background unshare "${user[@]}" --pid --fork --mount-proc \
        "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG"
    take_port
    reaches one
    talk send:orphan 'expect:left\n' expect-end
    children_of "$JOB"
    local first=${CHILDREN[0]}
    is_alone() {
        children_of "$first"
        ((${#CHILDREN[@]} == 1))
    }
    wait_until 10 is_alone
    kill -TERM "$first"
    finish "$JOB"
}
