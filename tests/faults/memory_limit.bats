#!/usr/bin/env bats
# A process that the kernel kills because its memory is at a limit costs what any killed one costs.

load ../../integration/harness

# make_group NAME BYTES: a cgroup with this limit, in GROUP.
make_group() {
    local top=/sys/fs/cgroup limit=memory.max
    if [[ -e $top/memory/memory.limit_in_bytes ]]; then
        top=$top/memory
        limit=memory.limit_in_bytes
    fi
    GROUP=$top/portsplit-test-$$-$1
    mkdir "$GROUP"
    GROUPS_MADE+=("$GROUP")
    echo "$2" >"$GROUP/$limit"
    [[ $limit != memory.max ]] || echo 0 >"$GROUP/memory.swap.max" 2>/dev/null || true
}
enter() { echo "$1" >"$GROUP/cgroup.procs"; }

teardown() {
    check_what_is_left
    local group
    for group in "${GROUPS_MADE[@]}"; do rmdir "$group"; done
}

# start_hungry: a pattern for whose 60,000 bytes a dispatcher takes memory from the heap, and a service beside it.
start_hungry() {
    needs_root
    GROUPS_MADE=()
    answer one
    { printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[long]' "string = $(printf 'x%.0s' {1..60000})" \
        "connect = 127.0.0.1:$one_port"; connect_service one one; } | configure
    start_daemon
}

@test "memory limit: a dispatcher that is killed costs its own connection only" {
    start_hungry
    hold_open one
    local held=$JOB
    find_dispatchers
    local other=${DISPATCHERS[0]} pid
    head -c 50000 /dev/zero | tr '\0' x >"$TMP/bytes"
    make_group dispatcher 16384
    doomed_client send:x "touch:$TMP/there" "wait-file:$TMP/grow" "send:$(<"$TMP/bytes")" expect-end
    wait_until 5 exists "$TMP/there"
    wait_until 5 dispatchers_are 2
    for pid in "${DISPATCHERS[@]}"; do [[ $pid == "$other" ]] || enter "$pid"; done
    touch "$TMP/grow"
    log_says 'service=- reason=- .* action=close .* signal=KILL$'
    reaches one
    go_on "$held"
}

@test "memory limit: a zygote that is killed is replaced, and connections go on" {
    start_hungry
    hold_open one
    make_group zygote 16384
    enter "$ZYGOTE"
    # Each process that it forks needs memory of its own.
    local i
    for i in {1..20}; do talk --limit 20000 send:one. expect:one:one. shutdown expect-eof 2>/dev/null || true; done
    log_says 'portsplit-dispatch died \(signal=KILL\)'
    wait_until 5 reaches one
    go_on "$JOB"
    take_baseline
}
