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
    for manual in portsplit.1 portsplit.conf.5 portsplit-patterns.7 portsplit-address.7 portsplitd.8 portsplit-dispatch.8; do
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

@test "install: the examples, the licence, the page on security and the completion are there" {
    [[ -s $PREFIX/share/doc/portsplit/LICENSE ]]
    [[ -s $PREFIX/share/doc/portsplit/SECURITY.md ]]
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

# put: installs as root would, below $ROOT. Its manifest is not that of an installation beside it, because
# CMake names the manifest after the component; all files here are in the default one.
put() {
    DESTDIR=$ROOT "$PORTSPLIT_CMAKE" --install "$PORTSPLIT_BUILD" --prefix /opt/x --component Unspecified
}

# uninstall: runs what the target `uninstall` runs, with that manifest.
uninstall() {
    DESTDIR=$ROOT "$PORTSPLIT_CMAKE" -D "MANIFEST=$PORTSPLIT_BUILD/install_manifest_Unspecified.txt" \
        -P "$PORTSPLIT_BUILD/contrib/uninstall.cmake"
}

files_of() { (cd "$1" && find . -type f | sort); }

@test "install: there is a sample of the configuration, which can be served, and no configuration" {
    local sample samples=0
    for sample in "$PREFIX"/etc/portsplit/*; do
        [[ $sample == *.conf.sample ]]
        cp "$sample" "$BATS_TEST_TMPDIR/sample.conf"
        run -0 "$(installed portsplit)" convert "$BATS_TEST_TMPDIR/sample.conf"
        samples=$((samples + 1))
    done
    ((samples == 3))
    diff "$PREFIX/etc/portsplit/portsplit.conf.sample" "$PREFIX/share/doc/portsplit/examples/ssh-and-https.conf"
}

@test "install: a configuration and an edited entry of xinetd stay as they are" {
    ROOT=$BATS_TEST_TMPDIR/root
    put
    diff "$ROOT/opt/x/etc/xinetd.d/portsplit" "$ROOT/opt/x/share/doc/portsplit/examples/xinetd/portsplit"
    echo mine >"$ROOT/opt/x/etc/portsplit/portsplit.conf"
    echo mine >"$ROOT/opt/x/etc/xinetd.d/portsplit"
    put
    [[ $(<"$ROOT/opt/x/etc/portsplit/portsplit.conf") == mine ]]
    [[ $(<"$ROOT/opt/x/etc/xinetd.d/portsplit") == mine ]]
}

@test "uninstall: what was installed is removed, and its folders, and nothing else" {
    ROOT=$BATS_TEST_TMPDIR/root
    mkdir -p "$ROOT/opt/x/bin"
    echo other >"$ROOT/opt/x/bin/other"
    put
    put # the second time the entry of xinetd was there
    uninstall
    [[ $(files_of "$ROOT") == ./opt/x/bin/other ]]
    run -0 find "$ROOT" -name '*portsplit*'
    [[ -z $output ]]
}

@test "uninstall: a configuration and an edited entry of xinetd stay" {
    ROOT=$BATS_TEST_TMPDIR/root
    put
    echo mine >"$ROOT/opt/x/etc/portsplit/portsplit.conf"
    echo mine >"$ROOT/opt/x/etc/xinetd.d/portsplit"
    run -0 uninstall
    [[ $output == *"Kept, because it was edited: $ROOT/opt/x/etc/xinetd.d/portsplit"* ]]
    [[ $(files_of "$ROOT") == ./opt/x/etc/portsplit/portsplit.conf$'\n'./opt/x/etc/xinetd.d/portsplit ]]
}

@test "uninstall: it is a target of the build" {
    run -0 "$PORTSPLIT_CMAKE" --build "$PORTSPLIT_BUILD" --target help
    [[ $output == *uninstall* ]]
}

@test "uninstall: a build folder from which nothing was installed is refused" {
    run ! "$PORTSPLIT_CMAKE" -D "MANIFEST=$BATS_TEST_TMPDIR/none" -P "$PORTSPLIT_BUILD/contrib/uninstall.cmake"
    # CMake folds its messages.
    [[ $(tr -s ' \n' ' ' <<<"$output") == *" $BATS_TEST_TMPDIR/none does not exist: nothing was installed from this build folder"* ]]
}
