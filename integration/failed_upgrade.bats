#!/usr/bin/env bats
# A file that holds no program which can take over changes nothing: the daemon goes on and says why.

load upgrade

# install_script LINE...: a shell script in place of portsplitd.
install_script() {
    printf '%s\n' '#!/bin/sh' "$@" >"$TMP/script"
    chmod +x "$TMP/script"
    put "$TMP/script" portsplitd
}

# goes_on WHY: an upgrade that is tried now is refused with this reason, and the daemon serves.
goes_on() {
    find_zygote
    local before=$ZYGOTE
    kill -USR2 "$DAEMON"
    wait_until 20 log_has "cannot upgrade to $PORTSPLIT_BIN/portsplitd: $1; this portsplitd goes on\$"
    find_zygote
    [[ $ZYGOTE == "$before" ]]
    not log_has 'upgraded to portsplitd'
    reaches one
}

@test "failed upgrade: a file that holds no successor changes nothing, and the log says why" {
    take_programs
    one_service
    start_daemon
    hold_open one
    local held=$JOB asked='asked whether it can take over, it ended with'
    put /bin/true portsplitd
    goes_on "$asked exit=0 and said nothing"
    put /bin/false portsplitd
    goes_on "$asked exit=1 and said nothing"
    install_script 'echo hello' 'exit 0'
    goes_on "$asked exit=0 and the words: hello"
    install_script 'echo portsplitd can take over the state 9.99'
    goes_on "$asked exit=0 and the words: portsplitd can take over the state 9.99"
    install_script 'exec "$0.first" --can-take 9.99'
    cp "$FIRST" "$PORTSPLIT_BIN/portsplitd.first"
    goes_on "$asked exit=71 and the words: portsplitd $VERSION: it can take over the state [0-9.]*, not 9.99, so portsplitd must be restarted for it"
    install_script 'echo "portsplitd can take over the state ${2}"; exit 3'
    goes_on "$asked exit=3 and the words: portsplitd can take over the state [0-9.]*"
    install_script 'kill -TERM $$'
    goes_on "$asked signal=TERM and said nothing"
    rm "$PORTSPLIT_BIN/portsplitd"
    goes_on "$asked exit=126 and the words: cannot execute $PORTSPLIT_BIN/portsplitd: No such file or directory"
    : >"$PORTSPLIT_BIN/portsplitd"
    goes_on "$asked exit=126 and the words: cannot execute $PORTSPLIT_BIN/portsplitd: Permission denied"
    put "$FIRST" portsplitd
    rm "$PORTSPLIT_BIN/portsplit-dispatch"
    goes_on "$asked exit=71 and the words: portsplitd $VERSION: cannot open portsplit-dispatch, neither beside portsplitd nor in .*: No such file or directory"
    go_on "$held"
}

@test "failed upgrade: a new program that does not answer is killed" {
    take_programs
    one_service
    start_daemon
    hold_open one
    install_script 'exec tail -f /dev/null'
    kill -USR2 "$DAEMON"
    reaches one
    # A reload waits for the end of the upgrade.
    kill -HUP "$DAEMON"
    log_says_late() { wait_until 20 log_has "$1"; }
    log_says_late 'cannot upgrade to .*: it did not answer within 10000 ms; '
    log_says "reloaded $CONFIG"
    reaches one
    go_on "$JOB"
}

@test "failed upgrade: a new program that leaves a process behind does not stop the daemon" {
    take_programs
    one_service
    start_daemon
    install_script "tail -f /dev/null & echo \$! >$TMP/behind" 'exit 0'
    goes_on 'asked whether it can take over, it ended with exit=0 and said nothing'
    # It ends by itself once nobody reads what it prints.
    kill "$(<"$TMP/behind")" 2>/dev/null || true
}

@test "failed upgrade: a file that is replaced after it was asked is asked again" {
    take_programs
    one_service
    start_daemon
    cp /bin/true "$TMP/true"
    # shellcheck disable=SC2016
    install_script 'echo "portsplitd can take over the state $2"' "mv $TMP/true $PORTSPLIT_BIN/portsplitd"
    goes_on 'asked whether it can take over, it ended with exit=0 and said nothing'
}

# Prints how many descriptors of the daemon stay open over execve(2).
stay_open() {
    local name flags count=0
    while read -r name flags; do
        [[ $name != flags: ]] || ((8#$flags & 8#2000000)) || count=$((count + 1))
    done < <(cat "/proc/$DAEMON/fdinfo/"*)
    echo "$count"
}

@test "failed upgrade: a program that cannot be executed any more leaves all as it was" {
    needs_root # to see the descriptors
    take_programs
    one_service
    start_daemon
    local before
    before=$(stay_open)
    hold_open one
    cp -L /bin/sh "$TMP/shell"
    printf '%s\n' "#!$TMP/shell" 'echo "portsplitd can take over the state $2"' "rm $TMP/shell" >"$TMP/script"
    chmod +x "$TMP/script"
    put "$TMP/script" portsplitd
    goes_on "cannot execute $PORTSPLIT_BIN/portsplitd: No such file or directory"
    [[ $(stay_open) == "$before" ]]
    go_on "$JOB"
    put "$FIRST" portsplitd
    upgrade_to 9.8.7
    [[ $(stay_open) == "$before" ]]
}

@test "failed upgrade: a new portsplit-dispatch that does not start leaves the old one to serve" {
    take_programs
    one_service
    start_daemon
    hold_open one
    put /bin/false portsplit-dispatch
    install_version 9.8.7
    find_zygote
    local before=$ZYGOTE
    kill -USR2 "$DAEMON"
    log_says 'the new portsplit-dispatch ended before it was ready \(exit=1\)'
    log_says 'upgraded to portsplitd 9.8.7, but its portsplit-dispatch does not start; the one before goes on to serve, until a reload starts the new one$'
    reaches one
    find_zygote
    [[ $ZYGOTE == "$before" ]]
    go_on "$JOB"
}
