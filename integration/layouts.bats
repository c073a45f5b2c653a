#!/usr/bin/env bats
# Server names and other fields that a layout finds behind lengths, asked of real clients.

load harness

# serve_names: services by the name of a TLS client; each ends the connection, and the log tells which.
serve_names() {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' \
        '[git]' 'tls.sni = git.example.org' 'exec = true' \
        '[sites]' 'tls.sni = *.example.org' 'tls.sni = @sites.txt' 'exec = true' \
        '[acme]' 'tls.alpn = acme-tls/1' 'exec = true' \
        '[named]' 'tls.sni = *' 'exec = true' \
        '[unnamed]' 'layout = tls' 'exec = true' \
        '[fallback]' 'exec = true' | configure
    printf '%s\n' '# ours' 'www.example.net' >"$TMP/sites.txt"
    start_daemon
}

# chosen SERVICE COMMAND...: the service that a client gets.
chosen() {
    local service=$1
    shift
    : >"$LOG"
    "$@" </dev/null >"$TMP/client" 2>&1 || true
    log_says "service=$service reason=(match|fallback) "
}

@test "layouts: TLS clients are told apart by the name of the server" {
    serve_names
    local address=127.0.0.1:$PORT
    chosen git openssl s_client -connect "$address" -servername git.example.org
    chosen git openssl s_client -connect "$address" -servername GIT.Example.ORG
    chosen git openssl s_client -connect "$address" -servername git.example.org -tls1_2
    chosen sites openssl s_client -connect "$address" -servername a.b.example.org
    chosen sites curl -sk --resolve "www.example.net:$PORT:127.0.0.1" "https://www.example.net:$PORT/"
    chosen acme openssl s_client -connect "$address" -servername www.example.com -alpn acme-tls/1
    chosen named openssl s_client -connect "$address" -servername example.org
    chosen unnamed openssl s_client -connect "$address" -noservername
    chosen fallback curl -s "http://$address/"
}

@test "layouts: HTTP by host and upgrade, SSH by software, in libconfig's spelling" {
    cat >"$CONFIG" <<'END'
bind = "127.0.0.1:0"; timeout = 60;
services : {
    sockets : { http : { host = "chat.example.org"; upgrade = "websocket"; }; exec = "true"; };
    api     : { http : { path = [ "/api/*", "/api" ]; }; exec = "true"; };
    site    : { http : { host = ".example.org"; }; exec = "true"; };
    login   : { ssh : { software = "OpenSSH_*"; }; exec = "true"; };
    fallback : { exec = "true"; };
};
END
    start_daemon
    local url=http://127.0.0.1:$PORT
    chosen sockets curl -s -H 'Host: chat.example.org' -H 'Connection: Upgrade' -H 'Upgrade: websocket' "$url/"
    chosen site curl -s -H 'Host: Chat.Example.Org:8080' "$url/"
    chosen api curl -s "$url/api/users?id=1"
    chosen site curl -s --proxy "$url" http://www.example.org/index.html
    chosen fallback curl -s "$url/"
    chosen login ssh -o BatchMode=yes -p "$PORT" 127.0.0.1
}

