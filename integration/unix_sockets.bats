#!/usr/bin/env bats
# Unix-domain sockets: to listen on, and as targets.

load harness

# own_user: a line for a file whose targets are sockets that only the user of the test may connect to.
own_user() { ((EUID != 0)) || echo 'user = root'; }

# unix_daemon [BIND-OPTIONS [LINE...]]: a daemon on $TMP/socket, with a service that echoes after its name and one
# that prints its environment.
unix_daemon() {
    answer one
    { printf '%s\n' "bind = unix:$TMP/socket${1:-}" "${@:2}" 'timeout = 60' '[one]' 'string = one' \
          "connect = 127.0.0.1:$one_port" '[env]' 'string = env' 'exec = /bin/sh' 'execarg = -c' \
          'execarg = head -c 3 >/dev/null; env | sort'; } | configure
    start_daemon
}
over_unix() { "$PEER" connect "unix:$TMP/socket" --limit 5000 "$@"; }
mode_of() { stat -c %a "$1"; }
is_socket() { [[ -S $1 ]]; }
no_file() { [[ ! -e $1 ]]; }

@test "unix: a socket with mode and owner is served, and goes with the daemon" {
    if [[ $EUID == 0 ]]; then
        unix_daemon ',mode=0660,user=daemon,group=nogroup'
        [[ $(stat -c %U:%G "$TMP/socket") == daemon:nogroup ]]
    else
        unix_daemon ',mode=0660'
    fi
    [[ $(mode_of "$TMP/socket") == 660 && ${ADDRESSES[0]} == "unix:$TMP/socket" ]]
    over_unix send:one expect:one:one shutdown expect-eof
    stop_daemon
    no_file "$TMP/socket"
}

@test "unix: the log and the environment say who the client is" {
    unix_daemon
    run -0 over_unix send:env shutdown print
    [[ $'\n'$output$'\n' == *$'\n'PROTO=IPC$'\n'* ]]
    [[ $'\n'$output$'\n' == *$'\n'"IPCREMOTEEUID=$EUID"$'\n'* ]]
    [[ $'\n'$output$'\n' == *$'\n'"IPCREMOTEEGID=$(id -g)"$'\n'* ]]
    [[ $'\n'$output$'\n' == *$'\n'"IPCLOCALPATH=$TMP/socket"$'\n'* ]]
    [[ $output != *TCP* && $output != *REMOTE_ADDR* && $output != *IPCREMOTEPATH* ]]
    logged_connections 1
    log_says "service=env reason=match src=unix sport=0 dst=$TMP/socket dport=0 action=exec target=/bin/sh in=- out=- ms=[0-9]+ exit=0 uid=$EUID gid=$(id -g) pid=[0-9]+\$"
    # A client may give itself a path.
    run -0 bash -c "printf env | socat -t 5 - 'UNIX-CONNECT:$TMP/socket,bind=$TMP/client'"
    [[ $'\n'$output$'\n' == *$'\n'"IPCREMOTEPATH=$TMP/client"$'\n'* ]]
    logged_connections 2
    (($(grep -c ' src=unix sport=0 ' "$LOG") == 2))
}

@test "unix: a dead socket of ours is replaced, a live one and other files are not" {
    unix_daemon
    kill -9 "$DAEMON"
    wait_until 10 exists "$TMP/status"
    is_socket "$TMP/socket"
    start_daemon
    over_unix send:one expect:one:one shutdown expect-eof
    # Another daemon is told, and leaves it alone.
    run -71 "$PORTSPLIT_BIN/portsplitd" --log stderr "$CONFIG"
    [[ $output == *"cannot listen on unix:$TMP/socket: Address already in use; see which program has it: ss -xlp src $TMP/socket" ]]
    over_unix send:one expect:one:one shutdown expect-eof
    stop_daemon
    echo precious >"$TMP/socket"
    run -71 "$PORTSPLIT_BIN/portsplitd" --log stderr "$CONFIG"
    [[ $output == *'the file there is no socket; choose another path' && $(<"$TMP/socket") == precious ]]
}

