#!/usr/bin/env bash
# Installs what is missing, checks the sources, builds, and runs every test, in the presets named or in
# release and asan. Ends at the first failure. See `usage` below.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: contrib/check.sh [--style] [--tidy-all] [PRESET]...
Check the format (clang-format), the shell scripts (shellcheck), the lists of guards and the sources
(clang-tidy), then build and test the presets of CMakePresets.json, by default release and asan.

  --style      only check the sources; build nothing
  --tidy-all   clang-tidy checks every source; otherwise the sources that differ from origin/main,
               or in a clone without changes of its own from HEAD~, and those that include a header
               that differs
END
}

heading() { printf '\n== %s\n' "$1"; }

# --- the sources ----------------------------------------------------------------------------------

check_format() {
    heading clang-format
    git ls-files -z '*.h' '*.cc' | xargs -0 clang-format --dry-run --Werror
}

# Prints every tracked file that a shell runs, with or without an ending.
shell_files() {
    git ls-files '*.sh' '*.bash' '*.bats'
    git grep -IlE -e '^#!.*[/ ](ba)?sh$' -- . ':!src'
}

# Left out in Bats files and what they load, which shellcheck 0.9 reads one by one: SC2030 and SC2031
# (each test is a subshell on purpose), SC2034, SC2153 and SC2154 (variables of another file), SC2016
# (scripts for programs under test stand in single quotes).
check_shell() {
    heading shellcheck
    local file bats=() scripts=()
    while read -r file; do
        case $file in
            *.bats | integration/*.bash) bats+=("$file") ;;
            *) scripts+=("$file") ;;
        esac
    done < <(shell_files | sort -u)
    shellcheck -x "${scripts[@]}"
    shellcheck -s bats -e SC2030,SC2031,SC2034,SC2153,SC2154,SC2016 "${bats[@]}"
}

# Prints the sources that differ from the commit $1, and those that include a header that differs.
find_changed_sources() {
    local file path
    git diff --name-only --diff-filter=d "$1" -- '*.cc' '*.h' | while read -r file; do
        path=${file#src/}
        path=${path#tests/}
        case $file in
            *.cc) echo "$file" ;;
            *) git grep -lF "\"${path#integration/*/}\"" -- '*.cc' || true ;;
        esac
    done | sort -u
}

# The sources for clang-tidy, in TIDY. A header is checked with the sources that include it.
# Not all of them by default: they took half an hour of one core, so they would take more than five
# minutes on two.
find_tidy_files() {
    local base
    TIDY=()
    if [[ $TIDY_ALL == yes ]]; then
        mapfile -t TIDY < <(git ls-files '*.cc')
        return
    fi
    base=$(git merge-base origin/main HEAD 2>/dev/null) || base=
    # In CI, HEAD is origin/main, in a shallow clone that may lack HEAD~.
    if [[ -z $base || $base == "$(git rev-parse HEAD)" && -z $(git status --porcelain) ]]; then
        git rev-parse -q --verify HEAD~ >/dev/null || git fetch -q --deepen=1 2>/dev/null || true
        base=$(git rev-parse -q --verify HEAD~) || {
            echo 'NOTHING IS CHECKED: no origin/main and no HEAD~ to compare with; use --tidy-all' >&2
            return
        }
    fi
    mapfile -t TIDY < <(find_changed_sources "$base")
    ((${#TIDY[@]} > 0)) || echo "no source differs from $base"
}

# Takes the compile commands of the release preset, from a folder in which nothing is built: clang cannot
# read a precompiled header of GCC. There each source has its own command. The warning options in the
# commands are those of GCC.
check_tidy() {
    heading clang-tidy
    find_tidy_files
    ((${#TIDY[@]} > 0)) || return 0
    cmake --preset release -B build/tidy -DPORTSPLIT_UNITY_TESTS=OFF >/dev/null
    printf '%s\0' "${TIDY[@]}" | xargs -0 -n 1 -P "$(nproc)" \
        clang-tidy --quiet -p build/tidy --extra-arg=-Wno-unknown-warning-option
}

# The lists of guards must fit the sources. Whether a test notices each of them takes hours, see
# tests/guards/run.sh.
check_guards() {
    heading guards
    tests/guards/run.sh --list >/dev/null
}

# --- the presets ----------------------------------------------------------------------------------

check_preset() {
    heading "$1"
    cmake --preset "$1"
    cmake --build --preset "$1"
    ctest --preset "$1" --parallel 2
    # The benchmark runs alone: it measures, if only roughly.
    [[ $1 != release ]] || ctest --preset bench
}

main() {
    local preset presets=() purposes=(build test bench check) style_only=no
    TIDY_ALL=no
    while (($# > 0)); do
        case $1 in
            --style) style_only=yes ;;
            --tidy-all) TIDY_ALL=yes ;;
            -h | --help) usage; exit 0 ;;
            -*) usage >&2; exit 64 ;;
            *) presets+=("$1") ;;
        esac
        shift
    done
    ((${#presets[@]} > 0)) || presets=(release asan)
    [[ " ${presets[*]} " != *' fuzz '* ]] || purposes+=(fuzz)
    contrib/deps.sh "${purposes[@]}"
    check_format
    check_shell
    check_guards
    check_tidy
    [[ $style_only == no ]] || return 0
    for preset in "${presets[@]}"; do check_preset "$preset"; done
}

main "$@"
