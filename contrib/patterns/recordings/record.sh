#!/usr/bin/env bash
# Records the first bytes of real clients, up to 2048, sent to a server that never answers.
#
#   contrib/patterns/recordings/record.sh [PATTERN]...
#
# Records all clients, or those of the patterns named, and overwrites PATTERN/CLIENT.hex in this folder.
# The first line of a recording is a comment with the package, its version and the command. A client that
# is not installed is left out, and its recording stays as it is. handmade-* are written from the
# specification, for streams that no package of Debian sends.
#
# Runs in namespaces of its own: server.example is 192.0.2.1 there, every port is free, and no process
# outlives the script.
set -euo pipefail

FOLDER=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
LONGEST=2048
CLIENT_LIMIT=20 # seconds for the first byte of a client
PAUSE=0.4       # seconds after the first byte for the rest

# --- the clients ----------------------------------------------------------------------------------
# record PATTERN CLIENT PACKAGE PORT COMMAND...
# handmade PATTERN NAME SOURCE HEX...

record_ssh() {
    local options=(-F none -o BatchMode=yes -o StrictHostKeyChecking=no)
    record ssh openssh openssh-client 22 ssh "${options[@]}" user@server.example
    record ssh dropbear dropbear-bin 22 dbclient -y -y user@server.example
    record ssh putty putty-tools 22 plink -batch user@server.example
    record ssh libssh2 libssh2-1 22 curl -s sftp://user@server.example/
}

record_http() {
    local url=http://server.example/
    record http curl curl 80 curl -s $url
    record http curl-head curl 80 curl -sI $url
    record http curl-post curl 80 curl -s -d name=value $url
    record http curl-put curl 80 curl -s -T /etc/hosts $url
    record http curl-delete curl 80 curl -s -X DELETE $url
    record http curl-options curl 80 curl -s -X OPTIONS $url
    record http curl-options-all curl 80 curl -s -X OPTIONS --request-target '*' $url
    record http curl-trace curl 80 curl -s -X TRACE $url
    record http curl-patch curl 80 curl -s -X PATCH -d name=value $url
    record http curl-connect curl 3128 curl -s -p -x http://server.example:3128 http://www.example/
    record http curl-proxy curl 3128 curl -s -x http://server.example:3128 http://www.example/
    record http curl-upgrade curl 80 curl -s --http2 $url
    record http wget wget 80 wget -qO- $url
    record http lynx lynx 80 lynx -dump $url
    record http busybox busybox 80 busybox wget -qO- $url
    record http git git 80 git ls-remote http://server.example/project.git
    record http aria2 aria2 80 aria2c -q $url
    record http ffmpeg ffmpeg 80 ffprobe http://server.example/stream
    record http python libpython3-stdlib 80 \
        python3 -c "import urllib.request; urllib.request.urlopen('$url')"
}

record_http2() {
    record http2 curl curl 80 curl -s --http2-prior-knowledge http://server.example/
    record http2 nghttp nghttp2-client 80 nghttp http://server.example/
}

record_tls() {
    local server=(-connect server.example:443 -servername server.example)
    handmade tls handmade-ssl-3.0 'RFC 6101, section 5.6.1.2: a ClientHello of SSL 3.0' \
        16 03 00 00 2f 01 00 00 2b 03 00 "$(counting 32)" 00 00 04 00 0a 00 05 01 00
    handmade tls handmade-no-extensions \
        'RFC 5246, section 7.4.1.2: a session id of 16 bytes, no extensions' \
        16 03 01 00 41 01 00 00 3d 03 03 "$(counting 32)" 10 "$(counting 16)" 00 04 00 2f 00 35 01 00
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
    record tls-1.3 wget wget 443 wget -qO- https://server.example/
    record tls-1.3 git git 443 git ls-remote https://server.example/project.git
    record tls-1.3 python libpython3-stdlib 443 \
        python3 -c "import urllib.request; urllib.request.urlopen('https://server.example/')"
    record tls-1.3 ldapsearch ldap-utils 636 ldapsearch -x -H ldaps://server.example
    record tls-1.3 mosquitto mosquitto-clients 8883 \
        mosquitto_pub -h server.example -p 8883 --capath /etc/ssl/certs -t topic -m text
    record tls-1.3 redis-cli redis-tools 6379 redis-cli -h server.example --tls PING
    record tls-1.3 kdig knot-dnsutils 853 kdig @server.example +tls www.example
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
    record socks5 torsocks torsocks 1080 \
        torsocks --address 192.0.2.1 --port 1080 curl -s http://192.0.2.2/
}

