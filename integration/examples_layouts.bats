#!/usr/bin/env bats
# The examples that choose by a field of a layout, each with real clients and, where Debian has them, the real
# servers that the example is for.

load harness

EXAMPLES=$BATS_TEST_DIRNAME/../examples

# serve_example FILE TARGET=PORT...: starts the daemon with an example, on a free port. Each target of the
# file, such as 127.0.0.1:8443, becomes that port of 127.0.0.1; each must be in the file.
serve_example() {
    local pair targets=0
    { echo 'bind = 127.0.0.1:0'; grep -v '^bind' "$EXAMPLES/$1"; } | configure
    for pair in "${@:2}"; do
        sed -i "s/^\(connect *= *\)${pair%=*}\$/\1127.0.0.1:=${pair##*=}/" "$CONFIG"
    done
    targets=$(grep -c '^connect' "$CONFIG")
    (($(grep -c '^connect.*:=' "$CONFIG") == targets)) || { grep '^connect' "$CONFIG"; return 1; }
    sed -i 's/^\(connect.*:\)=/\1/' "$CONFIG"
    start_daemon
}

# chosen SERVICE REASON COMMAND...: runs a client; each of its connections goes to that service for that
# reason. What the client prints is in $TMP/client, and its exit status does not matter.
chosen() {
    wait_until 10 is_quiet
    : >"$LOG"
    "${@:3}" </dev/null >"$TMP/client" 2>&1 || true
    log_says "service=$1 reason=$2 "
    wait_until 10 is_quiet
    (($(grep -c ': service=' "$LOG") == $(grep -c ": service=$1 reason=$2 " "$LOG")))
}

# in_file NAME COMMAND...: a job in the background that prints to $TMP/NAME.
in_file() { in_background "$SHELL_PROGRAM" -c 'exec >"$0" 2>&1; exec "$@"' "$TMP/$1" "${@:2}"; }

# make_certificate NAME...: one for these names and 127.0.0.1, in $TMP/cert.pem. Its key is in $TMP/key.pem.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test \
        -addext "subjectAltName=IP:127.0.0.1$(printf ',DNS:%s' "$@")" -keyout "$TMP/key.pem" \
        -out "$TMP/cert.pem" 2>"$TMP/openssl"
}

# tls_server NAME: a TLS server for files: GET /name is answered with its name. Its port is in
# NAME_port.
tls_server() {
    mkdir "$TMP/$1"
    echo "this is $1" >"$TMP/$1/name"
    in_file "$1.out" env -C "$TMP/$1" openssl s_server -WWW -accept 127.0.0.1:0 -cert "$TMP/cert.pem" \
        -key "$TMP/key.pem"
    wait_until 10 file_says "$TMP/$1.out" '^ACCEPT '
    printf -v "$1_port" '%s' "$(sed -n 's/^ACCEPT .*://p' "$TMP/$1.out")"
}

# get NAME [OPTION...]: curl asks for /name of the site, on the port of the daemon.
get() { curl -sS --cacert "$TMP/cert.pem" --connect-to "::127.0.0.1:$PORT" "${@:2}" "https://$1/name"; }

# hello [OPTION...]: openssl makes a TLS connection.
hello() { openssl s_client -connect "127.0.0.1:$PORT" "$@"; }

# start_sshd: a server of this test. Its port is in SSHD_PORT, its key in $TMP/host_key.pub.
start_sshd() {
    find_free_port
    SSHD_PORT=$FREE
    prepare_sshd "Port $SSHD_PORT" 'ListenAddress 127.0.0.1'
    in_file sshd /usr/sbin/sshd -D -e -f "$TMP/sshd_config"
    wait_until 10 file_says "$TMP/sshd" 'listening on'
}

