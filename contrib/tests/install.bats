# The installed programs work at any prefix. PORTSPLIT_BUILD is a finished build.

bats_require_minimum_version 1.5.0

setup_file() {
    export PREFIX=$BATS_FILE_TMPDIR/prefix
    "$PORTSPLIT_CMAKE" --install "$PORTSPLIT_BUILD" --prefix "$PREFIX"
}

teardown() {
    [[ -z ${DAEMON:-} ]] || kill "$DAEMON"
}

# installed NAME: prints the path of the program.
installed() {
    find "$PREFIX" -type f -perm -u+x -name "$1"
}

@test "install: the programs print their version" {
    local program
    for program in portsplit portsplitd portsplit-dispatch; do
        run -0 "$(installed "$program")" --version
        [[ $output == "$program "[0-9]* ]]
    done
}

@test "install: every manual can be read" {
    local manual
    for manual in portsplit.1 portsplit.conf.5 portsplit-patterns.7 portsplitd.8 portsplit-dispatch.8; do
        run -0 man -l "$PREFIX/share/man/man${manual##*.}/$manual"
        [[ $output == *NAME*"${manual%.*}"* ]]
    done
}

@test "install: portsplit finds portsplitd, which finds portsplit-dispatch, and a client is served" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[cat]' 'string = MEOW' 'exec = cat' >"$BATS_TEST_TMPDIR/conf"
    mkfifo "$BATS_TEST_TMPDIR/ready"
    exec 9<>"$BATS_TEST_TMPDIR/ready"
    "$(installed portsplit)" --ready-fd 9 --log "$BATS_TEST_TMPDIR/log" "$BATS_TEST_TMPDIR/conf" 3>&- &
    DAEMON=$!
    read -r -t 20 -u 9 ready || { cat "$BATS_TEST_TMPDIR/log"; false; }

    exec 8<>"/dev/tcp/127.0.0.1/${ready##*:}"
    printf 'MEOW, please\n' >&8
    read -r -t 20 -u 8 answer
    [[ $answer == 'MEOW, please' ]]
}

@test "install: each program finds the library of patterns, also after the prefix was moved" {
    mv "$PREFIX" "$PREFIX.moved"
    printf '%s\n' '[ssh]' 'include = ssh' 'exec = cat' >"$BATS_TEST_TMPDIR/conf"
    run -0 "$PREFIX.moved/bin/portsplit" convert "$BATS_TEST_TMPDIR/conf"
    [[ $output == *'string = "SSH-";'* ]]
    run -0 "$PREFIX.moved/bin/portsplit" check --inetd "$BATS_TEST_TMPDIR/conf"
    echo 'SSH-' | socat - "EXEC:$PREFIX.moved/libexec/portsplit/portsplit-dispatch --inetd $BATS_TEST_TMPDIR/conf" \
        >"$BATS_TEST_TMPDIR/answer"
    mv "$PREFIX.moved" "$PREFIX"
    [[ $(<"$BATS_TEST_TMPDIR/answer") == SSH- ]]
}

@test "install: the examples, the licence and the completion are there" {
    [[ -s $PREFIX/share/doc/portsplit/LICENSE ]]
    [[ -s $PREFIX/share/bash-completion/completions/portsplitd ]]
    local example examples=0
    for example in "$PREFIX"/share/doc/portsplit/examples/*.conf; do
        "$(installed portsplit)" convert "$example"
        examples=$((examples + 1))
    done
    ((examples > 0))
}

@test "install: a package's staging folder gets the same files" {
    DESTDIR=$BATS_TEST_TMPDIR/stage "$PORTSPLIT_CMAKE" --install "$PORTSPLIT_BUILD" --prefix /opt/x
    diff <(cd "$PREFIX" && find . -type f | sort) \
        <(cd "$BATS_TEST_TMPDIR/stage/opt/x" && find . -type f | sort)
}
