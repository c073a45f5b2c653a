#!/usr/bin/env bash
# Shows Portsplit with six services on one port of this machine, each used by its real client. See `usage`
# below. All files but the build are in one temporary folder, which is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: contrib/demo.sh [--once] [--port N]
Install what is missing, build, and serve SSH, HTTP, two TLS sites, a fallback and a timeout on one
port of 127.0.0.1. Run a client for each, and show which service it reached, why, and in how many
milliseconds. Then go on serving until Ctrl-C.

  --once    exit then: 0 if every client reached its service, else 1
  --port N  the port; by default a free one
END
}

HOST=127.0.0.1
SHOP=shop.test
BIN=$PWD/build/release/bin
LIMIT=20 # seconds for one step
STARTED=()

fail() {
    printf 'demo.sh: %s\n' "$*" >&2
    exit 1
}

# Prints the output of a command only if it fails.
quietly() {
    local output
    output=$("$@" 2>&1) || {
        printf '%s\n' "$output" >&2
        return 1
    }
}

# --- the beginning and the end --------------------------------------------------------------------

build() {
    echo 'Building Portsplit; the first time takes a minute or two.'
    mkdir -p build
    # Two demos at once must not build in the same folder.
    (
        flock 9 &&
            quietly cmake --preset release &&
            quietly cmake --build --preset release --target portsplit portsplitd portsplit-dispatch
    ) 9>build/lock || fail 'the build failed'
}

