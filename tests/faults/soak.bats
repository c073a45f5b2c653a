#!/usr/bin/env bats
# Connections of every kind and faults of many kinds at a low rate, for a day: memory, descriptors and counts do not
# grow. PORTSPLIT_SOAK is the number of seconds.

load ../../integration/harness

SOAK=${PORTSPLIT_SOAK:-86400}

configure_all() {
    find_free_port
    configure <<LINES
bind = 127.0.0.1:0
timeout = 0.3
$(connect_service one one)
[refused]
string = refused
connect = 127.0.0.1:$FREE
$(connect_service resetting resetting)
$(exec_service socket /bin/cat)
$(exec_service pipe /bin/cat 'stdio = pipe')
$(exec_service pty /bin/sh 'execarg = -c' 'execarg = head -c 3' 'stdio = pty')
$(exec_service killed /bin/sh 'execarg = -c' 'execarg = kill -KILL \$\$')
$(exec_service missing "$TMP/missing" 'stdio = pipe')
$(connect_service fallback)
$(connect_service timeout)
LINES
}

# One client of each kind, one after the other.
one_round() {
    talk send:one expect:one:one shutdown expect-eof
    talk send:refused expect-end
    talk send:resetting expect-reset
    talk send:socket expect:socket shutdown expect-eof
    talk send:pipe expect:pipe shutdown expect-eof
    talk send:pty expect:pty expect-eof
    talk send:killed expect-end
    talk send:missing expect-end
    talk send:what expect:fallback:what shutdown expect-eof
    talk expect:timeout: shutdown expect-eof
    talk send:on reset
    talk reset
    talk urgent:! acked reset
    talk shutdown expect-end
}

# break_something N: another fault each time.
break_something() {
    case $(($1 % 5)) in
        0) kill -HUP "$DAEMON" ;;
        1) kill -USR1 "$DAEMON" ;;
        2)  # A broken file changes nothing.
            echo nonsense >>"$CONFIG"
            kill -HUP "$DAEMON"
            wait_until 10 log_has 'reload failed'
            sed -i '$d' "$CONFIG" ;;
        3)
            doomed_client send:one. expect:one:one. "touch:$TMP/up.$1" hold
            wait_until 10 exists "$TMP/up.$1"
            find_dispatchers
            kill -KILL "${DISPATCHERS[@]}"
            rm "$TMP/up.$1" ;;
        4)
            local before=$ZYGOTE
            kill -KILL "$ZYGOTE"
            wait_until 10 another_zygote "$before" ;;
    esac
    : >"$LOG"
}

# measure: waits until nothing is served; memory in KiB and descriptors of daemon and zygote, in MEASURED.
measure() {
    local pid
    wait_until 30 is_quiet
    MEASURED=()
    for pid in "$DAEMON" "$ZYGOTE"; do
        MEASURED+=("$(sed -En 's/^VmRSS:\s+([0-9]+) kB/\1/p' "/proc/$pid/status")")
        count_fds "$pid"
        MEASURED+=("$COUNT")
    done
}

@test "soak: memory, descriptors and counts do not grow" {
    needs_root
    answer one fallback timeout
    serve resetting expect:resetting reset
    configure_all
    start_daemon
    local round=0 first=() end next i
    look_at_clock
    end=$((NOW + SOAK * 1000)) next=$NOW
    while ((NOW < end)); do
        one_round
        ((++round % 20)) || break_something $((round / 20))
        wait_until 10 find_zygote
        pass_time 200
        look_at_clock
        ((NOW >= next)) || continue
        # After a tenth of the time, everything has been done often.
        next=$((NOW + SOAK * 1000 / 10))
        measure
        echo "# round $round: daemon ${MEASURED[0]} KiB, ${MEASURED[1]} descriptors; zygote ${MEASURED[2]} KiB, ${MEASURED[3]} descriptors" >&3
        ((round > 1)) || continue
        ((${#first[@]} > 0)) || first=("${MEASURED[@]}")
        for i in 0 2; do ((MEASURED[i] <= first[i] + 512)); done
        for i in 1 3; do ((MEASURED[i] <= first[i])); done
    done
    wait_until 10 reaches one
    take_baseline
    : >"$TMP/peers" # the servers report the resets of the clients
}
