#!/usr/bin/env bash
# The clients of shells, desktops, tunnels and proxies, for record.sh, which has `record` and `handmade`.

record_ssh() {
    local options=(-F none -o BatchMode=yes -o StrictHostKeyChecking=no)
    record ssh openssh openssh-client 22 ssh "${options[@]}" user@server.example
    record ssh dropbear dropbear-bin 22 dbclient -y -y user@server.example
    record ssh putty putty-tools 22 plink -batch user@server.example
    record ssh libssh2 libssh2-1 22 curl -s sftp://user@server.example/
    record ssh paramiko python3-paramiko 22 \
        python3 -c "import paramiko as p; p.Transport(('server.example',22)).connect()"
    record ssh asyncssh python3-asyncssh 22 \
        python3 -c "import asyncio, asyncssh; asyncio.run(asyncssh.connect('server.example').__aenter__())"
    echo 'class Log { public static void main(String[] a) throws Exception { new com.jcraft.jsch.JSch().getSession("user", a[0]).connect(); } }' \
        >"$SCRATCH/Log.java"
    record ssh jsch libjsch-java 22 java -cp /usr/share/java/jsch.jar Log.java server.example
}

record_tls() {
    local server=(-connect server.example:443 -servername server.example)
    handmade tls handmade-ssl-3.0 'RFC 6101, section 5.6.1.2: a ClientHello of SSL 3.0' \
        16 03 00 00 2f 01 00 00 2b 03 00 "$(counting 32)" 00 00 04 00 0a 00 05 01 00
    handmade tls handmade-ssl-2.0-form 'RFC 5246, appendix E.2: TLS 1.0, offered in a hello of SSL 2.0' \
        80 1f 01 03 01 00 06 00 00 00 10 00 00 2f 00 00 35 "$(counting 16)"
    handmade tls handmade-no-extensions \
        'RFC 5246, section 7.4.1.2: a session id of 16 bytes, no extensions' \
        16 03 01 00 3f 01 00 00 3b 03 03 "$(counting 32)" 10 "$(counting 16)" 00 04 00 2f 00 35 01 00
    record tls-1.0 openssl openssl 443 openssl s_client -tls1 -cipher ALL:@SECLEVEL=0 "${server[@]}"
    record tls-1.1 openssl openssl 443 openssl s_client -tls1_1 -cipher ALL:@SECLEVEL=0 "${server[@]}"
    record tls-1.2 openssl openssl 443 openssl s_client -tls1_2 "${server[@]}"
    record tls-1.2 openssl-no-name openssl 443 openssl s_client -tls1_2 -noservername "${server[@]:0:2}"
    record tls-1.3 openssl openssl 443 openssl s_client "${server[@]}"
    record tls-1.3 openssl-only-1.3 openssl 443 openssl s_client -tls1_3 "${server[@]}"
    record tls-1.3 openssl-no-middlebox openssl 443 \
        openssl s_client -tls1_3 -no_middlebox "${server[@]}"
    local version
    for version in 1.0 1.1 1.2 1.3; do
        record tls-$version gnutls gnutls-bin 443 \
            gnutls-cli --insecure --priority NORMAL:-VERS-ALL:+VERS-TLS$version server.example
    done
    record tls-1.3 gnutls-default gnutls-bin 443 gnutls-cli --insecure server.example
    record tls-1.2 curl curl 443 curl -s --tls-max 1.2 https://server.example/
    record tls-1.3 curl curl 443 curl -s https://server.example/
    record tls-1.3 curl-imaps curl 993 curl -s imaps://server.example/
    record tls-1.3 curl-smtps curl 465 curl -s smtps://server.example/
    record tls-1.3 wget wget 443 wget -qO- https://server.example/
    record tls-1.3 git git 443 git ls-remote https://server.example/project.git
    record tls-1.3 python libpython3-stdlib 443 \
        python3 -c "import urllib.request; urllib.request.urlopen('https://server.example/')"
    record tls-1.3 ldapsearch ldap-utils 636 ldapsearch -x -H ldaps://server.example
    record tls-1.3 mosquitto mosquitto-clients 8883 \
        mosquitto_pub -h server.example -p 8883 --capath /etc/ssl/certs -t topic -m text
    record tls-1.3 redis-cli redis-tools 6379 redis-cli -h server.example --tls PING
    record tls-1.3 kdig knot-dnsutils 853 kdig @server.example +tls www.example
    tls_of_browsers
    tls_of_languages
}

# Chromium puts the extensions in another order each time, and random values between them (RFC 8701).
tls_of_browsers() {
    local number url=https://server.example/
    for number in 1 2 3 4; do
        record tls-1.3 chromium-$number chromium 443 chromium --headless --no-sandbox --disable-gpu $url
    done
    record tls-1.3 firefox firefox-esr 443 firefox-esr --headless $url
    local nss=(tstclnt -h server.example -p 443 -D -o)
    record tls-1.3 nss libnss3-tools 443 "${nss[@]}" -V tls1.2:tls1.3
    record tls-1.2 nss libnss3-tools 443 "${nss[@]}" -V tls1.2:tls1.2
}

