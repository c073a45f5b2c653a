#!/usr/bin/env bats
# Hundreds of connections of every kind leave no process, zombie or descriptor.

load harness

# bats test_tags=fault:B9
@test "census: five hundred connections of every kind leave nothing behind" {
    answer relay fallback timeout
    serve resetting expect:reset reset
    find_free_port
    configure <<END
bind = 127.0.0.1:0
log = start
timeout = 0.3
maxconn = 30
maxundecided = 0
$(connect_service relay relay)
$(connect_service resetting reset)
[refused]
string = refused
connect = 127.0.0.1:$FREE
$(exec_service socket /bin/cat)
$(exec_service pipe /bin/cat 'stdio = pipe')
$(exec_service pty /bin/sh 'execarg = -c' 'execarg = head -c 3' 'stdio = pty')
$(exec_service missing "$TMP/missing" 'stdio = pipe')
$(connect_service fallback)
$(connect_service timeout)
END
    start_daemon
    local jobs=() i
    many() {
        client --repeat "$@"
        jobs+=("$JOB")
    }
    many 80 send-bytewise:relay expect:relay:relay shutdown expect-eof
    many 80 send:socket expect:socket shutdown expect-eof
    many 60 send:pipe expect:pipe shutdown expect-eof
    many 40 send:pty expect:pty expect-eof
    many 60 send:what expect:fallback:what shutdown expect-eof
    many 40 send:relay acked reset
    many 30 send:rel acked reset
    many 20 send:reset expect-reset
    many 20 send:missing expect-end
    many 20 send:refused expect-end
    many 10 urgent:! reset
    for i in {1..4}; do many 5 expect:timeout: shutdown expect-eof; done
    for i in {1..4}; do many 5 send:re expect:timeout:re shutdown expect-eof; done
    for i in "${jobs[@]}"; do finish "$i"; done
    logged_connections 500
    : >"$TMP/peers" # the servers report the resets of the clients
}

# memory_of PID: its resident memory in KiB, in MEMORY.
memory_of() { MEMORY=$(sed -En 's/^VmRSS:\s+([0-9]+) kB/\1/p' "/proc/$1/status"); }

# bats test_tags=fault:B3,fault:B9
@test "census: a storm of clients that connect and close, or reset, leaves nothing behind and fills no log" {
    answer one
    configure_answers one
    start_daemon
    reaches one
    local daemon_before zygote_before jobs=() i total=0
    memory_of "$DAEMON"; daemon_before=$MEMORY
    memory_of "$ZYGOTE"; zygote_before=$MEMORY
    for i in reset 'send:on reset' 'shutdown expect-end'; do
        # shellcheck disable=SC2086 # several words
        client --until "$TMP/stop" $i >"$TMP/count.${#jobs[@]}"
        jobs+=("$JOB")
    done
    pass_time 3000
    wait_until 5 reaches one 2>/dev/null
    touch "$TMP/stop"
    for i in "${jobs[@]}"; do finish "$i"; done
    for i in 0 1 2; do total=$((total + $(<"$TMP/count.$i"))); done
    echo "$total connections"
    ((total > 200))
    wait_until 1 reaches one
    wait_until 10 is_quiet
    (($(wc -l <"$LOG") < 40))
    not log_has 'cannot|rror'
    [[ $PORTSPLIT_FLAVOUR != asan ]] || return 0 # AddressSanitizer keeps memory that was freed
    memory_of "$DAEMON"
    echo "the daemon: $daemon_before KiB, then $MEMORY KiB"
    ((MEMORY < daemon_before + 1024))
    memory_of "$ZYGOTE"
    echo "the zygote: $zygote_before KiB, then $MEMORY KiB"
    ((MEMORY < zygote_before + 1024))
}

# faults_of PID: how many page faults its children have had that have ended (proc(5) cminflt).
faults_of() {
    local fields
    read -r -a fields < <(sed 's/.*) //' "/proc/$1/stat")
    echo "${fields[8]}"
}

# A fault is a large part of what a forked process costs. A static object with a destructor, code that
# src/dispatch/serving.ld does not name or a large object on the stack adds some to each connection.
@test "census: a connection that is relayed has few page faults" {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'the sanitizers have faults of their own'
    answer one
    GLOBALS='log = all' configure_answers one
    start_daemon
    find_zygote
    local connections=200 before after
    before=$(faults_of "$ZYGOTE")
    client --repeat "$connections" send:one expect:one:one shutdown expect-eof
    finish "$JOB"
    logged_connections "$connections"
    after=$(faults_of "$ZYGOTE")
    echo "$((after - before)) faults in $connections connections"
    # On Linux 6.18 there are 14 in each: the kernel maps what of the file is in memory in large pieces.
    ((after - before <= 16 * connections))
}
