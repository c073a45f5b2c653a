# Workloads with a growing number of services or listeners. They start daemons of their own.
# shellcheck shell=bash

# write_services COUNT KIND: services that begin alike, in $SCRATCH/services. With the kind `mixed` a third
# each is string, hex and regex, and the last one is a regex. The request `serviceNNNNN /short` fits one.
write_services() {
    awk -v count="$1" -v kind="$2" -v port="$BACKEND_PORT" '
        function hex(text, bytes, i) {
            for (i = 1; i <= length(text); ++i)
                bytes = bytes sprintf(" %02x", index(ascii, substr(text, i, 1)) + 31)
            return bytes
        }
        BEGIN {
            for (i = 32; i < 127; ++i) ascii = ascii sprintf("%c", i)
            for (i = 1; i <= count; ++i) {
                name = sprintf("service%05d", i)
                form = kind == "mixed" ? (count - i) % 3 : 2
                if (form == 0) pattern = "regex = " name "\\x20"
                if (form == 1) pattern = "hex =" hex(name " ")
                if (form == 2) pattern = "string = " name "\\20"
                printf "[%s]\n%s\nconnect = 127.0.0.1:%d\n", name, pattern, port
            }
        }' >"$SCRATCH/services"
}

# start_daemon NAME LISTENERS: Portsplit with the services of $SCRATCH/services; the other build, if the name
# ends in `before`. Waits until it listens. Sets RUNNING (the build), CONFIG, LAST_PORT (of its last
# listener), DAEMON, SHARED_BEFORE (as SHARED, before the daemon).
start_daemon() {
    LAST_PORT=$((NEXT_PORT + $2 - 1)) CONFIG=$SCRATCH/growth.conf RUNNING=$BUILD
    [[ $1 != *before ]] || RUNNING=$BEFORE
    {
        seq -f 'bind = 127.0.0.1:%.0f' "$NEXT_PORT" "$LAST_PORT"
        echo 'maxconn = 0'
        cat "$SCRATCH/services"
    } >"$CONFIG"
    look_at_shared
    SHARED_BEFORE=$SHARED
    [[ -p $SCRATCH/ready ]] || mkfifo "$SCRATCH/ready"
    STARTED=${EPOCHREALTIME/./}
    setsid "$RUNNING/bin/portsplitd" --log "$SCRATCH/portsplit.log" --ready-fd 9 "$CONFIG" \
        9>"$SCRATCH/ready" &
    DAEMON=$!
    read -r <"$SCRATCH/ready" || fail "portsplitd does not start: $(tail -n 3 "$SCRATCH/portsplit.log")"
}

end_daemon() {
    kill "$DAEMON"
    wait "$DAEMON" || true
}

# find_child PID COMM: the last child of the process with this name (proc(5), comm) that has memory, so is
# no zombie, in CHILD. The list may lack a child while another one ends, so ask again.
find_child() {
    local children child comm
    CHILD=
    read -r -a children <"/proc/$1/task/$1/children" || true # it ends without a newline
    for child in "${children[@]}"; do
        { read -r comm <"/proc/$child/comm"; } 2>/dev/null || continue
        [[ $comm != "$2" ]] || ! grep -q VmRSS "/proc/$child/status" || CHILD=$child
    done 2>/dev/null
    [[ -n $CHILD ]]
}

