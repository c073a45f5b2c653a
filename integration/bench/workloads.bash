# The workloads: their list, what they share, relays and programs. peers_of_NAME sets `peers`; measure_NAME measures one peer once and records its figures.
# shellcheck shell=bash

WORKLOADS=(memory scale conc features programs tail ping-pong pieces bulk exec services listeners names lists decide)

# measure WORKLOAD: measures every peer once in each round; each round begins with another peer.
measure() {
    local round i peers=()
    "peers_of_$1"
    ((${#peers[@]} > 0)) || return 0
    say "$SECONDS s: $1: ${peers[*]}"
    for ((round = 1; round <= ROUNDS; ++round)); do
        for ((i = 0; i < ${#peers[@]}; ++i)); do
            "measure_$1" "${peers[(i + round - 1) % ${#peers[@]}]}"
        done
    done
}

# record WORKLOAD PEER FIGURES: a JSON object of numbers.
record() {
    [[ -n $3 ]] || { say "$1: $2 gave no figures" && return; }
    printf '{"workload":"%s","peer":"%s","round":%d,"figures":%s}\n' "$1" "$2" "$round" "$3" >>"$RAW"
}

# quick_or QUICK FULL: the first of the two with --quick, else the second, in SIZE.
quick_or() { if [[ -n $QUICK ]]; then SIZE=$1; else SIZE=$2; fi; }

# load ARGUMENT...: the line of JSON of `load`, in FIGURES; empty if it failed or took over 30 s.
load() { FIGURES=$(timeout 30 "$TOOLS/load" "$@") || FIGURES=''; }

# look_at_cpu PEER: CPU time of the peer with all its descendants in microseconds, in CPU, and how many of
# them run, in ALIVE (proc(5)). For a running process it is the larger of schedstat, which is exact but
# without threads that have ended, and utime + stime. Reaped children are in cutime + cstime, in 10 ms.
look_at_cpu() {
    read -r CPU ALIVE < <({
        cat /proc/[0-9]*/stat || true # some end meanwhile
        grep . /proc/[0-9]*/task/[0-9]*/schedstat || true
    } 2>/dev/null | awk -v roots="${PIDS[$1]:-}" '
        /^.proc/ { split($1, part, /[\/:]/); exact[part[3]] += part[7] / 1000; next }
        {
            pid = $1
            sub(/.*\) /, "")
            state[pid] = $1
            parent[pid] = $2
            own[pid] = ($12 + $13) * 10000
            waited[pid] = ($14 + $15) * 10000
        }
        END {
            split(roots, list)
            for (i in list) ours[list[i]] = 1
            for (pid in parent) {
                for (p = pid; p in parent && !(p in ours);) p = parent[p]
                if (!(p in ours)) continue
                sum += (exact[pid] > own[pid] ? exact[pid] : own[pid]) + waited[pid]
                alive += state[pid] != "Z"
            }
            printf "%.0f %d\n", sum, alive
        }')
}

# with_cpu PEER COMMAND...: runs the command and adds the CPU time of the peer to FIGURES. Waits until the
# processes of the connections have ended, since one that ends during the count may be missed.
with_cpu() {
    look_at_cpu "$1"
    local before=$CPU alive=$ALIVE i
    "${@:2}"
    for ((i = 0; i < 20; ++i)); do
        look_at_cpu "$1"
        ((ALIVE > alive)) || break
        pass_time 0.1
    done
    [[ -z $FIGURES ]] || FIGURES="${FIGURES%\}},\"cpu_us\":$((CPU - before))}"
}

# --- relays ----------------------------------------------------------------------------------------

# relays_but NAME...: the relays that run, without these, in `peers`.
relays_but() {
    local name
    for name in "${RELAYS[@]}"; do
        [[ -z ${PORT[$name]:-} || " $* " == *" $name "* ]] || peers+=("$name")
    done
}

# relays_of NAME...: those of these relays that run, in `peers`.
relays_of() {
    local name
    for name; do [[ -z ${PORT[$name]:-} ]] || peers+=("$name"); done
}

# Connections with 1, 32, 256 and 1,000 at once: rate, time to the first byte, CPU time.
peers_of_conc() { relays_but haproxy-splice; }
measure_conc() {
    local at_once
    for at_once in 1 32 256 1000; do
        [[ -z $QUICK || $at_once != 256 ]] || continue
        can_hold "$1" "$at_once" || continue
        quick_or 150 1500
        # Where a fork takes a millisecond, none of a thousand ends in the time of the others.
        ((at_once < 1000)) || quick_or 1000 1500
        pass_time 0.05
        with_cpu "$1" load short "127.0.0.1:${PORT[$1]}" --request 'GET /short' \
            --at-once "$at_once" --ms "$SIZE"
        record "conc-$at_once" "$1" "$FIGURES"
    done
}

# Round trips of one byte; 100,000 in five rounds.
peers_of_ping-pong() { relays_but; }
measure_ping-pong() {
    quick_or 500 20000
    load ping-pong "127.0.0.1:${PORT[$1]}" --request 'GET /echo' --count "$SIZE"
    record ping-pong "$1" "$FIGURES"
}

# The first bytes one by one: time from the last one to the answer. Only peers that inspect them.
peers_of_pieces() { relays_but haproxy-splice nginx socat xinetd socket-proxyd; }
measure_pieces() {
    quick_or 20 200
    load pieces "127.0.0.1:${PORT[$1]}" --request 'GET /short' --count "$SIZE"
    record pieces "$1" "$FIGURES"
}

# One stream up, one down, and sixteen at once by iperf3; one connection both ways by `load`. iperf3 uses
# two connections for both ways and relies on the order of their arrival, which a relay with several
# processes or threads does not keep.
peers_of_bulk() {
    [[ -n ${BULK_PORT[direct]:-} ]] || return 0
    if [[ -n $QUICK ]]; then relays_of direct portsplit; else relays_but; fi
}
measure_bulk() {
    local way
    declare -A options=([up]='' [down]=-R [parallel]='-P 16')
    for way in up down parallel; do
        pass_time 0.05
        # shellcheck disable=SC2086 # options are words
        with_cpu "$1" transfer "${BULK_PORT[$1]}" ${options[$way]}
        record "bulk-$way" "$1" "$FIGURES"
    done
    quick_or 100 1000
    with_cpu "$1" load both "127.0.0.1:${PORT[$1]}" --request 'GET /echo' --ms "$SIZE"
    record bulk-both "$1" "$FIGURES"
}
transfer() {
    quick_or '-n 64M' '-t 1'
    # shellcheck disable=SC2086 # SIZE is two words
    FIGURES=$(timeout 20 iperf3 -J -c 127.0.0.1 -p "$1" $SIZE "${@:2}" | jq -ce '.end.sum_received |
        { gbit_s: (.bits_per_second / 1e9), gib: (.bytes / 1073741824) } | select(.gib > 0)') || FIGURES=''
}

# --- programs --------------------------------------------------------------------------------------

peers_of_exec() {
    local name
    for name in "${EXECUTORS[@]}"; do [[ -z ${CAT_PORT[$name]:-} ]] || peers+=("$name"); done
}
measure_exec() {
    local at_once cat=127.0.0.1:${CAT_PORT[$1]} zero=127.0.0.1:${ZERO_PORT[$1]}
    quick_or 150 700
    for at_once in 1 32; do
        pass_time 0.05
        with_cpu "$1" load short "$cat" --request 'GET /echo' --half-close --at-once "$at_once" \
            --ms "$SIZE"
        record "exec-short-$at_once" "$1" "$FIGURES"
    done
    load short "$zero" --request 'GET /zero' --ms "$SIZE"
    record exec-bulk "$1" "$FIGURES"
    quick_or 500 20000
    load ping-pong "$cat" --request 'GET /echo' --count "$SIZE"
    record exec-ping-pong "$1" "$FIGURES"
}
