#!/usr/bin/env bats
# The bench runs, and its figures are plausible. No time is checked, since the machine may be busy.

# The expressions in single quotes are for jq.
# shellcheck disable=SC2016

load harness

setup_file() {
    export REPORT=$BATS_FILE_TMPDIR
    [[ ${PORTSPLIT_FLAVOUR:-release} == release ]] || return 0
    (($(id -u) == 0)) || return 0
    "$BATS_TEST_DIRNAME/bench/bench" --quick --build "$PORTSPLIT_BUILD" --out "$REPORT" \
        >"$REPORT/output" 2>&1 3>&- || {
        cat "$REPORT/output"
        return 1
    }
    # Names the peers that are not installed here.
    grep 'left out' "$REPORT/output" >&3 || true
}

setup() {
    [[ $PORTSPLIT_FLAVOUR == release ]] || skip 'a build with sanitizers is not measured'
    needs_root
    RESULTS=$REPORT/results.json
}

teardown() { :; }

# figure NAME PEER: the median of a figure, in FIGURE.
figure() {
    FIGURE=$(jq --arg figure "$1" --arg peer "$2" \
        '.figures[] | select(.figure == $figure and .peer == $peer) | .median' "$RESULTS")
    [[ -n $FIGURE ]] || { echo "no $1 of $2" && return 1; }
}

# holds EXPRESSION A [B]: an expression of jq about $a and $b is true.
holds() { jq -en --argjson a "$2" --argjson b "${3:-0}" "$1" >/dev/null || { echo "$*" && return 1; }; }

@test "bench: every workload has a figure of Portsplit" {
    local name
    for name in conc-{1,32,1000}.rate conc-1.median_us ping-pong.rate pieces.median_us \
        memory-3000.connections scale-{0,1000}.rate \
        tail-{alone,bulk,reload}.p99_us exec-short-{1,32}.rate exec-bulk.gbit_s exec-ping-pong.rate; do
        echo "$name"
        figure "$name" portsplit
        holds '$a > 0' "$FIGURE"
    done
    for name in tail-{alone,bulk,reload}.p99_us; do
        figure "$name" portsplit-10000
        holds '$a > 0' "$FIGURE"
    done
    for name in services-32.{rate,start_ms,both_mib,undecided_private_kib,undecided_page_tables_kib} \
        services-1.median_us services-{check,reload}.ms; do
        for count in 1 100 100-mixed; do
            figure "$name" "$count"
            holds '$a > 0' "$FIGURE"
        done
    done
    for count in 1 10; do
        figure listeners-32.rate "$count"
        holds '$a > 0' "$FIGURE"
    done
}

@test "bench: Portsplit finds the server name" {
    local shape peer room name
    for shape in '220 B' '1.8 kB, 2 records' '31 kB, 2 records, buffers of 64 KiB'; do
        for peer in direct portsplit; do
            figure "names, $shape.found" "$peer"
            holds '$a > 0' "$FIGURE"
        done
    done
    for room in usual wide; do
        figure "names-$room.lost" portsplit
        holds '$a == 0' "$FIGURE"
    done
    for name in names-short-{1,32}; do
        for peer in floor portsplit portsplit-string; do
            figure "$name.rate" "$peer"
            holds '$a > 0' "$FIGURE"
            figure "$name.errors" "$peer"
            holds '$a == 0' "$FIGURE"
        done
    done
    grep -q '^| 220 B |.* found ' "$REPORT/results.md"
}

@test "bench: Portsplit has a list of names" {
    local name count
    for name in lists.{rate,start_ms,daemon_kib,undecided_1800_kib,undecided_16300_kib} \
        lists-{check,reload}.ms; do
        for count in 1-string 100; do
            figure "$name" "$count"
            holds '$a > 0' "$FIGURE"
        done
    done
}

# accepts PORT SHAPE...: a TLS server answers every one of these shapes with a handshake record.
accepts() {
    local shape name bytes record place hello=$BATS_TEST_TMPDIR/hello
    for shape in "${@:2}"; do
        IFS='|' read -r _ name bytes record _ place _ <<<"$shape"
        # shellcheck disable=SC2086 # no place is no argument
        "$PORTSPLIT_BUILD/integration/bench/hello" "$name" "$bytes" "$record" $place >"$hello"
        FIGURES=$("$PORTSPLIT_BUILD/integration/bench/load" names "127.0.0.1:$1" --file "$hello" --ms 0 \
            --answer $'\x16')
        holds '$a.found == 1' "$FIGURES" || { echo "$shape" && return 1; }
    done
}

