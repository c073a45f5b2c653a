#!/usr/bin/env bats
# Lists of clients: whom a listener serves, and for whom a service is. Through every door.

load harness

# from ADDRESS STEP...: a client with this address, of the first address of the daemon.
from() { "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" --limit 5000 "${@:2}"; }

# configure_clients LINE...: these lines above the services; `inside` is for 127.0.0.0/24 but 127.0.0.9.
configure_clients() {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "$@"
        connect_service inside S
        printf '%s\n' 'from = 127.0.0.0/24' 'not-from = 127.0.0.9'
        connect_service fallback; } | configure
}

@test "clients: a service is asked for its clients only, and others get what a stranger gets" {
    answer inside fallback
    configure_clients
    start_daemon
    from 127.0.0.7 send:S expect:inside:S shutdown expect-eof
    from 127.0.0.9 send:S expect:fallback:S shutdown expect-eof
    from 127.0.9.7 send:S expect:fallback:S shutdown expect-eof
    logged_connections 3
    log_says 'service=inside reason=match src=127.0.0.7 '
    log_says 'service=fallback reason=fallback src=127.0.0.9 '
}

@test "clients: who is denied is reset at once, by the longest prefix, and a line says so" {
    answer inside fallback
    configure_clients 'deny = 127.0.0.0/8' 'allow = 127.0.0.0/24' 'deny = 127.0.0.66'
    start_daemon
    from 127.0.0.7 send:S expect:inside:S shutdown expect-eof
    from 127.0.0.66 expect-reset
    from 127.9.9.9 expect-reset
    logged_connections 3
    log_says "service=- reason=denied src=127.0.0.66 sport=[0-9]+ dst=127.0.0.1 dport=$PORT action=close target=- in=0 out=0 ms=0\$"
    wait_until 5 dispatchers_are 0
}

@test "clients: each listener has its own lists, and the line names it" {
    answer inside fallback
    configure_clients 'allow = 127.0.0.7' '[listener open]' 'bind = 127.0.0.1:0' 'allow = 127.0.0.0/8'
    start_daemon
    from 127.0.0.8 expect-reset
    "$PEER" connect "${ADDRESSES[1]}" --from 127.0.0.8:0 send:S expect:inside:S shutdown expect-eof
    log_says 'reason=denied src=127.0.0.8 .* ms=0 listener=main$'
}

@test "clients: IPv6, and IPv4 on a socket for both families" {
    answer inside fallback
    configure_clients 'deny = ::1' 'deny = 127.0.0.66'
    sed -i '/^bind/d' "$CONFIG"
    find_free_port
    systemd-socket-activate -l "[::]:$FREE" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=("$!")
    ADDRESSES=("127.0.0.1:$FREE")
    # The daemon starts at the first connection.
    wait_until 10 from 127.0.0.7 send:S expect:inside:S shutdown expect-eof 2>/dev/null
    [[ -n $(ss -H6ltn "sport = :$FREE") && -z $(ss -H4ltn "sport = :$FREE") ]]
    from 127.0.0.9 send:S expect:fallback:S shutdown expect-eof
    from 127.0.0.66 expect-reset
    "$PEER" connect "[::1]:$FREE" expect-reset
    log_says 'service=inside reason=match src=127.0.0.7 sport=[0-9]+ dst=127.0.0.1 '
    log_says 'service=fallback reason=fallback src=127.0.0.9 '
    log_says 'reason=denied src=127.0.0.66 '
    log_says 'reason=denied src=::1 '
}

@test "clients: a file of prefixes, read anew at a reload, that does not lose a client" {
    answer inside fallback
    echo 127.0.0.8 >"$TMP/denied"
    configure_clients "deny = @$TMP/denied"
    start_daemon
    from 127.0.0.8 expect-reset
    from 127.0.0.7 send:S expect:inside:S shutdown expect-eof
    echo 127.0.0.7 >"$TMP/denied"
    reload
    from 127.0.0.7 expect-reset
    from 127.0.0.8 send:S expect:inside:S shutdown expect-eof
    # A file with a mistake leaves everything as it is.
    echo office >"$TMP/denied"
    kill -HUP "$DAEMON"
    log_says "denied:1: deny = office: a name"
    from 127.0.0.7 expect-reset
}

