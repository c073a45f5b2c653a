#!/usr/bin/env bats
# Budgets and penalties: how many connections a source, a service and the undecided may have, and who is kept out
# for a time. Through the daemon: each connection of a super-server is alone.

load harness

# from ADDRESS STEP...: a client with this address.
from() { "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" --limit 5000 "${@:2}"; }

# hold_from ADDRESS TEXT: a client with this address that sends TEXT, which the service `web` answers, and stays.
hold_from() {
    rm -f "$TMP/held"
    in_background "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" "send:$2" "expect:web:$2" "touch:$TMP/held" \
        "wait-file:$TMP/go" shutdown expect-eof
    wait_until 10 exists "$TMP/held"
}

# silent_from ADDRESS: a client with this address that sends nothing, and is ended without an answer. Its pid is in JOB.
silent_from() {
    rm -f "$TMP/there"
    in_background "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" "touch:$TMP/there" "${@:2}"
    wait_until 10 exists "$TMP/there"
}

# greeted_from ADDRESS STEP...: a client that the service `timeout` has greeted.
greeted_from() {
    rm -f "$TMP/there"
    in_background "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" expect:web: "touch:$TMP/there" "${@:2}"
    wait_until 10 exists "$TMP/there"
}

# configure_web LINE...: these lines above the service `web`.
configure_web() {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "$@"
        connect_service web W; } | configure
}

# bats test_tags=fault:B7
@test "budgets: a source at its limit is reset, and others are served" {
    answer web
    configure_web 'maxconn-source = 2'
    start_daemon
    hold_from 127.0.0.7 W1
    local one=$JOB
    hold_from 127.0.0.7 W2
    local two=$JOB
    from 127.0.0.7 expect-reset
    from 127.0.0.8 send:W expect:web:W shutdown expect-eof
    log_says "service=- reason=limit src=127.0.0.7 sport=[0-9]+ dst=127.0.0.1 dport=$PORT action=close target=- in=0 out=0 ms=0 limit=maxconn-source\$"
    go_on "$one" "$two"
    logged_connections 4
    wait_until 5 from 127.0.0.7 send:W expect:web:W shutdown expect-eof 2>/dev/null
}

# bats test_tags=fault:B7
@test "budgets: of IPv6 the first half of an address is a source, and a listener has its own limit" {
    answer web
    configure_web '[listener six]' 'bind = [::1]:0' 'maxconn-source = 1'
    start_daemon
    "$PEER" connect "${ADDRESSES[1]}" send:W expect:web:W "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 exists "$TMP/held"
    "$PEER" connect "${ADDRESSES[1]}" expect-reset
    log_says 'service=- reason=limit src=::1 .* ms=0 listener=six limit=maxconn-source$'
    from 127.0.0.1 send:W expect:web:W shutdown expect-eof
    touch "$TMP/go"
}

@test "budgets: clients over a Unix-domain socket have no source" {
    answer web
    configure_web 'maxconn-source = 1' '[listener local]' "bind = unix:$TMP/socket"
    start_daemon
    local i
    for i in 1 2 3; do
        in_background "$PEER" connect "unix:$TMP/socket" send:W expect:web:W "touch:$TMP/held$i" "wait-file:$TMP/go" shutdown expect-eof
        wait_until 10 exists "$TMP/held$i"
    done
    touch "$TMP/go"
    logged_connections 3
    not log_has 'reason=limit'
}

