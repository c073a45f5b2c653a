#!/usr/bin/env bash
# The clients of names, accounts, logs and machines, for record.sh, which has `record` and `handmade`.

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
    handmade ldap handmade-compare 'RFC 4511, section 4.10: a comparison without a bind' \
        30 2a 02 01 01 6e 25 04 0f 63 6e 3d 75 73 65 72 2c 64 63 3d 65 78 61 6d 70 30 12 04 02 73 6e 04 0c \
        "$(repeated 12 61)"
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
    record dns nsupdate bind9-dnsutils 53 sh -c \
        "printf 'server server.example\nzone example\nupdate add www.example 60 A 192.0.2.2\nsend\n' | nsupdate -v"
    record dns knsupdate knot-dnsutils 53 sh -c \
        "printf 'server server.example\nzone example\nadd www.example 60 A 192.0.2.2\nsend\n' | knsupdate -v"
    record dns dig-notify bind9-dnsutils 53 dig $at +tcp +opcode=notify example SOA
    record dns dnspython python3-dnspython 53 python3 -c \
        "import dns.message as m, dns.query as q; q.tcp(m.make_query('www.example','AAAA'),'192.0.2.1',3)"
}

record_relp() {
    printf '%s\n' 'global(processInternalMessages="on" workDirectory=".")' 'module(load="omrelp")' \
        '*.* action(type="omrelp" target="server.example" port="2514")' >"$SCRATCH/relp.conf"
    record relp rsyslog rsyslog-relp 2514 rsyslogd -n -i pid -f relp.conf
}

record_kerberos() {
    printf '%s\n' '[libdefaults]' 'default_realm = EXAMPLE' 'udp_preference_limit = 1' 'dns_lookup_kdc = no' \
        '[realms]' 'EXAMPLE = {' 'kdc = 192.0.2.1' '}' >"$SCRATCH/krb5.conf"
    record kerberos kinit krb5-user 88 sh -c 'echo word | KRB5_CONFIG=krb5.conf kinit user@EXAMPLE'
    record kerberos impacket python3-impacket 88 python3 -c \
        "from impacket.krb5.kerberosv5 import getKerberosTGT as g; from impacket.krb5.types import Principal as P; g(P('user',type=1),'word','EXAMPLE','','','','192.0.2.1')"
}

record_bgp() {
    printf '%s\n' 'neighbor 192.0.2.1 {' 'router-id 192.0.2.2;' 'local-address 127.0.0.1;' 'local-as 65001;' \
        'peer-as 65002;' '}' >"$SCRATCH/exabgp.conf"
    record bgp exabgp exabgp 179 env exabgp.daemon.user=root exabgp.api.cli=false exabgp exabgp.conf
}

record_zabbix() {
    record zabbix sender zabbix-agent 10051 zabbix_sender -z server.example -s client -k key -o 1
    printf '%s\n' 'LogType=console' 'ServerActive=server.example' 'StartAgents=0' 'Hostname=client' \
        'AllowRoot=1' 'PidFile=/mnt/zabbix.pid' >"$SCRATCH/zabbix.conf"
    record zabbix agent zabbix-agent 10051 zabbix_agentd -f -c /mnt/zabbix.conf
}

record_modbus() {
    record modbus mbpoll mbpoll 502 mbpoll -1 -m tcp 192.0.2.1
    record modbus pymodbus python3-pymodbus 502 python3 -c \
        "from pymodbus.client import ModbusTcpClient as C; c=C('192.0.2.1'); c.connect(); c.read_coils(1,1)"
}

record_dicom() {
    record dicom echoscu dcmtk 104 echoscu server.example 104
    record dicom findscu dcmtk 104 findscu -P -k PatientName= server.example 104
}

record_hl7() {
    printf 'MSH|^~\\&|APP|SITE|APP|SITE|20260101||ADT^A01|1|P|2.5\r' >"$SCRATCH/message.hl7"
    record hl7 mllp_send python3-hl7 2575 mllp_send --loose -p 2575 -f message.hl7 server.example
}

record_opcua() {
    handmade opcua handmade-hello 'OPC 10000-6, section 7.1.2.3: Hello' \
        "$(text HELF)" 3d 00 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 00 00 1d 00 00 00 \
        "$(text opc.tcp://server.example:4840)"
}

record_fix() {
    handmade fix handmade-logon 'FIX Session Layer: Logon' \
        "$(text '8=FIX.4.4\x019=63\x0135=A\x0149=CLIENT\x0156=SERVER\x0134=1\x0152=20260101-00:00:00\x0198=0\x01108=30\x0110=179\x01')"
}

record_tacacs() {
    record tacacs authen libauthen-tacacsplus-perl 49 perl -MAuthen::TacacsPlus -e \
        'Authen::TacacsPlus->new(Host => "server.example", Key => "word")->authen("user", "word")'
    handmade tacacs handmade-single-connect 'RFC 8907, section 4.3: several sessions on one connection' \
        c1 01 01 04 "$(counting 4)" 00 00 00 10 "$(counting 16)"
    handmade tacacs handmade-authorization 'RFC 8907, sections 4.1 and 6.1: authorization' \
        c0 02 01 00 "$(counting 4)" 00 00 00 20 "$(counting 32)"
    handmade tacacs handmade-accounting 'RFC 8907, sections 4.1 and 7.1: accounting, not obfuscated' \
        c0 03 01 01 "$(counting 4)" 00 00 00 10 02 06 00 01 01 04 00 00 00 "$(text user)" 00 00 00
}

record_diameter() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=client.example \
        -keyout key.pem -out cert.pem 2>"$SCRATCH/output"
    printf '%s\n' 'Identity = "client.example";' 'Realm = "example";' 'Port = 3869;' 'SecPort = 3870;' \
        'No_SCTP;' 'ListenOn = "192.0.2.1";' 'TLS_Cred = "cert.pem", "key.pem";' 'TLS_CA = "cert.pem";' \
        'ConnectPeer = "server.example" { ConnectTo = "192.0.2.1"; No_TLS; };' >"$SCRATCH/diameter.conf"
    record diameter freediameter freediameterd 3868 freeDiameterd -c diameter.conf
    handmade diameter handmade-cer 'RFC 6733, section 5.3.1: Capabilities-Exchange-Request' \
        01 00 00 70 80 00 01 01 00 00 00 00 00 00 00 01 00 00 00 01 \
        00 00 01 08 40 00 00 16 "$(text client.example)" 00 00 \
        00 00 01 28 40 00 00 0f "$(text example)" 00 00 00 01 01 40 00 00 0e 00 01 c0 00 02 07 00 00 \
        00 00 01 0a 40 00 00 0c 00 00 00 00 00 00 01 0d 00 00 00 0c "$(text test)" \
        00 00 01 02 40 00 00 0c 00 00 00 04
}