tls_of_languages() {
    local url=https://server.example/
    record tls-1.3 node nodejs 443 node -e "require('https').get('$url')"
    record tls-1.2 node nodejs 443 node --tls-max-v1.2 -e "require('https').get('$url')"
    write_get_java
    record tls-1.3 java openjdk-17-jdk-headless 443 java Get.java $url
    record tls-1.2 java openjdk-17-jdk-headless 443 java -Djdk.tls.client.protocols=TLSv1.2 Get.java $url
    build_get_go
    record tls-1.3 go golang-1.19-go 443 ./get $url
}

record_openvpn() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=client \
        -keyout key.pem -out cert.pem 2>"$SCRATCH/output"
    openvpn --genkey secret static.key
    openvpn --genkey tls-crypt-v2-server v2-server.key
    openvpn --tls-crypt-v2 v2-server.key --genkey tls-crypt-v2-client v2.key
    local common=(--client --nobind --dev null --proto tcp-client --remote server.example
        --ca cert.pem --cert cert.pem --key key.pem)
    record openvpn plain openvpn 1194 openvpn "${common[@]}"
    local digest
    for digest in MD5 SHA1 SHA256 SHA384 SHA512; do
        record openvpn "tls-auth-${digest,,}" openvpn 1194 \
            openvpn "${common[@]}" --tls-auth static.key 1 --auth $digest
    done
    record openvpn tls-crypt openvpn 1194 openvpn "${common[@]}" --tls-crypt static.key
    record openvpn tls-crypt-v2 openvpn 1194 openvpn "${common[@]}" --tls-crypt-v2 v2.key
}

record_socks4() {
    local proxy=server.example:1080
    record socks4 curl curl 1080 curl -s --socks4 $proxy http://192.0.2.2/
    record socks4 tor-resolve tor 1080 tor-resolve -4 www.example $proxy
    record socks4 curl-4a curl 1080 curl -s --socks4a $proxy http://www.example/
    record socks4 netcat netcat-openbsd 1080 nc -X 4 -x $proxy 192.0.2.2 443
    record socks4 ncat ncat 1080 ncat --proxy-type socks4 --proxy $proxy 192.0.2.2 443
    record socks4 socat socat 1080 socat - SOCKS4:server.example:192.0.2.2:443,socksuser=user
    record socks4 socat-4a socat 1080 socat - SOCKS4A:server.example:www.example:20480,socksuser=user
    proxychains_config socks4
    record socks4 proxychains proxychains4 1080 \
        proxychains4 -q -f proxychains-socks4.conf curl -s http://192.0.2.2/
}

record_socks5() {
    local proxy=server.example:1080
    record socks5 curl curl 1080 curl -s --socks5 $proxy http://192.0.2.2/
    record socks5 curl-password curl 1080 curl -s --socks5-hostname user:word@$proxy http://www.example/
    record socks5 netcat netcat-openbsd 1080 nc -X 5 -x $proxy 192.0.2.2 443
    record socks5 ncat ncat 1080 ncat --proxy-type socks5 --proxy $proxy 192.0.2.2 443
    record socks5 ncat-password ncat 1080 \
        ncat --proxy-type socks5 --proxy-auth user:word --proxy $proxy 192.0.2.2 443
    record socks5 python-socks python3-socks 1080 python3 -c \
        "import socks; s=socks.socksocket(); s.set_proxy(socks.SOCKS5,'server.example',1080,True,'user','word'); s.connect(('www.example',80))"
    proxychains_config socks5
    record socks5 proxychains proxychains4 1080 \
        proxychains4 -q -f proxychains-socks5.conf curl -s http://192.0.2.2/
    handmade socks5 handmade-private 'RFC 1928, section 3: two methods, one of them private' 05 02 00 80
    record socks5 torsocks torsocks 1080 \
        torsocks --address 192.0.2.1 --port 1080 curl -s http://192.0.2.2/
}

proxychains_config() {
    printf 'strict_chain\n[ProxyList]\n%s 192.0.2.1 1080\n' "$1" >"$SCRATCH/proxychains-$1.conf"
}