# memory_of PID FIELD: a figure of /proc/PID/status in KiB, in KIB.
memory_of() { KIB=$(awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"); }

# add_figure NAME VALUE: to FIGURES.
add_figure() { [[ -z $FIGURES ]] || FIGURES="${FIGURES%\}},\"$1\":$2}"; }

# look_at_shared: memory that files in memory take in the whole system, in KiB, in SHARED (proc(5), Shmem).
look_at_shared() { SHARED=$(awk '$1 == "Shmem:" { print $2 }' /proc/meminfo); }

# ask PORT REQUEST: one connection, with nothing but this shell.
ask() {
    local fd answer
    exec {fd}<>"/dev/tcp/127.0.0.1/$1"
    printf '%s\n' "$2" >&"$fd"
    read -r -t 5 -u "$fd" answer || fail "no answer to $2"
    exec {fd}>&-
}

# look_at_undecided COMMAND...: page tables and private memory in KiB of a dispatcher that has seen what the
# command prints, with which many services begin, in PAGE_TABLES and PRIVATE. A second one has seen the same:
# smaps takes a page of shared memory for private while only one process has touched it.
look_at_undecided() {
    local one other
    pass_time 0.1 # the dispatchers of earlier connections end
    exec {one}<>"/dev/tcp/127.0.0.1/$LAST_PORT" {other}<>"/dev/tcp/127.0.0.1/$LAST_PORT"
    "$@" >&"$one"
    "$@" >&"$other"
    pass_time 0.1 # they look, then wait for more
    wait_until find_child "$ZYGOTE" portsplit-dispa
    memory_of "$CHILD" VmPTE
    PAGE_TABLES=$KIB
    PRIVATE=$(awk '/^Private_(Clean|Dirty)/ { sum += $2 } END { print sum + 0 }' "/proc/$CHILD/smaps_rollup")
    exec {one}>&- {other}>&-
}

# reload_daemon: how long until the daemon logs that it has reloaded, in RELOAD_US.
reload_daemon() {
    local log line begun
    exec {log}<"$SCRATCH/portsplit.log"
    while read -r -u "$log" line; do :; done
    begun=${EPOCHREALTIME/./}
    kill -HUP "$DAEMON"
    until [[ $line == *': reloaded '* ]]; do
        read -r -u "$log" line || pass_time 0.001
        RELOAD_US=$((${EPOCHREALTIME/./} - begun))
        ((RELOAD_US < 10000000)) || fail "portsplitd does not reload: $(tail -n 3 "$SCRATCH/portsplit.log")"
    done
    exec {log}<&-
}

# look_at_daemon: memory of the daemon, of the zygote, and of what they share with dispatchers, in KiB, in
# DAEMON_KIB, ZYGOTE_KIB and SHARED_KIB. Sets ZYGOTE.
look_at_daemon() {
    wait_until find_child "$DAEMON" portsplit-dispa
    ZYGOTE=$CHILD
    memory_of "$DAEMON" VmRSS && DAEMON_KIB=$KIB
    memory_of "$ZYGOTE" VmRSS && ZYGOTE_KIB=$KIB
    look_at_shared
    SHARED_KIB=$((SHARED - SHARED_BEFORE))
}

add_memory_of_daemon() {
    add_figure daemon_kib "$DAEMON_KIB"
    add_figure zygote_kib "$ZYGOTE_KIB"
    add_figure shared_kib "$SHARED_KIB"
}

# check_services WORKLOAD PEER: the time of `portsplit check` of the last daemon's configuration.
check_services() {
    local begun=${EPOCHREALTIME/./}
    "$RUNNING/bin/portsplit" check "$CONFIG" >/dev/null 2>&1 || fail "$CONFIG has errors"
    record "$1-check" "$2" "{\"us\":$((${EPOCHREALTIME/./} - begun))}"
}

# measure_growth WORKLOAD NUMBER LISTENERS REQUEST: Portsplit with NUMBER services or listeners: time from
# the start to the first answer, memory of daemon and zygote, and what they share with dispatchers, short
# connections, time of a reload.
measure_growth() {
    start_daemon "$2" "$3"
    ask "$LAST_PORT" "$4"
    local start_us=$((${EPOCHREALTIME/./} - STARTED))
    look_at_daemon
    look_at_undecided printf %s "${4:0:3}"
    quick_or 200 2000
    load short "127.0.0.1:$LAST_PORT" --request "$4" --at-once 32 --ms "$SIZE"
    add_figure start_us "$start_us"
    add_memory_of_daemon
    add_figure undecided_page_tables_kib "$PAGE_TABLES"
    add_figure undecided_private_kib "$PRIVATE"
    record "$1-32" "$2" "$FIGURES"
    quick_or 200 500
    load short "127.0.0.1:$LAST_PORT" --request "$4" --ms "$SIZE"
    record "$1-1" "$2" "$FIGURES"
    reload_daemon
    record "$1-reload" "$2" "{\"us\":$RELOAD_US}"
    end_daemon
}

# Here the peers are numbers of services, with -before for the other build, or with the name of another
# program. Clients ask for the last one.
peers_of_services() {
    local name others=()
    if [[ -n $QUICK ]]; then peers=(1 100 100-mixed); else peers=(1 100 10000 10000-mixed); fi
    for name in sslh-fork haproxy; do
        [[ -z ${PORT[$name]:-} ]] || others+=("1-$name" "${peers[2]%-mixed}-$name")
    done
    [[ -z $BEFORE ]] || peers+=("${peers[@]/%/-before}")
    peers+=("${others[@]}")
}
measure_services() {
    local count=${1%%-*} kind=string
    [[ $1 != *-sslh-fork && $1 != *-haproxy ]] || { measure_other_services "$count" "${1#*-}" && return; }
    [[ $1 != *-mixed* ]] || kind=mixed
    write_services "$count" "$kind"
    measure_growth services "$1" 1 "$(printf 'service%05d /short' "$count")"
    check_services services "$1"
}

# start_services_of_sslh-fork NAME COUNT: its own services, COUNT of one string each, as in write_services.
start_services_of_sslh-fork() {
    start_any_sslh "$1" sslh < <(awk -v count="$2" -v port="$BACKEND_PORT" 'BEGIN { for (i = 1; i <= count; ++i)
        printf "{ name: \"regex\"; host: \"127.0.0.1\"; port: \"%d\"; regex_patterns: [ \"^service%05d \" ]; }%s\n",
            port, i, i < count ? "," : "" }')
}

# start_services_of_haproxy NAME COUNT: the same; a map, as its manual recommends for many.
start_services_of_haproxy() {
    awk -v count="$2" 'BEGIN { for (i = 1; i <= count; ++i) printf "service%05d service%05d\n", i, i }' \
        >"$SCRATCH/$1.map"
    start_any_haproxy "$1" 2000 '' < <(
        cat <<END
  tcp-request content accept if { req.len ge 12 }
  use_backend %[req.payload(0,12),map($SCRATCH/$1.map)]
END
        awk -v count="$2" -v port="$BACKEND_PORT" 'BEGIN { for (i = 1; i <= count; ++i)
            printf "backend service%05d\n  server one 127.0.0.1:%d\n", i, port }'
    )
}

# measure_other_services COUNT PEER: sslh or HAProxy with as many services of one string each.
measure_other_services() {
    local name=$2-services
    # shellcheck disable=SC2004 # PORT has names
    PORT[$name]=$NEXT_PORT
    "start_services_of_$2" "$name" "$1" || return 0
    wait_until listens "${PORT[$name]}" || fail "$(tail -n 3 "$SCRATCH/$name.out")"
    quick_or 200 2000
    load short "127.0.0.1:${PORT[$name]}" --request "$(printf 'service%05d /short' "$1")" --at-once 32 \
        --ms "$SIZE"
    record services-32 "$1-$2" "$FIGURES"
    end_peer "$name"
}

# Numbers of listeners. Clients connect to the last one.
peers_of_listeners() { if [[ -n $QUICK ]]; then peers=(1 10); else peers=(1 10 100 1000); fi; }
measure_listeners() {
    printf '[http]\nstring = GET\\20\nconnect = 127.0.0.1:%s\n' "$BACKEND_PORT" >"$SCRATCH/services"
    measure_growth listeners "$1" "$1" 'GET /short'
}

# The decision alone. The peers of its results are numbers of services or names.
peers_of_decide() { [[ -z $QUICK && -x $TOOLS/decide ]] && peers=(portsplit) || peers=(); }
measure_decide() {
    "$TOOLS/decide" | jq -c --argjson round "$round" '{
        workload: "decide, \(.workload)", peer: "\(.services)", $round,
        figures: { "\(.figure), \(.unit)": .value } }' >>"$RAW"
}
