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