@test "examples: ssh-and-two-sites.conf, each site has its own TLS server, and SSH is there" {
    make_certificate example.org www.example.org example.net a.b.example.net other.example
    tls_server org
    tls_server net
    start_sshd
    serve_example ssh-and-two-sites.conf "127.0.0.1:22=$SSHD_PORT" "127.0.0.1:8443=$org_port" \
        "127.0.0.1:8444=$net_port"
    [[ $(get example.org) == 'this is org' ]]
    [[ $(get www.example.org) == 'this is org' ]]
    [[ $(get WWW.Example.ORG) == 'this is org' ]]
    [[ $(get example.net) == 'this is net' ]]
    [[ $(get a.b.example.net) == 'this is net' ]]
    [[ $(get other.example) == 'this is org' ]]
    chosen other-name match hello -servername other.example
    chosen no-name match hello -noservername
    [[ $(curl -sSk "https://127.0.0.1:$PORT/name") == 'this is net' ]]
    chosen fallback fallback curl -s "http://127.0.0.1:$PORT/"
    # ssh sends its line at once, and ends after the key exchange: it may not log in.
    chosen ssh match ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o IdentitiesOnly=yes \
        -o "UserKnownHostsFile=$TMP/known_hosts" -p "$PORT" 127.0.0.1
    grep -qF "$(cut -d ' ' -f 2 "$TMP/host_key.pub")" "$TMP/known_hosts"
    # ssh-keyscan waits for the server's line.
    chosen timeout timeout ssh-keyscan -t ed25519 -p "$PORT" 127.0.0.1
    grep -qF "$(cut -d ' ' -f 2 "$TMP/host_key.pub")" "$TMP/client"
}

# start_authority PORT: a certificate authority that validates names on that port of 127.0.0.1, where all
# names lead. Its directory is https://127.0.0.1:AUTHORITY/dir.
start_authority() {
    find_free_port
    local dns=$FREE
    find_free_port
    local dns_control=$FREE
    find_free_port
    local control=$FREE
    find_free_port
    AUTHORITY=$FREE
    in_file dns pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 '' -dns01 "127.0.0.1:$dns" \
        -http01 '' -https01 '' -tlsalpn01 '' -management "127.0.0.1:$dns_control"
    cat >"$TMP/pebble.json" <<JSON
{ "pebble": { "listenAddress": "127.0.0.1:$AUTHORITY", "managementListenAddress": "127.0.0.1:$control",
  "certificate": "$TMP/cert.pem", "privateKey": "$TMP/key.pem", "httpPort": 1, "tlsPort": $1 } }
JSON
    # The variables leave out its random delays and errors.
    in_file authority env PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 \
        pebble -config "$TMP/pebble.json" -dnsserver "127.0.0.1:$dns"
    wait_until 20 file_says "$TMP/authority" 'ACME directory available'
}

@test "examples: acme-and-sites.conf, lego gets a certificate while the sites are served" {
    make_certificate www.example.org shop.example.org
    tls_server www
    tls_server shop
    find_free_port
    local acme=$FREE
    serve_example acme-and-sites.conf "127.0.0.1:8449=$acme" "127.0.0.1:8443=$www_port" \
        "127.0.0.1:8444=$shop_port"
    start_authority "$PORT"
    # The command of the file, with this test's port and authority.
    local command options lego
    command=$(sed -n 's/^# *\(lego .*\)/\1/p' "$EXAMPLES/acme-and-sites.conf")
    command=${command/8449/$acme}
    [[ $command == *" --tls.port 127.0.0.1:$acme "*"--domains www.example.org run" ]]
    options="--accept-tos --server https://127.0.0.1:$AUTHORITY/dir --path $TMP/lego"
    LEGO_CA_CERTIFICATES=$TMP/cert.pem in_file lego.out "$SHELL_PROGRAM" -c "exec ${command/ / $options }"
    lego=$JOB
    # It answers while it waits for the authority.
    wait_until 30 log_has 'service=acme reason=match '
    [[ $(get shop.example.org) == 'this is shop' ]]
    finish "$lego"
    openssl x509 -in "$TMP/lego/certificates/www.example.org.crt" -noout -checkhost www.example.org |
        grep -q 'does match'
    [[ $(get www.example.org) == 'this is www' ]]
    [[ $(get www.example.org --http1.1 --tls-max 1.2) == 'this is www' ]]
    chosen www match hello -noservername -alpn h2,http/1.1
    chosen www match hello -servername www.example.org
    chosen shop match hello -servername shop.example.org
    chosen acme match hello -servername shop.example.org -alpn acme-tls/1
    chosen fallback fallback curl -s "http://127.0.0.1:$PORT/"
}