@test "unix: a reload changes the mode, adds and removes sockets, and refuses nobody" {
    unix_daemon
    in_background "$PEER" connect "unix:$TMP/socket" --until "$TMP/enough" send:one expect:one:one shutdown expect-eof \
        >"$TMP/count"
    sed -i "s/^bind = .*/&,mode=0600\nbind = unix:$(sed 's/\//\\\//g' <<<"$TMP")\/other/" "$CONFIG"
    reload
    [[ $(mode_of "$TMP/socket") == 600 && $(mode_of "$TMP/other") == 666 ]]
    "$PEER" connect "unix:$TMP/other" send:one expect:one:one shutdown expect-eof
    sed -i '/other$/d' "$CONFIG"
    reload
    no_file "$TMP/other"
    touch "$TMP/enough"
    wait_until 10 has_content "$TMP/count"
    (($(<"$TMP/count") > 0))
    # A reload that fails leaves no file behind.
    sed -i "1i bind = unix:$TMP/other\nbind = unix:$TMP/no-folder/socket" "$CONFIG"
    reload
    log_says "cannot listen on unix:$TMP/no-folder/socket: No such file or directory; make the folder $TMP/no-folder"
    no_file "$TMP/other"
    over_unix send:one expect:one:one shutdown expect-eof
}

@test "unix: a reload makes a file anew that was deleted, and clients of the old socket are served" {
    unix_daemon
    # It takes no client meanwhile, so this one waits in the queue of the old socket.
    kill -STOP "$DAEMON"
    in_background "$PEER" connect "unix:$TMP/socket" --limit 10000 "touch:$TMP/queued" send:one expect:one:one \
        shutdown expect-eof
    wait_until 10 exists "$TMP/queued"
    rm "$TMP/socket"
    local before
    before=$(grep -c reload "$LOG" || true)
    kill -HUP "$DAEMON"
    kill -CONT "$DAEMON"
    wait_until 10 reloads_exceed "$before"
    finish "$JOB"
    is_socket "$TMP/socket"
    over_unix send:one expect:one:one shutdown expect-eof
    # Another program has it: the old configuration stays.
    rm "$TMP/socket"
    in_background "$PEER" listen "unix:$TMP/socket" hold >"$TMP/other.out"
    wait_until 10 is_socket "$TMP/socket"
    reload
    log_says "cannot listen on unix:$TMP/socket: Address already in use; see which program has it: ss -xlp src $TMP/socket"
    is_alive "$DAEMON"
}

@test "unix: an abstract name" {
    local name=portsplit-test-$$-$RANDOM
    answer one
    printf '%s\n' "bind = unix:@$name" '[one]' 'string = one' "connect = 127.0.0.1:$one_port" | configure
    start_daemon
    "$PEER" connect "unix:@$name" send:one expect:one:one shutdown expect-eof
    log_says "src=unix sport=0 dst=@$name dport=0 "
}

@test "unix: an undecided client costs no processor time, and gets what it should" {
    printf '%s\n' "bind = unix:$TMP/socket" 'timeout = 1' '[a]' 'string = abc' 'exec = /bin/cat' '[timeout]' \
        'exec = /bin/echo' 'execarg = timeout' '[fallback]' 'exec = /bin/echo' 'execarg = fallback' | configure
    start_daemon
    over_unix trickle:50:abc expect:abc shutdown expect-eof
    over_unix send:x 'expect:fallback\n' expect-end
    over_unix send:a shutdown 'expect:fallback\n' expect-end
    in_background "$PEER" connect "unix:$TMP/socket" send:ab 'expect:timeout\n' "touch:$TMP/told" expect-end
    uses_no_cpu 300
    wait_until 5 exists "$TMP/told"
    # Nothing of an idle relay or program turns in circles, either.
    in_background "$PEER" connect "unix:$TMP/socket" send:abc expect:abc hold
    uses_no_cpu 300
}

@test "unix: a target; both directions, ends, and a large stream" {
    "$PEER" listen "unix:$TMP/target" transfer:3000000 shutdown expect-eof >"$TMP/target.out" 2>"$TMP/target.err" 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 is_socket "$TMP/target"
    printf '%s\n' "$(own_user)" 'bind = 127.0.0.1:0' "bind = unix:$TMP/socket" 'timeout = 60' '[timeout]' "connect = unix:$TMP/target" \
        '[any]' 'regex = (?s).' "connect = unix:$TMP/target" | configure
    start_daemon
    talk transfer:3000000 shutdown expect-eof
    over_unix transfer:3000000 shutdown expect-eof
    logged_connections 2
    log_says "src=127.0.0.1 .* action=connect target=unix:$TMP/target in=3000000 out=3000000 "
    log_says "src=unix .* action=connect target=unix:$TMP/target in=3000000 out=3000000 "
    [[ ! -s $TMP/target.err ]]
}