proxychains_config() {
    printf 'strict_chain\n[ProxyList]\n%s 192.0.2.1 1080\n' "$1" >"$SCRATCH/proxychains-$1.conf"
}

record_xmpp() {
    record xmpp sendxmpp sendxmpp 5222 \
        sh -c 'echo text | sendxmpp -u user -p word -j server.example someone@server.example'
    record xmpp slixmpp python3-slixmpp 5222 python3 -c \
        "import slixmpp; c=slixmpp.ClientXMPP('user@server.example','word'); c.connect(('192.0.2.1',5222)); c.process(forever=True)"
    mkdir -p home/.local/share/profanity
    printf '[me]\nenabled=true\njid=user@server.example\npassword=word\n' >home/.local/share/profanity/accounts
    record xmpp profanity profanity 5222 \
        script -qc 'profanity -a me' /dev/null
    record xmpp openssl openssl 5222 \
        openssl s_client -starttls xmpp -xmpphost server.example -connect server.example:5222
    record xmpp gnutls gnutls-bin 5222 gnutls-cli --insecure --starttls-proto xmpp -p 5222 server.example
}

record_rdp() {
    record rdp xfreerdp freerdp2-x11 3389 \
        xvfb-run -a xfreerdp /v:server.example /u:user /p:word /cert:ignore
    record rdp xfreerdp-rdp-only freerdp2-x11 3389 \
        xvfb-run -a xfreerdp /v:server.example /u:user /p:word /cert:ignore /sec:rdp
    record rdp rdesktop rdesktop 3389 xvfb-run -a rdesktop -u user server.example
    record rdp impacket python3-impacket 3389 \
        python3 /usr/share/doc/python3-impacket/examples/rdp_check.py user:word@server.example
    handmade rdp handmade-bare '[MS-RDPBCGR], section 2.2.1.1: neither cookie nor negotiation' \
        03 00 00 0b 06 e0 00 00 00 00 00
}

record_adb() {
    record adb adb adb 5555 adb connect server.example:5555
}

record_tinc() {
    local host
    mkdir -p "$SCRATCH/tinc/hosts"
    cd "$SCRATCH/tinc"
    printf 'Name = client\nConnectTo = server\nDeviceType = dummy\nPort = 6655\n' >tinc.conf
    openssl genrsa -traditional -out rsa_key.priv 2048 2>/dev/null
    for host in client server; do
        { echo Address = server.example; openssl rsa -in rsa_key.priv -RSAPublicKey_out; } \
            >hosts/$host 2>/dev/null
    done
    record tinc tincd tinc 655 tincd -c . -D --pidfile=./pid
}

# rsyslog and syslog-ng exclude each other as packages.
record_syslog() {
    local to=(--tcp --server server.example --port 514 --tag app)
    record syslog logger bsdutils 514 logger "${to[@]}" text
    record syslog logger-octet-count bsdutils 514 logger "${to[@]}" --octet-count text
    record syslog logger-rfc3164 bsdutils 514 logger "${to[@]}" --rfc3164 --priority kern.emerg text
    record syslog python libpython3-stdlib 514 python3 -c \
        "import logging.handlers as h, logging, socket; logging.getLogger().addHandler(h.SysLogHandler(('server.example',514),socktype=socket.SOCK_STREAM)); logging.error('text')"
    record syslog loggen syslog-ng-core 514 loggen -i -S -n 1 server.example 514
    printf '%s\n' 'global(processInternalMessages="on" workDirectory=".")' \
        '*.* action(type="omfwd" target="server.example" port="514" protocol="tcp")' \
        >"$SCRATCH/rsyslog.conf"
    record syslog rsyslog rsyslog 514 rsyslogd -n -i pid -f rsyslog.conf
    printf '%s\n' '@version: 3.38' 'source s { internal(); };' \
        'destination d { syslog("server.example" port(514)); };' \
        'log { source(s); destination(d); };' >"$SCRATCH/syslog-ng.conf"
    record syslog syslog-ng syslog-ng-core 514 \
        syslog-ng -F -f syslog-ng.conf -R persist -p pid -c control
}