# postgresql_server NAME: a server with its own files, to which all may log in. Its port is in NAME_port. If
# the tests run as root, it runs as nobody, because it refuses to run as root.
postgresql_server() {
    local as_user=()
    (($(id -u) != 0)) || as_user=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
    find_free_port
    printf -v "$1_port" '%s' "$FREE"
    "${as_user[@]}" initdb -D "$TMP/open/$1" -U postgres --auth=trust --no-sync --locale=C >"$TMP/initdb"
    in_file "$1.out" "${as_user[@]}" postgres -D "$TMP/open/$1" -p "$FREE" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c fsync=off
    wait_until 30 file_says "$TMP/$1.out" 'ready to accept connections'
}

# ask DATABASE [SSLMODE]: psql asks for the port of the server that it reaches, as that server knows it.
ask() {
    psql -XAtq "host=127.0.0.1 port=$PORT dbname=$1 user=postgres gssencmode=disable sslmode=${2:-disable}" \
        -c 'show port'
}

@test "examples: databases.conf, psql reaches the server of each database" {
    PATH=$PATH:$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    install -d -m 777 "$TMP/open"
    chmod a+x "$BATS_RUN_TMPDIR" "$TMP/.." "$TMP"
    postgresql_server first
    postgresql_server second
    serve_example databases.conf "127.0.0.1:5433=$first_port" "127.0.0.1:5434=$second_port"
    createdb -h 127.0.0.1 -p "$first_port" -U postgres sales
    createdb -h 127.0.0.1 -p "$first_port" -U postgres sales_test
    createdb -h 127.0.0.1 -p "$second_port" -U postgres stock
    [[ $(ask sales) == "$first_port" ]]
    [[ $(ask sales_test) == "$first_port" ]]
    [[ $(ask stock) == "$second_port" ]]
    [[ $(ask postgres) == "$second_port" ]]
    # The name comes after the answer to the question for TLS. The second server has no such database.
    chosen fallback fallback ask sales prefer
    grep -q 'database "sales" does not exist' "$TMP/client"
    # A client that begins with TLS.
    chosen sales match hello -alpn postgresql -servername sales.example.org
    chosen fallback fallback hello -alpn postgresql -servername stock.example.org
    chosen fallback fallback hello -servername sales.example.org
}

# file_server NAME: an HTTP server whose file /name has its name. Its port is in NAME_port.
file_server() {
    mkdir "$TMP/$1"
    echo "this is $1" >"$TMP/$1/name"
    find_free_port
    printf -v "$1_port" '%s' "$FREE"
    in_file "$1.out" busybox httpd -f -p "127.0.0.1:$FREE" -h "$TMP/$1"
    wait_until 10 "$PEER" connect "127.0.0.1:$FREE" close 2>/dev/null
}

# get_plain HOST [OPTION...]: curl asks for /name of the host, on the port of the daemon.
get_plain() { curl -sS --connect-to "::127.0.0.1:$PORT" "${@:2}" "http://$1/name"; }

@test "examples: hosts-and-websocket.conf, pages and WebSockets of one host have their own servers" {
    file_server www
    file_server wiki
    in_file live /usr/bin/python3 -u -c '
import asyncio, websockets
async def answer(socket):
    async for text in socket:
        await socket.send("live: " + text)
async def main():
    async with websockets.serve(answer, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())'
    wait_until 20 has_content "$TMP/live"
    serve_example hosts-and-websocket.conf "127.0.0.1:8080=$www_port" "127.0.0.1:8081=$(<"$TMP/live")" \
        "127.0.0.1:8082=$wiki_port"
    [[ $(get_plain www.example.org) == 'this is www' ]]
    [[ $(get_plain example.org) == 'this is www' ]]
    [[ $(get_plain wiki.example.org) == 'this is wiki' ]]
    [[ $(get_plain de.wiki.example.org:80) == 'this is wiki' ]]
    chosen fallback fallback get_plain other.example
    chosen fallback fallback get_plain live.example.org -H 'Connection: Upgrade' -H 'Upgrade: websocket'
    chosen www match get_plain www.example.org -H 'Connection: Upgrade' -H 'Upgrade: h2c'
    run -0 /usr/bin/python3 -c '
import asyncio, sys, websockets
async def main():
    async with websockets.connect("ws://www.example.org/", host="127.0.0.1", port=sys.argv[1]) as socket:
        await socket.send("hello")
        print(await socket.recv())
asyncio.run(main())' "$PORT"
    [[ $output == 'live: hello' ]]
    log_says 'service=live reason=match '
}