@test "unix: half-close and reset of each side" {
    "$PEER" listen "unix:$TMP/target" expect:ping shutdown expect:rest expect-eof >"$TMP/target.out" 2>"$TMP/target.err" 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 is_socket "$TMP/target"
    printf '%s\n' "$(own_user)" 'bind = 127.0.0.1:0' "bind = unix:$TMP/socket" 'timeout = 60' '[a]' 'string = ping' \
        "connect = unix:$TMP/target" '[b]' 'string = gone' "connect = unix:$TMP/gone" | configure
    start_daemon
    talk send:ping expect-eof send:rest shutdown
    over_unix send:ping expect-eof send:rest shutdown
    logged_connections 2
    [[ ! -s $TMP/target.err ]]
    # A target that ends with bytes unread resets, as over TCP.
    "$PEER" listen "unix:$TMP/gone" acked reset >"$TMP/gone.out" 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 is_socket "$TMP/gone"
    talk send:gone expect-reset
    # A client that resets ends the connection.
    talk send:ping expect-eof reset
    wait_until 10 dispatchers_are 0
}

@test "unix: a target that is missing, busy or forbidden is left for the next, and the log says why" {
    answer one
    local hole=$TMP/hole
    in_background "$PEER" hole "unix:$hole" >"$TMP/hole.out"
    learn_port hole
    printf '%s\n' "$(own_user)" 'bind = 127.0.0.1:0' 'timeout = 60' '[one]' 'string = one' "connect = unix:$TMP/missing" \
        "connect = unix:$hole" "connect = 127.0.0.1:$one_port" 'connect-timeout = 1' | configure
    start_daemon
    talk send:one expect:one:one shutdown expect-eof
    log_says "cannot connect to unix:$TMP/missing for service one, client 127.0.0.1:[0-9]+: No such file or directory\$"
    log_says "cannot connect to unix:$hole for service one, client 127.0.0.1:[0-9]+: Connection timed out\$"
}

@test "unix: a target that is our own socket is refused" {
    printf '%s\n' "$(own_user)" "bind = unix:$TMP/socket,mode=0600" '[one]' 'string = one' "connect = unix:$TMP/socket" | configure
    run -78 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *":5: connect = unix:$TMP/socket: leads back to bind = unix:$TMP/socket,mode=0600 "* ]]
    # A link shows it only when the connection is made.
    ln -s "$TMP" "$TMP/link"
    sed -i "s|^connect = .*|connect = unix:$TMP/link/socket|" "$CONFIG"
    start_daemon
    over_unix send:one expect-end
    log_says "cannot connect to unix:$TMP/link/socket for service one, client unix uid=$EUID gid=[0-9]* pid=[0-9]*: it leads back to a listener of this server"
}

@test "unix: an owner that does not exist is an error of check and of the daemon" {
    printf '%s\n' "bind = unix:$TMP/socket,user=nobody-such" '[fallback]' 'connect = 127.0.0.1:1' | configure
    run -78 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *":1: bind = unix:$TMP/socket,user=nobody-such: no such user nobody-such; create it or name another"* ]]
    run -78 "$PORTSPLIT_BIN/portsplitd" --log stderr "$CONFIG"
    [[ $output == *'no such user'* ]]
}

@test "unix: nginx on a socket answers curl over TCP and over a socket, and is told the client" {
    run_nginx <<END
    server {
        listen unix:$TMP/nginx/socket proxy_protocol;
        set_real_ip_from unix:;
        real_ip_header proxy_protocol;
        return 200 "[\$remote_addr]\n";
    }
END
    wait_until 10 is_socket "$TMP/nginx/socket"
    printf '%s\n' "$(own_user)" 'bind = 127.0.0.1:0' "bind = unix:$TMP/socket" '[web]' 'string = GET' \
        "connect = unix:$TMP/nginx/socket" 'proxy = v2' | configure
    start_daemon
    run -0 curl -sS --max-time 10 --interface 127.0.0.7 "http://127.0.0.1:$PORT/"
    [[ $output == '[127.0.0.7]' ]]
    run -0 curl -sS --max-time 10 --unix-socket "$TMP/socket" http://name/
    [[ $output == '[unix:]' ]]
}

