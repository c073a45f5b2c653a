#!/usr/bin/env bash
# Records the first bytes of real clients, up to 4096, sent to a server that never answers.
#
#   contrib/patterns/recordings/record.sh [--new] [PATTERN]...
#
# Records all clients, or those of the patterns named, and overwrites PATTERN/CLIENT.hex in this folder; with
# --new, only clients that have no recording yet.
# The first line of a recording is a comment with the package, its version and the command. A client that
# is not installed is left out, and its recording stays as it is. handmade-* are written from the
# specification, for streams that no client here sends.
#
# The clients are packages of Debian, and few of npm, which are looked up in build/npm:
#
#   npm install --prefix build/npm minecraft-protocol minecraft-pinger mongodb oracledb pg redis
#
# Runs in namespaces of its own: server.example is 192.0.2.1 there, every port is free, and no process
# outlives the script.
set -euo pipefail

FOLDER=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
LONGEST=4096
CLIENT_LIMIT=20 # seconds for the first byte of a client
PAUSE=0.4       # seconds after the first byte for the rest
NODE_PATH=$(realpath -m "$FOLDER/../../../build/npm/node_modules")

# --- the clients ----------------------------------------------------------------------------------
# record PATTERN CLIENT PACKAGE PORT COMMAND... A package of npm is npm:NAME.
# tls_record PATTERN CLIENT PACKAGE PORT COMMAND... records what the client sends inside TLS.
# handmade PATTERN NAME SOURCE HEX...

for clients in "$FOLDER"/clients-*.sh; do
    # shellcheck source=/dev/null
    source "$clients"
done

# --- recording ------------------------------------------------------------------------------------

fail() {
    printf 'record.sh: %s\n' "$*" >&2
    exit 1
}

# counting N: prints the bytes 01 02 03 ..., where a real client sends random bytes.
counting() {
    local i
    for ((i = 1; i <= $1; ++i)); do printf '%02x ' $i; done
}

# repeated N BYTE: prints the byte N times.
repeated() {
    local i
    for ((i = 1; i <= $1; ++i)); do printf '%s ' "$2"; done
}

# text TEXT: prints the bytes of a text, in which printf(1) reads escapes.
text() { printf '%b' "$1" | od -An -v -tx1; }

# wait_for TENTHS COMMAND...: repeats the command until it succeeds; fails after TENTHS of a second.
wait_for() {
    local tenths=$1
    shift
    until "$@"; do
        ((tenths-- > 0)) || return 1
        # Reading from an empty pipe waits 0.1 s.
        read -r -t 0.1 <> <(:) || true
    done
}

# is_kept PATTERN/CLIENT: there is a recording, and it stays as it is.
is_kept() { [[ -n ${ONLY_NEW:-} && -e $FOLDER/$1.hex ]]; }

is_listening() { [[ -n $(ss -Hltn "sport = :$1") ]]; }
has_bytes() { [[ -s $SCRATCH/bytes ]]; }

