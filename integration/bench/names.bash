# Workloads about the server name of a TLS client: `names`, beside other programs; `lists`, Portsplit with up
# to 100,000 names.
# shellcheck shell=bash

# The server for www.example.org, and that for all others. Their answers begin with `n` and `o`.
NAMED_PORT=9003 OTHER_PORT=9004

# The shapes of a ClientHello: words for the report, the name, bytes, bytes in a record, how it is cut
# (load.cc), `first` if the name is not at the end, the room that peers have, and `quick` if --quick measures
# it, too. Room is `usual`, the usual buffers, or `wide`, buffers of 64 KiB where the peer has such a setting.
SHAPES=(
    '220 B|www.example.org|220|16384|whole||usual|quick'
    '220 B, byte by byte|www.example.org|220|16384|bytes||usual|'
    '220 B, a record for each byte|www.example.org|220|1|whole||usual|'
    '220 B, a record for each byte, one by one|www.example.org|220|1|records||usual|'
    '1.8 kB|www.example.org|1800|16384|whole||usual|'
    '1.8 kB, in capitals|WWW.EXAMPLE.ORG|1800|16384|whole||usual|'
    '1.8 kB, 2 records|www.example.org|1800|1000|whole||usual|quick'
    '1.8 kB, 2 records, one by one|www.example.org|1800|1000|records||usual|'
    '1.8 kB, records of 512|www.example.org|1800|512|whole||usual|'
    '1.8 kB, records of 512, one by one|www.example.org|1800|512|records||usual|'
    '1.8 kB, records of 100|www.example.org|1800|100|whole||usual|'
    '1.8 kB, records of 100, one by one|www.example.org|1800|100|records||usual|'
    '1.8 kB, records of 43|www.example.org|1800|43|whole||usual|'
    '1.8 kB, records of 43, one by one|www.example.org|1800|43|records||usual|'
    '1.8 kB, a record for each byte|www.example.org|1800|1|whole||usual|'
    '3.4 kB|www.example.org|3400|16384|whole||usual|'
    '16.3 kB|www.example.org|16300|16384|whole||usual|'
    '31 kB, 2 records, name first|www.example.org|31000|16384|whole|first|usual|'
    '16.3 kB, buffers of 64 KiB|www.example.org|16300|16384|whole||wide|'
    '31 kB, 2 records, buffers of 64 KiB|www.example.org|31000|16384|whole||wide|quick'
)

# write_hello NAME BYTES RECORD [first]: a ClientHello, in $SCRATCH/hello.
write_hello() { "$TOOLS/hello" "$@" >"$SCRATCH/hello"; }

start_named_servers() {
    [[ -z ${PIDS[named]:-} ]] || return 0
    launch named "$TOOLS/backend" "127.0.0.1:$NAMED_PORT" n
    launch other "$TOOLS/backend" "127.0.0.1:$OTHER_PORT" o
    wait_until listens "$NAMED_PORT" && wait_until listens "$OTHER_PORT"
}

# --- peers -----------------------------------------------------------------------------------------

# start_names PEER ROOM: a second form of the peer, PEER-names, that chooses by the server name.
start_names() {
    local name=$1-names
    start_named_servers
    # shellcheck disable=SC2004 # PORT has names
    PORT[$name]=$NEXT_PORT
    "start_names_of_$1" "$name" "$2" || { unset "PORT[$name]" && return 1; }
    wait_until listens "${PORT[$name]}" || fail "$(tail -n 3 "$SCRATCH/$name.out")"
}
end_names() { [[ $1 == direct ]] || end_peer "$1-names"; }

start_names_of_direct() { PORT[$1]=$NAMED_PORT; }
start_names_of_floor() { launch "$1" "$TOOLS/floor" "127.0.0.1:${PORT[$1]}" relay "127.0.0.1:$NAMED_PORT"; }

# start_names_of_any_portsplit NAME ROOM BUILD PATTERN
start_names_of_any_portsplit() {
    declare -A window=([usual]=16384 [wide]=65536)
    cat >"$SCRATCH/$1.conf" <<END
bind = 127.0.0.1:${PORT[$1]}
maxconn = 0
window = ${window[$2]}
[named]
$4
connect = 127.0.0.1:$NAMED_PORT
[fallback]
connect = 127.0.0.1:$OTHER_PORT
END
    "$3/bin/portsplit" check "$SCRATCH/$1.conf" >/dev/null 2>&1 ||
        { leave_out "${1%-names}" 'it has no layouts' && return 1; }
    launch "$1" "$3/bin/portsplitd" --log "$SCRATCH/$1.log" "$SCRATCH/$1.conf"
}
start_names_of_portsplit() { start_names_of_any_portsplit "$@" "$BUILD" 'tls.sni = www.example.org'; }
start_names_of_portsplit-string() { start_names_of_any_portsplit "$@" "$BUILD" 'hex = 16 03'; }
start_names_of_before() { start_names_of_any_portsplit "$@" "$BEFORE" 'tls.sni = www.example.org'; }

# names_of_sslh NAME PROGRAM: the size of its buffer is fixed.
names_of_sslh() {
    start_any_sslh "$1" "$2" <<END
{ name: "tls"; host: "127.0.0.1"; port: "$NAMED_PORT"; sni_hostnames: [ "www.example.org" ]; },
{ name: "anyprot"; host: "127.0.0.1"; port: "$OTHER_PORT"; }
END
}
start_names_of_sslh-fork() { names_of_sslh "$1" sslh; }
start_names_of_sslh-select() { names_of_sslh "$1" sslh-select; }