@test "unix: PostgreSQL on a socket, for clients over TCP and over a socket" {
    PATH=$PATH:$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    local as_user=()
    mkdir "$TMP/pg"
    if [[ $EUID == 0 ]]; then
        # It refuses to run as root.
        chmod a+x "$BATS_RUN_TMPDIR" "$TMP/.." "$TMP" && chown nobody "$TMP/pg"
        as_user=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
    fi
    "${as_user[@]}" initdb -D "$TMP/pg/data" -U postgres --auth=trust --no-sync --locale=C >"$TMP/initdb"
    "${as_user[@]}" postgres -D "$TMP/pg/data" -c listen_addresses= -c "unix_socket_directories=$TMP/pg" -c fsync=off \
        >"$TMP/postgres.log" 2>&1 3>&- &
    BACKGROUND+=("$!")
    # What libpq connects to: a folder with this name in it.
    printf '%s\n' 'bind = 127.0.0.1:0' "bind = unix:$TMP/.s.PGSQL.5432" '[postgresql]' 'layout = postgresql' \
        "connect = unix:$TMP/pg/.s.PGSQL.5432" | configure
    start_daemon
    ask() { psql -XAtq "host=$1 port=$2 dbname=postgres user=postgres gssencmode=disable sslmode=disable" -c 'select 6 * 7' 2>&1; }
    answers() { [[ $(ask "$@") == 42 ]]; }
    wait_until 20 answers 127.0.0.1 "$PORT"
    answers "$TMP" 5432
    kill -INT "${BACKGROUND[-1]}"
    wait_until 20 is_over "${BACKGROUND[-1]}"
}

# ask_key WORD...: ssh over a socket of Portsplit asks for the server's key; it may not log in.
ask_key() {
    rm -f "$TMP/known_hosts"
    ! ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o IdentitiesOnly=yes \
        -o "UserKnownHostsFile=$TMP/known_hosts" -o "ProxyCommand=socat - UNIX-CONNECT:$TMP/socket" "$@" \
        2>"$TMP/ssh"
    grep -qF "$(cut -d ' ' -f 2 "$TMP/host_key.pub")" "$TMP/known_hosts"
    # sshd has refused to let it in: the connection carried the whole dialogue.
    grep -q 'Permission denied' "$TMP/ssh"
}

@test "unix: ssh over a socket, to sshd -i on the socket itself and to sshd behind another" {
    prepare_sshd
    local target
    socat "UNIX-LISTEN:$TMP/sshd.sock,fork" "EXEC:/usr/sbin/sshd -i -f $TMP/sshd_config" 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 is_socket "$TMP/sshd.sock"
    for target in 'exec = /usr/sbin/sshd|execarg = -i|execarg = -f|execarg = '"$TMP/sshd_config" \
        "connect = unix:$TMP/sshd.sock"; do
        { printf '%s\n' "$(own_user)" "bind = unix:$TMP/socket" '[ssh]' 'string = SSH-'; tr '|' '\n' <<<"$target"; } | configure
        start_daemon
        ask_key git@name
        log_says 'service=ssh reason=match src=unix '
        stop_daemon
    done
}

@test "unix: PHP's FastCGI server on a socket, asked by nginx through Portsplit" {
    local fpm
    fpm=$(compgen -c php-fpm | sort -V | tail -n 1)
    printf '%s\n' '[global]' 'daemonize = no' "error_log = $TMP/fpm.log" '[www]' "listen = $TMP/fpm.sock" \
        'pm = static' 'pm.max_children = 1' >"$TMP/fpm.conf"
    local as_root=()
    if ((EUID == 0)); then
        as_root=(-R)
        printf '%s\n' 'user = root' 'group = root' >>"$TMP/fpm.conf"
    fi
    "$fpm" -n "${as_root[@]}" -y "$TMP/fpm.conf" >"$TMP/fpm.out" 2>&1 3>&- &
    BACKGROUND+=("$!")
    wait_until 10 is_socket "$TMP/fpm.sock"
    echo '<?php echo "six by seven is ", 6 * 7, " for ", $_SERVER["REMOTE_ADDR"];' >"$TMP/a.php"
    find_free_port
    # The begin record of FastCGI: version 1, type 1, id 1, the role of a responder.
    printf '%s\n' "$(own_user)" "bind = unix:$TMP/socket" '[php]' 'hex = 01 01 00 01 00 08 ?? ?? 00 01' \
        "connect = unix:$TMP/fpm.sock" | configure
    start_daemon
    run_nginx <<END
    server {
        listen 127.0.0.1:$FREE;
        location / {
            fastcgi_pass unix:$TMP/socket;
            fastcgi_param SCRIPT_FILENAME $TMP/a.php;
            fastcgi_param REQUEST_METHOD GET;
            fastcgi_param REMOTE_ADDR \$remote_addr;
        }
    }
END
    nginx_listens() { "$PEER" connect "127.0.0.1:$FREE" close 2>/dev/null; }
    wait_until 10 nginx_listens
    run -0 curl -sS --max-time 10 --interface 127.0.0.7 "http://127.0.0.1:$FREE/"
    [[ $output == 'six by seven is 42 for 127.0.0.7' ]]
    log_says 'service=php reason=match src=unix .* action=connect target=unix:'
}
