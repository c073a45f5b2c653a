#!/usr/bin/env bats
# Portsplit behaves the same in every way to run it: standalone, with a port that systemd holds, and under
# each super-server. There is one table of behaviours; each test is one way to run, and prints how many of
# them it showed.

load super_server

# Each is a function below, whose clients connect to 127.0.0.1:$PORT.
BEHAVIOURS=(
    a_pattern_leads_to_its_service
    segments_do_not_matter
    an_impossible_byte_leads_to_fallback
    silence_leads_to_timeout
    too_little_leads_to_timeout_with_its_bytes
    half_closed_connections_carry_on
    binary_bytes_pass
    programs_on_pipes_and_terminals_answer
    a_program_finds_its_environment
    a_program_inherits_a_clean_state
    a_program_on_a_terminal_inherits_a_clean_state
    a_missing_program_says_nothing_to_the_client
    a_reset_ends_quietly
    every_connection_has_its_line
)

# --- the ways to run it ----------------------------------------------------------------------------

# Prints the services, the same in every way. Only portsplitd that binds by itself needs a `bind` before.
services() {
    answer relayed fallback timeout
    cat <<END
timeout = 0.5
$(connect_service relayed RELAY '\00\FF\80')
[echo]
string = ECHO
exec = /bin/cat
[pipe]
string = PIPE
exec = /bin/cat
stdio = pipe
[pty]
string = PTY
exec = /bin/cat
stdio = pty
[probe]
string = PROBE
exec = $PROBE
[terminal]
string = TERMINAL
exec = $PROBE
stdio = pty
[missing]
string = MISSING
exec = $TMP/missing
$(connect_service fallback)
$(connect_service timeout)
END
}

# entry FILE: prints an installed entry with this test's port, user, file and log.
entry() {
    sed -E -e "s|[^ ]*/portsplit-dispatch( portsplit-dispatch)?|$DISPATCH\1|" \
        -e "s|--inetd( --log [^ ]+)? [^ ]+|--inetd --log $LOG $CONFIG|" \
        -e "s/\b443\b/$PORT/" -e 's/(disable +=) yes/\1 no/' -e "s/(user +=|nowait\.[0-9]+) *portsplit/\1 $(id -un)/" "$1"
}

run_standalone() {
    ERRORS=pipe # of programs: the zygote reads it
    { echo 'bind = 127.0.0.1:0'; services; } | configure
    start_daemon
}

run_socket_activation() {
    ERRORS=pipe
    services | configure
    start_super systemd-socket-activate -l "127.0.0.1:$PORT" --fdname=portsplit \
        "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG"
}

run_systemd_accept() {
    services | configure
    start_super systemd-socket-activate --accept --inetd -l "127.0.0.1:$PORT" \
        "$DISPATCH" --inetd --log "$LOG" "$CONFIG"
}

run_xinetd() {
    services | configure
    entry "$(installed xinetd.d/portsplit)" >"$TMP/xinetd.conf"
    start_super "$PORTSPLIT_PEERS/xinetd" -dontfork -f "$TMP/xinetd.conf" -pidfile "$TMP/xinetd.pid" -filelog "$TMP/xinetd.log"
}

run_inetd() {
    services | configure
    entry "$(installed inetd/portsplit.conf)" | sed 's/^[0-9]/127.0.0.1:&/' >"$TMP/inetd.conf"
    start_super "$PORTSPLIT_PEERS/inetd" -i "$TMP/inetd.conf"
}

run_tcpserver() {
    services | configure
    start_super tcpserver -RHl0 127.0.0.1 "$PORT" "$DISPATCH" --inetd --log "$LOG" "$CONFIG"
}

run_socat() {
    services | configure
    start_super socat "TCP-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork" \
        "EXEC:$DISPATCH --inetd --log $LOG $CONFIG,nofork"
}

# --- the behaviours --------------------------------------------------------------------------------

a_pattern_leads_to_its_service() {
    talk send:ECHO-hello expect:ECHO-hello shutdown expect-eof
    talk send:RELAY-hello expect:relayed:RELAY-hello shutdown expect-eof
}

