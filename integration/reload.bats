#!/usr/bin/env bats
# SIGHUP loads the file again: new services for new clients, and connections notice nothing. A file with
# errors changes nothing.

load harness

@test "reload: new clients get the new services, and connections keep the old ones" {
    answer one two
    configure_answers one
    start_daemon
    hold_open one
    local held=$JOB
    configure_answers two
    reload
    log_says "reloaded $CONFIG, listening on 127.0.0.1:$PORT"
    reaches two
    talk --limit 5000 send:one expect-end
    go_on "$held"
}

# bats test_tags=fault:A6,fault:F2
@test "reload: a broken file changes nothing, and the log has every problem" {
    answer one
    configure_answers one
    start_daemon
    printf '%s\n' 'bind = 127.0.0.1:0' 'colour = red' '[x]' 'connect = nowhere' >"$CONFIG"
    reload
    log_says "$CONFIG:2: unknown key colour"
    log_says "$CONFIG:4: connect = nowhere: "
    log_says "reload failed: 3 problems in $CONFIG; still serving the configuration loaded at 20..-..-.. ..:..\$"
    reaches one
    rm "$CONFIG"
    reload
    log_says "cannot read $CONFIG: No such file or directory"
    log_says 'reload failed; still serving the configuration loaded at 20..-..-.. ..:..$'
    reaches one
}

@test "reload: an added address is opened, a removed one closed, and the others stay" {
    answer one
    configure_answers one
    start_daemon
    local inode
    inode=$(ss -Hltne "sport = :$PORT" | grep -o 'ino:[0-9]*')
    find_free_port
    local added=$FREE
    GLOBALS="bind = 127.0.0.1:$added" configure_answers one
    reload
    reaches one
    "$PEER" connect "127.0.0.1:$added" send:one. expect:one:one. shutdown expect-eof
    [[ $(ss -Hltne "sport = :$PORT" | grep -o 'ino:[0-9]*') == "$inode" ]]
    configure_answers one
    reload
    reaches one
    run "$PEER" connect "127.0.0.1:$added" send:one.
    [[ $output == *'Connection refused'* ]]
    [[ $(ss -Hltne "sport = :$PORT" | grep -o 'ino:[0-9]*') == "$inode" ]]
}

# bats test_tags=fault:F1
@test "reload: a connection on a removed address goes on" {
    answer one
    find_free_port
    GLOBALS="bind = 127.0.0.1:$FREE" configure_answers one
    start_daemon
    local kept=$PORT
    PORT=$FREE
    hold_open one
    configure_answers one
    reload
    PORT=$kept
    reaches one
    go_on "$JOB"
}

# bats test_tags=fault:F1
@test "reload: clients in the accept queue of a removed address are served, even at maxconn" {
    answer one
    GLOBALS=$'bind = 127.0.0.2:0\nmaxconn = 1' configure_answers one
    start_daemon
    client send:one expect:one:one "touch:$TMP/up" "wait-file:$TMP/go" shutdown expect-eof
    local live=$JOB queued=() i
    wait_until 10 exists "$TMP/up"
    for i in 1 2 3 4 5; do
        in_background "$PEER" connect "${ADDRESSES[1]}" send:one "touch:$TMP/queued$i" expect:one:one shutdown expect-eof
        queued+=("$JOB")
    done
    for i in 1 2 3 4 5; do wait_until 10 exists "$TMP/queued$i"; done
    sed -i /127.0.0.2/d "$CONFIG"
    reload
    touch "$TMP/go"
    for i in "$live" "${queued[@]}"; do finish "$i"; done
}

# bats test_tags=fault:F2
@test "reload: an address that cannot be bound changes nothing" {
    answer one two
    configure_answers one
    start_daemon
    GLOBALS="bind = 127.0.0.1:$two_port" configure_answers one
    reload
    log_says "cannot listen on 127.0.0.1:$two_port: Address already in use"
    log_says 'reload failed'
    reaches one
}

# bats test_tags=fault:F1
@test "reload: a reload every 50 ms refuses and resets no client" {
    answer one
    GLOBALS='log = all' configure_answers one
    start_daemon
    local jobs=() i reloads=0
    client --repeat 300 send:one. expect:one:one. shutdown expect-eof
    jobs+=("$JOB")
    for i in 1 2; do
        client --until "$TMP/stop" send:one. expect:one:one. shutdown expect-eof >"$TMP/count.$i"
        jobs+=("$JOB")
    done
    # At least thirty reloads, and as many as three hundred connections take.
    while ((reloads < 30)) || is_alive "${jobs[0]}"; do
        kill -HUP "$DAEMON"
        pass_time 50
        reloads=$((reloads + 1))
    done
    touch "$TMP/stop"
    local total=300
    for i in "${jobs[@]}"; do finish "$i"; done
    for i in 1 2; do total=$((total + $(<"$TMP/count.$i"))); done
    echo "$total connections, $reloads reloads"
    wait_until 10 is_quiet
    logged_connections "$total"
    not log_has 'reload failed'
}

# bats test_tags=fault:F1
@test "reload: after many signals at once the newest file is served" {
    answer one two
    configure_answers one
    start_daemon
    configure_answers two
    local i
    for i in {1..50}; do kill -HUP "$DAEMON"; done
    wait_until 10 reaches two 2>/dev/null
    wait_until 10 is_quiet
}
