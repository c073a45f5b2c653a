# The manuals are complete and well formed. PORTSPLIT_BUILD is a finished build.

bats_require_minimum_version 1.5.0

MANUALS=(portsplit.1 portsplit.conf.5 portsplit-patterns.7 portsplit-address.7 portsplitd.8 portsplit-dispatch.8)

# read_manual NAME: the formatted page, in TEXT.
read_manual() {
    TEXT=$(MANWIDTH=100 MAN_KEEP_FORMATTING='' LC_ALL=C.UTF-8 man -l "$PORTSPLIT_BUILD/man/$1")
}

@test "manuals: man has no warning for any of them" {
    local manual
    for manual in "${MANUALS[@]}"; do
        LC_ALL=C.UTF-8 man --warnings -l "$PORTSPLIT_BUILD/man/$manual" \
            2>"$BATS_TEST_TMPDIR/warnings" >/dev/null
        echo "$manual: $(<"$BATS_TEST_TMPDIR/warnings")"
        [[ ! -s $BATS_TEST_TMPDIR/warnings ]]
    done
}

@test "manuals: no placeholder of the build is left in any of them" {
    cd "$PORTSPLIT_BUILD/man"
    run -1 grep -nE '@[A-Z_]+@' "${MANUALS[@]}"
}

@test "manuals: portsplit.conf(5) has every key of the key table, and no placeholder" {
    read_manual portsplit.conf.5
    local key keys=0
    while read -r key; do
        echo "$key"
        grep -qE "^ +$key = " <<<"$TEXT"
        keys=$((keys + 1))
    done < <(sed -n 's/^ *{\.name = "\([a-z]*\)".*/\1/p' \
        "$BATS_TEST_DIRNAME/../../src/config/key_table.cc")
    ((keys > 0))
    [[ $TEXT != *@KEYS@* ]]
}

@test "manuals: the page of each program has every option of its help" {
    local program option options
    for program in portsplit.1 portsplitd.8 portsplit-dispatch.8; do
        read_manual "$program"
        options=0
        for option in $("$PORTSPLIT_BUILD/bin/${program%.*}" --help | grep -oE -e '--[a-z-]+'); do
            echo "$program: $option"
            grep -qE -e "^ +(-[a-zA-Z], )?$option( |$)" <<<"$TEXT"
            options=$((options + 1))
        done
        ((options > 0))
    done
}

@test "manuals: the examples of portsplit.conf(5) are valid, and the first two mean the same" {
    local example examples=0
    cd "$BATS_TEST_TMPDIR"
    # A block with a `$ ` is what a command prints; integration/docs.bats runs it.
    awk '/^\.Bd/ { number++; inside = 1; next }
         /^\.Ed|^\$ / { inside = 0 }
         inside { gsub(/\\e/, "\\"); print >(number ".conf") }' "$PORTSPLIT_BUILD/man/portsplit.conf.5"
    for example in *.conf; do
        "$PORTSPLIT_BUILD/bin/portsplit" convert --to classic "$example" >"$example.as-classic"
        examples=$((examples + 1))
    done
    ((examples >= 2))
    diff 1.conf.as-classic 2.conf.as-classic
}