# bats test_tags=fault:B8
@test "budgets: above maxundecided the oldest of the greediest source is ended, and who speaks is served" {
    answer web
    configure_web 'maxundecided = 3'
    start_daemon
    silent_from 127.0.0.7 expect-end
    local oldest=$JOB
    silent_from 127.0.0.8 expect-end
    silent_from 127.0.0.7 expect-end
    # One that has just come is not ended: its first bytes may be on the way.
    not log_has 'reason=limit'
    pass_time 250
    from 127.0.0.9 send:W expect:web:W shutdown expect-eof
    silent_from 127.0.0.8 send:W expect:web:W "touch:$TMP/decided" "wait-file:$TMP/go" shutdown expect-eof
    local decided=$JOB
    wait_until 5 exists "$TMP/decided"
    finish "$oldest"
    log_says 'service=- reason=limit src=127.0.0.7 .* action=close target=- in=[-0] out=[-0] ms=[0-9]+ limit=maxundecided$'
    not log_has 'signal=KILL'
    touch "$TMP/go"
    finish "$decided"
    not log_has 'reason=limit src=127.0.0.8'
}

# bats test_tags=fault:B8
@test "budgets: a client that was given to timeout counts as undecided until it speaks" {
    answer web
    local stdio
    for stdio in connect pipe socket; do
        rm -f "$TMP"/{there,spoken,go}
        { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 0.05' 'maxundecided = 2'
            connect_service web W
            echo '[timeout]'
            if [[ $stdio == connect ]]; then
                echo "connect = 127.0.0.1:$web_port"
            else
                printf '%s\n' 'exec = /bin/sh' 'execarg = -c' 'execarg = printf web:; exec cat' "stdio = $stdio"
            fi; } | configure
        start_daemon
        greeted_from 127.0.0.7 send:hello expect:hello "touch:$TMP/spoken" "wait-file:$TMP/go" shutdown expect-eof
        local spoken=$JOB
        wait_until 10 exists "$TMP/spoken"
        greeted_from 127.0.0.8 expect-end
        local silent=$JOB
        greeted_from 127.0.0.9 "wait-file:$TMP/go" shutdown expect-eof
        local other=$JOB
        greeted_from 127.0.0.10 "wait-file:$TMP/go" shutdown expect-eof
        local last=$JOB
        finish "$silent"
        log_says 'reason=limit src=127.0.0.8 .* limit=maxundecided$'
        touch "$TMP/go"
        finish "$spoken"
        finish "$other"
        finish "$last"
        not log_has 'reason=limit src=127.0.0.(7|9|10)'
        stop_daemon
        rm "$LOG"
    done
}
# bats test_tags=fault:B8
@test "budgets: with many undecided, the deadline of new clients shrinks" {
    answer web
    configure_web 'maxundecided = 4'
    start_daemon
    local i
    for i in 1 2 3 4; do
        silent_from "127.0.0.$i" expect-end
    done
    wait_until 5 log_has 'service=- reason=timeout src=127.0.0.4 '
    [[ $(<"$LOG") =~ reason=timeout\ src=127.0.0.4\ .*\ ms=(1[0-9]{3}) ]]
    ((BASH_REMATCH[1] < 1500 * PORTSPLIT_PATIENCE))
    not log_has 'reason=timeout src=127.0.0.[123] '
}

# bats test_tags=fault:B7
@test "budgets: a source that comes too often is reset, and kept out as long as the file says" {
    answer web
    configure_web 'rate-source = 3/600' 'penalty = rate 600'
    start_daemon
    local i
    for i in 1 2 3; do from 127.0.0.7 send:W expect:web:W shutdown expect-eof; done
    from 127.0.0.7 expect-reset
    from 127.0.0.7 expect-reset
    from 127.0.0.8 send:W expect:web:W shutdown expect-eof
    log_says 'reason=limit src=127.0.0.7 .* limit=rate-source$'
    # A reload does not let it in.
    reload
    from 127.0.0.7 expect-reset
}