record_rdp() {
    record rdp xfreerdp freerdp2-x11 3389 \
        xvfb-run -a xfreerdp /v:server.example /u:user /p:word /cert:ignore
    record rdp xfreerdp-rdp-only freerdp2-x11 3389 \
        xvfb-run -a xfreerdp /v:server.example /u:user /p:word /cert:ignore /sec:rdp
    record rdp xfreerdp-broker freerdp2-x11 3389 \
        xvfb-run -a xfreerdp /v:server.example /u:user /p:word /cert:ignore \
        '/load-balance-info:tsv://MS Terminal Services Plugin.1.Farm'
    record rdp xfreerdp-pcid freerdp2-x11 3389 \
        xvfb-run -a xfreerdp /v:server.example /u:user /p:word /cert:ignore /pcid:7
    record rdp xfreerdp-vmconnect freerdp2-x11 2179 \
        xvfb-run -a xfreerdp /v:server.example:2179 /u:user /p:word /cert:ignore \
        /vmconnect:2f1e4a0e-6a3b-4f3c-9d58-0c1b2a394857
    record rdp rdesktop rdesktop 3389 xvfb-run -a rdesktop -u user server.example
    record rdp impacket python3-impacket 3389 \
        python3 /usr/share/doc/python3-impacket/examples/rdp_check.py user:word@server.example
    handmade rdp handmade-token '[MS-RDPBCGR], section 2.2.1.1: the routing token of a load balancer' \
        03 00 00 37 32 e0 00 00 00 00 00 "$(text 'Cookie: msts=3640205228.15629.0000\r\n')" \
        01 00 08 00 03 00 00 00
    handmade rdp handmade-correlation '[MS-RDPBCGR], section 2.2.1.1.2: correlation information' \
        03 00 00 37 32 e0 00 00 00 00 00 01 08 08 00 0b 00 00 00 06 00 24 00 "$(counting 16)" "$(repeated 16 00)"
    handmade rdp handmade-bare '[MS-RDPBCGR], section 2.2.1.1: neither cookie nor negotiation' \
        03 00 00 0b 06 e0 00 00 00 00 00
}

record_adb() {
    record adb adb adb 5555 adb connect server.example:5555
}

record_tinc() {
    local host
    mkdir -p "$SCRATCH/tinc/hosts"
    cd "$SCRATCH/tinc" || return
    printf 'Name = client\nConnectTo = server\nDeviceType = dummy\nPort = 6655\n' >tinc.conf
    openssl genrsa -traditional -out rsa_key.priv 2048 2>/dev/null
    for host in client server; do
        { echo Address = server.example; openssl rsa -in rsa_key.priv -RSAPublicKey_out; } \
            >hosts/$host 2>/dev/null
    done
    record tinc tincd tinc 655 tincd -c . -D --pidfile=./pid
}

record_telnet() {
    record telnet inetutils inetutils-telnet 23 script -qc 'telnet server.example' /dev/null
    record telnet putty putty-tools 23 plink -telnet -batch server.example
}

record_x11() {
    record x11 xdpyinfo x11-utils 6000 xdpyinfo -display server.example:0
    handmade x11 handmade-big-endian 'X Window System Protocol, appendix B: most significant byte first' \
        42 00 00 0b 00 00 00 00 00 00 00 00
}

record_spice() {
    record spice spicy spice-client-gtk 5900 xvfb-run -a spicy -h server.example -p 5900
}

record_proxy-protocol() {
    local command
    record proxy-protocol curl curl 80 curl -s --haproxy-protocol http://server.example/
    for command in send-proxy send-proxy-v2; do
        printf '%s\n' 'defaults' 'mode tcp' 'timeout connect 9s' 'timeout client 9s' 'timeout server 9s' \
            'listen l' 'bind 127.0.0.1:8080' "server s 192.0.2.1:80 $command" >"$SCRATCH/$command.cfg"
        record proxy-protocol haproxy-$command haproxy 80 \
            sh -c "haproxy -f $command.cfg & until curl -s http://127.0.0.1:8080/; do :; done"
    done
    printf '%s\n' 'defaults' 'mode tcp' 'timeout connect 9s' 'timeout client 9s' 'timeout server 9s' \
        'listen l' "bind 127.0.0.1:8443 ssl crt $(certificate) alpn http/1.1" \
        'server s 192.0.2.1:80 send-proxy-v2 proxy-v2-options ssl,authority' >"$SCRATCH/authority.cfg"
    record proxy-protocol haproxy-authority haproxy 80 sh -c \
        "haproxy -f authority.cfg & until curl -sk --resolve www.example:8443:127.0.0.1 https://www.example:8443/; do :; done"
    handmade proxy-protocol handmade-unknown 'HAProxy, doc/proxy-protocol.txt, section 2.1: no address' \
        "$(text 'PROXY UNKNOWN\r\n')"
    handmade proxy-protocol handmade-local 'HAProxy, doc/proxy-protocol.txt, section 2.2: LOCAL, a health check' \
        0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20 00 00 00
}

record_sstp() {
    tls_record sstp sstpc sstp-client 443 \
        sstpc --cert-warn --nolaunchpppd --user user --password word server.example noauth
    handmade sstp handmade-request '[MS-SSTP], section 4.1: the request' \
        "$(text 'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n')"
}

record_adb-server() {
    record adb-server devices adb 5037 adb -H server.example devices
    record adb-server shell adb 5037 adb -H server.example shell
}

record_pptp() {
    record pptp pptp pptp-linux 1723 pptp server.example --nolaunchpppd
    handmade pptp handmade-windows 'RFC 2637, section 2.1: Start-Control-Connection-Request of another vendor' \
        00 9c 00 01 1a 2b 3c 4d 00 01 00 00 01 00 00 00 00 00 00 01 00 00 00 01 00 00 0a 28 \
        "$(repeated 64 00)" "$(text Microsoft)" "$(repeated 55 00)"
}
