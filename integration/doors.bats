#!/usr/bin/env bats
# The same behaviour through every door: standalone, under a service manager that holds the port, and
# under the super-servers. One table of behaviours, one of doors; each test is one door and prints how
# many behaviours passed through it.

load doors

# Every behaviour is a function of this file; each talks to 127.0.0.1:$PORT.
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
    a_missing_program_says_nothing_to_the_client
    a_reset_ends_quietly
    every_connection_has_its_line
)

# --- the doors -------------------------------------------------------------------------------------

# The services of every door. A door that listens itself wants a `bind` before them.
services() {
    answer relayed fallback timeout
    cat <<END
timeout = 0.5
[relayed]
string = RELAY
string = \00\FF\80
connect = 127.0.0.1:$relayed_port
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
[missing]
string = MISSING
exec = $TMP/missing
[fallback]
connect = 127.0.0.1:$fallback_port
[timeout]
connect = 127.0.0.1:$timeout_port
END
}

# A shipped entry with this test's port, user, file and log: entry FILE >COPY.
entry() {
    sed -E -e "s|[^ ]*/portsplit-dispatch( portsplit-dispatch)?|$DISPATCH\1|" \
        -e "s|--inetd( --log [^ ]+)? [^ ]+|--inetd --log $LOG $CONFIG|" \
        -e "s/\b443\b/$PORT/" -e 's/(disable +=) yes/\1 no/' -e "s/(user +=|nowait\.[0-9]+) *portsplit/\1 $(id -un)/" "$1"
}

door_standalone() {
    { echo 'bind = 127.0.0.1:0'; services; } | configure
    start_daemon
}

door_socket_activation() {
    services | configure
    start_super systemd-socket-activate -l "127.0.0.1:$PORT" --fdname=portsplit \
        "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG"
}

door_systemd_accept() {
    services | configure
    start_super systemd-socket-activate --accept --inetd -l "127.0.0.1:$PORT" \
        "$DISPATCH" --inetd --log "$LOG" "$CONFIG"
}

door_xinetd() {
    services | configure
    entry "$(installed xinetd.d/portsplit)" >"$TMP/xinetd.conf"
    start_super "$PORTSPLIT_PEERS/xinetd" -dontfork -f "$TMP/xinetd.conf" -pidfile "$TMP/xinetd.pid" -filelog "$TMP/xinetd.log"
}

door_inetd() {
    services | configure
    entry "$(installed inetd/portsplit.conf)" | sed 's/^[0-9]/127.0.0.1:&/' >"$TMP/inetd.conf"
    start_super "$PORTSPLIT_PEERS/inetd" -i "$TMP/inetd.conf"
}

door_tcpserver() {
    services | configure
    start_super tcpserver -RHl0 127.0.0.1 "$PORT" "$DISPATCH" --inetd --log "$LOG" "$CONFIG"
}

door_socat() {
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
    talk send:PTY expect:PTY reset
}

# What the probe says of itself.
account() {
    talk send:PROBE print >"$TMP/account" 2>"$TMP/talk" || true
    file_says "$TMP/account" '^end'
}

a_program_finds_its_environment() {
    account
    local line
    for line in PROTO=TCP TCPREMOTEIP=127.0.0.1 TCPLOCALIP=127.0.0.1 "TCPLOCALPORT=$PORT" \
        REMOTE_ADDR=127.0.0.1 REMOTE_HOST=127.0.0.1 PORTSPLIT_SERVICE=probe PORTSPLIT_REASON=match; do
        file_says "$TMP/account" "^env $line\$" || {
            echo "no $line in $(<"$TMP/account")"
            return 1
        }
    done
    file_says "$TMP/account" '^env TCPREMOTEPORT=[0-9]\+$' && file_says "$TMP/account" '^env REMOTE_PORT=[0-9]\+$'
}

a_program_inherits_a_clean_state() {
    account
    [[ $(grep -c '^fd ' "$TMP/account") == 3 ]] &&
        file_says "$TMP/account" '^fd 0: socket both blocking$' &&
        file_says "$TMP/account" '^fd 1: socket both blocking$' &&
        file_says "$TMP/account" '^SigIgn=0000000000000000$' &&
        file_says "$TMP/account" '^SigBlk=0000000000000000$' &&
        file_says "$TMP/account" '^umask=22$' &&
        file_says "$TMP/account" '^lowat=1$'
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

# through DOOR: every behaviour, and a row of the table.
through() {
    local behaviour passed=0 failed=()
    find_free_port
    PORT=$FREE
    "door_$1"
    for behaviour in "${BEHAVIOURS[@]}"; do
        if "$behaviour" >"$TMP/said" 2>&1; then
            passed=$((passed + 1))
        else
            failed+=("$behaviour: $(<"$TMP/said")")
        fi
    done
    printf '# %-18s %2d of %d\n' "$1" "$passed" "${#BEHAVIOURS[@]}" >&3
    ((${#failed[@]} == 0)) && return
    printf '%s\n' "${failed[@]}"
    cat "$TMP/super" "$LOG"
    return 1
}

@test "doors: standalone" { through standalone; }
@test "doors: systemd holds the port (Accept=no)" { through socket_activation; }
@test "doors: systemd accepts (Accept=yes)" { through systemd_accept; }
@test "doors: xinetd" { through xinetd; }
@test "doors: inetd" { through inetd; }
@test "doors: tcpserver" { through tcpserver; }
@test "doors: socat" { through socat; }
