#!/usr/bin/env bats
# The host name of a target means what it means to other programs of the machine: it has the addresses that
# getaddrinfo(3) returns, and the same one is first. `localhost` and the names below it are loopback.
#
# How it works: tools/lookup looks names up in both ways and prints a line for each name, or two lines where
# the ways differ. It runs in a mount and a network namespace of its own, with the folder $TMP/etc as /etc,
# beside a DNS server (tools/name_server).

load harness

LOOKUP=$PORTSPLIT_TOOLS/lookup
NAME_SERVER=$PORTSPLIT_TOOLS/name_server

# --- the system's files ----------------------------------------------------------------------------

# Writes the files of a usual machine, and a zone.
usual_files() {
    mkdir "$TMP/etc"
    echo 'multi on' >"$TMP/etc/host.conf"
    sources files dns
    search corp.example lab.example
    cat >"$TMP/etc/hosts" <<'END'
127.0.0.1	localhost
::1		localhost ip6-localhost
192.0.2.10	db.corp.example db DbAlias  # a comment
192.0.2.11	many
192.0.2.12	many
2001:db8::12	many
127.0.0.5	app.localhost
END
    cat >"$TMP/zone" <<'END'
v4.example A 192.0.2.1
both.example A 192.0.2.1
both.example AAAA 2001:db8::1
v6.example AAAA 2001:db8::6
none.example NONE -
three.example A 192.0.2.5
three.example A 192.0.2.3
three.example A 192.0.2.4
alias.example CNAME middle.example
middle.example CNAME both.example
alias2.example CNAME under_score.example
under_score.example A 192.0.2.28
xn--bcher-kva.example A 192.0.2.29
cut.example CUT -
cut.example A 192.0.2.30
cut.example AAAA 2001:db8::30
failing.example FAIL -
failing.corp.example FAIL -
failing.lab.example A 192.0.2.31
host.corp.example A 192.0.2.20
web.corp.example A 192.0.2.21
web.lab.example A 192.0.2.22
only.lab.example A 192.0.2.23
sub.dept.lab.example A 192.0.2.24
single A 192.0.2.25
two.labels A 192.0.2.26
two.labels.corp.example A 192.0.2.27
END
}

# resolver LINE...: writes resolv.conf. The option keeps getaddrinfo short if a server is silent.
resolver() {
    printf '%s\n' 'nameserver 127.0.0.1' 'options timeout:1 attempts:1' "$@" >"$TMP/etc/resolv.conf"
}
search() { resolver "search $*"; }
# sources SERVICE...: writes nsswitch.conf.
sources() { echo "hosts: $*" >"$TMP/etc/nsswitch.conf"; }

# --- looking up ------------------------------------------------------------------------------------

# enclosed COMMAND...: runs it in namespaces of its own, with $TMP/etc as /etc. LOCAL, an array, has
# addresses of the machine there besides loopback.
enclosed() {
    local user=()
    (($(id -u) == 0)) || user=(--map-root-user)
    TMP=$TMP LOCAL="${LOCAL[*]}" exec unshare "${user[@]}" --mount --net sh -c '
        ip link set lo up
        for address in $LOCAL; do ip address add "$address" dev lo; done
        mount --bind "$TMP/etc" /etc
        exec "$@"' sh "$@"
}

# with_servers COMMAND...: the same beside DNS servers, 127.0.0.1 or those of the array SERVERS. Their
# questions are in $TMP/questions.
with_servers() {
    : >"$TMP/questions"
    enclosed "$NAME_SERVER" "$TMP/zone" "$TMP/questions" "${SERVERS[@]:-127.0.0.1}" -- "$@"
}

# Looks up each name of the expected lines on standard input, and compares what is printed with them.
# BY, an array, is a command to start the lookup through.
expect_answers() {
    local names
    cat >"$TMP/expected"
    mapfile -t names < <(cut -d' ' -f1 "$TMP/expected" | uniq)
    (with_servers "${BY[@]}" "$LOOKUP" "${names[@]}") >"$TMP/answers"
    diff -u "$TMP/expected" "$TMP/answers"
}

# --- names of the DNS and of /etc/hosts --------------------------------------------------------------

