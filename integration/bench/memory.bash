# Workloads with idle connections: their memory, and short connections beside them.
# shellcheck shell=bash

# can_hold PEER COUNT: the peer has enough descriptors for so many connections; else it is left out. A peer of one
# process needs two descriptors for a connection, or six with pipes. sslh-select is limited to 1024 by select(2).
# xinetd is left out above 3000: each of its connections executes a program.
can_hold() {
    declare -A each=([sslh-select]=2 [haproxy]=2 [nginx]=2 [socket-proxyd]=6 [direct]=1)
    local limit needed=$((${each[$1]:-0} * $2 + 100))
    limit=$(ulimit -n)
    [[ $1 != sslh-select ]] || limit=1024
    [[ $1 != xinetd || $2 -le 3000 ]] || { leave_out xinetd "it is measured with at most 3000 idle connections" && return 1; }
    ((needed <= limit)) && return
    leave_out "$1" "$2 connections need $needed descriptors; its limit is $limit"
    return 1
}

# hold PORT COUNT: opens COUNT connections to the port, tests each by an answer, and holds them in the
# background until `release`.
hold() {
    coproc HOLDER { exec "$TOOLS/load" hold "127.0.0.1:$1" --request 'GET /echo' --count "$2"; }
    local pid=$HOLDER_PID
    read -r -t 60 -u "${HOLDER[0]}" && return
    kill "$pid" 2>/dev/null || true
    wait "$pid" || return 1
}

# release: every held connection sends a byte at once and awaits its echo, then all are closed. The line of
# JSON is in FIGURES; empty if one did not answer.
release() {
    local pid=$HOLDER_PID from=${HOLDER[0]}
    echo >&"${HOLDER[1]}"
    read -r -t 30 -u "$from" FIGURES || FIGURES=
    wait "$pid" || FIGURES=
}

# --- memory ----------------------------------------------------------------------------------------

peers_of_memory() { relays_but haproxy-splice; }
measure_memory() {
    local count
    for count in 3000 10000; do
        [[ -z $QUICK || $count == 3000 ]] || continue
        quick_or 100 "$count"
        can_hold "$1" "$SIZE" || continue
        weigh "$1" "$SIZE"
        record "memory-$count" "$1" "$FIGURES"
    done
}

# weigh PEER COUNT: memory of COUNT idle connections, CPU time of the peer in an idle second, and the time
# until all are answered when they send at once.
weigh() {
    local cpu i grown='' names=(all_kib named_kib page_tables_kib) before=()
    FIGURES=
    # A first connection, so that memory allocated once is not counted.
    load ping-pong "127.0.0.1:${PORT[$1]}" --request 'GET /echo' --count 1
    settle
    before=("${USED[@]}")
    hold "${PORT[$1]}" "$2" || return 0
    settle
    for i in "${!names[@]}"; do grown+=",\"${names[i]}\":$((USED[i] - before[i]))"; done
    # Both ends' sockets alone take more. What was freed elsewhere meanwhile makes the figure worthless.
    if ((USED[0] - before[0] < 4 * $2)); then
        grown=''
        say "$1: the memory of other programs changes too much to weigh it"
    fi
    look_at_cpu "$1"
    cpu=$CPU
    quick_or 0.2 1
    pass_time "$SIZE"
    look_at_cpu "$1"
    release
    [[ -z $FIGURES ]] || FIGURES="${FIGURES%\}}$grown,\"idle_cpu_us\":$((CPU - cpu))}"
}

# Used memory of the whole system in KiB, in the array USED.
# - all: what is neither free nor file cache: processes, page tables, kernel stacks, sockets, buffers.
#   MemFree leaves out the free pages in the lists of each CPU, which /proc/zoneinfo has (`count`).
# - named: anonymous, slab, kernel stacks, page tables: what /proc/meminfo has a name for.
# - page tables, which are in both.
look_at_memory() {
    read -r -a USED < <(awk -v page_kib="$(($(getconf PAGESIZE) / 1024))" '
        FILENAME ~ /zoneinfo/ { if ($1 == "count:") listed += $2 * page_kib; next }
        { kib[$1] = $2 }
        END {
            print kib["MemTotal:"] - kib["MemFree:"] - listed \
                      - kib["Buffers:"] - kib["Cached:"] + kib["Shmem:"],
                kib["AnonPages:"] + kib["Slab:"] + kib["KernelStack:"] + kib["PageTables:"],
                kib["PageTables:"]
        }' /proc/meminfo /proc/zoneinfo)
}

# Frees the caches of files and of the slab allocator, which grow and shrink by themselves. Does nothing where
# the system does not permit it, nor with --quick, whose figures nobody reads.
empty_caches() {
    local file
    [[ -z $QUICK ]] || return 0
    {
        echo 3 >/proc/sys/vm/drop_caches # pages and slab objects, sysctl/vm.rst
        for file in /sys/kernel/slab/*/shrink; do echo 1 >"$file"; done
    } 2>/dev/null || true
}

# Waits, 3 s at most, until used memory is stable: the kernel frees ended processes with a delay.
settle() {
    local last=0 i
    empty_caches
    quick_or 3 30
    for ((i = 0; i < SIZE; ++i)); do
        { echo 1 >/proc/sys/vm/stat_refresh; } 2>/dev/null || true # brings the counters up to date
        look_at_memory
        ((USED[0] - last < 256 && last - USED[0] < 256)) && return
        last=${USED[0]}
        pass_time 0.1
    done
}

# --- scale -----------------------------------------------------------------------------------------

# Short connections, 32 at once, beside idle ones.
peers_of_scale() {
    if [[ -n $QUICK ]]; then relays_of floor portsplit; else relays_but direct haproxy-splice; fi
}
measure_scale() {
    local idle short port=${SCALE_PORT[$1]:-${PORT[$1]}}
    for idle in 0 1000 6000; do
        [[ -z $QUICK || $idle != 6000 ]] || continue
        can_hold "$1" "$idle" || continue
        ((idle == 0)) || hold "$port" "$idle" || continue
        quick_or 200 2000
        load short "127.0.0.1:$port" --request 'GET /short' --at-once 32 --ms "$SIZE"
        short=$FIGURES
        # The figures count only if all idle connections still answer.
        ((idle == 0)) || release
        [[ -z $FIGURES ]] || record "scale-$idle" "$1" "$short"
        wait_until_few_run "$1"
    done
}

# wait_until_few_run PEER: waits, 5 s at most, until the processes of its connections have ended.
wait_until_few_run() {
    local i
    for ((i = 0; i < 50; ++i)); do
        look_at_cpu "$1"
        ((ALIVE > 100)) || return 0
        pass_time 0.1
    done
}