# start_display: an X server without a screen, because xfreerdp needs one.
start_display() {
    in_background "$SHELL_PROGRAM" -c 'exec Xvfb -displayfd 1 -nolisten tcp >"$0" 2>"$0.errors"' \
        "$TMP/display"
    wait_until 30 has_content "$TMP/display"
    DISPLAY=:$(<"$TMP/display")
    export DISPLAY
}

@test "examples: desktops-by-user.conf, xfreerdp reaches the machine of its user" {
    local name
    for name in alice christopher others; do serve "$name" 'expect:\x03\x00' close; done
    serve_example desktops-by-user.conf "192.0.2.20:3389=$others_port" "192.0.2.21:3389=$alice_port" \
        "192.0.2.22:3389=$christopher_port"
    start_display
    # connect_as USER: the machines above end the connection, so it gives up.
    connect_as() { HOME=$TMP xfreerdp "/v:127.0.0.1:$PORT" "/u:$1" /p:word /cert:ignore; }
    chosen alice match connect_as alice
    chosen alice match connect_as Alice
    chosen christopher match connect_as christopher
    chosen fallback fallback connect_as alicea
    chosen fallback fallback connect_as bob
}

# mail_server NAME SCRIPT: a mail server inside TLS, which is a shell script. Its port is in NAME_port.
mail_server() {
    printf '%s\n' "$2" >"$TMP/$1.sh"
    find_free_port
    printf -v "$1_port" '%s' "$FREE"
    in_file "$1.out" socat \
        "OPENSSL-LISTEN:$FREE,bind=127.0.0.1,reuseaddr,fork,cert=$TMP/cert.pem,key=$TMP/key.pem,verify=0" \
        "EXEC:$SHELL_PROGRAM $TMP/$1.sh"
    wait_until 10 "$PEER" connect "127.0.0.1:$FREE" close 2>/dev/null
}

@test "examples: mail-on-443.conf, curl reads mail by the name, and ALPN chooses for any name" {
    make_certificate imap.example.org smtp.example.org www.example.org
    tls_server www
    mail_server imap 'printf "* OK ready\r\n"
while read -r tag command rest; do
    case $command in
        CAPABILITY*) printf "* CAPABILITY IMAP4rev1\r\n" ;;
        LIST*) printf "* LIST () \"/\" INBOX\r\n" ;;
    esac
    printf "%s OK done\r\n" "$tag"
done'
    mail_server smtp 'printf "220 ready\r\n"
while read -r command rest; do
    case $command in
        HELP*) printf "214 this is smtp\r\n" ;;
        QUIT*) printf "221 bye\r\n"; exit ;;
        *) printf "250 done\r\n" ;;
    esac
done'
    serve_example mail-on-443.conf "127.0.0.1:993=$imap_port" "127.0.0.1:465=$smtp_port" \
        "127.0.0.1:8443=$www_port"
    local options=(-sS --cacert "$TMP/cert.pem" --connect-to "::127.0.0.1:$PORT")
    run -0 curl "${options[@]}" -u user:word imaps://imap.example.org:443/
    [[ $output == *INBOX* ]]
    log_says 'service=imap-by-name reason=match '
    run -0 curl "${options[@]}" smtps://smtp.example.org:443/
    [[ $output == *'this is smtp'* ]]
    log_says 'service=smtp-by-name reason=match '
    [[ $(get www.example.org) == 'this is www' ]]
    chosen imap match hello -servername www.example.org -alpn imap
    chosen smtp match hello -servername www.example.org -alpn smtp
    chosen imap match hello -noservername -alpn imap
    chosen web match hello -servername www.example.org -alpn h2,http/1.1
    chosen web match hello -servername imap.example.org -alpn http/1.1
    chosen fallback fallback hello -servername www.example.org
}