record_git() {
    local url=git://server.example/project.git
    record git ls-remote git 9418 git ls-remote $url
    record git version-0 git 9418 git -c protocol.version=0 ls-remote $url
    record git archive git 9418 git archive --remote=$url HEAD
    git init -q "$SCRATCH/project"
    cd "$SCRATCH/project"
    git -c user.name=user -c user.email=user@client.example commit -q --allow-empty -m first
    record git push git 9418 git push $url HEAD:main
    record git dulwich python3-dulwich 9418 \
        python3 -c "import dulwich.porcelain; dulwich.porcelain.ls_remote('$url')"
}

record_mqtt() {
    local version
    for version in mqttv31 mqttv311 mqttv5; do
        record mqtt mosquitto_pub-$version mosquitto-clients 1883 \
            mosquitto_pub -V $version -h server.example -t topic -m text
    done
    record mqtt mosquitto_sub mosquitto-clients 1883 mosquitto_sub -h server.example -t topic
    record mqtt mosquitto_pub-will mosquitto-clients 1883 \
        mosquitto_pub -h server.example -t topic -m text -i client --will-topic gone \
        --will-payload "$(printf 'text %.0s' {1..100})"
    record mqtt curl curl 1883 curl -s mqtt://server.example/topic
    record mqtt paho python3-paho-mqtt 1883 python3 -c \
        "import paho.mqtt.client as m; c=m.Client(); c.connect('server.example'); c.loop_forever()"
}

record_postgresql() {
    local database=host=server.example\ user=user\ dbname=data
    record postgresql psql-disable postgresql-client-15 5432 psql "$database sslmode=disable"
    record postgresql psycopg2-disable python3-psycopg2 5432 \
        python3 -c "import psycopg2; psycopg2.connect('$database sslmode=disable')"
    record postgresql pg_isready postgresql-client-15 5432 \
        pg_isready -d "$database sslmode=disable replication=true"
    record postgresql asyncpg python3-asyncpg 5432 python3 -c \
        "import asyncio, asyncpg; asyncio.run(asyncpg.connect('postgresql://user@server.example/data?sslmode=disable'))"
    handmade postgresql handmade-cancel \
        'PostgreSQL 15, section 55.7 (Message Formats): CancelRequest' \
        00 00 00 10 04 d2 16 2e "$(counting 8)"
    handmade postgresql handmade-gssenc \
        'PostgreSQL 15, section 55.7 (Message Formats): GSSENCRequest' 00 00 00 08 04 d2 16 30
    record postgresql-sslrequest psql-prefer postgresql-client-15 5432 psql "$database"
    record postgresql-sslrequest psql-require postgresql-client-15 5432 psql "$database sslmode=require"
    record postgresql-sslrequest asyncpg python3-asyncpg 5432 python3 -c \
        "import asyncio, asyncpg; asyncio.run(asyncpg.connect('postgresql://user@server.example/data'))"
    record postgresql-sslrequest openssl openssl 5432 \
        openssl s_client -starttls postgres -connect server.example:5432
}

record_redis() {
    record redis redis-cli redis-tools 6379 redis-cli -h server.example PING
    record redis redis-cli-auth redis-tools 6379 \
        redis-cli -h server.example --no-auth-warning -a word GET key
    record redis redis-cli-resp3 redis-tools 6379 redis-cli -3 -h server.example PING
    record redis redis-benchmark redis-tools 6379 redis-benchmark -h server.example -c 1 -n 1 -t set
    record redis python-redis python3-redis 6379 \
        python3 -c "import redis; redis.Redis('server.example').ping()"
}

record_amqp() {
    record amqp amqp-publish amqp-tools 5672 \
        amqp-publish -s server.example -r queue -b text
    record amqp pika python3-pika 5672 python3 -c \
        "import pika; pika.BlockingConnection(pika.ConnectionParameters('server.example'))"
    record amqp qpid-proton python3-qpid-proton 5672 python3 -c \
        "from proton.utils import BlockingConnection; BlockingConnection('amqp://server.example')"
    record amqp qpid-proton-sasl python3-qpid-proton 5672 python3 -c \
        "from proton.utils import BlockingConnection; BlockingConnection('amqp://user:word@server.example')"
}

