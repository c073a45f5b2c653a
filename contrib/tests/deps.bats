# deps.sh says why packages could not be installed, and which. Its apt-get is a script here.

bats_require_minimum_version 1.5.0

setup() {
    DEPS=$BATS_TEST_DIRNAME/../deps.sh
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    mkdir "$BATS_TEST_TMPDIR/bin"
    # Every package but man-db is installed.
    program dpkg-query 'case $* in *man-db) ;; *) echo installed ;; esac'
    AS_ROOT=()
    ((EUID == 0)) || AS_ROOT=(unshare --map-root-user)
}

# program NAME TEXT: a shell script of this name.
program() {
    printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
    chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

@test "deps: another apt is named as the reason, and the packages that are missing" {
    program apt-get 'case $* in *install*)
        echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)" >&2
        exit 100 ;;
    esac'
    run -1 "${AS_ROOT[@]}" "$DEPS" build
    diff - <(printf '%s\n' "$output") <<'END'
deps.sh: installing man-db
deps.sh: another apt is running; try again when it has ended. Missing: man-db
END
}

@test "deps: what apt says is printed if it fails otherwise" {
    program apt-get 'case $* in *install*) echo "E: no space" >&2; exit 100 ;; esac'
    run -1 "${AS_ROOT[@]}" "$DEPS" build
    diff - <(printf '%s\n' "$output") <<'END'
deps.sh: installing man-db
E: no space
deps.sh: these packages could not be installed: man-db
END
}

@test "deps: nothing is printed if nothing is missing" {
    program dpkg-query 'echo installed'
    program apt-get 'exit 1'
    run -0 "$DEPS" build
    [[ -z $output ]]
}