clean_up() {
    local pid
    for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${STARTED[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$DIR"
}

# start NAME COMMAND...: starts a server. NAME becomes a descriptor from which its output can be read.
start() {
    local name=$1
    shift
    mkfifo "$DIR/$name"
    "$@" >"$DIR/$name" 2>&1 </dev/null &
    STARTED+=($!)
    exec {FD}<"$DIR/$name"
    printf -v "$name" '%s' "$FD"
}

# read_until FD PATTERN: the next line that matches, in LINE. Fails and prints the lines if none comes in time.
read_until() {
    local end=$((SECONDS + LIMIT)) lines=()
    while ((SECONDS < end)) && IFS= read -r -t "$LIMIT" -u "$1" LINE; do
        # shellcheck disable=SC2053  # it is a pattern
        [[ $LINE != $2 ]] || return 0
        lines+=("$LINE")
    done
    printf '%s\n' "${lines[@]}" >&2
    return 1
}

# --- the services ---------------------------------------------------------------------------------

# Makes keys for this run. ~/.ssh is not read or written.
prepare_ssh() {
    USER_NAME=$(id -un)
    SSHD=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || fail 'sshd is not installed'
    ssh-keygen -q -t ed25519 -N '' -C portsplit-demo -f "$DIR/host_key"
    ssh-keygen -q -t ed25519 -N '' -C portsplit-demo -f "$DIR/user_key"
    printf 'demo %s\n' "$(<"$DIR/host_key.pub")" >"$DIR/known_hosts"
    # A user with a locked password can log in only through PAM.
    local pam=no
    [[ $(getent shadow "$USER_NAME" || true) != "$USER_NAME:!"* ]] || pam=yes
    cat >"$DIR/sshd_config" <<END
HostKey "$DIR/host_key"
AuthorizedKeysFile "$DIR/user_key.pub"
AllowUsers $USER_NAME
AuthenticationMethods publickey
UsePAM $pam
PermitUserRC no
# All users may write to folders above this one, such as /tmp.
StrictModes no
END
    # Started by root, sshd needs this folder, which its system service creates otherwise.
    ((EUID != 0)) || [[ -d /run/sshd ]] || install -d -m 755 /run/sshd
}

# Writes the configuration with which ssh connects to the demo.
write_ssh_client_config() {
    cat >"$DIR/ssh_config" <<END
Host demo
    HostName $HOST
    Port $PORT
    User $USER_NAME
    IdentityFile "$DIR/user_key"
    IdentitiesOnly yes
    IdentityAgent none
    HostKeyAlias demo
    UserKnownHostsFile "$DIR/known_hosts"
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    PasswordAuthentication no
    KbdInteractiveAuthentication no
END
}

# Makes the files of the servers, each with its name, and one certificate for both TLS servers.
prepare_web() {
    mkdir "$DIR/http" "$DIR/tls" "$DIR/shop"
    echo 'hello from the web server' >"$DIR/http/hello.txt"
    echo 'hello from the TLS server' >"$DIR/tls/hello.txt"
    echo 'hello from the shop' >"$DIR/shop/hello.txt"
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=localhost -addext "subjectAltName=IP:$HOST,DNS:$SHOP" \
        -keyout "$DIR/tls_key.pem" -out "$DIR/cert.pem" || fail 'openssl cannot make a certificate'
}

# start_tls_server NAME: starts a TLS server for the files of that folder, the target of a service. Its port is
# in NAME_PORT, with NAME in capitals.
start_tls_server() {
    start "${1^^}_OUTPUT" env -C "$DIR/$1" openssl s_server -WWW -accept "$HOST:0" \
        -key "$DIR/tls_key.pem" -cert "$DIR/cert.pem"
    read_until "$FD" 'ACCEPT *' || fail 'the TLS server does not start'
    printf -v "${1^^}_PORT" '%s' "${LINE##*:}"
}

start_portsplit() {
    cat >"$DIR/demo.conf" <<END
bind    = $HOST:$WANTED_PORT
timeout = 2

[ssh]
string  = SSH-
exec    = $SSHD
execarg = -i
execarg = -f
execarg = $DIR/sshd_config
execarg = -E
execarg = $DIR/sshd.log

[web]
string  = GET\\20
string  = HEAD\\20
exec    = busybox
execarg = httpd
execarg = -i
execarg = -h
execarg = $DIR/http

[shop]
tls.sni = $SHOP
connect = $HOST:$SHOP_PORT

[tls]
string  = \\16\\03
connect = $HOST:$TLS_PORT

[fallback]
exec    = cat

[timeout]
exec    = echo
execarg = You are silent, so I speak first.
END
    start LOG "$BIN/portsplit" "$DIR/demo.conf"
    read_until "$LOG" '*: listening on *' || fail 'Portsplit does not start'
    PORT=${LINE##*:}
}

# --- the visits -----------------------------------------------------------------------------------

# Splits the log line in LINE into the array SEEN, such as SEEN[service].
take_log_line() {
    local word
    declare -gA SEEN=()
    for word in $LINE; do
        [[ $word != *=* ]] || SEEN[${word%%=*}]=${word#*=}
    done
}

row() { printf '%-10s %-15s %-8s %-8s %-23s %5s %s\n' "$@"; } # 80 columns
rule() { printf -- '-%.0s' {1..80}; echo; }

print_head() {
    row client 'sends first' service reason action ms ''
    rule
}

# print_visit CLIENT SENT RESULT: prints a row of the table from SEEN.
print_visit() {
    row "$1" "$2" "${SEEN[service]}" "${SEEN[reason]}" "${SEEN[action]} ${SEEN[target]}" \
        "${SEEN[ms]}" "$3"
}

# visit SERVICE REASON ANSWER CLIENT SENT COMMAND: runs the client, and compares the logged service and
# reason, and the answer, with these.
visit() {
    local service=$1 reason=$2 wanted=$3 client=$4 sent=$5 answer took verdict=ok
    answer=$("$6" 2>&1) || true
    read_until "$LOG" '*: service=*' || fail "Portsplit has no log line for $client"
    take_log_line
    took="${SEEN[service]} ${SEEN[reason]}"
    if [[ $took != "$service $reason" || $answer != *"$wanted"* ]]; then
        verdict=WRONG
        WRONG+=("$client should get \"$wanted\" from $service ($reason), but got: $answer")
    fi
    print_visit "$client" "$sent" "$verdict"
}

ssh_client() {
    timeout "$LIMIT" ssh -n -F "$DIR/ssh_config" demo "echo hello from a shell of \$(id -un)"
}
web_client() { timeout "$LIMIT" curl -sS --noproxy '*' "http://$HOST:$PORT/hello.txt"; }
shop_client() {
    timeout "$LIMIT" curl -sS --noproxy '*' --resolve "$SHOP:$PORT:$HOST" --cacert "$DIR/cert.pem" \
        "https://$SHOP:$PORT/hello.txt"
}
tls_client() {
    printf 'GET /hello.txt HTTP/1.0\r\n\r\n' | timeout "$LIMIT" openssl s_client -quiet -ign_eof \
        -connect "$HOST:$PORT" -CAfile "$DIR/cert.pem" -verify_return_error
}
odd_client() { printf 'HELLO, anybody?\n' | timeout "$LIMIT" nc -N "$HOST" "$PORT"; }
silent_client() { timeout "$LIMIT" nc -d "$HOST" "$PORT"; }

visit_all() {
    WRONG=()
    visit ssh match "shell of $USER_NAME" ssh SSH-2.0-... ssh_client
    visit web match 'hello from the web server' curl 'GET /hello...' web_client
    visit shop match 'hello from the shop' 'curl https' 'TLS shop.test' shop_client
    visit tls match 'hello from the TLS server' openssl '16 03 01 ...' tls_client
    visit fallback fallback 'HELLO, anybody?' nc 'HELLO, anybody?' odd_client
    visit timeout timeout 'I speak first' 'nc -d' '(nothing)' silent_client
}

show_visits() {
    printf '\nSix clients on one port, %s:%s:\n\n' "$HOST" "$PORT"
    print_head
    visit_all
    rule
    echo 'From the log of Portsplit; ms counts from accept to the end of the connection.'
    if ((${#WRONG[@]} > 0)); then
        printf '\n%s\n' "${WRONG[@]}"
        [[ ! -s $DIR/sshd.log ]] || cat "$DIR/sshd.log"
        return 1
    fi
    echo 'Each reached its service and got its answer.'
}

# --- serving on -----------------------------------------------------------------------------------

show_hints() {
    cat <<END

Try it from another terminal:

    ssh -F $DIR/ssh_config demo
    curl http://$HOST:$PORT/hello.txt
    curl --cacert $DIR/cert.pem https://$HOST:$PORT/hello.txt
    curl --cacert $DIR/cert.pem --resolve $SHOP:$PORT:$HOST https://$SHOP:$PORT/hello.txt
    nc $HOST $PORT      (type something at once, or wait two seconds)

The configuration, $DIR/demo.conf:

$(sed 's/^\(.\)/    \1/' "$DIR/demo.conf")

Each connection is shown here when it ends. Ctrl-C ends the demo.

END
}

serve_on() {
    show_hints
    print_head
    trap 'echo; exit 0' INT
    while IFS= read -r -u "$LOG" LINE; do
        [[ $LINE == *': service='* ]] || continue
        take_log_line
        print_visit "port ${SEEN[sport]}" '' ''
    done
    fail 'Portsplit has ended'
}

# --- all of it ------------------------------------------------------------------------------------

read_arguments() {
    ONCE=no
    WANTED_PORT=0
    while (($# > 0)); do
        case $1 in
            --once) ONCE=yes ;;
            --port=*) WANTED_PORT=${1#*=} ;;
            --port) (($# > 1)) && shift; WANTED_PORT=$1 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; exit 64 ;;
        esac
        shift
    done
    [[ $WANTED_PORT =~ ^[0-9]+$ ]] || { usage >&2; exit 64; }
}

main() {
    read_arguments "$@"
    contrib/deps.sh build demo
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/portsplit-demo.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    build
    prepare_ssh
    prepare_web
    start_tls_server tls
    start_tls_server shop
    start_portsplit
    write_ssh_client_config
    show_visits || exit 1
    [[ $ONCE == yes ]] || serve_on
}

main "$@"
