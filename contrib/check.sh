#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: in the presets named, of those that
# CMakePresets.json has, or in release and asan. Ends at the first one that fails, or with the last,
# and what ctest says of it.
#
#   contrib/check.sh [PRESET]...
set -euo pipefail
cd "$(dirname "$0")/.."

check() {
    printf '\n== %s\n' "$1"
    cmake --preset "$1"
    cmake --build --preset "$1"
    ctest --preset "$1" --parallel 2
}

main() {
    local preset presets=("$@") purposes=(build test bench)
    ((${#presets[@]} > 0)) || presets=(release asan)
    [[ " ${presets[*]} " != *' fuzz '* ]] || purposes+=(fuzz)
    contrib/deps.sh "${purposes[@]}"
    for preset in "${presets[@]}"; do check "$preset"; done
}

main "$@"
