# Shared by the tests of the ways to run Portsplit: super-servers that listen on $PORT and start it as the
# installed entries say. `load super_server` takes the place of `load harness`.

load harness

setup_file() {
    install_entries
    export DISPATCH=$PORTSPLIT_BIN/portsplit-dispatch
}

teardown() {
    end_background
    [[ -z $SUPERSERVER ]] || wait_until 10 is_over "$SUPERSERVER"
    check_what_is_left
    port_is_free
}

port_is_free() {
    if [[ -n $PORT ]] && listens; then
        echo "a process still listens on $PORT"
        return 1
    fi
}

listens() { "$PEER" connect "127.0.0.1:$PORT" close 2>/dev/null; }

# start_super COMMAND...: starts a super-server and waits until it listens on $PORT.
start_super() {
    if ! type -t "$1" >/dev/null; then
        echo "$1 is missing; contrib/deps.sh test installs it"
        return 1
    fi
    "$@" >>"$TMP/super" 2>&1 3>&- &
    SUPERSERVER=$!
    BACKGROUND+=("$SUPERSERVER")
    wait_until 10 listens
    : >>"$LOG"
}
