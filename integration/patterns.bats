#!/usr/bin/env bats
# Each entry of the library of patterns leads its clients to their service. tests/manual/library_test.cc
# tests each pair of entries and every prefix of a recording.

load harness

LIBRARY=$BATS_TEST_DIRNAME/../contrib/patterns
RECORDINGS=$BATS_TEST_DIRNAME/../contrib/patterns/recordings

# The names of all entries, in the order of their files in the C locale, in ENTRIES.
find_entries() {
    mapfile -t ENTRIES < <(cd "$LIBRARY" && printf '%s\n' *.conf | LC_ALL=C sort | sed 's/\.conf$//')
    ((${#ENTRIES[@]} >= 60))
}

# Writes a file with the whole library, included by name; each service prints its name.
configure_library() {
    local name
    find_entries
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'
        for name in "${ENTRIES[@]}" fallback timeout; do
            printf '%s\n' "[$name]" 'exec = printf' "execarg = $name" 'stdio = pipe'
            [[ $name == fallback || $name == timeout ]] || echo "include = $name"
        done
    } | configure
}

# recorded FILE: prints the bytes of a recording in hex, without its first line, a comment.
recorded() { sed 1d "$1"; }

@test "patterns: check finds no problem in the whole library" {
    configure_library
    # The versions of TLS come before tls, and need more bytes.
    run -0 "$PORTSPLIT_BIN/portsplit" check --silence waits:tls "$CONFIG"
    [[ $output == "$CONFIG: can be served (errors: 0, warnings: 0)" ]]
}

@test "patterns: check finds a version of TLS below tls, which takes all its clients" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[tls]' 'include = tls' 'exec = cat' '[new]' 'include = tls-1.3' \
        'exec = cat' '[fallback]' 'exec = cat' '[timeout]' 'exec = cat' | configure
    run -0 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == "$CONFIG:5: warning: service new: it can never win: streams that fit it go to tls at "*"; move it up or delete it [never-wins]"$'\n'* ]]
}

@test "patterns: every recording is a case of its service" {
    configure_library
    local file name
    for file in "$RECORDINGS"/*/*.hex; do
        name=${file#"$RECORDINGS/"}
        printf '%s\n' "[${name%.hex}]" "recording = $file" "service = ${name%/*}" 'reason = match'
    done >"$TMP/library.cases"
    run -0 "$PORTSPLIT_BIN/portsplit" test "$CONFIG" "$TMP/library.cases"
    (("$(grep -c '^\[' "$TMP/library.cases")" >= 250))
    [[ $output == "$(grep -c '^\[' "$TMP/library.cases") cases: "*' as expected, 0 not' ]]
}

@test "patterns: a client of each entry reaches its service" {
    configure_library
    start_daemon
    local name files text
    for name in "${ENTRIES[@]}"; do
        files=("$RECORDINGS/$name"/*.hex)
        text=$(recorded "${files[0]}" | tr -d '\n' | sed -E 's/ ?([0-9a-f]{2})/\\x\1/g')
        talk "send:$text" "expect:$name" expect-end
        log_says "service=$name reason=match "
    done
    logged_connections ${#ENTRIES[@]}
}

@test "patterns: portsplit-patterns(7) has every entry, with its source and what it needs" {
    local name source text
    find_entries
    text=$(MANWIDTH=300 MAN_KEEP_FORMATTING='' LC_ALL=C.UTF-8 \
        man -l "$PORTSPLIT_BUILD/man/portsplit-patterns.7")
    for name in "${ENTRIES[@]}"; do
        source=$(sed -n 's/^# Source: //p' "$LIBRARY/$name.conf")
        echo "$name: $source"
        grep -Eq "^ +$name +[0-9]+( to [0-9]+)? +" <<<"$text"
        grep -Fq -- "$source" <<<"$text"
    done
    run -1 grep -E '@[A-Z_]+@' <<<"$text"
}

@test "patterns: portsplit-patterns(7) has every layout, with its source, fields and rules" {
    local file name field line text
    text=$(MANWIDTH=600 MAN_KEEP_FORMATTING='' LC_ALL=C.UTF-8 \
        man -l "$PORTSPLIT_BUILD/man/portsplit-patterns.7")
    for file in "$LIBRARY"/layouts/*.conf; do
        name=$(basename "$file" .conf)
        echo "$name"
        grep -Eq "^ +$name +[a-z0-9, -]+\$" <<<"$text"
        grep -Eq "^ +Layout $name\$" <<<"$text"
        grep -Fq -- "$(sed -n 's/^# Source: //p' "$file")" <<<"$text"
        while read -r field; do
            grep -Eq "^ +$name\.$field( |\$)" <<<"$text"
        done < <(sed -nE 's/^# Field ([^:]+):.*/\1/p' "$file")
        while read -r line; do
            grep -Fq -- "$line" <<<"$text"
        done < <(sed '/^#/d' "$file")
    done
}

# example N: the example number N of portsplit-patterns(7), with a line for bind.
example() {
    echo 'bind = 127.0.0.1:0'
    awk -v wanted="$1" '/^\.Ed/ { inside = 0 } inside && n == wanted; /^\.Bd/ { inside = 1; n++ }' \
        "$PORTSPLIT_BUILD/man/portsplit-patterns.7"
}

@test "patterns: the example of portsplit-patterns(7) is a configuration" {
    example 1 | configure
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text 'GET / HTTP/1.1' "$CONFIG"
    [[ ${lines[0]} == 'service=web reason=match bytes=4 '* ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text SSH-2.0- "$CONFIG"
    [[ ${lines[0]} == 'service=shell reason=match bytes=4 '* ]]
}

@test "patterns: the second example greets a client that waits, and recognises the others" {
    serve mail send:greeting expect-eof
    example 2 | sed "s/^timeout = 2/timeout = 1/; s/127.0.0.1:25$/127.0.0.1:$mail_port/" | configure
    start_daemon
    talk expect:greeting shutdown expect-eof
    log_says 'service=timeout reason=timeout '
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text 'GET / HTTP/1.1' "$CONFIG"
    [[ ${lines[0]} == 'service=web reason=match bytes=4 '* ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text SSH-2.0- "$CONFIG"
    [[ ${lines[0]} == 'service=shell reason=match bytes=4 '* ]]
}
