#!/usr/bin/env bats
# Listeners of their own: each asks its own services, with its own deadline and last resorts, wherever its
# sockets come from.

load harness

# configure_listeners LINE...: `main` on the first address asks all services, and these lines follow.
configure_listeners() {
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "$@"
        connect_service one a
        connect_service two ab
        connect_service last zzz; } | configure
}

# at N STEP...: a client of the N-th address.
at() { "$PEER" connect "${ADDRESSES[$1]}" --limit 5000 "${@:2}"; }
# goes_to N TEXT SERVER: the text, sent to the N-th address, reaches the server.
goes_to() { at "$1" "send:$2" "expect:$3:$2" shutdown expect-eof; }

@test "own listeners: each asks its own services, with its own last resorts and deadline" {
    answer one two last
    configure_listeners '[listener second]' 'bind = 127.0.0.1:0' 'services = two' 'fallback = last' \
        'on-timeout = last' 'timeout = 0.2' \
        '[listener third]' 'bind = 127.0.0.1:0' 'services = one' 'services = two' 'on-timeout = two'
    start_daemon
    goes_to 0 ab one
    goes_to 1 ab two
    goes_to 1 x last
    # The deadline of this one alone is short.
    at 1 expect:last: reset
    goes_to 2 ab one
    at 2 send:x expect-end
    logged_connections 6
    log_says 'service=one reason=match .* out=6 ms=[0-9]+ listener=main$'
    log_says 'service=two reason=match .* ms=[0-9]+ listener=second$'
    log_says 'service=last reason=fallback .* listener=second$'
    log_says 'service=last reason=timeout .* listener=second$'
    log_says 'service=- reason=fallback .* action=close .* listener=third$'
}

@test "own listeners: a file without a section logs as before, and programs get no name" {
    configure_probe
    start_daemon
    take_report
    not file_says "$TMP/report" PORTSPLIT_LISTENER
    logged_connections 1
    not log_has listener=
}

@test "own listeners: the name stands behind exit, before fields, and in lines of the start; programs get it" {
    configure_probe 'log = start' '[listener main]'
    start_daemon
    take_report
    file_says "$TMP/report" '^env PORTSPLIT_LISTENER=main$'
    log_says 'started service=probe .* target=.* listener=main$'
    log_says ': service=probe .* exit=0 listener=main$'
}

@test "own listeners: the other spelling says the same" {
    answer one two last
    configure_listeners '[listener second]' 'bind = 127.0.0.1:0' 'services = two' 'fallback = last'
    run -0 "$PORTSPLIT_BIN/portsplit" convert "$CONFIG"
    configure <<<"$output"
    start_daemon
    goes_to 0 ab one
    goes_to 1 ab two
    goes_to 1 x last
}

@test "own listeners: a reload adds, changes and removes them, and refuses and resets no client" {
    answer one two last
    find_free_port
    local own=("[listener second]" "bind = 127.0.0.1:$FREE" 'services = two')
    configure_listeners '[listener stays]' 'bind = 127.0.0.1:0' 'services = two'
    start_daemon
    local stop=$TMP/stop jobs=() address i
    for address in "${ADDRESSES[@]}"; do
        in_background "$PEER" connect "$address" --until "$stop" send:ab. shutdown print \
            >"$TMP/replies.${#jobs[@]}"
        jobs+=("$JOB")
    done
    for i in 1 2 3 4 5; do
        configure_listeners "${own[@]}" '[listener stays]' 'bind = 127.0.0.1:0' 'services = one'
        reload
        "$PEER" connect "127.0.0.1:$FREE" send:ab expect:two:ab shutdown expect-eof
        goes_to 1 ab one
        configure_listeners '[listener stays]' 'bind = 127.0.0.1:0' 'services = two'
        reload
        goes_to 1 ab two
        run "$PEER" connect "127.0.0.1:$FREE" send:ab
        [[ $output == *'Connection refused'* ]]
    done
    touch "$stop"
    for i in "${jobs[@]}"; do finish "$i"; done
    # Each reply is whole; behind them is how many connections there were.
    [[ $(<"$TMP/replies.0") =~ ^(one:ab\.)+[0-9]+$ ]]
    [[ $(<"$TMP/replies.1") =~ ^((one|two):ab\.)+[0-9]+$ ]]
    not log_has 'reload failed'
}

@test "own listeners: clients in the accept queue of a removed listener are served as before" {
    answer one two last
    configure_listeners 'maxconn = 1' '[listener second]' 'bind = 127.0.0.1:0' 'services = two'
    start_daemon
    client send:a expect:one:a "touch:$TMP/up" "wait-file:$TMP/go" shutdown expect-eof
    local live=$JOB
    wait_until 10 exists "$TMP/up"
    in_background "$PEER" connect "${ADDRESSES[1]}" send:ab "touch:$TMP/queued" expect:two:ab shutdown expect-eof
    local queued=$JOB
    wait_until 10 exists "$TMP/queued"
    configure_listeners 'maxconn = 1'
    reload
    finish "$queued"
    touch "$TMP/go"
    finish "$live"
    log_says 'service=two .* listener=second$'
}

