#!/usr/bin/env bash
# Removes one guard after the other and runs the tests that must notice. See `usage` below.
#
# A guard is a line that no ordinary run needs: a bound, a pause, a check of what crosses a trust
# boundary. Each *.list file beside this script holds entries, separated by empty lines; `#` begins a
# comment line. An entry has these lines:
#
#   guard   NAME             what the line protects; the report names it so
#   file    PATH             the file that holds it, from the top of the repository
#   remove  EXPRESSION       for `sed -zE` (the file is one line, so \n matches); takes the guard out
#   notice  PROGRAM FILTER   the test that must fail then: test_ROOM and a filter of GoogleTest, or
#                            PATH.bats and a regular expression for the names of its tests
#   explain REASON           instead of `notice`: why no test can notice
#
# The work is done on a copy of the tree in build/guards, uncommitted changes included.
set -euo pipefail
cd "$(dirname "$0")/../.."

TOP=$PWD
WORK=$TOP/build/guards
TREE=$WORK/tree
BUILD=$WORK/build
LIMIT=${GUARDS_LIMIT:-180} # seconds for one run of a test; a test that hangs has noticed, too

usage() {
    cat <<'END'
Usage: tests/guards/run.sh [--list] [PATTERN]
Take each guard whose name or list matches PATTERN (a regular expression; all by default) out of a copy
of the tree, and run its test: `noticed` if the test fails then, SURVIVED if it passes.

  --list   only check that every entry can be applied; build nothing

Environment: GUARDS_LIMIT, the seconds for one run of a test (180); more on a busy machine, where a test
that is only slow would count as one that noticed.

Exit status: 0 if every removal was noticed or is explained, 1 if not, 2 if an entry is wrong.
END
}

die() { printf 'guards: %s\n' "$*" >&2; exit 2; }

# --- the lists ------------------------------------------------------------------------------------

