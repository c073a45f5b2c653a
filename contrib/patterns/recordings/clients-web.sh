#!/usr/bin/env bash
# The clients of the web and files, for record.sh, which has `record` and `handmade`.

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
    record http cadaver cadaver 80 cadaver $url
    record http rclone rclone 80 rclone --config none lsf ":webdav,url='$url':"
    record http caldav python3-caldav 80 python3 -c \
        "import caldav; caldav.DAVClient('$url',username='user',password='word').principal().calendars()"
    printf '%s\n' '[general]' 'status_path = "./status"' '[pair p]' 'a = "a"' 'b = "b"' \
        'collections = ["from a"]' '[storage a]' 'type = "caldav"' "url = \"$url\"" 'username = "user"' \
        'password = "word"' '[storage b]' 'type = "filesystem"' 'path = "./b"' 'fileext = ".ics"' \
        >"$SCRATCH/vdirsyncer.conf"
    record http vdirsyncer vdirsyncer 80 vdirsyncer -c vdirsyncer.conf discover
    record http svn subversion 80 svn list --non-interactive ${url}project
    record http ffmpeg-icecast ffmpeg 8000 ffmpeg -re -f lavfi -i sine -c:a libvorbis -f ogg \
        -legacy_icecast 1 icecast://source:word@server.example:8000/live.ogg
    record http curl-mkcol curl 80 curl -s -X MKCOL ${url}folder/
    record http curl-query curl 80 curl -s -X QUERY -d select ${url}table
    record http curl-purge curl 80 curl -s -X PURGE ${url}page
    record http curl-subscribe curl 80 curl -s -X SUBSCRIBE -H 'NT: upnp:event' ${url}event
    handmade http handmade-m-search 'UPnP Device Architecture 1.1, section 1.3.2: a search over TCP' \
        "$(text 'M-SEARCH * HTTP/1.1\r\nHOST: server.example:1900\r\nMAN: "ssdp:discover"\r\n\r\n')"
    record http python libpython3-stdlib 80 \
        python3 -c "import urllib.request; urllib.request.urlopen('$url')"
    record http netcat-connect netcat-openbsd 3128 nc -X connect -x server.example:3128 www.example 22
    record http ncat-connect-ipv6 ncat 3128 \
        ncat --proxy-type http --proxy server.example:3128 2001:db8::2 22
    record http curl-ipv6 curl 3128 curl -s -g -x http://server.example:3128 'http://[2001:db8::2]:8080/'
    record http chromium chromium 80 chromium --headless --no-sandbox --disable-gpu $url
    record http firefox firefox-esr 80 firefox-esr --headless $url
    record http websocket python3-websocket 80 \
        python3 -c "import websocket; websocket.create_connection('ws://server.example/chat')"
    record http node nodejs 80 node -e "require('http').get('$url')"
    write_get_java
    record http java openjdk-17-jdk-headless 80 java Get.java $url
    build_get_go
    record http go golang-1.19-go 80 ./get $url
}

# A program of Java and one of Go that get a URL.
write_get_java() {
    echo 'class Get { public static void main(String[] a) throws Exception { new java.net.URL(a[0]).openStream(); } }' \
        >"$SCRATCH/Get.java"
}
build_get_go() {
    printf '%s\n' 'package main' 'import ("net/http"; "os")' 'func main() { http.Get(os.Args[1]) }' >"$SCRATCH/get.go"
    HOME=$SCRATCH/home go build -o get get.go || true
}

record_http2() {
    record http2 curl curl 80 curl -s --http2-prior-knowledge http://server.example/
    record http2 nghttp nghttp2-client 80 nghttp http://server.example/
}