@test "clients: log = no writes no line of who is denied" {
    answer fallback
    { printf '%s\n' 'bind = 127.0.0.1:0' 'log = no' 'deny = 127.0.0.8'
        connect_service fallback; } | configure
    start_daemon
    from 127.0.0.8 expect-reset
    from 127.0.0.7 send:x expect:fallback:x shutdown expect-eof
    not log_has denied
}

@test "clients: --inetd denies and chooses alike" {
    answer inside fallback
    configure_clients 'deny = 127.0.0.66'
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/super.out"
    learn_port super
    ADDRESSES=("127.0.0.1:$super_port")
    from 127.0.0.7 send:S expect:inside:S shutdown expect-eof
    from 127.0.0.9 send:S expect:fallback:S shutdown expect-eof
    from 127.0.0.66 expect-reset
    log_says 'service=- reason=denied src=127.0.0.66 '
}

@test "clients: explain and test answer for a client" {
    { printf '%s\n' 'bind = *:1' 'deny = 192.0.2.66' 'deny = unix' '[ssh]' 'string = SSH-' 'connect = a:1' \
        'from = 192.0.2.0/24' '[fallback]' 'connect = a:2' '[timeout]' 'connect = a:2'; } | configure
    run -0 --separate-stderr "$PORTSPLIT_BIN/portsplit" explain --text SSH- --source 192.0.2.7 "$CONFIG"
    [[ ${lines[0]} == 'service=ssh reason=match bytes=4 action=connect target=a:1' && -z $stderr ]]
    [[ $output == *'ssh  match    at byte 4'* ]]
    run -0 --separate-stderr "$PORTSPLIT_BIN/portsplit" explain --text SSH- --source 2001:db8::1 "$CONFIG"
    [[ ${lines[0]} == 'service=fallback reason=fallback bytes=1 '* && $output == *'ssh  not asked here'* ]]
    run -0 --separate-stderr "$PORTSPLIT_BIN/portsplit" explain --text SSH- "$CONFIG"
    [[ ${lines[0]} == 'service=fallback '* && $stderr == *'in none of them; name another with --source'* ]]
    run -0 --separate-stderr "$PORTSPLIT_BIN/portsplit" explain --text SSH- --source 192.0.2.66 "$CONFIG"
    [[ ${lines[0]} == 'service=- reason=denied bytes=0' ]]
    run -0 --separate-stderr "$PORTSPLIT_BIN/portsplit" explain --text SSH- --source unix "$CONFIG"
    [[ ${lines[0]} == 'service=- reason=denied bytes=0' ]]
    run -64 "$PORTSPLIT_BIN/portsplit" explain --text SSH- --source 192.0.2.0/24 "$CONFIG"
    [[ $output == *'--source 192.0.2.0/24: not one address; write one such as 192.0.2.7, or unix'* ]]
    printf '%s\n' '[mine]' 'string = SSH-' 'source = 192.0.2.7' 'service = ssh' \
        '[denied]' 'string = SSH-' 'source = 192.0.2.66' 'service = -' 'reason = denied' \
        '[other]' 'string = SSH-' 'service = fallback' >"$TMP/cases"
    run -0 "$PORTSPLIT_BIN/portsplit" test "$CONFIG" "$TMP/cases"
}

# Writes 100,000 different prefixes; 127.0.0.1 is in none of them.
many_prefixes() { awk 'BEGIN { for (i = 0; i < 100000; ++i) printf "%d.%d.%d.0/24\n", 1 + i / 4096 % 64, i / 64 % 64 * 4, i % 64 * 4 }'; }

@test "clients: a list of 100,000 prefixes, and a reload that takes a new one" {
    answer one two
    many_prefixes >"$TMP/list"
    (($(sort -u "$TMP/list" | wc -l) == 100000))
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[listed]' 'string = X' "from = @$TMP/list" \
        "connect = 127.0.0.1:$one_port" '[others]' 'string = X' "connect = 127.0.0.1:$two_port" | configure
    start_daemon
    talk send:X expect:two:X shutdown expect-eof
    echo 127.0.0.0/8 >>"$TMP/list"
    reload
    talk send:X expect:one:X shutdown expect-eof
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text X --source 9.4.8.77 "$CONFIG"
    [[ ${lines[0]} == 'service=listed '* ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text X --source 9.4.9.77 "$CONFIG"
    [[ ${lines[0]} == 'service=others '* ]]
}
