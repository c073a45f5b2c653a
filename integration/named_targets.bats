#!/usr/bin/env bats
# A connection is relayed to the address that the name of its target has at that moment.

load names

# configure_names NAME=TARGET...: a service for each, on the port of the server `one`.
configure_names() {
    local pair
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'
        for pair; do
            printf '%s\n' "[${pair%%=*}]" "string = ${pair%%=*}" "connect = ${pair#*=}:$one_port"
        done
    } | configure
}

# says NAME: a client of the service NAME is relayed to the server `one`.
says() { talk --limit 9000 "send:$1." "expect:one:$1." shutdown expect-eof; }

@test "named targets: a target may be localhost, a name below it, or of the search list" {
    usual_files
    echo 'near.corp.example A 127.0.0.1' >>"$TMP/zone"
    enter
    answer one
    configure_names a=localhost b=LOCALHOST. c=x.localhost d=near e=near.corp.example.
    start_daemon
    says a
    says b
    says c
    not has_content "$TMP/questions"
    says d
    says e
}

@test "named targets: a change of resolv.conf and /etc/hosts counts from the next connection on" {
    usual_files
    echo 'near.lab.example A 127.0.0.1' >>"$TMP/zone"
    resolver
    enter
    answer one
    configure_names a=near b=nearer
    start_daemon
    talk --limit 9000 send:a. expect-end
    log_says 'cannot resolve near for service a, client .*: Domain name not found'
    search lab.example
    says a
    talk --limit 9000 send:b. expect-end
    echo '127.0.0.1 nearer' >>"$TMP/etc/hosts"
    says b
}

# getaddrinfo(3) waits for its own time limit, then takes the IPv4 address, too.
# bats test_tags=fault:E2
@test "named targets: a name server that is silent about IPv6 does not keep a target from its IPv4 address" {
    usual_files
    printf '%s\n' 'near.example A 127.0.0.1' 'near.example DROP AAAA' >>"$TMP/zone"
    enter
    answer one
    configure_names a=near.example
    start_daemon
    says a
}

@test "named targets: an address that does not answer costs a quarter of a second" {
    usual_files
    printf '%s\n' 'two.example A 127.0.0.2' 'two.example A 127.0.0.1' 'turns.example A 127.0.0.1' \
        'turns.example AAAA ::1' >>"$TMP/zone"
    enter
    answer one
    in_background "$PEER" hole "127.0.0.2:$one_port" >"$TMP/hole.out"
    in_background "$PEER" hole "[::1]:$one_port" >"$TMP/hole6.out"
    learn_port hole
    learn_port hole6
    configure_names a=two.example b=turns.example
    start_daemon
    local name before
    for name in a b; do
        look_at_clock
        before=$NOW
        says "$name"
        look_at_clock
        echo "$name: $((NOW - before)) ms"
        ((NOW - before < 1000 * PORTSPLIT_PATIENCE))
    done
}

@test "named targets: a super-server's connection is relayed to a name below localhost" {
    answer one
    configure_names a=x.localhost
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/inetd.out"
    learn_port inetd
    PORT=$inetd_port
    says a
    log_says "target=x.localhost:$one_port "
}