@test "budgets: a service has its limits, and what is above them starts nothing" {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[web]' 'string = W' 'exec = /bin/sh' 'execarg = -c' \
        "execarg = echo started >>$TMP/started; printf web:; exec cat" 'maxconn = 3' 'maxconn-source = 2'; } | configure
    start_daemon
    local jobs=()
    hold_from 127.0.0.7 W1; jobs+=("$JOB")
    hold_from 127.0.0.7 W2; jobs+=("$JOB")
    from 127.0.0.7 send:W expect-reset
    hold_from 127.0.0.8 W3; jobs+=("$JOB")
    from 127.0.0.9 send:W expect-reset
    reload
    from 127.0.0.9 send:W expect-reset
    (($(wc -l <"$TMP/started") == 3))
    local line='service=- reason=limit src=127.0.0'
    (($(grep -c "$line.7 .* action=close target=- in=0 out=0 ms=[0-9]* limit=maxconn-source\$" "$LOG") == 1))
    (($(grep -c "$line.9 .* action=close target=- in=0 out=0 ms=[0-9]* limit=maxconn\$" "$LOG") == 2))
    go_on "${jobs[@]}"
    wait_until 5 from 127.0.0.9 send:W expect:web:W shutdown expect-eof 2>/dev/null
}

@test "budgets: a penalty by the program's exit code or signal keeps its source out" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[guess]' 'string = G' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = exit 5' 'penalty = exit:5 600' 'penalty = exit:6 0' '[killed]' 'string = K' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = kill -TERM $$' 'penalty = signal 600' '[piped]' 'string = P' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = exit 5' 'stdio = pipe' 'penalty = exit:5 600' '[well]' 'string = W' 'exec = /bin/true' | configure
    start_daemon
    from 127.0.0.10 send:G expect-end
    from 127.0.0.11 send:K expect-end
    from 127.0.0.12 send:P expect-end
    from 127.0.0.13 send:W expect-end
    logged_connections 4
    local last
    for last in 10 11 12; do from "127.0.0.$last" expect-reset; done
    from 127.0.0.13 send:W expect-end
    log_says 'reason=limit src=127.0.0.10 .* limit=penalty$'
}

@test "budgets: a crash and a missed deadline keep a source out, if the file says so" {
    answer web
    configure_web 'penalty = crash 600' 'penalty = undecided 600' '[listener quick]' 'bind = 127.0.0.1:0' 'timeout = 0.05'
    start_daemon
    silent_from 127.0.0.7 expect-end
    local crashed=$JOB
    wait_until 5 dispatchers_are 1
    kill -TRAP "${DISPATCHERS[0]}"
    finish "$crashed"
    log_says 'src=127.0.0.7 .* signal=TRAP'
    from 127.0.0.7 expect-reset
    "$PEER" connect "${ADDRESSES[1]}" --from 127.0.0.8:0 expect-end
    log_says 'reason=timeout src=127.0.0.8'
    from 127.0.0.8 expect-reset
    from 127.0.0.9 send:W expect:web:W shutdown expect-eof
}

# header ADDRESS: the PROXY header that names it.
header() { printf '%s' "PROXY TCP4 $1 192.0.2.1 50022 443\r\n"; }

@test "budgets: behind a balancer the client counts, and the balancer does not" {
    answer web
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'proxy-from = 127.0.0.9' 'maxconn-source = 1'
        connect_service web W
        printf '%s\n' '[guess]' 'string = G' 'exec = /bin/sh' 'execarg = -c' "execarg = echo >>$TMP/started; exit 5" 'penalty = exit:5 600'
    } | configure
    start_daemon
    local i jobs=()
    for i in 1 2 3; do
        rm -f "$TMP/held"
        in_background "$PEER" connect "${ADDRESSES[0]}" --from 127.0.0.9:0 "send:$(header "192.0.2.$i")" send:W expect:web:W \
            "touch:$TMP/held" "wait-file:$TMP/go" shutdown expect-eof
        jobs+=("$JOB")
        wait_until 10 exists "$TMP/held"
    done
    from 127.0.0.9 "send:$(header 192.0.2.2)" expect-reset
    log_says 'service=- reason=limit src=192.0.2.2 .* action=close target=- .* limit=maxconn-source$'
    from 127.0.0.9 "send:$(header 192.0.2.4)" send:G expect-end
    wait_until 5 log_has 'service=guess .* src=192.0.2.4 .* exit=5'
    from 127.0.0.9 "send:$(header 192.0.2.4)" expect-reset
    log_says 'service=- reason=limit src=192.0.2.4 .* limit=penalty$'
    from 127.0.0.9 "send:$(header 192.0.2.5)" send:W expect:web:W shutdown expect-eof
    (($(wc -l <"$TMP/started") == 1))
    go_on "${jobs[@]}"
}