record_mongodb() {
    record mongodb pymongo python3-pymongo 27017 python3 -c \
        "import pymongo; pymongo.MongoClient('server.example').admin.command('ping')"
    record mongodb pymongo-zlib python3-pymongo 27017 python3 -c \
        "import pymongo; pymongo.MongoClient('mongodb://server.example/?compressors=zlib&appname=app').admin.command('ping')"
    cat >mongoc.py <<'END'
import ctypes, sys
mongoc = ctypes.CDLL("libmongoc-1.0.so.0")
bson = ctypes.CDLL("libbson-1.0.so.0")
for function in (mongoc.mongoc_client_new, bson.bson_new): function.restype = ctypes.c_void_p
mongoc.mongoc_init()
client = ctypes.c_void_p(mongoc.mongoc_client_new(sys.argv[1].encode()))
command = ctypes.c_void_p(bson.bson_new())
bson.bson_append_int32(command, b"ping", -1, 1)
mongoc.mongoc_client_command_simple(client, b"admin", command, None, None, None)
END
    record mongodb libmongoc libmongoc-1.0-0 27017 python3 mongoc.py \
        mongodb://server.example/
    record mongodb libmongoc-op-msg libmongoc-1.0-0 27017 python3 mongoc.py \
        'mongodb://server.example/?loadBalanced=true'
}

record_ldap() {
    local url=ldap://server.example
    record ldap ldapsearch ldap-utils 389 ldapsearch -x -H $url -b dc=example
    record ldap ldapsearch-password ldap-utils 389 \
        ldapsearch -x -H $url -D "cn=user,dc=example" -w "$(printf 'long%.0s' {1..40})"
    record ldap ldapsearch-starttls ldap-utils 389 ldapsearch -x -ZZ -H $url
    record ldap ldapwhoami-sasl ldap-utils 389 ldapwhoami -Y DIGEST-MD5 -U user -w word -H $url
    record ldap ldapsearch-version-2 ldap-utils 389 ldapsearch -x -P 2 -H $url -b dc=example
    record ldap curl curl 389 curl -s $url/dc=example
    record ldap ldap3 python3-ldap3 389 \
        python3 -c "import ldap3; ldap3.Connection(ldap3.Server('server.example'),auto_bind=True)"
    handmade ldap handmade-anonymous-search \
        'RFC 4511, section 4.5.1: a search with lengths of four bytes, as Windows writes them' \
        30 84 00 00 00 2d 02 01 01 63 84 00 00 00 24 04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 \
        00 87 0b 6f 62 6a 65 63 74 63 6c 61 73 73 30 84 00 00 00 00
}

record_dns() {
    local at=@server.example
    record dns dig bind9-dnsutils 53 dig $at +tcp www.example
    record dns dig-plain bind9-dnsutils 53 dig $at +tcp +noedns +norecurse +noadflag www.example
    record dns dig-root bind9-dnsutils 53 dig $at +tcp +noedns . NS
    record dns dig-axfr bind9-dnsutils 53 dig $at example AXFR
    record dns dig-ixfr bind9-dnsutils 53 dig $at example IXFR=1
    record dns dig-like-openvpn bind9-dnsutils 53 \
        dig $at +tcp +nocookie +qid=14385 abcde.example
    record dns host bind9-host 53 host -T www.example server.example
    record dns kdig knot-dnsutils 53 kdig $at +tcp www.example
    record dns dnspython python3-dnspython 53 python3 -c \
        "import dns.message as m, dns.query as q; q.tcp(m.make_query('www.example','AAAA'),'192.0.2.1',3)"
}

record_smb() {
    local share=//server.example/share
    record smb smbclient smbclient 445 smbclient -p 445 -U user%word $share
    record smb smbclient-nt1 smbclient 445 \
        smbclient -p 445 --option='client min protocol=NT1' -m NT1 -U user%word $share
    record smb smbclient-netbios smbclient 139 smbclient -p 139 -U user%word $share
    record smb curl curl 445 curl -s -u user:word smb://server.example/share/file
    record smb impacket python3-impacket 445 python3 -c \
        "from impacket.smbconnection import SMBConnection; SMBConnection('server.example','192.0.2.1')"
}

record_sip() {
    record sip sipsak sipsak 5060 sipsak -E tcp -s sip:user@server.example
    record sip sipsak-register sipsak 5060 sipsak -U -E tcp -C sip:user@client.example -s sip:user@server.example
    record sip sipp sip-tester 5060 sipp -sn uac -t t1 -m 1 192.0.2.1:5060
}

