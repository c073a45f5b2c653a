#!/usr/bin/env bats
# Problems at the start are logged; they end the daemon only if it could serve no connection.

load harness

# bats test_tags=fault:A5
@test "start: a missing program is a warning" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[x]' 'string = X' "exec = $TMP/missing" | configure
    start_daemon
    log_says "$CONFIG:4: warning: exec = $TMP/missing: No such file or directory"
}

# bats test_tags=fault:B5
@test "start: without portsplit-dispatch the daemon exits 71, and names it" {
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplitd" "$TMP/bin"
    answer one
    configure_answers one
    run -71 "$TMP/bin/portsplitd" "$CONFIG"
    [[ $output == *'cannot open portsplit-dispatch, '*': No such file or directory' ]]
}

# bats test_tags=fault:B5
@test "start: a portsplit-dispatch that cannot serve ends the daemon with 71" {
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplitd" "$TMP/bin"
    # Not a script: its interpreter could not open it, because its descriptor is closed (execveat(2)).
    cp /bin/false "$TMP/bin/portsplit-dispatch"
    answer one
    configure_answers one
    run -71 timeout 20 "$TMP/bin/portsplitd" "$CONFIG"
    [[ $output == *'ended before it was ready (exit=1)'* ]]
}

# bats test_tags=fault:B5,fault:F7
@test "start: a portsplit-dispatch replaced on disk does not disturb the running daemon" {
    mkdir "$TMP/bin"
    cp "$PORTSPLIT_BIN/portsplitd" "$PORTSPLIT_BIN/portsplit-dispatch" "$TMP/bin"
    answer one
    configure_answers one
    PORTSPLIT_BIN=$TMP/bin start_daemon
    printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/new"
    chmod +x "$TMP/bin/new"
    mv "$TMP/bin/new" "$TMP/bin/portsplit-dispatch"
    reload
    not log_has 'reload failed'
    reaches one
    kill -KILL "$ZYGOTE"
    wait_until 5 reaches one
    wait_until 5 is_quiet
}

# bats test_tags=fault:A3
@test "start: ten thousand services with a hundred thousand patterns serve within ten seconds" {
    answer first last
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'
        awk -v first="$first_port" -v last="$last_port" 'BEGIN {
            for (i = 0; i < 10000; ++i) {
                printf "[s%d]\nconnect = 127.0.0.1:%d\n", i, i < 5000 ? first : last
                for (k = 0; k < 10; ++k) printf "string = %05d%d\n", i, k
            }
        }'
    } | configure
    look_at_clock
    local start=$NOW
    start_daemon
    look_at_clock
    echo "ready after $((NOW - start)) ms"
    ((NOW - start < 10000 * PORTSPLIT_PATIENCE))
    talk send:000000 expect:first:000000 shutdown expect-eof
    talk send-bytewise:099999 expect:last:099999 shutdown expect-eof
    log_says 'service=s9999 reason=match '
}