segments_do_not_matter() {
    talk send-bytewise:ECHO-hello expect:ECHO-hello shutdown expect-eof
    talk send-cut:3:RELAY-hello expect:relayed:RELAY-hello shutdown expect-eof
}

an_impossible_byte_leads_to_fallback() {
    talk send:REX expect:fallback:REX shutdown expect-eof
}

silence_leads_to_timeout() {
    talk expect:timeout: send:later expect:later shutdown expect-eof
}

too_little_leads_to_timeout_with_its_bytes() {
    talk send:REL expect:timeout:REL shutdown expect-eof
}

half_closed_connections_carry_on() {
    talk send:ECHO shutdown expect:ECHO expect-eof
    talk send:RELAY shutdown expect:relayed:RELAY expect-eof
}

binary_bytes_pass() {
    talk 'send:\x00\xff\x80\x00\r\n\xfe' 'expect:relayed:\x00\xff\x80\x00\r\n\xfe' shutdown expect-eof
    talk 'send:ECHO\x00\x01\xff' 'expect:ECHO\x00\x01\xff' shutdown expect-eof
}

programs_on_pipes_and_terminals_answer() {
    talk send:PIPE shutdown expect:PIPE expect-eof
    log_says 'service=pipe reason=match .* in=4 out=4 ms=[0-9]+ exit=0$'
    talk send:PTY expect:PTY reset
}

a_program_finds_its_environment() {
    take_report PROBE
    local line
    for line in PROTO=TCP TCPREMOTEIP=127.0.0.1 TCPLOCALIP=127.0.0.1 "TCPLOCALPORT=$PORT" \
        REMOTE_ADDR=127.0.0.1 REMOTE_HOST=127.0.0.1 PORTSPLIT_SERVICE=probe PORTSPLIT_REASON=match; do
        file_says "$TMP/report" "^env $line\$" || {
            echo "no $line in $(<"$TMP/report")"
            return 1
        }
    done
    file_says "$TMP/report" '^env TCPREMOTEPORT=[0-9]\+$' && file_says "$TMP/report" '^env REMOTE_PORT=[0-9]\+$'
}

a_program_inherits_a_clean_state() {
    take_report PROBE
    [[ $(grep -c '^fd ' "$TMP/report") == 3 ]] &&
        file_says "$TMP/report" '^fd 0: socket both blocking$' &&
        file_says "$TMP/report" '^fd 1: socket both blocking$' &&
        file_says "$TMP/report" "^fd 2: ${ERRORS:-file} write blocking\$" &&
        file_says "$TMP/report" '^SigIgn=0000000000000000$' &&
        file_says "$TMP/report" '^SigBlk=0000000000000000$' &&
        file_says "$TMP/report" '^umask=22$' &&
        file_says "$TMP/report" '^cwd=/$' &&
        file_says "$TMP/report" '^controlling=no$' &&
        leads_its_session &&
        file_says "$TMP/report" '^lowat=1$' &&
        file_says "$TMP/report" '^keepalive=1 120 30 4$' &&
        file_says "$TMP/report" '^nodelay=1$'
}

a_program_on_a_terminal_inherits_a_clean_state() {
    take_report TERMINAL
    [[ $(grep -c '^fd ' "$TMP/report") == 3 ]] &&
        file_says "$TMP/report" '^fd 0: terminal both blocking$' &&
        file_says "$TMP/report" '^fd 1: terminal both blocking$' &&
        file_says "$TMP/report" "^fd 2: ${ERRORS:-file} write blocking\$" &&
        file_says "$TMP/report" '^controlling=yes$' &&
        file_says "$TMP/report" '^mode=raw$' &&
        file_says "$TMP/report" '^size=24x80$' &&
        file_says "$TMP/report" '^env TERM=vt100$' &&
        file_says "$TMP/report" '^cwd=/$' &&
        leads_its_session
}

# The program of the report leads a session and a process group of its own.
leads_its_session() {
    local pid
    pid=$(sed -n 's/^pid=//p' "$TMP/report")
    file_says "$TMP/report" "^session=$pid\$" && file_says "$TMP/report" "^group=$pid\$"
}