# version_of PACKAGE: prints the version of an installed package; fails if it is not installed.
version_of() {
    local version
    if [[ $1 == npm:* ]]; then
        version="installed $(node -p 'require(process.argv[1]).version' "$NODE_PATH/${1#npm:}/package.json")"
    else
        version=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1")
    fi 2>/dev/null
    [[ $version == 'installed '?* ]] && echo "${version#installed }"
}

# record PATTERN CLIENT PACKAGE PORT COMMAND...: writes the bytes of the first connection to PORT. The client
# runs in a process group of its own, which is killed at the end.
record() {
    local pattern=$1 client=$2 package=$3 port=$4 version listener process
    shift 4
    ! is_kept "$pattern/$client" || return 0
    version=$(version_of "$package") || { echo "$pattern/$client: $package is not installed"; return; }
    rm -f "$SCRATCH/bytes"
    socat -u "${LISTEN:-TCP-LISTEN}:$port,bind=192.0.2.1,reuseaddr${TLS_OPTIONS:-}" "CREATE:$SCRATCH/bytes" \
        2>"$SCRATCH/socat" &
    listener=$!
    wait_for 50 is_listening "$port" || fail "cannot listen on port $port: $(<"$SCRATCH/socat")"
    setsid env -i HOME="$SCRATCH/home" PATH="$PATH" LANG=C.UTF-8 USER=user LOGNAME=user TERM=dumb \
        NODE_PATH="$NODE_PATH" "$@" </dev/null >"$SCRATCH/output" 2>&1 &
    process=$! # before wait_for, whose process substitution changes $!
    disown
    wait_for $((CLIENT_LIMIT * 10)) has_bytes || true
    sleep $PAUSE
    kill -KILL -- "-$process" 2>/dev/null || true
    kill "$listener" 2>/dev/null || true
    wait "$listener" 2>/dev/null || true
    if has_bytes; then
        write "$pattern" "$client" "$package $version:$(quoted "$@")" <"$SCRATCH/bytes"
    else
        echo "$pattern/$client: sent nothing: $(tail -n 3 "$SCRATCH/output")"
    fi
}

# certificate: prints the path of a file with a new certificate and its key.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server.example \
        -keyout "$SCRATCH/tls.pem" -out "$SCRATCH/tls-cert.pem" 2>"$SCRATCH/output"
    cat "$SCRATCH/tls-cert.pem" >>"$SCRATCH/tls.pem"
    echo "$SCRATCH/tls.pem"
}

tls_record() { LISTEN=OPENSSL-LISTEN TLS_OPTIONS=",cert=$(certificate),verify=0" record "$@"; }

# quoted WORD...: prints the words quoted for a shell, a blank before each.
quoted() {
    local word
    for word; do
        [[ $word =~ ^[[:alnum:]_./:@=+,-]+$ ]] || word=${word@Q}
        printf ' %s' "$word"
    done
}

# handmade PATTERN NAME SOURCE HEX...: writes these bytes.
handmade() {
    local pattern=$1 name=$2 source=$3 hex
    shift 3
    ! is_kept "$pattern/$name" || return 0
    hex=$(tr -d ' \n' <<<"$*")
    # shellcheck disable=SC2001
    printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" | write "$pattern" "$name" "By hand. $source."
}

# write PATTERN NAME HEADER: writes a recording of the bytes of standard input.
write() {
    mkdir -p "$FOLDER/$1"
    { printf '# %s\n' "$3"; od -An -v -tx1 -N $LONGEST | cut -c 2-; } >"$FOLDER/$1/$2.hex"
    echo "$1/$2: $(sed 1d "$FOLDER/$1/$2.hex" | wc -w) bytes"
}

# --- all of it ------------------------------------------------------------------------------------

# Sets up a network with one server, without the name of this machine. Its /mnt is for scratch files.
prepare_world() {
    hostname client
    ip link set lo up
    ip address add 192.0.2.1/32 dev lo
    SCRATCH=/mnt
    mount -t tmpfs tmpfs "$SCRATCH"
    mkdir "$SCRATCH/home"
    printf '127.0.0.1 localhost client client.example\n192.0.2.1 server.example\n' >"$SCRATCH/hosts"
    echo 'nameserver 192.0.2.1' >"$SCRATCH/resolv.conf"
    mount --bind "$SCRATCH/hosts" /etc/hosts
    mount --bind "$SCRATCH/resolv.conf" "$(realpath /etc/resolv.conf)"
    export SCRATCH PATH=/usr/sbin:/usr/bin:/sbin:/bin
}

main() {
    local names=("$@") name
    if [[ ${1:-} == --new ]]; then
        export ONLY_NEW=yes
        names=("${@:2}")
    fi
    if [[ -z ${RECORDING:-} ]]; then
        RECORDING=yes exec unshare --map-root-user --net --uts --mount --pid --fork --kill-child \
            --mount-proc "$FOLDER/record.sh" "${names[@]}"
    fi
    ((${#names[@]} > 0)) || mapfile -t names < <(compgen -A function record_ | sed 's/^record_//')
    prepare_world
    for name in "${names[@]}"; do
        cd "$SCRATCH"
        "record_$name"
    done
}

main "$@"
