# Shared by the tests of upgrades. `load upgrade` includes the harness.

load harness

# The programs of a test, in files of its own.
take_programs() {
    local original=$PORTSPLIT_BIN
    PORTSPLIT_BIN=$TMP/bin
    mkdir "$PORTSPLIT_BIN"
    cp "$original"/portsplit{,d,-dispatch} "$PORTSPLIT_BIN"
    VERSION=$("$PORTSPLIT_BIN/portsplitd" --version)
    VERSION=${VERSION#portsplitd }
    FIRST=$TMP/first
    cp "$PORTSPLIT_BIN/portsplitd" "$FIRST"
}

# put FILE NAME: a file takes the place of a program, as a package manager does it.
put() {
    cp "$1" "$PORTSPLIT_BIN/$2.new"
    mv "$PORTSPLIT_BIN/$2.new" "$PORTSPLIT_BIN/$2"
}

# install_version V: a portsplitd that calls itself V, which has as many characters as the first version.
install_version() {
    LC_ALL=C sed "s/${VERSION//./\\.}/$1/g" "$FIRST" >"$TMP/next"
    chmod +x "$TMP/next"
    put "$TMP/next" portsplitd
}

serves_in_version() {
    (($(grep -c ": upgraded to portsplitd $1; " "$LOG") == ${2:-1})) && another_zygote "$BEFORE"
}

# upgrade_to V [TIMES]: the daemon becomes a portsplitd that calls itself V, for the first time, or so many times.
upgrade_to() {
    install_version "$1"
    find_zygote
    BEFORE=$ZYGOTE
    kill -USR2 "$DAEMON"
    wait_until 20 serves_in_version "$1" "${2:-1}"
    is_alive "$DAEMON"
}

one_service() {
    answer one
    configure_answers one
}
