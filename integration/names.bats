#!/usr/bin/env bats
# The host name of a target means what it means to other programs of the machine: it has the addresses that
# getaddrinfo(3) returns, and the same one is first. `localhost` and the names below it are loopback.
# tools/lookup looks names up in both ways and prints a line for each name, or two where the ways differ.

load names

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
    rm "$TMP/etc/gai.conf"
    LOCAL=(192.0.2.4/31)
    expect_answers <<'END'
three.example portsplit 192.0.2.5 192.0.2.4 192.0.2.3
three.example system 192.0.2.4 192.0.2.5 192.0.2.3
END
    LOCAL=()
    rm "$TMP/etc/host.conf"
    expect_answers <<'END'
many portsplit 2001:db8::12 192.0.2.11 192.0.2.12
many system 192.0.2.11
END
    sources files '[NOTFOUND=return]' dns
    expect_answers <<<$'host portsplit 192.0.2.20\nhost system -'
    sources files dns
    echo 'x.onion A 192.0.2.90' >>"$TMP/zone"
    expect_answers <<<$'x.onion portsplit -\nx.onion system 192.0.2.90'
}
