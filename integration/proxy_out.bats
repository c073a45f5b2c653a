#!/usr/bin/env bats
# The PROXY header that a target gets: who the client is. Judges: HAProxy, nginx, Apache, Dovecot and
# Varnish.

load harness

# from ADDRESS STEP...: a client with this address.
from() { "$PEER" connect "${ADDRESSES[0]}" --from "$1:0" --limit 5000 "${@:2}"; }

# start_judge PROGRAM...: a server in the background that listens on $JUDGE.
start_judge() {
    "$@" >"$TMP/judge.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
    if ! wait_until 10 judge_listens; then cat "$TMP/judge.log"; return 1; fi
}
judge_listens() { "$PEER" connect "127.0.0.1:$JUDGE" close 2>/dev/null; }

# start_haproxy [BIND-OPTION...]: answers each request with what the header said.
start_haproxy() {
    find_free_port
    JUDGE=$FREE
    cat >"$TMP/haproxy.cfg" <<END
global
    stats socket $TMP/haproxy.sock
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
frontend judge
    bind 127.0.0.1:$JUDGE accept-proxy $*
    http-request return content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port] [%[fc_pp_authority]] [%[fc_pp_unique_id]]\n"
END
    start_judge haproxy -db -f "$TMP/haproxy.cfg"
}

start_nginx() {
    find_free_port
    JUDGE=$FREE
    run_nginx <<END
    server {
        listen 127.0.0.1:$JUDGE proxy_protocol;
        set_real_ip_from 127.0.0.1;
        real_ip_header proxy_protocol;
        return 200 "\$remote_addr \$proxy_protocol_port \$proxy_protocol_server_addr \$proxy_protocol_server_port\n";
    }
END
    wait_until 10 judge_listens
}

# start_apache: answers with what the header said of the client. It knows no more.
start_apache() {
    find_free_port
    JUDGE=$FREE
    # As Debian and Fedora call it.
    local apache=apache2 folder=/usr/lib/apache2
    [[ -d $folder ]] || { apache=httpd folder=/usr/lib64/httpd; }
    cat >"$TMP/apache.conf" <<END
ServerRoot $folder
ServerName judge
PidFile $TMP/apache.pid
DefaultRuntimeDir $TMP
ErrorLog /dev/stderr
Listen 127.0.0.1:$JUDGE
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule remoteip_module modules/mod_remoteip.so
LoadModule rewrite_module modules/mod_rewrite.so
RemoteIPProxyProtocol On
RewriteEngine On
RewriteRule ^ http://told/%{REMOTE_ADDR}/%{REMOTE_PORT} [R,L]
END
    start_judge "$apache" -D FOREGROUND -f "$TMP/apache.conf"
}

# start_dovecot: an IMAP server, which speaks first. Its log, $TMP/dovecot.log, has what the header said.
start_dovecot() {
    find_free_port
    JUDGE=$FREE
    local user
    user=$(id -un)
    cat >"$TMP/dovecot.conf" <<END
base_dir = $TMP/dovecot
log_path = $TMP/dovecot.log
protocols = imap
ssl = no
listen = 127.0.0.1
haproxy_trusted_networks = 127.0.0.1
login_log_format_elements = %r %a %l
$( ((EUID == 0)) || printf '%s\n' "default_internal_user = $user" "default_login_user = $user")
service imap-login {
    chroot =
    inet_listener imap {
        port = $JUDGE
        haproxy = yes
    }
}
passdb {
    driver = static
}
END
    start_judge dovecot -F -c "$TMP/dovecot.conf"
}

# start_varnish: answers with what the header said, additional values too.
start_varnish() {
    find_free_port
    JUDGE=$FREE
    cat >"$TMP/judge.vcl" <<'END'
vcl 4.1;
import proxy;
import std;
backend none none;
sub vcl_recv { return (synth(200)); }
sub vcl_synth {
    set resp.body = "" + client.ip + " " + std.port(client.ip) + " " + server.ip + " " + std.port(server.ip) +
        " [" + proxy.alpn() + "] [" + proxy.authority() + "]";
    return (deliver);
}
END
    # It compiles this with gcc.
    start_judge varnishd -F -j none -n "$TMP/varnish" -a "127.0.0.1:$JUDGE,PROXY" -f "$TMP/judge.vcl" -s malloc,10m
}