# header6 ADDRESS: the same for one of IPv6.
header6() { printf '%s' "PROXY TCP6 $1 2001:db8::ffff 50022 443\r\n"; }

# named HEADER STEP...: a client that a balancer names, and that is served.
named() { from 127.0.0.9 "send:$1" "${@:2}"; }
served_as() { named "$1" send:W expect:web:W shutdown expect-eof; }

# hold_named HEADER: as served_as, and it stays. Its pid is in JOB.
hold_named() {
    rm -f "$TMP/held"
    in_background "$PEER" connect "${ADDRESSES[0]}" --from 127.0.0.9:0 "send:$1" send:W expect:web:W "touch:$TMP/held" \
        "wait-file:$TMP/go" shutdown expect-eof
    wait_until 10 exists "$TMP/held"
}

@test "budgets: behind a balancer, rate-source and its penalty are of the client" {
    answer web
    configure_web 'proxy-from = 127.0.0.9' 'rate-source = 3/600' 'penalty = rate 600'
    start_daemon
    local i
    for i in 1 2 3; do served_as "$(header 192.0.2.7)"; done
    named "$(header 192.0.2.7)" expect-reset
    log_says 'service=- reason=limit src=192.0.2.7 .* limit=rate-source$'
    named "$(header 192.0.2.7)" expect-reset
    log_says 'service=- reason=limit src=192.0.2.7 .* limit=penalty$'
    for i in 1 2 3; do served_as "$(header "192.0.2.1$i")"; done
    not log_has 'reason=limit src=127.0.0.9'
}

@test "budgets: behind a balancer, a missed deadline keeps the client out, and not the balancer" {
    answer web
    configure_web 'proxy-from = 127.0.0.9' 'penalty = undecided 600'
    sed -i 's/^timeout = 60/timeout = 0.5/' "$CONFIG"
    start_daemon
    named "$(header 192.0.2.7)" expect-end
    log_says 'service=- reason=timeout src=192.0.2.7 '
    # Before a header there is no client.
    from 127.0.0.9 expect-end
    log_says 'service=- reason=proxy src=127.0.0.9 '
    wait_until 5 named "$(header 192.0.2.7)" expect-reset
    log_says 'service=- reason=limit src=192.0.2.7 .* limit=penalty$'
    served_as "$(header 192.0.2.8)"
}

@test "budgets: behind a balancer, maxundecided ends the oldest of the greediest client" {
    answer web
    configure_web 'proxy-from = 127.0.0.9' 'maxundecided = 3'
    start_daemon
    local i jobs=()
    for i in 1 2 1 2; do
        silent_from 127.0.0.9 "send:$(header "192.0.2.$i")" expect-end
        jobs+=("$JOB")
        # Its client is known when the one after it comes.
        pass_time 250
    done
    finish "${jobs[0]}"
    log_says 'service=- reason=limit src=192.0.2.1 .* ms=[0-9]+ limit=maxundecided$'
    served_as "$(header 192.0.2.3)"
    finish "${jobs[1]}"
    log_says 'service=- reason=limit src=192.0.2.2 .* ms=[0-9]+ limit=maxundecided$'
    not log_has 'reason=limit src=(127.0.0.9|192.0.2.3)'
}

