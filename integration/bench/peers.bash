# The servers of the bench: the backend, iperf3, and each peer with its configuration.
#
# Each peer has a name, the key of these arrays: PORT leads through the peer to the backend, BULK_PORT to
# iperf3, CAT_PORT and ZERO_PORT to the programs `cat` and `cat /dev/zero`. PIDS are its processes. SCALE_PORT
# leads to the backend through a second form of the peer, for the workload `scale`.
# shellcheck shell=bash

# direct     no multiplexer
# before     another build of Portsplit (--before)
# floor      accept, fork, splice: the least cost of one process for each connection
# the rest   as their manuals recommend for this use. All inspect the first bytes but nginx, socat,
#            xinetd and socket-proxyd, which cannot. haproxy-splice is haproxy with `option splice-auto`
RELAYS=(direct floor portsplit before sslh-fork sslh-select haproxy haproxy-splice nginx socat xinetd
    socket-proxyd)

# The peers that start a program on each connection; `inetd` is portsplit-dispatch under tcpserver.
EXECUTORS=(exec-floor portsplit xinetd tcpserver inetd)

declare -A PORT=() BULK_PORT=() CAT_PORT=() ZERO_PORT=() SCALE_PORT=() PIDS=()
BACKEND_PORT=9001
SINK_PORT=9002
NEXT_PORT=10000 # all below the ports of clients

# launch NAME COMMAND...: starts a server in the background, with its output in a file. As under a service
# manager it has a session of its own. Without the cpu cgroup of the bench, a session is a group for the
# scheduler (sched(7), autogroup).
launch() {
    setsid "${@:2}" >>"$SCRATCH/$1.out" 2>&1 &
    PIDS[$1]+=" $!"
}

listens() { [[ -n $(ss -Hltn "sport = :$1") ]]; }

# leave_out NAME REASON: the report lists the peer as not measured.
leave_out() {
    say "$1 is left out: $2"
    printf '%s\t%s\n' "$1" "$2" >>"$LEFT_OUT"
}

# find_program NAME PROGRAM: the path of the program, in PROGRAM. Leaves the peer out if there is none.
find_program() {
    PROGRAM=$(PATH=$PATH:/usr/sbin:$ROOT/build/peers/usr/sbin:/usr/lib/systemd command -v "$2") ||
        { leave_out "$1" "$2 is not installed" && return 1; }
}

wanted() { [[ -z $ONLY_PEERS || ,$ONLY_PEERS, == *",$1,"* ]]; }

start_servers() {
    local name port
    launch backend "$TOOLS/backend" "127.0.0.1:$BACKEND_PORT"
    PORT[direct]=$BACKEND_PORT
    find_program bulk iperf3 && BULK_PORT[direct]=$SINK_PORT &&
        launch iperf3 "$PROGRAM" -s -B 127.0.0.1 -p "$SINK_PORT"
    for name in "${RELAYS[@]:1}"; do
        if wanted "$name"; then PORT[$name]=$((NEXT_PORT++)) BULK_PORT[$name]=$((NEXT_PORT++)); fi
    done
    for name in "${EXECUTORS[@]}"; do
        if wanted "$name"; then CAT_PORT[$name]=$((NEXT_PORT++)) ZERO_PORT[$name]=$((NEXT_PORT++)); fi
    done
    for name in "${RELAYS[@]:1}"; do
        wanted "$name" && { "start_$name" || unset "PORT[$name]" "BULK_PORT[$name]"; }
    done
    for name in "${EXECUTORS[@]}"; do
        wanted "$name" && { "start_exec_$name" || unset "CAT_PORT[$name]" "ZERO_PORT[$name]"; }
    done
    for port in "${PORT[@]}" "${BULK_PORT[@]}" "${CAT_PORT[@]}" "${ZERO_PORT[@]}" \
        "${SCALE_PORT[@]}"; do
        wait_until listens "$port" || fail "$(tail -n 3 "$SCRATCH"/*.out)"
    done
}

