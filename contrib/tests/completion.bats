# The completion of bash offers the commands, options and values of the programs.

bats_require_minimum_version 1.5.0

setup() {
    PATH=$PORTSPLIT_BUILD/bin:$PATH
    # shellcheck source=/dev/null
    source "$BATS_TEST_DIRNAME/../completions/portsplit.bash"
    cd "$BATS_TEST_TMPDIR" || return
    touch 'a b.conf'
}

# offered WORD...: the words offered for the last word of a command line, in OFFERED.
offered() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _portsplit "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    OFFERED="${COMPREPLY[*]}"
}

# is_offered EXPECTED WORD...: these words are offered.
is_offered() {
    local expected=$1
    shift
    offered "$@"
    echo "for \"$*\": $OFFERED"
    [[ $OFFERED == "$expected" ]]
}

@test "completion: commands and files are offered first" {
    is_offered 'check' portsplit ch
    is_offered 'convert' portsplit conv
    is_offered 'a b.conf' portsplit a
}

@test "completion: after a command its own options and files are offered" {
    is_offered '--inetd' portsplit check --i
    is_offered '--system --silence' portsplit check --s
    is_offered '--to' portsplit convert --t
    is_offered '--text --hex --pcap --listener --source --final --json --help' portsplit explain -
    is_offered '--tap --help' portsplit test -
    is_offered 'classic libconfig' portsplit convert --to ''
    is_offered 'no-fallback no-timeout no-deadline no-effect' portsplit check --silence no-
    is_offered 'a b.conf' portsplit check ''
}

@test "completion: the options of portsplitd and their values are offered" {
    is_offered '--log' portsplitd --l
    is_offered 'syslog' portsplitd --log sy
    is_offered '--ready-fd' portsplitd x --r
    is_offered '' portsplitd --ready-fd ''
}