@test "names: a name has the system's addresses, with any spelling and through aliases" {
    usual_files
    expect_answers <<'END'
v4.example 192.0.2.1
V4.Example 192.0.2.1
v4.example. 192.0.2.1
both.example 2001:db8::1 192.0.2.1
v6.example 2001:db8::6
none.example -
three.example 192.0.2.5 192.0.2.3 192.0.2.4
alias.example 2001:db8::1 192.0.2.1
alias2.example 192.0.2.28
under_score.example 192.0.2.28
xn--bcher-kva.example 192.0.2.29
no-such-name.example -
no-such-name -
END
}

@test "names: a name in /etc/hosts has all its addresses there" {
    usual_files
    expect_answers <<'END'
db 192.0.2.10
DB.Corp.Example 192.0.2.10
dbalias 192.0.2.10
db. -
many 2001:db8::12 192.0.2.11 192.0.2.12
END
}

@test "names: an address that can be reached comes first" {
    usual_files
    LOCAL=(192.0.2.100/24)
    expect_answers <<<'both.example 192.0.2.1 2001:db8::1'
    LOCAL=(192.0.2.100/24 2001:db8::100/64)
    expect_answers <<<'both.example 2001:db8::1 192.0.2.1'
    LOCAL=(2001:db8::100/64)
    expect_answers <<<'many 2001:db8::12 192.0.2.11 192.0.2.12'
}

# --- the search list ---------------------------------------------------------------------------------

@test "names: search domains are tried in their order" {
    usual_files
    expect_answers <<'END'
host 192.0.2.20
web 192.0.2.21
only 192.0.2.23
only.lab -
sub.dept 192.0.2.24
single 192.0.2.25
single. 192.0.2.25
two.labels 192.0.2.26
web. -
END
    resolver $'search lab.example\tcorp.example'
    expect_answers <<<'web 192.0.2.22'
    resolver 'search corp.example' 'domain lab.example corp.example'
    expect_answers <<<$'web 192.0.2.22\nhost -'
    resolver 'domain corp.example' 'search lab.example.'
    expect_answers <<<$'web 192.0.2.22\nhost -'
    # The first domain begins with the second.
    search lab.example.net lab.example
    expect_answers <<<'web 192.0.2.22'
    # systemd-resolved writes this line if there is no domain.
    search .
    expect_answers <<<$'single 192.0.2.25\nweb -\nv4.example 192.0.2.1'
    resolver
    expect_answers <<<$'single 192.0.2.25\nweb -'
}

@test "names: a domain of the search list whose server fails is passed over" {
    usual_files
    expect_answers <<<$'failing 192.0.2.31\nfailing.example -'
}

@test "names: ndots and other options count" {
    usual_files
    local ndots
    for ndots in 0 1 2 15; do
        resolver 'search corp.example lab.example' "options ndots:$ndots"
        if ((ndots < 2)); then echo 'two.labels 192.0.2.26'; else echo 'two.labels 192.0.2.27'; fi |
            expect_answers
        expect_answers <<<$'two.labels. 192.0.2.26\nsingle 192.0.2.25\nhost 192.0.2.20\nv4.example 192.0.2.1'
    done
    resolver 'search corp.example' 'options no-tld-query'
    expect_answers <<<$'single -\nhost 192.0.2.20'
    resolver 'options no-aaaa'
    expect_answers <<<$'both.example 192.0.2.1\nv6.example -'
    resolver 'options use-vc'
    expect_answers <<<'both.example 2001:db8::1 192.0.2.1'
    not file_says "$TMP/questions" udp
}

@test "names: LOCALDOMAIN and RES_OPTIONS of the environment count" {
    usual_files
    export LOCALDOMAIN='lab.example corp.example' RES_OPTIONS=ndots:2
    expect_answers <<<$'web 192.0.2.22\ntwo.labels 192.0.2.27'
    LOCALDOMAIN='' RES_OPTIONS='' expect_answers <<<$'web -\ntwo.labels 192.0.2.26'
}

# --- localhost ---------------------------------------------------------------------------------------

