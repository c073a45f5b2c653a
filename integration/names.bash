# Shared by the tests of host names. `load names` includes the harness.
#
# How it works: programs run in a mount and a network namespace of their own, with the folder $TMP/etc as
# /etc, beside a DNS server (tools/name_server).

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
        set -e
        ip link set lo up
        for address in $LOCAL; do
            # An IPv6 address is usable at once without the search for a duplicate.
            case $address in *:*) ip address add "$address" dev lo nodad ;; *) ip address add "$address" dev lo ;; esac
        done
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

# --- the daemon ------------------------------------------------------------------------------------

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
