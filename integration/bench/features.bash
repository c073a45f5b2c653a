# What a feature costs a short connection: Portsplit with one of them, beside itself without any. WHERE, to which
# clients connect, and REQUEST_OF are by peer.
# shellcheck shell=bash

FEATURES=(portsplit-plain portsplit-listener portsplit-from portsplit-proxy-in portsplit-proxy-out
    portsplit-transparent portsplit-failover portsplit-unix-in portsplit-unix-out portsplit-deny portsplit-timers
    portsplit-rate portsplit-limits portsplit-mptcp portsplit-unconfined portsplit-beside portsplit-beside-unconfined portsplit-beside-user)
# The same for a program on each connection. As what looks is never root, a program of another user than the daemon's
# `user` needs a process more that looks (`user`), and so does an expression (`sniffed`).
PROGRAM_FEATURES=(portsplit-program portsplit-program-sniffed portsplit-program-pipe portsplit-program-user
    portsplit-program-unconfined)
declare -A WHERE=() REQUEST_OF=()

# start_feature NAME: writes its configuration and starts it.
start_feature() {
    local name=$1 listener='' service='' other='connect = 127.0.0.1:22' target="connect = 127.0.0.1:$BACKEND_PORT"
    REQUEST_OF[$name]='GET /short'
    WHERE[$name]=127.0.0.1:$((NEXT_PORT++))
    case ${name#portsplit-} in
        plain) ;;
        listener) listener='[listener other]'$'\n'"bind = 127.0.0.1:$((NEXT_PORT++))"$'\n''services = ssh' ;;
        from) service=$'from = 127.0.0.0/8\nfrom = 10.0.0.0/8\nnot-from = 127.0.0.66' ;;
        proxy-in)
            listener='proxy-from = 127.0.0.1'
            REQUEST_OF[$name]=$'PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\nGET /short' ;;
        proxy-out) service='proxy = v1' ;;
        transparent) service='transparent = yes' ;;
        deny) listener='deny = 192.0.2.0/24' ;;
        timers) service=$'idle = 60\nhalf-closed = 60\nuser-timeout = 60\nconnect-timeout = 9' ;;
        rate) listener=$'rate-source = 1000000/1\nmaxconn-source = 100000\nmaxundecided = 100000' ;;
        limits) service=$'maxconn = 100000\nmaxconn-source = 100000' ;;
        mptcp) listener='mptcp = yes' ;;
        unconfined) listener='sandbox = off' ;;
        beside*)
            listener='user = nobody' other='exec = /bin/cat' ;;&
        program*)
            REQUEST_OF[$name]='GET /echo'
            listener='user = nobody' target='exec = /bin/cat' ;;&
        beside-unconfined | program-unconfined) listener+=$'\nsandbox = off' ;;
        beside-user) other+=$'\nuser = daemon' ;;
        program-user) service='user = daemon' ;;
        program-sniffed) other=$'regex = [0-9]+x\n'"$other" ;;
        program-pipe) service='stdio = pipe' ;;
        unix-in) WHERE[$name]=unix:$SCRATCH/in.sock ;;
        unix-out)
            target="connect = unix:$SCRATCH/out.sock"
            launch unix-backend "$TOOLS/backend" "unix:$SCRATCH/out.sock"
            wait_until is_up "unix:$SCRATCH/out.sock" || fail 'no server on a Unix-domain socket'
            chmod 711 "$SCRATCH" && chmod 666 "$SCRATCH/out.sock" ;; # the relays are not root
        failover) target+=$'\n'"connect = 127.0.0.1:$SINK_PORT" ;;
    esac
    printf '%s\n' "bind = ${WHERE[$name]}" 'maxconn = 0' "$listener" '[ssh]' 'string = SSH-' \
        "$other" '[http]' 'string = GET\20' "$service" "$target" >"$SCRATCH/$name.conf"
    launch "$name" "$BUILD/bin/portsplitd" --log "$SCRATCH/$name.log" "$SCRATCH/$name.conf"
    wait_until is_up "${WHERE[$name]}" || fail "$(tail -n 3 "$SCRATCH/$name.log")"
}

is_up() {
    if [[ $1 == unix:* ]]; then [[ -S ${1#unix:} ]]; else listens "${1##*:}"; fi
}

peers_of_features() { start_features "${FEATURES[@]}"; }
peers_of_programs() { start_features "${PROGRAM_FEATURES[@]}"; }
start_features() {
    local name
    for name; do
        wanted portsplit || continue
        [[ -n ${REQUEST_OF[$name]:-} ]] || start_feature "$name"
        peers+=("$name")
    done
}
measure_features() { measure_feature features "$1"; }
measure_programs() { measure_feature programs "$1" --half-close; }

# measure_feature WORKLOAD PEER [OPTION...]
measure_feature() {
    local at_once
    for at_once in 1 32; do
        quick_or 150 1500
        pass_time 0.05
        with_cpu "$2" load short "${WHERE[$2]}" --request "${REQUEST_OF[$2]}" --at-once "$at_once" \
            --ms "$SIZE" "${@:3}"
        record "$1-$at_once" "$2" "$FIGURES"
    done
}