# getaddrinfo(3) asks the DNS for these, unless nss-myhostname(8) or systemd-resolved answers.
@test "names: localhost and the names below it are loopback, and the DNS is not asked" {
    usual_files
    resolver 'options ndots:0'
    expect_answers <<'END'
localhost ::1 127.0.0.1
LOCALHOST ::1 127.0.0.1
localhost. portsplit ::1 127.0.0.1
localhost. system -
x.localhost portsplit ::1 127.0.0.1
x.localhost system -
Foo.X.LocalHost. portsplit ::1 127.0.0.1
Foo.X.LocalHost. system -
app.localhost 127.0.0.5
xlocalhost -
END
    # Each question for them came from the system.
    (with_servers "$LOOKUP" --portsplit localhost localhost. x.localhost foo.x.localhost. xlocalhost)
    diff -u - <(sort "$TMP/questions") <<'END'
xlocalhost A udp 127.0.0.1
xlocalhost AAAA udp 127.0.0.1
END
}

@test "names: localhost is loopback without /etc/hosts, and as /etc/hosts has it" {
    usual_files
    rm "$TMP/etc/hosts"
    expect_answers <<'END'
localhost portsplit ::1 127.0.0.1
localhost system -
x.localhost portsplit ::1 127.0.0.1
x.localhost system -
END
    echo '127.0.0.1 localhost' >"$TMP/etc/hosts"
    expect_answers <<'END'
localhost 127.0.0.1
x.localhost portsplit 127.0.0.1
x.localhost system -
END
}

# --- files that are missing, wrong, large or different ---------------------------------------------------

@test "names: without resolv.conf or nsswitch.conf the defaults are the system's" {
    usual_files
    rm "$TMP/etc/resolv.conf" "$TMP/etc/nsswitch.conf"
    expect_answers <<<$'db 192.0.2.10\nv4.example 192.0.2.1\nhost -\nsingle 192.0.2.25'
}

@test "names: files that cannot be read count as missing" {
    usual_files
    chmod 0 "$TMP/etc/resolv.conf" "$TMP/etc/hosts" "$TMP/etc/nsswitch.conf"
    BY=(setpriv '--bounding-set=-dac_override,-dac_read_search')
    expect_answers <<'END'
db -
host -
v4.example 192.0.2.1
x.localhost portsplit ::1 127.0.0.1
x.localhost system -
END
}

@test "names: nsswitch.conf sets the order of /etc/hosts and the DNS" {
    usual_files
    echo 'db.corp.example A 192.0.2.99' >>"$TMP/zone"
    expect_answers <<<'db 192.0.2.10'
    sources dns files
    expect_answers <<<$'db 192.0.2.99\nmany 2001:db8::12 192.0.2.11 192.0.2.12'
    sources files
    expect_answers <<<$'db 192.0.2.10\nhost -'
    sources dns
    expect_answers <<<$'db 192.0.2.99\nmany -'
    sources 'files mdns4_minimal [NOTFOUND=return] dns'
    expect_answers <<<$'db 192.0.2.10\nhost 192.0.2.20'
    # Without systemd-resolved getaddrinfo(3), too, begins with /etc/hosts here.
    sources 'mymachines resolve [!UNAVAIL=return] files myhostname dns'
    expect_answers <<<$'db 192.0.2.10\nhost 192.0.2.20'
}

@test "names: a name at the end of an /etc/hosts of 200000 lines is found" {
    usual_files
    seq -f '198.51.100.1 host%.0f.blocked.example' 200000 >>"$TMP/etc/hosts"
    echo '192.0.2.77 last' >>"$TMP/etc/hosts"
    look_at_clock
    local start=$NOW
    expect_answers <<<$'last 192.0.2.77\nv4.example 192.0.2.1'
    look_at_clock
    echo "after $((NOW - start)) ms"
    ((NOW - start < 3000 * PORTSPLIT_PATIENCE))
}

# --- name servers ------------------------------------------------------------------------------------

@test "names: a server that fails, refuses or is silent is followed by the next" {
    usual_files
    resolver 'nameserver 127.0.0.2'
    local mode
    for mode in fail refuse silent; do
        SERVERS=("127.0.0.1=$mode" 127.0.0.2)
        expect_answers <<<'both.example 2001:db8::1 192.0.2.1'
    done
    SERVERS=(127.0.0.1=fail 127.0.0.2=refuse)
    expect_answers <<<'both.example -'
}