start_names_of_haproxy() {
    declare -A global=([usual]='' [wide]='tune.bufsize 65536')
    start_any_haproxy "$1" 2000 '' "${global[$2]}" <<END
  tcp-request content accept if { req.ssl_hello_type 1 }
  use_backend named if { req.ssl_sni -i www.example.org }
  default_backend other
backend named
  server named 127.0.0.1:$NAMED_PORT
backend other
  server other 127.0.0.1:$OTHER_PORT
END
}

start_names_of_nginx() {
    declare -A size=([usual]=16k [wide]=64k)
    start_any_nginx "$1" <<END
    map \$ssl_preread_server_name \$way {
        www.example.org 127.0.0.1:$NAMED_PORT;
        default 127.0.0.1:$OTHER_PORT;
    }
    server {
        listen 127.0.0.1:${PORT[$1]};
        ssl_preread on;
        preread_buffer_size ${size[$2]};
        proxy_pass \$way;
    }
END
}

# --- names -----------------------------------------------------------------------------------------

# Which server a ClientHello of each shape leads to, and the time from its last piece to the answer; short
# connections that begin with one. `floor` asks nothing, `portsplit-string` the first two bytes only.
peers_of_names() {
    relays_of direct floor portsplit before sslh-fork sslh-select haproxy nginx
    [[ -z ${PORT[portsplit]:-} ]] || peers+=(portsplit-string)
}
measure_names() {
    local at_once only_short=''
    [[ $1 != floor && $1 != portsplit-string ]] || only_short=yes
    start_names "$1" usual || return 0
    [[ -n $only_short ]] || send_shapes "$1" usual
    write_hello www.example.org 1800 16384
    for at_once in 1 32; do
        pass_time 0.05
        quick_or 150 1500
        with_cpu "$1-names" load short "127.0.0.1:${PORT[$1-names]}" --file "$SCRATCH/hello" \
            --at-once "$at_once" --ms "$SIZE"
        record "names-short-$at_once" "$1" "$FIGURES"
    done
    end_names "$1"
    [[ -z $only_short ]] || return 0
    start_names "$1" wide || return 0
    send_shapes "$1" wide
    end_names "$1"
}

# send_shapes PEER ROOM: sends every shape for this room to the peer.
send_shapes() {
    local shape words name bytes record cut place room quick lost=0
    for shape in "${SHAPES[@]}"; do
        IFS='|' read -r words name bytes record cut place room quick <<<"$shape"
        [[ $room == "$2" && (-z $QUICK || -n $quick) ]] || continue
        # shellcheck disable=SC2086 # no place is no argument
        write_hello "$name" "$bytes" "$record" $place
        quick_or 1 300
        load names "127.0.0.1:${PORT[$1-names]}" --file "$SCRATCH/hello" --cut "$cut" --ms "$SIZE"
        jq -e '.found == .connections' >/dev/null <<<"$FIGURES" || ((++lost))
        record "names, $words" "$1" "$FIGURES"
    done
    record "names-$2" "$1" "{\"lost\":$lost}"
}

# --- lists -----------------------------------------------------------------------------------------

# Here the peers are numbers of names, which one service has in a file; with -services, of services with one
# name each. 1-string has no layout, but the whole ClientHello as a pattern. Clients ask for the last name.
peers_of_lists() {
    if [[ -n $QUICK ]]; then peers=(1-string 100); else peers=(1 1-string 1000 10000-services 100000); fi
}
measure_lists() {
    local count=${1%%-*} name bytes start_us sizes=(1800 16300)
    name=$(printf 'www-%06d.example.org' "$count")
    for bytes in "${sizes[@]}"; do
        write_hello "$name" "$bytes" 16384
        mv "$SCRATCH/hello" "$SCRATCH/hello-$bytes"
    done
    write_named_services "$1" "$count"
    start_named_servers
    start_daemon "$1" 1
    load names "127.0.0.1:$LAST_PORT" --file "$SCRATCH/hello-1800" --ms 0
    start_us=$((${EPOCHREALTIME/./} - STARTED))
    jq -e '.found == 1' >/dev/null <<<"$FIGURES" || fail "portsplitd does not find $name: $FIGURES"
    look_at_daemon
    quick_or 200 2000
    load short "127.0.0.1:$LAST_PORT" --file "$SCRATCH/hello-1800" --at-once 32 --ms "$SIZE"
    add_figure start_us "$start_us"
    add_memory_of_daemon
    for bytes in "${sizes[@]}"; do
        look_at_undecided head -c "$((bytes / 2))" "$SCRATCH/hello-$bytes"
        add_figure "undecided_${bytes}_kib" "$PRIVATE"
    done
    record lists "$1" "$FIGURES"
    reload_daemon
    record lists-reload "$1" "{\"us\":$RELOAD_US}"
    end_daemon
    check_services lists "$1"
}

# write_named_services PEER COUNT: in $SCRATCH/services.
write_named_services() {
    local bytes
    case $1 in
        *-services)
            awk -v count="$2" -v port="$NAMED_PORT" 'BEGIN { for (i = 1; i <= count; ++i) {
                printf "[service%05d]\ntls.sni = www-%06d.example.org\n", i, i
                printf "connect = 127.0.0.1:%d\n", port } }'
            ;;
        *-string)
            for bytes in "${sizes[@]}"; do
                printf '[hello%d]\nhex = %s\nconnect = 127.0.0.1:%d\n' "$bytes" \
                    "$(od -An -v -tx1 "$SCRATCH/hello-$bytes" | tr -d '\n')" "$NAMED_PORT"
            done
            ;;
        *)
            seq -f 'www-%06.0f.example.org' "$2" >"$SCRATCH/names"
            printf '[named]\ntls.sni = @names\nconnect = 127.0.0.1:%d\n' "$NAMED_PORT"
            ;;
    esac >"$SCRATCH/services"
}