record_rtsp() {
    local url=rtsp://server.example/stream
    record rtsp ffprobe ffmpeg 554 ffprobe -rtsp_transport tcp $url
    record rtsp curl curl 554 curl -s $url
    record rtsp ffmpeg-announce ffmpeg 554 ffmpeg -f lavfi -i testsrc -f rtsp $url
}

# Without encryption, which aria2 and transmission-cli cannot be made to do without.
record_bittorrent() {
    printf 'd4:infod6:lengthi1e4:name4:file12:piece lengthi16384e6:pieces20:%see' \
        0123456789abcdefghij >file.torrent
    record bittorrent libtorrent python3-libtorrent 6881 python3 -c \
        "import libtorrent as l, time; s=l.session({'out_enc_policy':2,'in_enc_policy':2,'enable_outgoing_utp':False}); h=s.add_torrent({'ti':l.torrent_info('file.torrent'),'save_path':'.'}); time.sleep(1); h.connect_peer(('192.0.2.1',6881)); time.sleep(9)"
}

record_minecraft() {
    local wiki='minecraft.wiki, "Java Edition protocol"'
    handmade minecraft handmade-login "$wiki: Handshake, protocol 763 (1.20.1), next state 2" \
        14 00 fb 05 0e 73 65 72 76 65 72 2e 65 78 61 6d 70 6c 65 63 dd 02
    handmade minecraft handmade-status "$wiki: Handshake, protocol 47 (1.8), next state 1, Status Request" \
        13 00 2f 0e 73 65 72 76 65 72 2e 65 78 61 6d 70 6c 65 63 dd 01 01 00
    handmade minecraft handmade-status-any "$wiki: Handshake, protocol -1, next state 1" \
        17 00 ff ff ff ff 0f 0e 73 65 72 76 65 72 2e 65 78 61 6d 70 6c 65 63 dd 01
    handmade minecraft handmade-legacy-ping "minecraft.wiki, \"Java Edition Server List Ping\": 1.6" \
        fe 01 fa 00 0b 00 4d 00 43 00 7c 00 50 00 69 00 6e 00 67 00 48 00 6f 00 73 00 74 00 23 4e \
        00 0e 00 73 00 65 00 72 00 76 00 65 00 72 00 2e 00 65 00 78 00 61 00 6d 00 70 00 6c 00 65 \
        00 00 63 dd
}

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

is_listening() { [[ -n $(ss -Hltn "sport = :$1") ]]; }
has_bytes() { [[ -s $SCRATCH/bytes ]]; }

# record PATTERN CLIENT PACKAGE PORT COMMAND...: writes the bytes of the first connection to PORT. The client
# runs in a process group of its own, which is killed at the end.
record() {
    local pattern=$1 client=$2 package=$3 port=$4 version listener
    shift 4
    version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) ||
        { echo "$pattern/$client: $package is not installed"; return; }
    rm -f "$SCRATCH/bytes"
    socat -u "TCP-LISTEN:$port,bind=192.0.2.1,reuseaddr" "CREATE:$SCRATCH/bytes" \
        2>"$SCRATCH/socat" &
    listener=$!
    wait_for 50 is_listening "$port" || fail "cannot listen on port $port: $(<"$SCRATCH/socat")"
    setsid env -i HOME="$SCRATCH/home" PATH="$PATH" LANG=C.UTF-8 USER=user LOGNAME=user TERM=dumb \
        "$@" </dev/null >"$SCRATCH/output" 2>&1 &
    disown
    wait_for $((CLIENT_LIMIT * 10)) has_bytes || true
    sleep $PAUSE
    kill -KILL -- "-$!" 2>/dev/null || true
    kill "$listener" 2>/dev/null || true
    wait "$listener" 2>/dev/null || true
    if has_bytes; then
        write "$pattern" "$client" "$package $version:$(quoted "$@")" <"$SCRATCH/bytes"
    else
        echo "$pattern/$client: sent nothing: $(tail -n 3 "$SCRATCH/output")"
    fi
}

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
    if [[ -z ${RECORDING:-} ]]; then
        RECORDING=yes exec unshare --map-root-user --net --uts --mount --pid --fork --kill-child \
            --mount-proc "$FOLDER/record.sh" "$@"
    fi
    ((${#names[@]} > 0)) || mapfile -t names < <(compgen -A function record_ | sed 's/^record_//')
    prepare_world
    for name in "${names[@]}"; do
        cd "$SCRATCH"
        "record_$name"
    done
}

main "$@"