# Reads every entry that matches the pattern $1 into the arrays NAMES, FILES, REMOVALS, TESTS, REASONS.
read_lists() {
    local list line word rest lines
    NAMES=() FILES=() REMOVALS=() TESTS=() REASONS=()
    for list in tests/guards/*.list; do
        declare -A entry=()
        mapfile -t lines <"$list"
        for line in "${lines[@]}" ''; do
            read -r word rest <<<"$line"
            case $word in
                '#'*) ;;
                guard | file | remove | notice | explain)
                    [[ -z ${entry[$word]:-} ]] || die "$list: $word stands twice in '${entry[guard]:-}'"
                    entry[$word]=$rest ;;
                '') add_entry "$1" "$list" ;;
                *) die "$list: '$line' is no line of an entry" ;;
            esac
        done
    done
    ((${#NAMES[@]} > 0)) || die "no guard matches '$1'"
}

# add_entry PATTERN LIST: adds `entry`, if it has lines and matches, and empties it.
add_entry() {
    local key
    ((${#entry[@]} > 0)) || return 0
    for key in guard file remove; do
        [[ -n ${entry[$key]:-} ]] || die "$2: '${entry[guard]:-an entry}' has no line $key"
    done
    [[ -n ${entry[notice]:-}${entry[explain]:-} ]] || die "$2: '${entry[guard]}' has no line notice"
    if [[ "$(basename "$2" .list) ${entry[guard]}" =~ $1 ]]; then
        NAMES+=("${entry[guard]}")
        FILES+=("${entry[file]}")
        REMOVALS+=("${entry[remove]}")
        TESTS+=("${entry[notice]:-}")
        REASONS+=("${entry[explain]:-}")
    fi
    entry=()
}

# --- the copy -------------------------------------------------------------------------------------

# Copies the tree with its times, so that only changed files are compiled again; but a file that held a
# removal before is compiled again in any case.
copy_tree() {
    mkdir -p "$WORK"
    rm -rf "$TREE"
    mkdir "$TREE"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' path; do [[ ! -f $path ]] || printf '%s\0' "$path"; done |
        xargs -0 cp -p --parents -t "$TREE"
    local path
    [[ ! -e $WORK/changed ]] || while read -r path; do
        [[ ! -e $TREE/$path ]] || touch "$TREE/$path"
    done <"$WORK/changed"
    rm -f "$WORK/changed"
}

# take_out INDEX: removes a guard from the copy. Fails when the expression changes nothing.
take_out() {
    local file=${FILES[$1]}
    [[ -e $TOP/$file ]] || return 1
    echo "$file" >>"$WORK/changed"
    sed -zE "${REMOVALS[$1]}" "$TOP/$file" >"$TREE/$file" || return 1
    ! cmp -s "$TOP/$file" "$TREE/$file"
}

put_back() { cp "$TOP/${FILES[$1]}" "$TREE/${FILES[$1]}"; }

configure() {
    cd "$TREE"
    # Not an error: without its guard, a function or a variable may be unused.
    cmake --preset debug -B "$BUILD" -DPORTSPLIT_WERROR=OFF >"$WORK/log" 2>&1 ||
        { cat "$WORK/log"; die 'the copy cannot be configured'; }
    cd "$TOP"
}

# --- the tests ------------------------------------------------------------------------------------

# build TEST: what the test needs.
build() {
    local targets=("${1%% *}")
    [[ $1 != *.bats\ * ]] || targets=(src/all integration/tools/all)
    cmake --build "$BUILD" --target "${targets[@]}" >"$WORK/log" 2>&1
}

# run_test TEST: passes if the test does. What it printed is in $WORK/log.
run_test() {
    local program=${1%% *} filter=${1#* }
    if [[ $program == *.bats ]]; then
        PORTSPLIT_BIN=$BUILD/bin PORTSPLIT_BUILD=$BUILD PORTSPLIT_CMAKE=cmake PORTSPLIT_FLAVOUR=debug \
            PORTSPLIT_TOOLS=$BUILD/integration/tools PORTSPLIT_PEERS=$TOP/build/peers/usr/sbin \
            timeout "$LIMIT" bats -f "$filter" "$TREE/$program"
    else
        timeout "$LIMIT" "$BUILD/bin/$program" --gtest_brief=1 --gtest_filter="$filter"
    fi >"$WORK/log" 2>&1 </dev/null
}

# chose_none TEST: its filter chose no test at all, so that no removal would be noticed.
chose_none() { grep -Eq '^1\.\.0$|^\[==========\] (Running )?0 tests' "$WORK/log"; }

# Names the tests that failed, at most three.
failed_tests() {
    sed -nE 's/^not ok [0-9]+ (.*)/\1/p; s/^\[  FAILED  \] ([^ ,]+)( \(.*)$/\1/p' "$WORK/log" |
        sort -u | head -n 3 | paste -sd ';' | grep . || echo "no result: it crashed or ran over $LIMIT s"
}

# check INDEX: removes one guard and reports the result; counts in BAD and WRONG.
check() {
    local test=${TESTS[$1]} name=${NAMES[$1]}
    if ! take_out "$1"; then
        printf 'ERROR     %s: the expression does not change %s\n' "$name" "${FILES[$1]}"
        WRONG=$((WRONG + 1))
    elif [[ $ONLY_LIST == yes ]]; then
        printf 'applies   %s: %s\n' "$name" "${test:-${REASONS[$1]}}"
    elif [[ -z $test ]]; then
        printf 'explained %s: %s\n' "$name" "${REASONS[$1]}"
    elif ! build "$test"; then
        printf 'ERROR     %s: does not build without it: %s\n' "$name" "$(grep -m 1 error "$WORK/log")"
        WRONG=$((WRONG + 1))
    elif run_test "$test"; then
        printf 'SURVIVED  %s: %s\n' "$name" "$test"
        BAD=$((BAD + 1))
    else
        printf 'noticed   %s: %s\n' "$name" "$(failed_tests)"
    fi
    put_back "$1" 2>/dev/null || true
}

# Every test must pass while all guards are there, and must exist.
check_tests() {
    local test
    printf '%s\n' "${TESTS[@]}" | sed '/^$/d' | sort -u >"$WORK/tests"
    while read -r test; do
        build "$test" || { cat "$WORK/log"; die "$test: cannot be built"; }
        run_test "$test" || { cat "$WORK/log"; die "$test: fails while every guard is there"; }
        ! chose_none "$test" || die "$test: chooses no test"
    done <"$WORK/tests"
}

main() {
    local i pattern=.
    ONLY_LIST=no BAD=0 WRONG=0
    while (($# > 0)); do
        case $1 in
            -h | --help) usage; exit 0 ;;
            --list) ONLY_LIST=yes ;;
            -*) usage >&2; exit 64 ;;
            *) pattern=$1 ;;
        esac
        shift
    done
    read_lists "$pattern"
    copy_tree
    [[ $ONLY_LIST == yes ]] || { configure; check_tests; }
    for i in "${!NAMES[@]}"; do check "$i"; done
    ((WRONG == 0)) || exit 2
    ((BAD == 0)) || exit 1
}

main "$@"
