# The workload `tail`: how long a client waits that comes when it is due, whatever else goes on (open loop).
# shellcheck shell=bash

# The signal for a reload. sslh has none.
declare -A RELOAD=([portsplit]=HUP [before]=HUP [haproxy]=USR2)
# The name of the process that a reload replaces.
declare -A RELOADED=([portsplit]=portsplit-dispa [before]=portsplit-dispa [haproxy]=haproxy)

# A Portsplit with -10000 has 10,000 services, and clients use the last one.
peers_of_tail() {
    if [[ -n $QUICK ]]; then relays_of portsplit haproxy; else relays_of direct portsplit before sslh-fork haproxy; fi
    [[ -z ${PORT[portsplit]:-} ]] || peers+=(portsplit-10000)
    [[ -z ${PORT[before]:-} || -n $QUICK ]] || peers+=(before-10000)
}
measure_tail() {
    local port=${PORT[$1]:-} bulk=${BULK_PORT[$1]:-} request='GET /short' pid name=${1%-10000} child
    read -r pid _ <<<"${PIDS[$1]:-}" # the first one serves the relay
    if [[ $1 == *-10000 ]]; then
        write_services 9999 string
        printf '[fallback]\nconnect = 127.0.0.1:%d\n' "$SINK_PORT" >>"$SCRATCH/services"
        start_daemon "$name" 1
        port=$LAST_PORT bulk=$LAST_PORT request='service09999 /short' pid=$DAEMON
        ask "$port" "$request"
    fi
    come_paced
    record tail-alone "$1" "$FIGURES"
    if [[ -n $bulk && -n ${BULK_PORT[direct]:-} ]]; then
        come_beside_bulk
        record tail-bulk "$1" "$FIGURES"
        [[ -n $QUICK ]] || come_beside_bulk -b 8G
        [[ -n $QUICK ]] || record tail-bulk-8 "$1" "$FIGURES"
    fi
    if [[ -n ${RELOAD[$name]:-} ]]; then
        wait_until find_child "$pid" "${RELOADED[$name]}"
        child=$CHILD
        reload_each_second "${RELOAD[$name]}" "$pid" &
        local reloader=$!
        come_paced
        kill "$reloader"
        wait "$reloader" || true
        wait_until has_another_child "$pid" "${RELOADED[$name]}" "$child" || FIGURES=
        record tail-reload "$1" "$FIGURES"
        pass_time 0.5 # the last reload ends
    fi
    [[ $1 != *-10000 ]] || end_daemon
}

# Five hundred connections a second to $port.
come_paced() {
    quick_or 300 5000
    load paced "127.0.0.1:$port" --request "$request" --rate 500 --ms "$SIZE"
}

# come_beside_bulk [OPTION...]: the same beside one stream of iperf3 through the peer. Its sender and its sink
# have the last core only, so that the clients have another one.
come_beside_bulk() {
    local core=$(($(nproc) - 1)) report=$SCRATCH/bulk.json stream gbit_s
    taskset -cp "$core" "${PIDS[iperf3]# }" >/dev/null
    quick_or 1 7
    taskset -c "$core" iperf3 -J -c 127.0.0.1 -p "$bulk" -t "$SIZE" "$@" >"$report" &
    stream=$!
    pass_time 0.5
    come_paced
    wait "$stream" || FIGURES=
    taskset -cp "0-$core" "${PIDS[iperf3]# }" >/dev/null
    gbit_s=$(jq -e '.end.sum_received.bits_per_second / 1e9' "$report") || FIGURES=
    add_figure bulk_gbit_s "$gbit_s"
}

# has_another_child PID COMM CHILD: the last child with this name is not CHILD.
has_another_child() { find_child "$1" "$2" && [[ $CHILD != "$3" ]]; }

# reload_each_second SIGNAL PID: until it is killed. The first comes at once.
reload_each_second() {
    while true; do
        kill -"$1" "$2"
        pass_time 1
    done
}
