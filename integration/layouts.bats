#!/usr/bin/env bats
# Server names and other fields that a layout finds behind lengths, asked of real clients.

load harness

# serve_names [LINE...]: services by the name of a TLS client; each ends the connection, and the log tells which.
serve_names() {
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "$@" \
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
