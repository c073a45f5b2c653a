# What the tests of the doors share: the entries as they are installed, and super-servers that listen on
# $PORT and are ended with the test. `load doors` takes the place of `load harness`.

load harness

setup_file() {
    export ENTRIES=$BATS_FILE_TMPDIR/entries
    DESTDIR=$ENTRIES "${PORTSPLIT_CMAKE:?}" --install "${PORTSPLIT_BUILD:?the build folder}" >"$BATS_FILE_TMPDIR/install"
    export DISPATCH=$PORTSPLIT_BIN/portsplit-dispatch
}

teardown() {
    local problem=
    end_background
    if [[ -n $SUPERSERVER ]] && ! wait_until 10 is_over "$SUPERSERVER"; then problem=yes; fi
    check_what_is_left && [[ -z $problem ]] && nobody_listens
}

nobody_listens() {
    if [[ -n $PORT ]] && listens; then
        echo "still there: what listens on $PORT"
        return 1
    fi
}

# The installed file whose path ends so.
installed() { find "$ENTRIES" -path "*/$1"; }

listens() { "$PEER" connect "127.0.0.1:$PORT" close 2>/dev/null; }

# start_super COMMAND...: a super-server that listens on $PORT.
start_super() {
    "$@" >>"$TMP/super" 2>&1 3>&- &
    SUPERSERVER=$!
    BACKGROUND+=("$SUPERSERVER")
    wait_until 10 listens
    : >>"$LOG"
}
