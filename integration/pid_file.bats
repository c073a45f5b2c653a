#!/usr/bin/env bats
# The pid file names the daemon that listens, and there is only one of them.

load harness

with_pid_file() {
    answer one
    GLOBALS="pid = $TMP/pid-file" configure_answers one
}

@test "pid file: it names the daemon while it listens" {
    with_pid_file
    start_daemon
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    stop_daemon
    [[ ! -e $TMP/pid-file ]]
}

@test "pid file: it is removed when listening stops, not with the last connection" {
    with_pid_file
    start_daemon
    hold_open one
    kill -QUIT "$DAEMON"
    wait_until 5 not exists "$TMP/pid-file"
    is_alive "$DAEMON"
    go_on "$JOB"
    expect_exit 0
}

# bats test_tags=fault:A7
@test "pid file: one that a crash left behind is taken over" {
    with_pid_file
    start_daemon
    kill -KILL "$DAEMON"
    wait_until 5 exists "$TMP/status"
    [[ -e $TMP/pid-file ]]
    start_daemon
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    reaches one
}

# bats test_tags=fault:A7
@test "pid file: a symbolic link is refused, and its target is not changed" {
    with_pid_file
    echo precious >"$TMP/target"
    ln -s "$TMP/target" "$TMP/pid-file"
    spawn_daemon
    expect_exit 71
    log_says "$TMP/pid-file"
    [[ $(<"$TMP/target") == precious ]]
}

# bats test_tags=fault:A7
@test "pid file: a second daemon with the same one is refused, and the first is not disturbed" {
    with_pid_file
    start_daemon
    run -71 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *"another portsplitd holds the pid file $TMP/pid-file"* ]]
    [[ $(<"$TMP/pid-file") == "$DAEMON" ]]
    reaches one
}

# bats test_tags=fault:A7
@test "pid file: of five daemons that start at once with the same pid file, exactly one serves" {
    with_pid_file
    mkfifo "$TMP/gate"
    local i gate pids=()
    for i in {1..5}; do
        # Opening the FIFO blocks until it is opened for writing (fifo(7)).
        bash -c ': <"$0"; exec "$@"' "$TMP/gate" \
            "$PORTSPLIT_BIN/portsplitd" --log "$TMP/log.$i" "$CONFIG" 3>&- &
        pids+=("$!")
        BACKGROUND+=("$!")
    done
    exec {gate}<>"$TMP/gate"
    local winner='' lost=0 alive
    only_one_lives() {
        alive=()
        for i in "${pids[@]}"; do ! is_alive "$i" || alive+=("$i"); done
        ((${#alive[@]} == 1))
    }
    wait_until 20 only_one_lives
    winner=${alive[0]}
    wait_until 5 file_says "$TMP/pid-file" "^$winner\$"
    for i in "${pids[@]}"; do
        [[ $i == "$winner" ]] && continue
        local code=0
        wait "$i" || code=$?
        ((code == 71)) && lost=$((lost + 1))
    done
    kill "$winner"
    wait "$winner"
    exec {gate}>&-
    ((lost == 4))
    [[ ! -e $TMP/pid-file ]]
}

# bats test_tags=fault:A7
@test "pid file: the daemon does not start if the pid file cannot be written" {
    answer one
    GLOBALS="pid = $TMP/no-such-folder/pid" configure_answers one
    spawn_daemon
    expect_exit 71
    log_says "cannot write the pid file $TMP/no-such-folder/pid: No such file or directory"
}