record_git() {
    local url=git://server.example/project.git
    record git ls-remote git 9418 git ls-remote $url
    record git version-0 git 9418 git -c protocol.version=0 ls-remote $url
    record git archive git 9418 git archive --remote=$url HEAD
    git init -q "$SCRATCH/project"
    cd "$SCRATCH/project" || return
    git -c user.name=user -c user.email=user@client.example commit -q --allow-empty -m first
    record git push git 9418 git push $url HEAD:main
    record git dulwich python3-dulwich 9418 \
        python3 -c "import dulwich.porcelain; dulwich.porcelain.ls_remote('$url')"
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

# Without encryption, which aria2 and transmission-cli cannot be made to do without.
record_bittorrent() {
    printf 'd4:infod6:lengthi1e4:name4:file12:piece lengthi16384e6:pieces20:%see' \
        0123456789abcdefghij >file.torrent
    record bittorrent libtorrent python3-libtorrent 6881 python3 -c \
        "import libtorrent as l, time; s=l.session({'out_enc_policy':2,'in_enc_policy':2,'enable_outgoing_utp':False}); h=s.add_torrent({'ti':l.torrent_info('file.torrent'),'save_path':'.'}); time.sleep(1); h.connect_peer(('192.0.2.1',6881)); time.sleep(9)"
}

record_rsync() {
    record rsync list rsync 873 rsync rsync://server.example/
    record rsync module rsync 873 rsync -a server.example::module/ copy
}

record_cvs() {
    export CVS_PASSFILE=$SCRATCH/cvspass
    record cvs version cvs 2401 cvs -d :pserver:user:word@server.example:/srv/cvs version
    record cvs login cvs 2401 script -qc 'cvs -d :pserver:user:word@server.example:/srv/cvs login' /dev/null
    handmade cvs handmade-gssapi 'The CVS client/server protocol: GSSAPI' \
        "$(text 'BEGIN GSSAPI REQUEST\n')" 00 40
}

record_nfs() {
    record nfs libnfs-4 libnfs-utils 2049 nfs-ls 'nfs://server.example/srv?version=4'
}

record_iscsi() {
    record iscsi iscsi-ls libiscsi-bin 3260 iscsi-ls iscsi://server.example
    record iscsi iscsi-inq libiscsi-bin 3260 iscsi-inq iscsi://server.example/iqn.2001-04.example:disk/0
}

record_distcc() {
    echo 'int main() { return 0; }' >"$SCRATCH/main.c"
    record distcc distcc distcc 3632 env DISTCC_HOSTS=server.example DISTCC_FALLBACK=0 distcc gcc -c main.c
    record distcc distcc-lzo distcc 3632 \
        env DISTCC_HOSTS=server.example,lzo DISTCC_FALLBACK=0 distcc gcc -c main.c
}

# through_a_server PATTERN CLIENT PACKAGE PORT COMMAND...: a web server on 127.0.0.1:8080 that passes on a request.
through_a_server() {
    record "${@:1:4}" sh -c "${*:5} & curl -s --retry 30 --retry-connrefused --retry-delay 1 http://127.0.0.1:8080/"
}

# As through_a_server, with Apache, which does not run as root, and apache.conf.
through_apache() { through_a_server "$@" unshare --map-user=1 --map-group=1 apache2 -X -f /mnt/apache.conf; }

# Prints a configuration of Apache with these modules.
apache_with() {
    local module
    printf '%s\n' 'ServerName client.example' 'Listen 127.0.0.1:8080' 'PidFile /mnt/apache.pid' \
        'ErrorLog /dev/stderr'
    for module in mpm_prefork authz_core "$@"; do
        echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
    done
}

record_ajp() {
    { apache_with proxy proxy_ajp; echo 'ProxyPass / ajp://server.example:8009/'; } >"$SCRATCH/apache.conf"
    through_apache ajp mod_proxy_ajp apache2-bin 8009
    sed -i 's/:8009.$/& ping=1/' "$SCRATCH/apache.conf"
    through_apache ajp mod_proxy_ajp-ping apache2-bin 8009
    { apache_with jk; printf '%s\n' 'JkWorkerProperty worker.list=w' 'JkWorkerProperty worker.w.type=ajp13' \
        'JkWorkerProperty worker.w.host=server.example' 'JkWorkerProperty worker.w.port=8009' 'JkMount /* w' \
        'JkLogFile /mnt/jk.log' 'JkShmFile /mnt/jk.shm'; } >"$SCRATCH/apache.conf"
    through_apache ajp mod_jk libapache2-mod-jk 8009
    echo 'JkWorkerProperty worker.w.ping_mode=A' >>"$SCRATCH/apache.conf"
    through_apache ajp mod_jk-ping libapache2-mod-jk 8009
    handmade ajp handmade-post 'AJPv13, "Request Packet Structure": POST, with the longest packet' \
        12 34 ff fc 02 04 00 08 "$(text HTTP/1.1)" 00 00 01 "$(text /)" 00
}

record_fastcgi() {
    record fastcgi cgi-fcgi libfcgi-bin 9000 env REQUEST_METHOD=GET SCRIPT_FILENAME=/srv/index.php \
        cgi-fcgi -bind -connect server.example:9000
    record fastcgi fcgi-client libfcgi-client-perl 9000 perl -MFCGI::Client -MIO::Socket::INET -e \
        'FCGI::Client::Connection->new(sock => IO::Socket::INET->new("server.example:9000"))->request({REQUEST_METHOD => "GET"}, "")'
    printf '%s\n' 'user root;' 'daemon off;' 'pid /mnt/nginx.pid;' 'error_log stderr;' 'events {}' \
        'http { access_log off; server { listen 127.0.0.1:8080; fastcgi_param REQUEST_METHOD GET;' \
        'location / { fastcgi_pass server.example:9000; } } }' >"$SCRATCH/nginx.conf"
    through_a_server fastcgi nginx nginx 9000 nginx -p /mnt -c /mnt/nginx.conf
    sed -i 's/:9000;/& fastcgi_keep_conn on;/' "$SCRATCH/nginx.conf"
    through_a_server fastcgi nginx-keep nginx 9000 nginx -p /mnt -c /mnt/nginx.conf
    { apache_with proxy proxy_fcgi; echo 'ProxyPass / fcgi://server.example:9000/srv/'; } >"$SCRATCH/apache.conf"
    through_apache fastcgi mod_proxy_fcgi apache2-bin 9000
    printf '%s\n' 'server.document-root = "/mnt"' 'server.port = 8080' 'server.bind = "127.0.0.1"' \
        'server.modules = ("mod_fastcgi")' \
        'fastcgi.server = ("/" => (("host" => "192.0.2.1", "port" => 9000, "check-local" => "disable")))' \
        >"$SCRATCH/lighttpd.conf"
    through_a_server fastcgi lighttpd lighttpd 9000 lighttpd -D -f /mnt/lighttpd.conf
    handmade fastcgi handmade-authorizer 'FastCGI Specification 1.0, section 6.3: an authorizer, with padding' \
        01 01 12 34 00 08 08 00 00 02 01 00 00 00 00 00 "$(repeated 8 00)"
    handmade fastcgi handmade-filter 'FastCGI Specification 1.0, section 6.4: a filter' \
        01 01 4f ff 00 08 00 00 00 03 00 00 00 00 00 00
    handmade fastcgi handmade-get-values 'FastCGI Specification 1.0, section 4.1: FCGI_GET_VALUES' \
        01 09 00 00 00 11 07 00 0f 00 "$(text FCGI_MPXS_CONNS)" "$(repeated 7 00)"
}