a_missing_program_says_nothing_to_the_client() {
    talk send:MISSING expect-end
    log_says "cannot start $TMP/missing for service missing, client 127.0.0.1:[0-9]+: No such file or directory"
}

a_reset_ends_quietly() {
    talk send:REL acked reset
    log_says 'service=- reason=eof src=127.0.0.1 .* action=close '
}

every_connection_has_its_line() {
    log_says 'service=relayed reason=match src=127.0.0.1 sport=[0-9]+ dst=127.0.0.1 dport=[0-9]+ action=connect target=127.0.0.1:[0-9]+ in=[0-9]+ out=[0-9]+ ms=[0-9]+$' &&
        log_says 'service=echo reason=match .* action=exec target=/bin/cat in=- out=- ms=[0-9]+' &&
        log_says 'service=fallback reason=fallback .* action=connect ' &&
        log_says 'service=timeout reason=timeout .* action=connect '
}

# behaves_under WAY: every behaviour. Prints a row of the table.
behaves_under() {
    local behaviour passed=0 failed=()
    find_free_port
    PORT=$FREE
    unset TERM # a program on a terminal would inherit it from a super-server
    "run_$1"
    for behaviour in "${BEHAVIOURS[@]}"; do
        if "$behaviour" >"$TMP/output" 2>&1; then
            passed=$((passed + 1))
        else
            failed+=("$behaviour: $(<"$TMP/output")")
        fi
    done
    printf '# %-18s %2d of %d\n' "$1" "$passed" "${#BEHAVIOURS[@]}" >&3
    ((${#failed[@]} == 0)) && return
    printf '%s\n' "${failed[@]}"
    cat "$TMP/super" "$LOG"
    return 1
}

@test "ways to run: standalone" { behaves_under standalone; }
@test "ways to run: systemd holds the port (Accept=no)" { behaves_under socket_activation; }
@test "ways to run: systemd accepts (Accept=yes)" { behaves_under systemd_accept; }
@test "ways to run: xinetd" { behaves_under xinetd; }
@test "ways to run: inetd" { behaves_under inetd; }
@test "ways to run: tcpserver" { behaves_under tcpserver; }
@test "ways to run: socat" { behaves_under socat; }

# --- one connection on descriptor 0 ----------------------------------------------------------------

# start_inetd [ARGUMENT...]: a super-server that starts portsplit-dispatch with these arguments.
start_inetd() {
    (($# > 0)) || set -- --inetd --log "$LOG" "$CONFIG"
    in_background "$PEER" inetd 127.0.0.1:0 "$DISPATCH" "$@" >"$TMP/super.out"
    learn_port super
    PORT=$super_port
    SUPERSERVER=$JOB
    : >>"$LOG"
}

# The super-server has reaped every process that it started.
all_are_reaped() {
    children_of "$SUPERSERVER"
    ((${#CHILDREN[@]} == 0))
}

@test "ways to run: under a super-server, no connection leaves a process" {
    answer one
    configure_answers one
    start_inetd
    reaches one
    talk reset
    talk send:on acked reset
    wait_until 5 all_are_reaped
    not log_has 'cannot|rror'
}

# bats test_tags=fault:D3
@test "ways to run: under a super-server, the client reads nothing of a broken or missing file" {
    echo nonsense | configure
    start_inetd
    talk expect-end
    log_says "$CONFIG:1: "
    rm "$CONFIG"
    talk expect-end
    log_says "cannot read $CONFIG: No such file or directory"
}

# bats test_tags=fault:D3
@test "ways to run: under a super-server, --log stderr writes nothing to the client" {
    echo nonsense | configure
    start_inetd --inetd --log stderr "$CONFIG"
    talk expect-end
}

# start_inetd_without_syslog [REDIRECTION]: as start_inetd, where there is no /dev/log.
start_inetd_without_syslog() {
    needs_root
    install -d -m 755 "$TMP/dev" # for everybody, as /dev is
    touch "$TMP/dev/null"
    in_background unshare -m sh -c 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && exec "$@"' \
        "$TMP/dev" "$PEER" inetd 127.0.0.1:0 /bin/sh -c "exec \"\$@\" ${1:-}" "$LOG" "$DISPATCH" --inetd "$CONFIG" \
        >"$TMP/super.out"
    learn_port super
    PORT=$super_port
    SUPERSERVER=$JOB
    : >>"$LOG"
}

@test "ways to run: without a syslog the log goes to descriptor 2, and the first line says so" {
    answer one
    configure_answers one
    start_inetd_without_syslog '2>>"$0"'
    reaches one
    local date='^[0-9T:+-]+ portsplit\[[0-9]+\]: '
    log_says "${date}service=one reason=match "
    [[ $(head -n 1 "$LOG") =~ ${date}'no syslog here: /dev/log cannot be reached; logging to standard error'$ ]]
}

# bats test_tags=fault:D3
@test "ways to run: without a syslog, nothing is written to a client on descriptor 2" {
    echo nonsense | configure
    start_inetd_without_syslog
    talk expect-end
}

@test "ways to run: on two pipes, --log stderr and --log /dev/stdout write nothing to the client" {
    echo nonsense | configure
    local where
    for where in stderr /dev/stderr /dev/stdout; do
        run -78 bash -o pipefail -c ': | "$@" 2>&1 | cat' - "$DISPATCH" --inetd --log "$where" "$CONFIG"
        [[ -z $output ]]
    done
}

# bats test_tags=fault:D3
@test "ways to run: under a super-server, the client reads nothing of a wrong command line" {
    start_inetd --inetd
    talk expect-end
    end_background
    start_inetd --no-such-option x
    talk expect-end
}

# bats test_tags=fault:A9
@test "ways to run: descriptor 0 that is not a connection is refused" {
    answer one
    configure_answers one
    run -64 "$DISPATCH" --inetd --log "$LOG" "$CONFIG" </dev/null
    log_has 'descriptors 0 and 1 are neither a stream socket nor two pipes'
    : >"$LOG"
    run -64 bash -c 'exec "$@" <&-' - "$DISPATCH" --inetd --log "$LOG" "$CONFIG"
    log_has 'descriptors 0 and 1 are neither a stream socket nor two pipes'
}

# on_pipes: starts Portsplit on two pipes, named pipes $TMP/to and $TMP/from; its exit status goes to $TMP/code.
on_pipes() {
    mkfifo "$TMP/to" "$TMP/from"
    (status=0; "$DISPATCH" --inetd --log "$LOG" "$CONFIG" <"$TMP/to" >"$TMP/from" || status=$?
        echo "$status" >"$TMP/code") 3>&- &
    BACKGROUND+=($!)
}

@test "ways to run: on two pipes, a relay and programs on pipes and terminals are served" {
    # A raw terminal has no end of file; half-closed sets when it is hung up.
    services | sed 's/^stdio = pty$/&\nhalf-closed = 0.2/' | configure
    local stream
    for stream in RELAYhello PIPEhello PTYhello; do
        rm -f "$TMP/to" "$TMP/from" "$TMP/code"
        on_pipes
        { printf '%s' "$stream" >"$TMP/to"; } &
        case $stream in
            RELAY*) [[ $(cat "$TMP/from") == "relayed:$stream" ]] ;;
            *) [[ $(cat "$TMP/from") == "$stream" ]] ;;
        esac
        wait_until 10 has_content "$TMP/code"
        [[ $(<"$TMP/code") == 0 ]]
    done
    log_says 'service=relayed reason=match src=- sport=0 dst=- dport=0 action=connect .* in=10 out=18 '
    log_says 'service=pipe reason=match .* in=9 out=9 ms=[0-9]+ exit=0$'
    log_says 'service=pty reason=match .* in=8 out=8 ms=[0-9]+ signal=HUP$'
}

@test "ways to run: on two pipes, a silent client gets the timeout service" {
    services | configure
    on_pipes
    local to
    exec {to}>"$TMP/to"
    local answer=
    read -r -t 10 -N 8 answer <"$TMP/from" || true
    [[ $answer == timeout: ]]
    exec {to}>&-
    wait_until 10 has_content "$TMP/code"
}

@test "ways to run: on two pipes, a program that needs a socket is refused, and the log says so" {
    services | configure
    on_pipes
    { printf ECHO >"$TMP/to"; } &
    [[ -z $(cat "$TMP/from") ]]
    log_says 'cannot start /bin/cat for service echo, client -:0: the client is on two pipes, and stdio = socket needs a socket; write stdio = pipe'
    wait_until 10 has_content "$TMP/code"
    [[ $(<"$TMP/code") == 126 ]]
}

@test "ways to run: ncat -e, which gives two pipes" {
    services | configure
    find_free_port
    PORT=$FREE
    start_super ncat -l -k 127.0.0.1 "$PORT" -e "$DISPATCH --inetd --log $LOG $CONFIG"
    talk send:RELAYhello expect:relayed:RELAYhello
    talk send:PIPEhello expect:PIPEhello
    log_says 'service=relayed reason=match src=127.0.0.1 sport=[1-9][0-9]* dst=127.0.0.1 '
}

@test "ways to run: behind stunnel and socat, the client is the one that they name" {
    # The probe reads what the client sent: the end of a program that leaves bytes unread resets the connection,
    # and stunnel may then drop what the program wrote. And a TLS handshake may take long.
    services | sed -e 's/^timeout = .*/timeout = 20/' -e "/^\[probe\]/,/^exec/s|^exec = .*|exec = /bin/sh\\
execarg = -c\\
execarg = head -c 5 >/dev/null; exec $PROBE|" | configure
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -days 1 -keyout "$TMP/key.pem" -out "$TMP/cert.pem" 2>/dev/null
    find_free_port
    PORT=$FREE
    cat >"$TMP/stunnel.conf" <<END
foreground = yes
pid =
[portsplit]
accept = 127.0.0.1:$PORT
cert = $TMP/cert.pem
key = $TMP/key.pem
exec = $DISPATCH
execArgs = portsplit-dispatch --inetd --log $LOG $CONFIG
END
    start_super stunnel4 "$TMP/stunnel.conf"
    from_127_0_0_9() { socat -t 10 - "OPENSSL:127.0.0.1:$PORT,bind=127.0.0.9,verify=0" <"$1"; }
    # s_client sends no end of the stream: after one, stunnel may drop what still comes back.
    probe_from_127_0_0_9() {
        timeout 20 openssl s_client -quiet -bind 127.0.0.9:0 -connect "127.0.0.1:$PORT" \
            <"$TMP/hello" >"$TMP/report" 2>/dev/null || true
    }
    printf RELAYhello >"$TMP/hello"
    [[ $(from_127_0_0_9 "$TMP/hello") == relayed:RELAYhello ]]
    log_says 'service=relayed reason=match src=127.0.0.9 sport=[1-9][0-9]* '
    printf PROBE >"$TMP/hello"
    probe_from_127_0_0_9
    file_says "$TMP/report" '^env TCPREMOTEIP=127.0.0.9$'
    file_says "$TMP/report" '^env REMOTE_HOST=127.0.0.9$'
    end_background
    wait_until 10 is_over "$SUPERSERVER"
    find_free_port
    PORT=$FREE
    start_super socat "OPENSSL-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork,cert=$TMP/cert.pem,key=$TMP/key.pem,verify=0" \
        "EXEC:$DISPATCH --inetd --log $LOG $CONFIG"
    probe_from_127_0_0_9
    file_says "$TMP/report" '^env TCPREMOTEIP=127.0.0.9$'
    log_says 'service=probe reason=match src=127.0.0.9 sport=[1-9][0-9]* '
}

@test "ways to run: under a super-server, an undecided connection uses no CPU time" {
    answer one
    configure_answers one
    start_inetd
    client send:on acked "touch:$TMP/sent" "wait-file:$TMP/go" send:e expect:one:one shutdown expect-eof
    wait_until 5 exists "$TMP/sent"
    KEEPER=$SUPERSERVER uses_no_cpu
    go_on "$JOB"
}