# end_peer NAME: ends a peer of one process with its children.
end_peer() {
    local pid=${PIDS[$1]# }
    kill "$pid"
    wait "$pid" || true
    unset "PORT[$1]" "PIDS[$1]"
}

# --- relays ----------------------------------------------------------------------------------------

start_floor() {
    launch floor "$TOOLS/floor" "127.0.0.1:${PORT[floor]}" relay "127.0.0.1:$BACKEND_PORT"
    launch floor "$TOOLS/floor" "127.0.0.1:${BULK_PORT[floor]}" relay "127.0.0.1:$SINK_PORT"
    SCALE_PORT[floor]=$((NEXT_PORT++))
    launch floor "$TOOLS/floor" "127.0.0.1:${SCALE_PORT[floor]}" relay-unwaited \
        "127.0.0.1:$BACKEND_PORT"
}

# start_any_portsplit NAME BUILD
start_any_portsplit() {
    BULK_PORT[$1]=${PORT[$1]}
    cat >"$SCRATCH/$1.conf" <<END
bind = 127.0.0.1:${PORT[$1]}
maxconn = 0
[ssh]
string = SSH-
connect = 127.0.0.1:22
[http]
string = GET\20
connect = 127.0.0.1:$BACKEND_PORT
[fallback]
connect = 127.0.0.1:$SINK_PORT
END
    launch "$1" "$2/bin/portsplitd" --log "$SCRATCH/$1.log" "$SCRATCH/$1.conf"
}
start_portsplit() { start_any_portsplit portsplit "$BUILD"; }
start_before() { [[ -n $BEFORE ]] && start_any_portsplit before "$BEFORE"; }

# start_any_sslh NAME PROGRAM: its entries for protocols come from standard input.
start_any_sslh() {
    find_program "$1" "$2" || return
    {
        cat <<END
foreground: true; inetd: false; numeric: true; transparent: false; timeout: 5;
verbose-connections: 0;
listen: ( { host: "127.0.0.1"; port: "${PORT[$1]}"; } );
protocols: (
END
        cat
        echo ');'
    } >"$SCRATCH/$1.cfg"
    launch "$1" "$PROGRAM" -f "-F$SCRATCH/$1.cfg" -P "$SCRATCH/$1.pid"
}
ssh_and_http_of_sslh() {
    BULK_PORT[$1]=${PORT[$1]}
    start_any_sslh "$1" "$2" <<END
{ name: "ssh"; host: "127.0.0.1"; port: "22"; },
{ name: "http"; host: "127.0.0.1"; port: "$BACKEND_PORT"; },
{ name: "anyprot"; host: "127.0.0.1"; port: "$SINK_PORT"; }
END
}
start_sslh-fork() { ssh_and_http_of_sslh sslh-fork sslh; }
start_sslh-select() { ssh_and_http_of_sslh sslh-select sslh-select; }

# start_any_haproxy NAME MAXCONN OPTION [GLOBAL]: rules of the frontend, and backends, come from standard input.
# It has a master process (-W), as under a service manager, for reloads.
start_any_haproxy() {
    find_program "$1" haproxy || return
    {
        cat <<END
global
  maxconn $2
  ${4:-}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  $3
frontend shared
  bind 127.0.0.1:${PORT[$1]}
  tcp-request inspect-delay 5s
END
        cat
    } >"$SCRATCH/$1.cfg"
    launch "$1" "$PROGRAM" -W -f "$SCRATCH/$1.cfg"
}
# ssh_and_http_of_haproxy NAME DESCRIPTORS OPTION: DESCRIPTORS is how many it needs for each connection.
ssh_and_http_of_haproxy() {
    BULK_PORT[$1]=${PORT[$1]}
    start_any_haproxy "$1" "$((($(ulimit -n) - 1000) / $2))" "$3" <<END
  tcp-request content accept if { req.payload(0,4) -m str SSH- }
  tcp-request content accept if { req.payload(0,3) -m str GET }
  tcp-request content accept if { req.len gt 3 }
  use_backend http if { req.payload(0,3) -m str GET }
  default_backend other
backend http
  server http 127.0.0.1:$BACKEND_PORT
backend other
  server other 127.0.0.1:$SINK_PORT
END
}
start_haproxy() { ssh_and_http_of_haproxy haproxy 2 ''; }
start_haproxy-splice() { ssh_and_http_of_haproxy haproxy-splice 4 'option splice-auto'; }

# start_any_nginx NAME: what is in its stream block comes from standard input.
start_any_nginx() {
    local module=/usr/lib/nginx/modules/ngx_stream_module.so
    find_program "$1" nginx || return
    [[ -e $module ]] || { leave_out "$1" 'its stream module is not installed' && return 1; }
    {
        cat <<END
user root; worker_processes auto; daemon off; pid $SCRATCH/$1.pid; error_log /dev/null;
load_module $module;
events { worker_connections 32768; }
stream {
END
        cat
        echo '}'
    } >"$SCRATCH/$1.conf"
    launch "$1" "$PROGRAM" -c "$SCRATCH/$1.conf"
}
start_nginx() {
    start_any_nginx nginx <<END
    server { listen 127.0.0.1:${PORT[nginx]}; proxy_pass 127.0.0.1:$BACKEND_PORT; }
    server { listen 127.0.0.1:${BULK_PORT[nginx]}; proxy_pass 127.0.0.1:$SINK_PORT; }
END
}

start_socat() {
    local options=bind=127.0.0.1,reuseaddr,fork,backlog=4096
    find_program socat socat || return
    launch socat "$PROGRAM" "TCP4-LISTEN:${PORT[socat]},$options" "TCP4:127.0.0.1:$BACKEND_PORT"
    launch socat "$PROGRAM" "TCP4-LISTEN:${BULK_PORT[socat]},$options" "TCP4:127.0.0.1:$SINK_PORT"
}

# One xinetd both redirects and starts programs.
start_xinetd() {
    find_program xinetd xinetd || return
    {
        printf '%s\n' 'defaults' '{' 'instances = UNLIMITED' 'per_source = UNLIMITED' \
            'cps = 1000000 1' '}'
        xinetd_service relay "${PORT[xinetd]}" "redirect = 127.0.0.1 $BACKEND_PORT"
        xinetd_service bulk "${BULK_PORT[xinetd]}" "redirect = 127.0.0.1 $SINK_PORT"
        xinetd_service cat "${CAT_PORT[xinetd]}" 'server = /bin/cat'
        xinetd_service zero "${ZERO_PORT[xinetd]}" 'server = /bin/cat' 'server_args = /dev/zero'
    } >"$SCRATCH/xinetd.conf"
    launch xinetd "$PROGRAM" -dontfork -f "$SCRATCH/xinetd.conf" -pidfile "$SCRATCH/xinetd.pid"
}

# xinetd_service NAME PORT LINE...
xinetd_service() {
    printf 'service %s\n{\ntype = UNLISTED\nport = %s\nbind = 127.0.0.1\nsocket_type = stream\n' \
        "$1" "$2"
    printf 'protocol = tcp\nwait = no\nuser = root\ndisable = no\nflags = NODELAY\n'
    printf '%s\n' "${@:3}" '}'
}

start_socket-proxyd() {
    find_program socket-proxyd systemd-socket-activate || return
    local activate=$PROGRAM
    find_program socket-proxyd systemd-socket-proxyd || return
    launch socket-proxyd "$activate" -l "127.0.0.1:${PORT[socket-proxyd]}" \
        "$PROGRAM" --connections-max=32768 "127.0.0.1:$BACKEND_PORT"
    launch socket-proxyd "$activate" -l "127.0.0.1:${BULK_PORT[socket-proxyd]}" \
        "$PROGRAM" --connections-max=32768 "127.0.0.1:$SINK_PORT"
}

# --- executors -------------------------------------------------------------------------------------

start_exec_exec-floor() {
    launch exec-floor "$TOOLS/floor" "127.0.0.1:${CAT_PORT[exec-floor]}" exec /bin/cat
    launch exec-floor "$TOOLS/floor" "127.0.0.1:${ZERO_PORT[exec-floor]}" exec /bin/cat /dev/zero
}

# Prints the services of Portsplit that start programs.
programs_config() {
    cat <<END
[cat]
string = GET\20/echo
exec = /bin/cat
[zero]
string = GET\20/zero
exec = /bin/cat
execarg = /dev/zero
END
}

start_exec_portsplit() {
    ZERO_PORT[portsplit]=${CAT_PORT[portsplit]}
    {
        printf 'bind = 127.0.0.1:%s\nmaxconn = 0\n' "${CAT_PORT[portsplit]}"
        programs_config
    } >"$SCRATCH/programs.conf"
    launch portsplit "$BUILD/bin/portsplitd" --log "$SCRATCH/portsplit.log" "$SCRATCH/programs.conf"
}

start_exec_xinetd() { [[ -n ${PIDS[xinetd]:-} ]]; }

# any_tcpserver NAME PORT COMMAND...
any_tcpserver() {
    find_program "$1" tcpserver || return
    launch "$1" "$PROGRAM" -q -H -R -l0 -c 32768 -b 4096 127.0.0.1 "$2" "${@:3}"
}
start_exec_tcpserver() {
    any_tcpserver tcpserver "${CAT_PORT[tcpserver]}" /bin/cat &&
        any_tcpserver tcpserver "${ZERO_PORT[tcpserver]}" /bin/cat /dev/zero
}
start_exec_inetd() {
    ZERO_PORT[inetd]=${CAT_PORT[inetd]}
    programs_config >"$SCRATCH/inetd.conf"
    any_tcpserver inetd "${CAT_PORT[inetd]}" "$BUILD/bin/portsplit-dispatch" --inetd \
        "$SCRATCH/inetd.conf"
}