@test "budgets: in a header an IPv6 /64 is one source, and an IPv4-mapped address is the IPv4 one" {
    answer web
    configure_web 'proxy-from = 127.0.0.9' 'maxconn-source = 1'
    start_daemon
    local jobs=()
    hold_named "$(header6 2001:db8:0:1::1)"; jobs+=("$JOB")
    named "$(header6 2001:db8:0:1:ffff::2)" expect-reset
    log_says 'service=- reason=limit src=2001:db8:0:1:ffff::2 .* limit=maxconn-source$'
    hold_named "$(header6 2001:db8:0:2::1)"; jobs+=("$JOB")
    hold_named "$(header6 ::ffff:192.0.2.7)"; jobs+=("$JOB")
    named "$(header 192.0.2.7)" expect-reset
    log_says 'service=- reason=limit src=192.0.2.7 .* limit=maxconn-source$'
    hold_named "$(header6 ::ffff:192.0.2.8)"; jobs+=("$JOB")
    go_on "${jobs[@]}"
    logged_connections 6
    log_says 'service=web reason=match src=192.0.2.8 '
}

@test "budgets: without an answer of the daemon, a connection goes on" {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[web]' 'string = W' 'exec = /bin/sh' 'execarg = -c' \
        'execarg = printf web:; exec cat' 'maxconn = 3'; } | configure
    start_daemon
    in_background "$PEER" connect "${ADDRESSES[0]}" "touch:$TMP/there" "wait-file:$TMP/stopped" send:W expect:web:W shutdown expect-eof
    local one=$JOB
    wait_until 5 exists "$TMP/there"
    wait_until 5 dispatchers_are 1
    kill -STOP "$DAEMON"
    touch "$TMP/stopped"
    finish "$one"
    kill -CONT "$DAEMON"
    logged_connections 1
    in_background "$PEER" connect "${ADDRESSES[0]}" "touch:$TMP/again" "wait-file:$TMP/gone" send:W expect:web:W shutdown expect-eof
    one=$JOB
    wait_until 5 exists "$TMP/again"
    wait_until 5 dispatchers_are 1
    stop_daemon
    touch "$TMP/gone"
    finish "$one"
}

# note_dispatchers: how many there were at most, in MOST, and how much private memory the youngest had, in MEMORY (KiB;
# only root can read it).
note_dispatchers() {
    local size
    find_dispatchers
    ((${#DISPATCHERS[@]} > 0)) || return 0
    ((${#DISPATCHERS[@]} <= MOST)) || MOST=${#DISPATCHERS[@]}
    size=$(sed -En 's/^Private_Dirty:\s+([0-9]+) kB/\1/p' "/proc/${DISPATCHERS[-1]}/smaps_rollup" 2>/dev/null) || true
    ((${size:-0} <= MEMORY)) || MEMORY=$size
}

# bats test_tags=fault:B8
@test "budgets: of two thousand silent clients as many stay as may be undecided, others are served, and the deadline ends all" {
    [[ $PORTSPLIT_FLAVOUR != asan ]] || skip 'hundreds of processes with AddressSanitizer need gigabytes of memory'
    answer web
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 4' 'maxconn = 3000' 'maxundecided = 300'
        connect_service web W; } | configure
    start_daemon
    # They stay connected as long as this process runs.
    in_background bash -c 'ulimit -n 4096; exec {never}<> <(:)
        for ((i = 0; i < 2000; ++i)); do
            exec {fd}<>"/dev/tcp/127.0.0.1/$0" || exit
            ((i % 20)) || read -r -t 0.03 -u "$never"
        done
        : >"$1"; exec tail -f /dev/null' "$PORT" "$TMP/all"
    local silent=$JOB
    MOST=0 MEMORY=0
    until exists "$TMP/all"; do
        # It may be ended only if it says nothing for a fifth of a second.
        from 127.0.0.9 send:W expect:web:W shutdown expect-eof
        note_dispatchers
    done
    is_alive "$silent"
    echo "at most $MOST dispatchers, of at most $MEMORY KiB"
    # About 130 come in a fifth of a second.
    ((MOST > 200 && MOST < 700))
    ((MEMORY < 256))
    from 127.0.0.9 send:W expect:web:W shutdown expect-eof
    wait_until 10 dispatchers_are 0
    is_alive "$silent"
    not log_has 'signal=KILL|cannot'
}
