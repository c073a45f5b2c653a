#!/usr/bin/env bats
# Whichever allocation of memory fails: a program ends with a message or does what it should, and a daemon that
# serves goes on.

load harness

not_with_asan() { [[ $PORTSPLIT_FLAVOUR != asan ]] || skip 'AddressSanitizer allocates memory itself'; }

# ends_well N COMMAND...: with the Nth allocation failing the command writes EXPECTED, and SAME counts that, or it ends
# with a message.
ends_well() {
    local code=0 out
    out=$(LD_PRELOAD=$PORTSPLIT_TOOLS/failing_malloc.so FAIL_AT=$1 "${@:2}" 2>&1) || code=$?
    if [[ $code == 0 && $out == "$EXPECTED" ]]; then
        SAME=$((SAME + 1))
        return
    fi
    SAME=0
    # 134: SIGABRT, where the runtime of C++ ends a program before main.
    [[ $code == 71 && $out == *'cannot allocate memory'* || $code == 134 && $out == *bad_alloc* ]] && return
    echo "allocation $1 of ${*:2}: exit=$code, $out"
    return 1
}

# bats test_tags=fault:G2
@test "memory: whichever allocation of check, explain or convert fails, the result is right or there is a message" {
    not_with_asan
    answer one
    configure_answers one
    printf '%s\n' '[other]' 'regex = (GET|HEAD) /[a-z]+' 'exec = /bin/cat' '[fallback]' 'connect = localhost:80' >>"$CONFIG"
    local command n words step=1
    for command in check 'explain --text SSH-' 'convert --to libconfig'; do
        read -r -a words <<<"$command"
        words=("$PORTSPLIT_BIN/portsplit" "${words[@]}" "$CONFIG")
        EXPECTED=$("${words[@]}" 2>&1)
        # When forty in a row make no difference, there are no more.
        SAME=0
        for ((n = 1; SAME < 40; n += step)); do ends_well "$n" "${words[@]}"; done
        echo "$command has about $((n - 40 * step)) allocations"
        ((n > 200))
        step=4 # for the others: the file is read alike
    done
}

# started_or_over: the daemon serves, or has ended.
started_or_over() { [[ -s $TMP/ready || -e $TMP/status ]]; }

# bats test_tags=fault:G2
@test "memory: whichever allocation of the daemon fails, it does not start, with a message, or it serves" {
    not_with_asan
    answer one
    configure_answers one
    local n served=0 refused=0
    # Some 130 in the daemon, the rest in the process that reads the file.
    for n in {1..140..3} {160..700..45}; do
        : >"$LOG"
        WRAPPER=(env "LD_PRELOAD=$PORTSPLIT_TOOLS/failing_malloc.so" "FAIL_AT=$n")
        spawn_daemon
        wait_until 10 started_or_over
        if has_content "$TMP/ready"; then
            served=$((served + 1))
            read -r -a ADDRESSES <"$TMP/ready"
            PORT=${ADDRESSES[2]##*:}
            hold_open one
            kill -HUP "$DAEMON"
            # If the daemon ends, the connection goes on.
            reloaded_or_over() { log_has reload || exists "$TMP/status"; }
            wait_until 10 reloaded_or_over
            reaches one 2>/dev/null || wait_until 5 exists "$TMP/status"
            go_on "$JOB"
            exists "$TMP/status" || kill -TERM "$DAEMON"
        else
            refused=$((refused + 1))
        fi
        wait_until 10 exists "$TMP/status"
        echo "allocation $n: $(<"$TMP/status")"
        # SIGABRT: the first ones fail before main.
        [[ $(<"$TMP/status") =~ ^exit=(0|71)$ || $(<"$TMP/status") == signal=6 && n -lt 20 ]]
        [[ $(<"$TMP/status") == exit=0 ]] || grep -Eqs 'std::bad_alloc|allocate memory|MiB of memory|ready \(signal=ABRT\)' "$LOG" "$STDERR" ||
            { cat "$LOG" "$STDERR"; return 1; }
        : >"$STDERR"
        wait_until 10 is_over "$KEEPER"
    done
        echo "$served served, $refused refused to start"
    ((served > 10 && refused > 5))
}