@test "bench: OpenSSL accepts each ClientHello that is measured" {
    local server status=0 output=$BATS_TEST_TMPDIR/server i
    # shellcheck source=integration/bench/names.bash
    source "$BATS_TEST_DIRNAME/bench/names.bash"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test \
        -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/certificate" 2>"$output"
    exec {NEVER}<> <(:)
    openssl s_server -WWW -accept 127.0.0.1:0 -cert "$BATS_TEST_TMPDIR/certificate" \
        -key "$BATS_TEST_TMPDIR/key" >"$output" 2>&1 3>&- &
    server=$!
    wait_until 10 grep -q '^ACCEPT ' "$output" || status=1
    ((status)) || accepts "$(sed -n 's/^ACCEPT .*://p' "$output")" "${SHAPES[@]}" || status=1
    kill "$server"
    ((status == 0))
}

@test "bench: a run is added to the report of an earlier one" {
    echo '{"workload":"names, 220 B","peer":"portsplit","round":1,"figures":{"found":3,"elsewhere":0}}' \
        >"$BATS_TEST_TMPDIR/raw"
    : >"$BATS_TEST_TMPDIR/left-out"
    printf '# Earlier\n\nline\n' >"$BATS_TEST_TMPDIR/report"
    "$BATS_TEST_DIRNAME/bench/summarise" "$PORTSPLIT_BUILD" "$BATS_TEST_TMPDIR"/{raw,left-out} \
        "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/report"
    head -n 3 "$BATS_TEST_TMPDIR/report" | cmp - <(printf '# Earlier\n\nline\n')
    grep -q '^## Another run, ' "$BATS_TEST_TMPDIR/report"
    grep -q '^### The server name ' "$BATS_TEST_TMPDIR/report"
    grep -qxF '| 220 B | found |' "$BATS_TEST_TMPDIR/report"
}

@test "bench: other programs have as many services" {
    local peer
    for peer in sslh-fork haproxy; do
        command -v "$peer" || command -v "/usr/sbin/${peer%-fork}" || continue
        for count in 1 100; do
            figure services-32.rate "$count-$peer"
            holds '$a > 0' "$FIGURE"
            figure services-32.errors "$count-$peer"
            holds '$a == 0' "$FIGURE"
        done
    done
}

@test "bench: a figure that could not be measured takes no other from the report" {
    local line='{"workload":"memory-3000","peer":"%s","round":%d,"figures":{"connections":1%s}}\n'
    # shellcheck disable=SC2059 # the format is above
    printf "$line" direct 1 '' portsplit 1 ',"all_kib":9,"named_kib":9,"page_tables_kib":1' \
        portsplit 2 ',"all_kib":7,"named_kib":7,"page_tables_kib":1' >"$BATS_TEST_TMPDIR/raw"
    : >"$BATS_TEST_TMPDIR/left-out"
    "$BATS_TEST_DIRNAME/bench/summarise" "$PORTSPLIT_BUILD" "$BATS_TEST_TMPDIR"/{raw,left-out} "$BATS_TEST_TMPDIR"
    RESULTS=$BATS_TEST_TMPDIR/results.json
    figure memory-3000.all_each portsplit
    [[ $FIGURE == 8 ]]
}

@test "bench: bulk has figures" {
    local way
    for way in up down both parallel; do
        figure "bulk-$way.gbit_s" portsplit
        holds '$a > 0' "$FIGURE"
    done
}

@test "bench: no connection fails, and all idle connections answer at the end" {
    local at_once name
    for at_once in 1 32 1000; do
        figure "conc-$at_once.errors" portsplit
        holds '$a == 0' "$FIGURE"
    done
    figure memory-3000.connections portsplit
    holds '$a == 100' "$FIGURE"
    for name in tail-{alone,bulk,reload}.errors; do
        figure "$name" portsplit
        holds '$a == 0' "$FIGURE"
    done
}

@test "bench: the figures are plausible" {
    local ours
    figure conc-32.rate portsplit
    ours=$FIGURE
    figure conc-32.rate floor
    holds '$a > $b / 10 and $a < $b * 5' "$ours" "$FIGURE"
    figure ping-pong.median_us portsplit
    ours=$FIGURE
    figure ping-pong.median_us direct
    holds '$a > $b / 2 and $a < $b * 100' "$ours" "$FIGURE"
}

@test "bench: the report names the machine and the versions" {
    jq -e '.machine | .cpu and .cores and .kernel and .commit and .date and .load' "$RESULTS"
    jq -e '.versions | any(startswith("portsplitd "))' "$RESULTS"
    grep -q '^## Short connections' "$REPORT/results.md"
    ! command -v gnuplot || grep -q '</svg>' "$REPORT/short.svg"
    ! command -v gnuplot || grep -qxF '![Short connections a second](short.svg)' "$REPORT/results.md"
}
