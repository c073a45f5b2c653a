#!/usr/bin/env bash
# The clients of talk, media and games, for record.sh, which has `record` and `handmade`.

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

record_sip() {
    record sip sipsak sipsak 5060 sipsak -E tcp -s sip:user@server.example
    record sip sipsak-register sipsak 5060 sipsak -U -E tcp -C sip:user@client.example -s sip:user@server.example
    handmade sip handmade-response 'RFC 3261, section 18.2.2: a response on a new connection' \
        "$(text 'SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP client.example;branch=z9hG4bK1\r\n\r\n')"
    handmade sip handmade-tel 'RFC 3261, section 19.1.6: a telephone number' \
        "$(text 'INVITE tel:+1-201-555-0123 SIP/2.0\r\n')"
    handmade sip handmade-emergency 'RFC 5031, section 3: an emergency call' \
        "$(text 'INVITE urn:service:sos SIP/2.0\r\n')"
    record sip sipp sip-tester 5060 sipp -sn uac -t t1 -m 1 192.0.2.1:5060
}

record_rtsp() {
    local url=rtsp://server.example/stream
    record rtsp ffprobe ffmpeg 554 ffprobe -rtsp_transport tcp $url
    record rtsp curl curl 554 curl -s $url
    handmade rtsp handmade-all 'RFC 2326, section 6.1: a request for the server itself' \
        "$(text 'GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n')"
    record rtsp ffmpeg-announce ffmpeg 554 ffmpeg -f lavfi -i testsrc -f rtsp $url
}

# varint NUMBER: prints its bytes, seven bits in each.
varint() {
    local left=$1
    while ((left > 0x7f)); do
        printf '%02x ' $((left & 0x7f | 0x80))
        ((left >>= 7))
    done
    printf '%02x ' "$left"
}

# minecraft_handshake VERSION HOST STATE: prints a Handshake. VERSION and HOST are bytes in hex.
minecraft_handshake() {
    local host packet
    host=$(tr -d ' \n' <<<"$2")
    packet="00 $1 $(varint $((${#host} / 2))) $host 63 dd $3"
    packet=$(tr -d ' \n' <<<"$packet")
    echo "$(varint $((${#packet} / 2))) $packet"
}

