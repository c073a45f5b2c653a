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
    dns/dig-notify=fallback dns/knsupdate=fallback dns/nsupdate=fallback # no queries
    http/curl-connect=http-connect
    ldap/handmade-anonymous-search=fallback ldap/handmade-compare=fallback ldap/ldapsearch-starttls=fallback # no bind
    postgresql/handmade-cancel=fallback postgresql/handmade-gssenc=fallback # no startup message
    rdp/xfreerdp-pcid=fallback rdp/xfreerdp-vmconnect=fallback # another message before it
    socks4/tor-resolve=fallback # a command of Tor
    'socks5/*=timeout' # they wait for the answer before they name the target
    tls/handmade-ssl-2.0-form=fallback
    xmpp/sendxmpp=fallback # a blank before the end of the tag
)

# expected RECORDING: prints the service that takes a recording if every layout is a service; fails if the
# recording is of a protocol without a layout.
expected() {
    local exception layout=${1%/*}
    for exception in "${EXCEPTIONS[@]}"; do
        # shellcheck disable=SC2053
        [[ $1 == ${exception%=*} ]] || continue
        echo "${exception#*=}"
        return
    done
    [[ $layout != tls-1.? ]] || layout=tls
    grep -qx "\[$layout\]" "$CONFIG" && echo "$layout"
}

@test "layouts: every recording of a protocol that has a layout is a case of it" {
    local patterns=$BATS_TEST_DIRNAME/../contrib/patterns file name service cases=0
    # A request of http-connect is one of http, too.
    {
        printf '%s\n' http-connect
        find "$patterns/layouts" -name '*.conf' ! -name http-connect.conf -printf '%f\n' | sort
    } | sed -E 's/(\.conf)?$//; s/.*/[&]\nlayout = &\nexec = true/' >"$CONFIG"
    printf '%s\n' '[fallback]' 'exec = true' '[timeout]' 'exec = true' >>"$CONFIG"
    for file in "$patterns"/recordings/*/*.hex; do
        name=${file#"$patterns/recordings/"}
        service=$(expected "${name%.hex}") || continue
        printf '%s\n' "[${name%.hex}]" "recording = $file" "service = $service"
        cases=$((cases + 1))
    done >"$TMP/layouts.cases"
    run -0 "$PORTSPLIT_BIN/portsplit" test "$CONFIG" "$TMP/layouts.cases"
    ((cases >= 100))
    [[ $output == "$cases cases: $cases as expected, 0 not" ]]
}
