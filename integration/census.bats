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
    configure_answers one
    start_daemon
    find_zygote
    local connections=200 before after
    before=$(faults_of "$ZYGOTE")
    client --repeat "$connections" send:one expect:one:one shutdown expect-eof
    finish "$JOB"
    logged_connections "$connections"
    after=$(faults_of "$ZYGOTE")
    echo "$((after - before)) faults in $connections connections"
    # On Linux 6.18 there were 10 in each.
    ((after - before <= 16 * connections))
}