@test "layouts: explain shows each field, where it lay, and the rule that said no" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[git]' 'tls.sni = git.example.org' 'exec = true' | configure
    run -0 "$PORTSPLIT_BIN/portsplit" explain --hex "$(sed 1d \
        "$BATS_TEST_DIRNAME/../contrib/patterns/recordings/tls-1.2/openssl.hex" | tr '\n' ' ')" "$CONFIG"
    echo "$output"
    [[ $output == *'git  no       at byte '*'tls.sni = git.example.org'* ]]
    [[ $output == *'tls.sni "server.example" bytes '*', certain at '* ]]
    [[ $output == *'tls fits at byte '* ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --hex '16 03 01 00 05 02' "$CONFIG"
    [[ $output == *'tls does not fit: rule start at byte 6'* ]]
    printf '%s\n' '[layout x]' "start = 'A' <f [a-z]> 'B'" '[s]' 'x.f = *' 'exec = true' >"$CONFIG"
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text AB "$CONFIG"
    [[ $output == *'x.f "" empty, at byte 2, certain at 2'* ]]
}

@test "layouts: a reload reads the lines of a file anew" {
    serve_names
    chosen named openssl s_client -connect "127.0.0.1:$PORT" -servername new.test
    echo new.test >>"$TMP/sites.txt"
    kill -HUP "$DAEMON"
    log_says 'reloaded'
    chosen sites openssl s_client -connect "127.0.0.1:$PORT" -servername new.test
    echo 'a*b' >>"$TMP/sites.txt"
    kill -HUP "$DAEMON"
    log_says 'sites.txt:4: tls.sni = a\*b: a \* in the middle'
}

# Recordings that are not, as a whole, what the layout of their protocol describes, and the service that takes
# them. Names are RECORDING=SERVICE; * is every recording of a protocol.
EXCEPTIONS=(
    cvs/handmade-gssapi=fallback # it names no folder
    dns/dig-notify=fallback dns/knsupdate=fallback dns/nsupdate=fallback # no queries
    'http/*connect*=http-connect'
    iscsi/iscsi-inq=timeout # the layout has no end
    ldap/handmade-anonymous-search=fallback ldap/handmade-compare=fallback ldap/ldapsearch-starttls=fallback # no bind
    minecraft/handmade-16-kib=fallback # a longer name than a host has
    minecraft/handmade-legacy-ping=fallback 'minecraft/handmade-login-1.?=fallback' # before 1.7
    postgresql/handmade-cancel=fallback postgresql/handmade-gssenc=fallback # no startup message
    proxy-protocol/curl=fallback proxy-protocol/handmade-unknown=fallback # version 1
    proxy-protocol/haproxy-send-proxy=fallback
    'redis/*user=redis' redis/node-redis=redis 'redis/*=fallback' # they name no user
    sip/handmade-response=fallback # no request
    'socks5/*=timeout' # they wait for the answer before they name the target
    tls/handmade-ssl-2.0-form=fallback
)

# expect RECORDING: sets SERVICE to the service that takes a recording if every layout is a service; fails if the
# recording is of a protocol without a layout. KNOWN has the layouts.
expect() {
    local exception layout=${1%/*}
    for exception in "${EXCEPTIONS[@]}"; do
        # shellcheck disable=SC2053
        [[ $1 == ${exception%=*} ]] || continue
        SERVICE=${exception#*=}
        return
    done
    [[ $layout != tls-1.? ]] || layout=tls
    SERVICE=$layout
    [[ $KNOWN == *"[$layout]"* ]]
}

@test "layouts: every recording of a protocol that has a layout is a case of it" {
    local patterns=$BATS_TEST_DIRNAME/../contrib/patterns file name SERVICE KNOWN cases=0
    # A request of http-connect is one of http, too.
    {
        printf '%s\n' http-connect
        find "$patterns/layouts" -name '*.conf' ! -name http-connect.conf -printf '%f\n' | sort
    } | sed -E 's/(\.conf)?$//; s/.*/[&]\nlayout = &\nexec = true/' >"$CONFIG"
    KNOWN=$(<"$CONFIG")
    printf '%s\n' '[fallback]' 'exec = true' '[timeout]' 'exec = true' >>"$CONFIG"
    for file in "$patterns"/recordings/*/*.hex; do
        name=${file#"$patterns/recordings/"}
        expect "${name%.hex}" || continue
        printf '%s\n' "[${name%.hex}]" "recording = $file" "service = $SERVICE"
        cases=$((cases + 1))
    done >"$TMP/layouts.cases"
    run -0 "$PORTSPLIT_BIN/portsplit" test "$CONFIG" "$TMP/layouts.cases"
    ((cases >= 100))
    [[ $output == "$cases cases: $cases as expected, 0 not" ]]
}

# serve_passing [STDIO]: a service whose program writes its variables to $TMP/env; the log has two fields.
serve_passing() {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' 'log = tls.sni' \
        '[git]' 'tls.sni = *.example.org' 'log = tls.alpn' "stdio = ${1:-socket}" 'exec = sh' \
        'execarg = -c' "execarg = { env; echo \"argument \$1\"; } >$TMP/env.new; mv $TMP/env.new $TMP/env" \
        'execarg = sh' 'execarg = tls.sni' \
        'env = SITE tls.sni' 'env = OFFERS tls.alpn' \
        '[quiet]' 'tls.sni = quiet.test' 'log = no' 'exec = true' \
        '[fallback]' 'exec = true' | configure
}

# offer NAME [OPTION...]: a client that asks for this name.
offer() { openssl s_client -connect "127.0.0.1:$PORT" -servername "$@" </dev/null >"$TMP/client" 2>&1 || true; }

# bats test_tags=fault:C8
@test "layouts: fields go to the log and to a program in a form that no client can abuse" {
    # A name as only a hostile client sends it, and the form in which it is passed on.
    local hostile='a b"$(id)`\;=.example.org'
    local passed='a\20b\22\24\28id\29\60\5C\3B\3D.example.org' stdio
    for stdio in socket pipe pty; do
        rm -f "$TMP/env"
        serve_passing "$stdio"
        start_daemon
        offer "$hostile" -alpn h2,http/1.1
        log_says ": service=git reason=match .* exit=0 tls.sni=${passed//\\/\\\\} tls.alpn=h2,http/1.1$"
        wait_until 10 exists "$TMP/env"
        grep -Fx "PORTSPLIT_TLS_SNI=$passed" "$TMP/env"
        grep -Fx "SITE=$passed" "$TMP/env"
        grep -Fx 'OFFERS=h2,http/1.1' "$TMP/env"
        grep -Fx 'argument tls.sni' "$TMP/env" # never its value
        not grep PORTSPLIT_TLS_ALPN "$TMP/env"
        stop_daemon
    done
}

@test "layouts: log = no leaves out the lines of a service, and no other" {
    serve_passing
    start_daemon
    offer quiet.test
    offer other.test
    log_says ': service=fallback .* tls.sni=other.test$'
    not log_has 'service=quiet'
}

@test "layouts: log = start has the fields in both lines" {
    serve_passing
    sed -i '1i log = start' "$CONFIG"
    start_daemon
    offer other.test
    log_says ': started service=fallback .* tls.sni=other.test$'
    log_says ': service=fallback .* tls.sni=other.test$'
}

@test "layouts: fields are passed on under a super-server, too" {
    serve_passing
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/inetd.out"
    learn_port inetd
    PORT=$inetd_port
    : >>"$LOG"
    offer www.example.org -alpn h2
    log_says ': service=git .* tls.sni=www.example.org tls.alpn=h2$'
    wait_until 10 exists "$TMP/env"
    grep -Fx 'PORTSPLIT_TLS_SNI=www.example.org' "$TMP/env"
}

@test "layouts: explain shows a capture of many clients as a table by name" {
    local recordings=$BATS_TEST_DIRNAME/../contrib/patterns/recordings
    printf '%s\n' '[named]' 'tls.sni = *' 'exec = true' '[fallback]' 'exec = true' | configure
    answer sink
    "$PORTSPLIT_TOOLS/crowd" "127.0.0.1:$sink_port" "$TMP/capture" 60 7 "$recordings/tls-1.3/curl.hex"
    run -0 "$PORTSPLIT_BIN/portsplit" explain --pcap "$TMP/capture" "$CONFIG"
    echo "$output"
    # The tool replaces bytes in some of them and cuts others.
    local named
    named=$(grep -c '^service=named .* tls.sni=server.example$' <<<"$output")
    ((named > 5 && named < 60))
    grep -Ex 'tls.sni +service +connections' <<<"$output"
    grep -Ex "server.example +named +$named" <<<"$output"
    (($(sed '1,/^$/d; /^tls.sni/d' <<<"$output" | awk '{ all += $NF } END { print all }') == 60))
}

# recorded PATTERN/CLIENT: prints the bytes of a recording in hex.
recorded() { sed 1d "$BATS_TEST_DIRNAME/../contrib/patterns/recordings/$1.hex" | tr '\n' ' '; }

@test "layouts: the library finds names of other protocols, in a message among others" {
    cat >"$CONFIG" <<'END'
bind = 127.0.0.1:0
[block-a]
minecraft.host = server.example
minecraft.intent = 2-3
exec = true
[block-b]
minecraft.intent = 1
exec = true
[phones]
sip.host = .server.example
exec = true
[cameras]
rtsp.host = server.example
rtsp.path = /stream*
exec = true
[reports]
mongodb.application = app
exec = true
[tickets]
kerberos.realm = EXAMPLE
exec = true
[pictures]
dicom.called = ANY-SCP
exec = true
[orders]
oracle.service = SERVICE
oracle.sid = none
exec = true
[sales]
oracle.service = service
exec = true
[disks]
iscsi.target = iqn.2001-04.example:disk
exec = true
[browsers]
tls.alpn = h2
exec = true
[database]
tls.alpn = postgresql
exec = true
[replicas]
postgresql.replication = true
exec = true
END
    local line
    while read -r line; do
        run -0 "$PORTSPLIT_BIN/portsplit" explain --hex "$(recorded "${line#* }")" "$CONFIG"
        echo "$line: ${lines[0]}"
        [[ ${lines[0]} == "service=${line% *} reason="* ]]
    done <<'END'
block-a minecraft/minecraft-protocol-login-1.21
block-a minecraft/minecraft-protocol-forge
block-b minecraft/minecraft-protocol-ping
phones sip/sipsak
cameras rtsp/ffprobe
reports mongodb/node-mongodb-op-msg
tickets kerberos/kinit
pictures dicom/echoscu
sales oracle/node-oracledb
disks iscsi/iscsi-inq
browsers tls-1.3/chromium-1
browsers tls-1.3/chromium-4
browsers tls-1.3/firefox
database tls-1.3/node-pg-direct
replicas postgresql/pg_isready
END
}

# takes_all ABOVE CONDITION...: check says that no client comes to a service below the lines ABOVE.
takes_all() {
    printf '%b\n' "bind = 127.0.0.1:0\n[above]\n$1\nexec = true\n[below]" "${@:2}" 'exec = true' >"$CONFIG"
    run "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *'service below: '*'go to service above'*'[never-wins]'* ]]
}

@test "layouts: check finds a service that a pattern or a layout above it leaves nothing" {
    takes_all 'include = tls' 'tls.sni = git.example.org'
    takes_all 'include = http' 'http.host = example.org'
    takes_all 'include = postgresql' 'postgresql.user = alice'
    takes_all 'layout = git' 'git.host = git.example.org'
    takes_all 'layout = tls' 'tls.sni = git.example.org' 'tls.alpn = h2'
    takes_all 'layout = tls' 'layout = tls'
    takes_all 'tls.sni = a.test\ntls.alpn = h2' 'tls.sni = a.test' 'tls.alpn = h2'
    printf '%s\n' 'bind = 127.0.0.1:0' '[above]' 'string = GET\20' 'exec = true' '[below]' 'http.host = a.test' 'exec = true' >"$CONFIG"
    run "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output != *'service below'* ]]
}

# bats test_tags=fault:C11
@test "layouts: an expression that takes too long on a field is no, and log and explain say so" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' \
        '[hard]' 'http.host = ~(a+)+c' 'exec = true' '[fallback]' 'exec = true' | configure
    start_daemon
    local name request
    name=$(printf 'a%.0s' {1..60})b
    request="GET / HTTP/1.1\0D\0AHost: $name\0D\0A\0D\0A"
    chosen fallback curl -s -H "Host: $name" "http://127.0.0.1:$PORT/"
    log_says "the expression of service hard took too long on the bytes of client 127.0.0.1"
    run -0 "$PORTSPLIT_BIN/portsplit" explain --text "$request" "$CONFIG"
    [[ $output == *'service=fallback reason=fallback '* && $output == *'gave up'* ]]
    run -0 "$PORTSPLIT_BIN/portsplit" explain --json --text "$request" "$CONFIG"
    [[ $output == *'"answer":"gave up"'* ]]
}