@test "own listeners: a passed socket serves the listener of its name, else that of its address, else main" {
    answer one two last
    find_free_port
    local named=$FREE
    find_free_port
    local addressed=$FREE
    find_free_port
    configure_listeners '[listener second]' 'services = two' '[listener third]' \
        "bind = 127.0.0.1:$addressed" 'services = two'
    sed -i 1d "$CONFIG"
    systemd-socket-activate -l "127.0.0.1:$named" -l "127.0.0.1:$addressed" -l "127.0.0.1:$FREE" \
        --fdname=second:other:unknown "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_until 10 "$PEER" connect "127.0.0.1:$named" send:ab expect:two:ab shutdown expect-eof 2>/dev/null
    "$PEER" connect "127.0.0.1:$addressed" send:ab expect:two:ab shutdown expect-eof
    "$PEER" connect "127.0.0.1:$FREE" send:ab expect:one:ab shutdown expect-eof
    log_says "using the socket second \(127.0.0.1:$named\) from the service manager for the listener of its name\$"
    log_says 'listener=second$'
    log_says 'listener=third$'
    log_says 'listener=main$'
}

@test "own listeners: a reload that removes the listener of a passed socket says who serves it now" {
    answer one two last
    find_free_port
    configure_listeners '[listener second]' 'services = two'
    sed -i 1d "$CONFIG"
    systemd-socket-activate -l "127.0.0.1:$FREE" --fdname=second "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" \
        >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    local daemon=$!
    wait_until 10 "$PEER" connect "127.0.0.1:$FREE" send:ab expect:two:ab shutdown expect-eof 2>/dev/null
    sed -i '/listener second/,+1d' "$CONFIG"
    kill -HUP "$daemon"
    log_says "the socket second \(127.0.0.1:$FREE\) of the service manager has no listener of its name any more: its clients are now those of the listener main"
    "$PEER" connect "127.0.0.1:$FREE" send:ab expect:one:ab shutdown expect-eof
}

@test "own listeners: a listener without a bind and without a passed socket of its name is an error" {
    answer one two last
    configure_listeners '[listener second]' 'services = two'
    run -78 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *'listener second has no bind; write where it listens, such as bind = *:443'* ]]
    spawn_daemon
    expect_exit 78
    find_free_port
    systemd-socket-activate -l "127.0.0.1:$FREE" --fdname=other "$PORTSPLIT_BIN/portsplitd" --log "$LOG" \
        "$CONFIG" >"$TMP/super" 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_until 10 eval "echo >/dev/tcp/127.0.0.1/$FREE" 2>/dev/null
    log_says 'listener second has no bind, and the service manager passed no socket named second: write a bind, or FileDescriptorName=second in its socket unit$'
}

@test "own listeners: --inetd --listener serves as that listener does" {
    answer one two last
    configure_listeners '[listener second]' 'services = two'
    local dispatch=("$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG")
    [[ $(printf ab | "${dispatch[@]}" "$CONFIG") == one:ab ]]
    [[ $(printf ab | "${dispatch[@]}" --listener second "$CONFIG") == two:ab ]]
    log_says 'listener=main$'
    log_says 'listener=second$'
    printf ab | run -64 "${dispatch[@]}" --listener thrid "$CONFIG"
    log_says '--listener thrid: the configuration has no such listener; write main or second$'
}

@test "own listeners: explain, test and check know them" {
    answer one two last
    configure_listeners '[listener second]' 'bind = 127.0.0.1:0' 'services = two' 'fallback = last'
    local portsplit=$PORTSPLIT_BIN/portsplit
    run -0 "$portsplit" explain --text ab "$CONFIG"
    [[ ${lines[0]} == 'service=one reason=match bytes=1 '* ]]
    run -0 "$portsplit" explain --listener second --text ab "$CONFIG"
    [[ ${lines[0]} == 'service=two reason=match bytes=2 '* ]]
    [[ $output == *$'\n''one   not asked here'$'\n''two   match'* ]]
    run -0 "$portsplit" explain --listener second --json --text x "$CONFIG"
    [[ $output == '{"service":"last","reason":"fallback",'* ]]
    [[ $output == *'"name":"one","asked":false,'* ]]
    run -64 "$portsplit" explain --listener thrid --text x "$CONFIG"
    [[ $output == *'--listener thrid: the configuration has no such listener; write main or second' ]]
    printf '%s\n' '[main]' 'string = ab' 'service = one' '[second]' 'listener = second' 'string = ab' \
        'service = two' 'certain = 2' '[other]' 'listener = second' 'string = x' 'service = last' \
        'reason = fallback' >"$TMP/cases"
    run -0 "$portsplit" test "$CONFIG" "$TMP/cases"
    [[ $output == '3 cases: 3 as expected, 0 not' ]]
    sed -i 's/^listener.*/listener = thrid/' "$TMP/cases"
    run -78 "$portsplit" test "$CONFIG" "$TMP/cases"
    [[ $output == *"$TMP/cases:5: listener = thrid: the configuration has no such listener; write main or second"* ]]
    # A layout is read for the listeners that ask it.
    printf '%s\n' '[named]' 'http.host = a.test' 'connect = 127.0.0.1:1' >>"$CONFIG"
    run -0 "$portsplit" explain --text 'GET / HTTP/1.1\0D\0A' "$CONFIG"
    [[ $output == *'http.method "GET"'* ]]
    run -0 "$portsplit" explain --listener second --text 'GET / HTTP/1.1\0D\0A' "$CONFIG"
    [[ $output != *http.method* ]]
    # `two` never wins on `main`, but on `second`.
    run -0 "$portsplit" check "$CONFIG"
    [[ $output != *never-wins* && $output != *not-asked* ]]
}