record_minecraft() {
    local wiki='minecraft.wiki, "Java Edition protocol"' host any='ff ff ff ff 0f'
    host=$(text server.example)
    handmade minecraft handmade-login "$wiki: Handshake, protocol 763 (1.20.1), next state 2" \
        "$(minecraft_handshake 'fb 05' "$host" 02)"
    handmade minecraft handmade-status "$wiki: Handshake, protocol 47 (1.8), next state 1, Status Request" \
        "$(minecraft_handshake 2f "$host" 01)" 01 00
    handmade minecraft handmade-status-any "$wiki: Handshake, protocol -1, next state 1" \
        "$(minecraft_handshake "$any" "$host" 01)"
    handmade minecraft handmade-version-0 "$wiki: Handshake, protocol 0, next state 1" \
        "$(minecraft_handshake 00 "$(text mc.example)" 01)"
    handmade minecraft handmade-no-host "$wiki: Handshake, protocol -1, no host, next state 1" \
        "$(minecraft_handshake "$any" '' 01)"
    handmade minecraft handmade-slashes "$wiki: Handshake, a host that begins with /, next state 2" \
        "$(minecraft_handshake 'fb 05' "$(text ///server.example)" 02)"
    handmade minecraft handmade-realip 'TCPShield RealIP: the address of the player behind the host' \
        "$(minecraft_handshake 'fb 05' "$(text server.example///192.0.2.7:50022///1700000000)" 02)"
    handmade minecraft handmade-final-dot "$wiki: Handshake, the target of an SRV record, next state 2" \
        "$(minecraft_handshake 'fb 05' "$(text server.example.)" 02)"
    handmade minecraft handmade-transfer "$wiki: Handshake, protocol 766 (1.20.5), next state 3" \
        "$(minecraft_handshake 'fe 05' "$host" 03)"
    # The host, the address of the player, the UUID without hyphens, and the properties, with NULs between.
    handmade minecraft handmade-bungeecord "BungeeCord, \"IP forwarding\": Handshake, a host of 974 bytes" \
        "$(minecraft_handshake 'ff 05' "$host 00 $(text 192.0.2.7) 00 $(repeated 32 61) 00 $(repeated 916 62)" 02)"
    handmade minecraft handmade-16-kib "$wiki: Handshake, a host of 32768 bytes, its beginning" \
        89 80 02 00 fb 05 80 80 02 "$(repeated 2000 68)"
    record minecraft minecraft-pinger npm:minecraft-pinger 25565 \
        node -e "require('minecraft-pinger').ping('server.example', 25565, () => {})"
    record minecraft minecraft-protocol-ping npm:minecraft-protocol 25565 \
        node -e "require('minecraft-protocol').ping({host: 'server.example'})"
    local version
    for version in 1.8.9 1.21; do
        record minecraft minecraft-protocol-login-$version npm:minecraft-protocol 25565 node -e \
            "require('minecraft-protocol').createClient({host: 'server.example', username: 'user', version: '$version'})"
    done
    record minecraft minecraft-protocol-forge npm:minecraft-protocol 25565 node -e \
        "require('minecraft-protocol').createClient({host: 'server.example', username: 'user', version: '1.12.2'}).tagHost = '\0FML\0'"
    handmade minecraft handmade-login-1.6 'minecraft.wiki, "Protocol version numbers": login of 1.6.4 (78)' \
        02 4e 00 04 00 75 00 73 00 65 00 72 00 0e 00 73 00 65 00 72 00 76 00 65 00 72 00 2e 00 65 00 78 \
        00 61 00 6d 00 70 00 6c 00 65 00 00 63 dd
    handmade minecraft handmade-login-1.2 'minecraft.wiki, "Protocol version numbers": login of 1.2.5 (29)' \
        02 00 19 00 75 00 73 00 65 00 72 00 3b 00 73 00 65 00 72 00 76 00 65 00 72 00 2e 00 65 00 78 00 \
        61 00 6d 00 70 00 6c 00 65 00 3a 00 32 00 35 00 35 00 36 00 35
    handmade minecraft handmade-legacy-ping "minecraft.wiki, \"Java Edition Server List Ping\": 1.6" \
        fe 01 fa 00 0b 00 4d 00 43 00 7c 00 50 00 69 00 6e 00 67 00 48 00 6f 00 73 00 74 00 23 4e \
        00 0e 00 73 00 65 00 72 00 76 00 65 00 72 00 2e 00 65 00 78 00 61 00 6d 00 70 00 6c 00 65 \
        00 00 63 dd
}

record_irc() {
    record irc irssi irssi 6667 script -qc 'TERM=xterm irssi -c server.example -n user' /dev/null
    record irc weechat weechat-headless 6667 weechat-headless irc://user@server.example
    record irc ii ii 6667 ii -s 192.0.2.1 -n user -i .
    record irc sic sic 6667 sic -h server.example -n user
    record irc python-irc python3-irc 6667 python3 -c \
        "import irc.client as i; r=i.IRC(); r.server().connect('server.example',6667,'user',password='word'); r.process_forever()"
    handmade irc handmade-user 'RFC 1459, section 4.1.3: USER first' "$(text 'USER user 0 * :User\r\n')"
    handmade irc handmade-webirc 'WebIRC: a gateway gives the client'"'"'s address' \
        "$(text 'WEBIRC word gateway client.example 192.0.2.7\r\n')"
}

record_rtmp() {
    local url=rtmp://server.example/app/stream
    record rtmp rtmpdump rtmpdump 1935 rtmpdump -r $url -o stream.flv
    record rtmp curl curl 1935 curl -s $url
    record rtmp ffmpeg ffmpeg 1935 ffmpeg -re -f lavfi -i testsrc -f flv $url
    record rtmp ffprobe ffmpeg 1935 ffprobe $url
}

record_smpp() {
    local kind
    for kind in transceiver transmitter receiver; do
        record smpp net-smpp-$kind libnet-smpp-perl 2775 perl -MNet::SMPP -e \
            "Net::SMPP->new_$kind('server.example', port => 2775, system_id => 'user', password => 'word')"
    done
    printf '%s\n' 'group = core' 'admin-port = 13000' 'admin-password = word' 'smsbox-port = 13001' '' \
        'group = smsbox' 'bearerbox-host = 127.0.0.1' '' 'group = smsc' 'smsc = smpp' 'host = server.example' \
        'port = 2775' 'transceiver-mode = true' 'smsc-username = user' 'smsc-password = word' \
        'system-type = client' >"$SCRATCH/kannel.conf"
    record smpp kannel kannel 2775 bearerbox kannel.conf
    handmade smpp handmade-long 'SMPP 3.4, section 4.1.5: bind_transceiver with the longest fields' \
        00 00 00 62 00 00 00 09 00 00 00 00 7f ff ff ff "$(repeated 15 61)" 00 "$(repeated 8 62)" 00 \
        "$(repeated 12 63)" 00 34 00 00 "$(repeated 40 64)" 00
    handmade smpp handmade-short 'SMPP 3.4, section 4.1.1: bind_transmitter with empty fields' \
        00 00 00 17 00 00 00 02 00 00 00 00 00 00 00 01 00 00 00 34 00 00 00
}