# configure_proxy VERSION LINE...: a service for web clients that relays to the judge.
configure_proxy() {
    printf '%s\n' "bind = ${BIND:-127.0.0.1:0}" 'timeout = 60' '[web]' "${PATTERN:-string = GET}" \
        "connect = 127.0.0.1:$JUDGE" "proxy = $1" "${@:2}" | configure
}

ask() { curl -sS --max-time 10 "$@"; }

@test "proxy out: HAProxy and nginx see the client's address, with both versions" {
    local judge version count=0
    for judge in haproxy nginx; do
        "start_$judge"
        for version in v1 v2; do
            configure_proxy "$version"
            start_daemon
            run -0 ask --interface 127.0.0.7 "http://127.0.0.1:$PORT/"
            echo "$judge $version: $output"
            [[ $output =~ ^127\.0\.0\.7\ ([0-9]+)\ 127\.0\.0\.1\ $PORT( \[\] \[\])?$ ]]
            logged_connections $((++count))
            log_says "service=web .* sport=${BASH_REMATCH[1]} "
            stop_daemon
        done
    done
}

@test "proxy out: Apache and Dovecot see the client's address, with both versions" {
    start_apache
    local version
    for version in v1 v2; do
        configure_proxy "$version"
        start_daemon
        run -0 ask -o "$TMP/body" -w '%{redirect_url} %{local_port}' --interface 127.0.0.7 "http://127.0.0.1:$PORT/"
        [[ $output =~ ^http://told/127\.0\.0\.7/([0-9]+)\ ([0-9]+)$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
        stop_daemon
    done
    start_dovecot
    for version in v1 v2; do
        PATTERN='string =' configure_proxy "$version"
        start_daemon
        run -67 ask --interface "127.0.0.${version/v/7}" --user somebody:wrong "imap://127.0.0.1:$PORT/"
        wait_until 10 file_says "$TMP/dovecot.log" ": 127\.0\.0\.${version/v/7}, [0-9]*, 127\.0\.0\.1\$"
        stop_daemon
    done
}

@test "proxy out: IPv6" {
    start_haproxy
    BIND='[::1]:0'
    local version
    for version in v1 v2; do
        configure_proxy "$version" 
        start_daemon
        run -0 ask -g "http://[::1]:$PORT/"
        [[ $output =~ ^::1\ [0-9]+\ ::1\ $PORT\  ]]
        stop_daemon
    done
}

REQUEST='GET / HTTP/1.0\r\nHost: judge\r\n\r\n'
over_socket() { "$PEER" connect "unix:$TMP/socket" --limit 5000 "send:$REQUEST" print; }
behind_balancer() { from 127.0.0.9 "send:PROXY UNKNOWN\r\n$REQUEST" print; }
on_pipes() { printf %b "$REQUEST" | "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" | cat; }

@test "proxy out: HAProxy, Apache and nginx serve clients without an address of the internet" {
    local judge version way
    for judge in haproxy apache nginx; do
        "start_$judge"
        for version in v1 v2; do
            # Apache waits for 16 bytes; a line of version 1 without addresses has 15.
            [[ $judge-$version != apache-v1 ]] || continue
            configure_proxy "$version"
            sed -i "1a bind = unix:$TMP/socket\nproxy-from = 127.0.0.9" "$CONFIG"
            [[ $version == v1 ]] || printf '%s\n' 'proxy-tlv = crc32c' 'proxy-tlv = unique-id' >>"$CONFIG"
            start_daemon
            for way in over_socket behind_balancer on_pipes; do
                run -0 "$way"
                echo "$judge, $version, $way: $output"
                [[ $output == 'HTTP/1.'?' '[23]0[02]' '* ]]
                # The client is Portsplit.
                [[ $output == *$'\n127.0.0.1 '* || $output == *'Location: http://told/127.0.0.1/'* ]]
            done
            stop_daemon
        done
    done
}

@test "proxy out: Varnish takes the protocol and the name that a client asks for" {
    start_varnish
    PATTERN='layout = http' configure_proxy v2 'proxy-tlv = alpn http.upgrade' 'proxy-tlv = authority http.host' \
        'proxy-tlv = 0xE0 http.host' 'proxy-tlv = unique-id' 'proxy-tlv = crc32c'
    start_daemon
    run -0 ask --interface 127.0.0.7 -H 'Connection: upgrade' -H 'Upgrade: websocket' \
        --resolve "judge.example:$PORT:127.0.0.1" "http://judge.example:$PORT/"
    [[ $output =~ ^127\.0\.0\.7\ [0-9]+\ 127\.0\.0\.1\ $PORT\ \[websocket\]\ \[judge\.example\]$ ]]
}

@test "proxy out: HAProxy, nginx and Varnish take a client and a server of different families" {
    local judge version
    for judge in haproxy nginx varnish; do
        "start_$judge"
        for version in v1 v2; do
            configure_proxy "$version"
            sed -i '1a proxy-from = 127.0.0.9' "$CONFIG"
            start_daemon
            run -0 from 127.0.0.9 "send:PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 50022 443\r\n$REQUEST" print
            echo "$judge, $version: $output"
            # Varnish prints it without ::ffff:.
            [[ $output == *192.0.2.7' 50022 2001:db8::1 443'* ]]
            run -0 from 127.0.0.9 "send:PROXY TCP6 2001:db8::7 ::ffff:192.0.2.1 50022 443\r\n$REQUEST" print
            echo "$judge, $version: $output"
            [[ $output == *'2001:db8::7 50022 '*'192.0.2.1 443'* ]]
            stop_daemon
        done
    done
}

@test "proxy out: HAProxy takes the checksum, the id and a server's name" {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$TMP/key" -out "$TMP/cert" -days 2 -subj /CN=a 2>/dev/null
    cat "$TMP/cert" "$TMP/key" >"$TMP/pem"
    start_haproxy ssl crt "$TMP/pem"
    PATTERN='layout = tls' configure_proxy v2 'proxy-tlv = crc32c' 'proxy-tlv = unique-id' \
        'proxy-tlv = authority tls.sni' 'proxy-tlv = 0xE0 tls.alpn'
    start_daemon
    run -0 ask -k --resolve "Git.example.org:$PORT:127.0.0.1" "https://Git.example.org:$PORT/"
    [[ $output =~ ^127\.0\.0\.1\ ([0-9]+)\ 127\.0\.0\.1\ $PORT\ \[git\.example\.org\]\ \[127\.0\.0\.1/([0-9]+)_127\.0\.0\.1/${PORT}_[0-9]+_[0-9]+\]$ ]]
    [[ ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
}

# capture_header LINE...: what a target gets of a client that sends S, as hex, in HEX.
capture_header() {
    serve judge print
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[s]' 'string = S' "connect = 127.0.0.1:$judge_port" \
        "$@" | configure
    start_daemon
    from 127.0.0.7 send:S shutdown expect-end
    logged_connections 1
    HEX=$(tail -n +2 "$TMP/judge.out" | od -An -tx1 -v | tr -d ' \n')
    stop_daemon
}

@test "proxy out: the header is what the protocol's text says, byte for byte, and nothing counts it" {
    capture_header 'proxy = v2'
    # 12 bytes of signature, version 2 and PROXY, TCP over IPv4, 12 bytes, addresses and ports.
    [[ $HEX =~ ^0d0a0d0a000d0a515549540a2111000c7f0000077f000001....$(printf %04x "$PORT")53$ ]]
    log_says 'service=s .* in=1 out=0 '
}

@test "proxy out: a client that waits for the server is introduced at once" {
    serve judge 'expect:PROXY TCP4 127.0.0.1 127.0.0.1 ' "touch:$TMP/introduced" print
    printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 0.1' '[timeout]' "connect = 127.0.0.1:$judge_port" \
        'proxy = v1' | configure
    start_daemon
    talk "wait-file:$TMP/introduced" send:late shutdown expect-end
    wait_until 5 file_says "$TMP/judge.out" 'late$'
}

@test "proxy out: clients of --inetd, and one whose address is not known" {
    serve judge print
    printf '%s\n' '[s]' 'string = S' "connect = 127.0.0.1:$judge_port" 'proxy = v1' | configure
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/super.out"
    learn_port super
    ADDRESSES=("127.0.0.1:$super_port")
    from 127.0.0.7 send:S shutdown expect-end
    wait_until 5 file_says "$TMP/judge.out" "^PROXY TCP4 127.0.0.7 127.0.0.1 [0-9]* $super_port.\$"
    printf S | "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" | cat
    wait_until 5 file_says "$TMP/judge.out" '^SPROXY UNKNOWN.$'
}