@test "names: a truncated answer is fetched over TCP" {
    usual_files
    expect_answers <<<'cut.example 2001:db8::30 192.0.2.30'
    file_says "$TMP/questions" '^cut.example A tcp '
}

# --- what stays different ------------------------------------------------------------------------------

@test "names: what portsplit.conf(5) says stays different" {
    usual_files
    echo 'aliased v4.example' >"$TMP/aliases"
    HOSTALIASES=$TMP/aliases expect_answers <<<$'aliased portsplit -\naliased system 192.0.2.1'
    echo 'precedence ::ffff:0:0/96 100' >"$TMP/etc/gai.conf"
    expect_answers <<'END'
both.example portsplit 2001:db8::1 192.0.2.1
both.example system 192.0.2.1 2001:db8::1
END
    rm "$TMP/etc/host.conf"
    expect_answers <<'END'
many portsplit 2001:db8::12 192.0.2.11 192.0.2.12
many system 192.0.2.11
END
    sources files '[NOTFOUND=return]' dns
    expect_answers <<<$'host portsplit 192.0.2.20\nhost system -'
}

# --- connections -------------------------------------------------------------------------------------

# Starts the DNS servers in namespaces of their own, and the daemon, servers and clients of the test there.
enter() {
    : >"$TMP/questions"
    in_background enclosed "$NAME_SERVER" "$TMP/zone" "$TMP/questions" "${SERVERS[@]:-127.0.0.1}" -- \
        sh -c 'touch "$0"; exec tail -f /dev/null' "$TMP/entered"
    wait_until 10 exists "$TMP/entered"
    WRAPPER=(nsenter --target "$JOB" --mount --net)
    (($(id -u) == 0)) || WRAPPER+=(--user --preserve-credentials)
    { echo '#!/bin/sh' && printf 'exec %s "$@"\n' "${WRAPPER[*]} $PEER"; } >"$TMP/enclosed-peer"
    chmod +x "$TMP/enclosed-peer"
    PEER=$TMP/enclosed-peer
}

# configure_names NAME=TARGET...: a service for each, on the port of the server `one`.
configure_names() {
    local pair
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60'
        for pair; do
            printf '%s\n' "[${pair%%=*}]" "string = ${pair%%=*}" "connect = ${pair#*=}:$one_port"
        done
    } | configure
}

# says NAME: a client of the service NAME is relayed to the server `one`.
says() { talk --limit 9000 "send:$1." "expect:one:$1." shutdown expect-eof; }

@test "names: a target may be localhost, a name below it, or of the search list" {
    usual_files
    printf '%s\n' 'near.corp.example A 127.0.0.1' 'name A 127.0.0.9' >>"$TMP/zone"
    enter
    answer one
    configure_names a=localhost b=LOCALHOST. c=x.localhost d=near e=near.corp.example.
    start_daemon
    says a
    says b
    says c
    not has_content "$TMP/questions"
    says d
    says e
}

@test "names: a change of resolv.conf and /etc/hosts counts from the next connection on" {
    usual_files
    echo 'near.lab.example A 127.0.0.1' >>"$TMP/zone"
    resolver
    enter
    answer one
    configure_names a=near b=nearer
    start_daemon
    talk --limit 9000 send:a. expect-end
    log_says 'cannot resolve near for service a, client .*: Domain name not found'
    search lab.example
    says a
    talk --limit 9000 send:b. expect-end
    echo '127.0.0.1 nearer' >>"$TMP/etc/hosts"
    says b
}

# getaddrinfo(3) waits for its own time limit, then takes the IPv4 address, too.
@test "names: a name server that is silent about IPv6 does not keep a target from its IPv4 address" {
    usual_files
    printf '%s\n' 'near.example A 127.0.0.1' 'near.example DROP AAAA' >>"$TMP/zone"
    enter
    answer one
    configure_names a=near.example
    start_daemon
    says a
}

@test "names: a super-server's connection is relayed to a name below localhost" {
    answer one
    configure_names a=x.localhost
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" \
        "$CONFIG" >"$TMP/inetd.out"
    learn_port inetd
    PORT=$inetd_port
    says a
    log_says "target=x.localhost:$one_port "
}
