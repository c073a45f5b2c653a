#!/usr/bin/env bats
# Hundreds of connections of every kind leave nothing behind.

load harness

@test "census: five hundred connections of every kind leave no process, zombie or descriptor" {
    answer relay fallback timeout
    serve resetting expect:reset reset
    find_free_port
    configure <<END
bind = 127.0.0.1:0
timeout = 0.3
maxconn = 30
[relay]
string = relay
connect = 127.0.0.1:$relay_port
[resetting]
string = reset
connect = 127.0.0.1:$resetting_port
[refused]
string = refused
connect = 127.0.0.1:$FREE
[socket]
string = socket
exec = /bin/cat
[pipe]
string = pipe
exec = /bin/cat
stdio = pipe
[pty]
string = pty
exec = /bin/sh
execarg = -c
execarg = head -c 3
stdio = pty
[missing]
string = missing
exec = $TMP/missing
stdio = pipe
[fallback]
connect = 127.0.0.1:$fallback_port
[timeout]
connect = 127.0.0.1:$timeout_port
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
    : >"$TMP/peers" # the answering servers' complaints about the clients' resets
}
