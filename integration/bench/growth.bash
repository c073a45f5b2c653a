# Workloads with a growing number of services or listeners. They start daemons of their own.
# shellcheck shell=bash

# Here the peers are numbers of services. Each has a prefix, and clients ask for the last one.
peers_of_services() { if [[ -n $QUICK ]]; then peers=(1 100); else peers=(1 10 100 1000 10000); fi; }
measure_services() {
    awk -v count="$1" -v port="$BACKEND_PORT" 'BEGIN { for (i = 1; i <= count; ++i)
        printf "[service%05d]\nstring = service%05d\\20\nconnect = 127.0.0.1:%d\n", i, i, port }' \
        >"$SCRATCH/services"
    measure_growth services "$1" 1 "$(printf 'service%05d /short' "$1")"
}

# Numbers of listeners. Clients connect to the last one.
peers_of_listeners() { if [[ -n $QUICK ]]; then peers=(1 10); else peers=(1 10 100 1000); fi; }
measure_listeners() {
    printf '[http]\nstring = GET\\20\nconnect = 127.0.0.1:%s\n' "$BACKEND_PORT" >"$SCRATCH/services"
    measure_growth listeners "$1" "$1" 'GET /short'
}

# measure_growth WORKLOAD NUMBER LISTENERS REQUEST: measures Portsplit with NUMBER services or listeners.
measure_growth() {
    local first=$NEXT_PORT last=$((NEXT_PORT + $3 - 1)) start pid
    {
        seq -f 'bind = 127.0.0.1:%.0f' "$first" "$last"
        echo 'maxconn = 0'
        cat "$SCRATCH/services"
    } >"$SCRATCH/growth.conf"
    [[ -p $SCRATCH/ready ]] || mkfifo "$SCRATCH/ready"
    start=${EPOCHREALTIME/./}
    setsid "$BUILD/bin/portsplitd" --log "$SCRATCH/portsplit.log" --ready-fd 9 "$SCRATCH/growth.conf" \
        9>"$SCRATCH/ready" &
    pid=$!
    read -r <"$SCRATCH/ready" || fail "portsplitd does not start with $2 $1"
    local start_us=$((${EPOCHREALTIME/./} - start)) zygote rss
    read -r zygote _ <"/proc/$pid/task/$pid/children" || true # it ends without a newline
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$zygote/status")
    quick_or 200 500
    load short "127.0.0.1:$last" --request "$4" --at-once 32 --ms "$SIZE"
    record "$1-32" "$2" "${FIGURES%\}},\"start_us\":$start_us,\"zygote_kib\":$rss}"
    load short "127.0.0.1:$last" --request "$4" --ms "$SIZE"
    record "$1-1" "$2" "$FIGURES"
    kill "$pid"
    wait "$pid" || true
}

# The decision alone. `decide` computes the medians itself, so one round suffices; the peers of its results
# are numbers of services.
peers_of_decide() { [[ -z $QUICK && -x $TOOLS/decide ]] && peers=(portsplit) || peers=(); }
measure_decide() {
    ((round == 1)) || return 0
    "$TOOLS/decide" | jq -c '{ workload: "decide, \(.workload)", peer: "\(.services)", round: 1,
        figures: { "\(.figure), \(.unit)": .value } }' >>"$RAW"
}
