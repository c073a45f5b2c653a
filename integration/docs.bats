#!/usr/bin/env bats
# Every entry that README.md, contrib/RUNNING.md and the manuals give to paste serves a connection as it stands. Only port,
# paths and user are replaced by those of the test.

load super_server

README=$BATS_TEST_DIRNAME/../README.md
RUNNING=$BATS_TEST_DIRNAME/../contrib/RUNNING.md
CONTAINERFILE=$BATS_TEST_DIRNAME/../contrib/container/Containerfile

# running HEADING [PATTERN]: prints the first block below that heading of contrib/RUNNING.md, or the first
# that has a line that matches.
running() {
    awk -v heading="## $1" -v pattern="${2:-.}" '/^## / { here = $0 == heading }
        here && /^```/ { if (inside && wanted) { printf "%s", block; exit }; inside = !inside; block = ""; wanted = 0; next }
        inside { block = block $0 "\n"; if ($0 ~ pattern) wanted = 1 }' "$RUNNING" | something
}

# manual PAGE HEADING [PATTERN]: prints the first block below that heading, or the first that has a line
# that matches.
manual() {
    awk -v heading=".Ss $2" -v pattern="${3:-.}" '/^\.S[hs]/ { here = $0 == heading }
        here && /^\.Bd -literal/ { inside = 1; block = ""; wanted = 0; next }
        inside && /^\.Ed/ { inside = 0; if (wanted) { printf "%s", block; exit } }
        inside { gsub(/\\e/, "\\"); block = block $0 "\n"; if ($0 ~ pattern) wanted = 1 }' \
        "$PORTSPLIT_BUILD/man/$1" | something
}

# prints_so BLOCK: the command of the block, behind `$ ` and `> `, prints the rest of it. It runs in $TMP.
prints_so() {
    local command
    command=$(sed -n 's/^[$>] //p' <<<"$1" | something)
    cd "$TMP" || return
    PATH=$PORTSPLIT_BIN:$PATH run -0 "$SHELL_PROGRAM" -c "$command"
    diff <(sed '/^[$>] /d' <<<"$1") - <<<"$output"
}

# Copies its input, and fails if that is empty.
something() { grep '' || { echo 'nothing to paste' >&2 && false; }; }

# Copies an entry, with this test's port, paths and user. Only root can run it as another user.
fit() {
    local other_user='s/-u "[^"]*" -g "[^"]*"//; s/,su=[a-z0-9_-]+//; /^set[ug]id = /d; s#/usr/bin/setpriv ( ?--[a-z0-9_=-]+)+ ##'
    (($(id -u) != 0)) || other_user=
    sed -E -e "s#(^|[ =\"])[^ =\"]*\b(portsplitd|portsplit-dispatch)(\"| portsplit-dispatch|$| )#\1$PORTSPLIT_BIN/\2\3#" \
        -e "s#[^ \"]*/portsplit\.conf#$CONFIG#" -e "s/\b443\b/$PORT/" \
        -e "s/(user +=|setuid =|setgid =|nowait\.[0-9]+|id -u|id -g) portsplit/\1 $(id -un)/g" \
        -e "s/(su|--reuid|--regid)=portsplit/\1=$(id -un)/g; s#[^ ,=]*/portsplit\.pem#$TMP/portsplit.pem#" -e "$other_user"
}

# Copies commands, with the paths of the installed files and, for those of the machine, of $TMP.
elsewhere() {
    local prefix
    prefix=$(installed sbin/portsplitd)
    sed -E "s#/usr/local/#${prefix%/sbin/portsplitd}/#g; s#([ >])/(etc|run)/#\1$TMP/\2/#g"
}

# fit_file FILE: in place.
fit_file() {
    fit <"$1" >"$TMP/fitted"
    cat "$TMP/fitted" >"$1"
}

# configure_cat [with-bind]: a service that echoes, on a free port.
configure_cat() {
    find_free_port
    PORT=$FREE
    {
        (($# == 0)) || echo "bind = 127.0.0.1:$PORT"
        printf '%s\n' '[cat]' 'string = MEOW' 'exec = /bin/cat'
    } | configure
}

# start_pasted COMMAND: starts it as the super-server.
start_pasted() {
    local command
    command=$(fit <<<"$1")
    start_super "$SHELL_PROGRAM" -c "exec $command"
}

serves() { talk send:MEOW-please expect:MEOW-please shutdown expect-eof; }

# enables UNIT COMMANDS: the commands enable the unit, which is installed. systemctl is not run.
enables() {
    # shellcheck disable=SC2317
    systemctl() { echo "$*" >>"$TMP/systemctl"; }
    eval "$2"
    unset -f systemctl
    grep -qx "enable --now $1" "$TMP/systemctl"
    exists "$(installed "systemd/system/${1/@*./@.}")"
}

# setting KEY UNIT: prints a setting of an installed unit.
setting() { sed -n "s/^$1=//p" "$(installed "systemd/system/$2")" | something; }

# --- README.md -------------------------------------------------------------------------------------

# readme PATTERN: prints the first block of README.md that has a line that matches, without the blanks of a
# list.
readme() {
    awk -v pattern="$1" '/^ *```/ { if (inside && wanted) { printf "%s", block; exit }
            inside = !inside; block = ""; wanted = 0; match($0, /^ */); blanks = RLENGTH; next }
        inside { line = substr($0, blanks + 1); block = block line "\n"; if (line ~ pattern) wanted = 1 }' \
        "$README" | something
}

@test "docs: README, the first configuration is the installed sample, and check finds nothing" {
    local sample
    sample=$(installed etc/portsplit/portsplit.conf.sample)
    diff <(readme '^bind' | tr -s ' ' | grep .) <(grep -v '^#' "$sample" | tr -s ' ' | grep .)
    readme '^cp ' | grep -qx 'cp /usr/local/etc/portsplit/portsplit.conf.sample /usr/local/etc/portsplit/portsplit.conf'
    run -0 "$PORTSPLIT_BIN/portsplit" check "$sample"
    diff <(readme 'portsplit check' | sed 1d) - <<<"${output//"$sample"//usr/local/etc/portsplit/portsplit.conf}"
}

@test "docs: README, what the first configuration looks like when it works" {
    answer one
    find_free_port
    PORT=$FREE
    readme '^bind' | sed -E "s/:443$/:$PORT/; s/:22$/:$one_port/; /^user/d" | configure
    start_super "$PORTSPLIT_BIN/portsplit" "$CONFIG"
    talk send:SSH-2.0 expect:one:SSH-2.0 shutdown expect-eof
    # like TEXT: TEXT with every number replaced, and what differs in this test.
    like() { sed -E "s/^[0-9T:+-]{25} //; s/portsplit\[[0-9]+\]/portsplit[N]/; s/:(443|$PORT)\b/:PORT/g; s#src=.*#...#"; }
    wait_until 10 file_says "$TMP/super" 'service=ssh'
    diff <(readme 'listening on' | sed '/^\$/d' | like) <(grep -m 1 'listening on' "$TMP/super" | like)
    diff <(readme '^20.*service=ssh' | head -n 1 | like) <(grep 'service=ssh' "$TMP/super" | like)
}

@test "docs: README, explain prints this" {
    readme '^bind' >"$TMP/portsplit.conf"
    prints_so "$(readme 'portsplit explain')"
}

@test "docs: README, test prints this" {
    readme '^bind' >"$TMP/portsplit.conf"
    readme 'portsplit test' | sed -n '2,/^\$/{/^\$/!p}' >"$TMP/portsplit.cases"
    cd "$TMP" || return
    run -0 "$PORTSPLIT_BIN/portsplit" test portsplit.conf portsplit.cases
    diff <(readme 'portsplit test' | tail -n 1) - <<<"$output"
}

@test "docs: README, the patterns and the other blocks of a configuration have no error" {
    local pattern
    for pattern in '^hex ' '^include' 'busybox'; do
        { echo 'bind = 127.0.0.1:0'; readme "$pattern" | sed '1{/^#/i [x]
}'; grep -q '^exec\|^connect' <(readme "$pattern") || echo 'exec = cat'; } >"$CONFIG"
        run -0 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    done
}

# links: prints where the links of its input lead to, but those to other hosts.
links() { grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' | grep -v '^http'; }

@test "docs: README, SECURITY.md and RUNNING.md, every link leads to a file, and to a heading in it" {
    local page link file anchor links=0
    cd "$BATS_TEST_DIRNAME/.." || return
    for page in README.md SECURITY.md contrib/RUNNING.md; do
        while read -r link; do
            echo "$page: $link"
            file=${link%%#*}
            file=${file:+$(dirname "$page")/$file}
            exists "${file:=$page}"
            anchor=${link#*#}
            [[ $link != *'#'* ]] || grep '^#' "$file" | sed 's/^#* //; s/[^A-Za-z0-9 -]//g; s/ /-/g' |
                tr '[:upper:]' '[:lower:]' | grep -qxF -- "$anchor"
            links=$((links + 1))
        done < <(links <"$page")
    done
    ((links > 20))
}

# parts PAGE: prints each paragraph, item of a list and row of a table as one line.
parts() { awk '/^$|^- |^[|]/ { print text; text = "" } { text = text " " $0 } END { print text }' "$1"; }

@test "docs: README, SECURITY.md and RUNNING.md as installed, a link leads to an installed file or is said to be in the source tree" {
    local page folder part link links=0
    for page in README.md SECURITY.md contrib/RUNNING.md; do
        folder=$(installed "doc/portsplit/$page")
        exists "$folder"
        folder=$(dirname "$folder")
        while read -r part; do
            while read -r link; do
                echo "$page: $link"
                exists "$folder/${link%%#*}" || [[ $part == *'[source tree](#install)'* ]]
                links=$((links + 1))
            done < <(links <<<"$part")
        done < <(parts "$folder/${page##*/}")
    done
    ((links > 20))
}

# asks_for_root FILE BEGINNING: prints how many parts of the file advise `sshd -i`; fails if one of them does
# not say that sshd needs root. A part begins with a line that matches.
asks_for_root() {
    awk -v beginning="$2" '
        function check() {
            if (text ~ /sshd -i|sshd execarg = -i|sshd` and `execarg = -i/) {
                parts++
                if (text !~ /sshd needs root, so/) { print "no word of root: " text; missing = 1 }
            }
            text = ""
        }
        $0 ~ beginning { check() }
        { text = text " " $0 }
        END { check(); print parts; exit missing }' "$1"
}

@test "docs: README, RUNNING.md and the manuals, advice to start sshd -i says that sshd needs root" {
    run -0 asks_for_root "$README" '^$'
    [[ $output == 3 ]]
    run -0 asks_for_root "$RUNNING" '^## '
    [[ $output == 1 ]]
    run -0 asks_for_root "$PORTSPLIT_BUILD/man/portsplitd.8" '^[.]S[hs]'
    [[ $output == 1 ]]
    run -0 asks_for_root "$PORTSPLIT_BUILD/man/portsplit.conf.5" '^[.]S[hs]'
    [[ $output == 2 ]]
}

# --- contrib/RUNNING.md ----------------------------------------------------------------------------

@test "docs: RUNNING.md, standalone" {
    configure_cat with-bind
    start_pasted "$(running Standalone)"
    serves
}

@test "docs: RUNNING.md, a service of systemd" {
    configure_cat with-bind
    enables portsplit.service "$(running 'systemd: a unit of its own')"
    start_pasted "$(setting ExecStart portsplit.service)"
    serves
}

@test "docs: RUNNING.md, a drop-in for the unit" {
    mkdir -p "$TMP/etc"
    # shellcheck disable=SC2317
    systemctl() { echo "$*" >>"$TMP/systemctl"; }
    eval "$(running 'systemd: a unit of its own' '^install' | elsewhere)"
    unset -f systemctl
    diff "$TMP/etc/systemd/system/portsplit.service.d/login.conf" "$(installed examples/systemd/login.conf)"
    # The table has the exposure that each drop-in has.
    local drop_in
    for drop_in in "$(dirname "$(installed examples/systemd/login.conf)")"/*.conf; do
        grep -q "| \`${drop_in##*/}\` | $(sed -n 's/^# Exposure (systemd-analyze security): //p' "$drop_in") |" "$RUNNING"
    done
}

@test "docs: RUNNING.md, a service of systemd for each of several files" {
    configure_cat with-bind
    enables portsplit@office.service "$(running 'systemd: several files')"
    start_pasted "$(setting ExecStart portsplit@.service | sed 's/%i/portsplit/')"
    serves
}

@test "docs: RUNNING.md, socket activation of systemd" {
    configure_cat
    enables portsplit.socket "$(running 'systemd: socket activation')"
    local port
    port=$(setting ListenStream portsplit.socket)
    start_pasted "systemd-socket-activate -l $port $(setting ExecStart portsplit.service)"
    serves
}

@test "docs: RUNNING.md, a socket unit for each listener" {
    local unit=$TMP/units/portsplit-inside.socket port
    mkdir "$TMP/units"
    running 'systemd: socket activation' '^ListenStream' >"$unit"
    [[ $(running 'systemd: socket activation' 'portsplit-inside[.]socket') == *"enable --now portsplit.socket ${unit##*/}" ]]
    cp "$(installed systemd/system/portsplit.socket)" "$(installed systemd/system/portsplit.service)" "$TMP/units"
    sed -i '/^Documentation=/d' "$TMP/units"/*
    PORT=443 fit_file "$TMP/units/portsplit.service"
    run -0 systemd-analyze verify "$unit" "$TMP/units/portsplit.socket"
    [[ -z $output ]]
    # Its name leads to the listener: clients of this socket are served as those of `inside`.
    find_free_port
    PORT=$FREE
    port=$(sed -n 's/^ListenStream=127[.]0[.]0[.]1://p' "$unit" | something)
    printf '%s\n' '[listener inside]' '[listener outside]' 'bind = 127.0.0.2:0' '[cat]' 'string = MEOW' 'exec = /bin/cat' |
        configure
    start_pasted "systemd-socket-activate -l 127.0.0.1:${port/#*/$PORT} --fdname=$(sed -n 's/^FileDescriptorName=//p' "$unit") $(
        setting ExecStart portsplit.service) --log $LOG"
    serves
    log_says 'service=cat .* listener=inside$'
}

@test "docs: RUNNING.md, one process of systemd's for each connection" {
    configure_cat
    enables portsplit-inetd.socket "$(running 'systemd: one process for each connection')"
    local port
    port=$(setting ListenStream portsplit-inetd.socket)
    start_pasted "systemd-socket-activate --accept --inetd -l $port $(setting ExecStart portsplit-inetd@.service)"
    serves
}

@test "docs: RUNNING.md, xinetd" {
    configure_cat
    mkdir -p "$TMP/etc/xinetd.d"
    eval "$(running xinetd | elsewhere)"
    fit_file "$TMP/etc/xinetd.d/portsplit"
    start_super "$PORTSPLIT_PEERS/xinetd" -dontfork -f "$TMP/etc/xinetd.d/portsplit" -pidfile "$TMP/xinetd.pid" \
        -filelog "$TMP/xinetd.log"
    serves
}

@test "docs: RUNNING.md, inetd" {
    configure_cat
    running inetd | fit >"$TMP/inetd.conf"
    start_super "$PORTSPLIT_PEERS/inetd" -i "$TMP/inetd.conf"
    serves
}

@test "docs: RUNNING.md, tcpserver" {
    configure_cat
    start_pasted "$(running tcpserver)"
    serves
}

@test "docs: RUNNING.md, s6" {
    configure_cat with-bind
    mkdir -p "$TMP/run/service"
    s6-svscan "$TMP/run/service" >>"$TMP/super" 2>&1 3>&- &
    SUPERSERVER=$!
    BACKGROUND+=("$SUPERSERVER")
    wait_until 10 exists "$TMP/run/service/.s6-svscan/control"
    local commands
    mapfile -t commands < <(running s6 | elsewhere)
    eval "${commands[0]}"
    fit_file "$TMP/run/service/portsplit/run"
    sed -i "s#/var/log/#$TMP/log-#" "$TMP/run/service/portsplit/log/run"
    eval "${commands[1]}"
    wait_until 10 listens
    serves
}

@test "docs: RUNNING.md, runit" {
    configure_cat with-bind
    mkdir -p "$TMP/etc/sv" "$TMP/etc/service"
    eval "$(running runit | elsewhere)"
    fit_file "$TMP/etc/sv/portsplit/run"
    sed -i "s#/var/log/#$TMP/log-#" "$TMP/etc/sv/portsplit/log/run"
    # runsv sends SIGCONT behind SIGTERM, which can end the stop that the leak check waits for (ptrace(2)).
    export ASAN_OPTIONS=detect_leaks=0
    start_super runsvdir "$TMP/etc/service"
    serves
    sv -w 10 force-stop "$TMP/etc/service/portsplit"
    children_of "$SUPERSERVER"
    local supervisor=${CHILDREN[0]}
    kill -HUP "$SUPERSERVER"
    wait_until 10 is_over "$supervisor"
}

@test "docs: RUNNING.md, a container finds its file and its port, and the stop signal waits for connections" {
    configure_cat with-bind
    local containerfile run
    containerfile=$(<"$CONTAINERFILE")
    run=$(running Container | grep '^docker run')
    [[ $run == *" -p 443:$(sed -n 's/^EXPOSE //p' <<<"$containerfile") "* ]]
    [[ $(running Container group-add | sed 's/\\$//' | tr -s ' \n' ' ') == "${run/portsplit -p 443:8443/portsplit -p 443:8443 --group-add \"\$(stat -c %g /usr/local/etc/portsplit/portsplit.conf)\"} " ]]
    [[ $containerfile == *"[\"$(sed -E 's/.*:([^: ]+):ro .*/\1/' <<<"$run")/portsplit.conf\"]"* ]]
    # portsplitd(8) has the same lines.
    diff <(manual portsplitd.8 Containers) <(grep -E '^(STOPSIGNAL|ENTRYPOINT|CMD) ' <<<"$containerfile")

    local command user=()
    command=$(sed -nE 's/^(ENTRYPOINT|CMD) \[(.*)\]/\2/p' <<<"$containerfile" | tr '\n' ' ' | fit)
    (($(id -u) == 0)) || user=(--map-root-user)
    start_super "$SHELL_PROGRAM" -c "exec unshare ${user[*]} --pid --fork --mount-proc $command"
    client send:MEOW expect:MEOW "touch:$TMP/up" "wait-file:$TMP/go" send:more expect:more shutdown expect-eof
    wait_until 10 exists "$TMP/up"
    children_of "$SUPERSERVER"
    kill -s "$(sed -n 's/^STOPSIGNAL //p' <<<"$containerfile")" "${CHILDREN[0]}"
    wait_until 10 not listens
    is_alive "$SUPERSERVER"
    touch "$TMP/go"
    finish "$JOB"
    finish "$SUPERSERVER"
}

@test "docs: RUNNING.md, the container is healthy while its port is listened on" {
    configure_cat with-bind
    local command
    command=$(sed -nE 's/^HEALTHCHECK .* CMD \[(.*)\]$/\1/p' "$CONTAINERFILE" | sed "s/, / /g; s/20FB/$(printf %04X "$PORT")/" | something)
    (($(printf '%d' 0x20FB) == $(sed -n 's/^EXPOSE //p' "$CONTAINERFILE")))
    not "$SHELL_PROGRAM" -c "$command"
    start_daemon
    "$SHELL_PROGRAM" -c "$command"
}

@test "docs: RUNNING.md, the user of the container can read a file of a group that is added" {
    needs_root
    chmod 755 "$BATS_RUN_TMPDIR" "$TMP/.." "$TMP"
    configure_cat
    chown root:daemon "$CONFIG"
    chmod 640 "$CONFIG"
    local user
    user=$(sed -n 's/^USER //p' "$CONTAINERFILE")
    not setpriv --reuid "$user" --regid nogroup --clear-groups test -r "$CONFIG"
    setpriv --reuid "$user" --regid nogroup --groups "$(stat -c %g "$CONFIG")" test -r "$CONFIG"
}

# --- the manuals -----------------------------------------------------------------------------------

@test "docs: portsplit-dispatch(8), xinetd" {
    configure_cat
    manual portsplit-dispatch.8 xinetd | fit >"$TMP/xinetd.conf"
    start_super "$PORTSPLIT_PEERS/xinetd" -dontfork -f "$TMP/xinetd.conf" -pidfile "$TMP/xinetd.pid" \
        -filelog "$TMP/xinetd.log"
    serves
}

@test "docs: portsplit-dispatch(8), inetd" {
    configure_cat
    manual portsplit-dispatch.8 inetd | fit >"$TMP/inetd.conf"
    start_super "$PORTSPLIT_PEERS/inetd" -i "$TMP/inetd.conf"
    serves
}

@test "docs: portsplit-dispatch(8), tcpserver" {
    configure_cat
    start_pasted "$(manual portsplit-dispatch.8 tcpserver)"
    serves
}

@test "docs: portsplit-dispatch(8), socat" {
    configure_cat
    start_pasted "$(manual portsplit-dispatch.8 socat)"
    serves
}

# Writes a certificate and its key to the file that the entries name.
make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -days 1 -keyout "$TMP/key.pem" \
        -out "$TMP/certificate.pem" 2>"$TMP/openssl"
    cat "$TMP/certificate.pem" "$TMP/key.pem" >"$TMP/portsplit.pem"
}

# Inside TLS, a client from 127.0.0.9 is served, and the log has its address.
serves_inside_tls() {
    [[ $(printf MEOW-please | socat -t 10 - "OPENSSL:127.0.0.1:$PORT,bind=127.0.0.9,verify=0") == MEOW-please ]]
    log_says 'service=cat reason=match src=127.0.0.9 '
}

# log_to_file: makes the entry of standard input log to the file of the test, and not to syslog.
log_to_file() { sed "s#--inetd#& --log $LOG#"; }

@test "docs: portsplit-dispatch(8), socat that ends TLS" {
    configure_cat
    make_certificate
    start_pasted "$(manual portsplit-dispatch.8 socat OPENSSL | log_to_file)"
    serves_inside_tls
}

@test "docs: portsplit-dispatch(8), ncat, whose programs need stdio = pipe" {
    configure_cat
    echo 'stdio = pipe' >>"$CONFIG"
    start_pasted "$(manual portsplit-dispatch.8 ncat | log_to_file)"
    talk send:MEOW-please expect:MEOW-please shutdown expect-eof
    log_says 'service=cat reason=match src=127.0.0.1 sport=[1-9][0-9]* .* exit=0$'
}

@test "docs: portsplit-dispatch(8), stunnel" {
    configure_cat
    make_certificate
    { printf '%s\n' 'foreground = yes' 'pid ='; manual portsplit-dispatch.8 stunnel | log_to_file | fit; } >"$TMP/stunnel.conf"
    start_super stunnel4 "$TMP/stunnel.conf"
    serves_inside_tls
}

@test "docs: portsplit-dispatch(8), variables of the super-server are kept, and its addresses are logged" {
    configure <<END
[probe]
string = P
exec = $PROBE
[terminal]
string = T
exec = $PROBE
stdio = pty
END
    find_free_port
    PORT=$FREE
    start_super env SUPER=kept TERM=dumb REMOTE_HOST=client.example.org TCPREMOTEIP=192.0.2.7 TCPREMOTEPORT=50022 \
        socat "TCP-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork" "EXEC:$DISPATCH --inetd --log $LOG $CONFIG,nofork"
    take_report
    local line
    for line in SUPER=kept TCPREMOTEIP=192.0.2.7 TCPREMOTEPORT=50022 REMOTE_ADDR=192.0.2.7 REMOTE_HOST=client.example.org \
        "TCPLOCALPORT=$PORT"; do
        echo "$line"
        file_says "$TMP/report" "^env $line\$"
    done
    log_says "service=probe reason=match src=192.0.2.7 sport=50022 dst=127.0.0.1 dport=$PORT "
    take_report T
    file_says "$TMP/report" '^env TERM=dumb$'
}

# bats test_tags=fault:A9
@test "docs: portsplit-dispatch(8), listening and datagram sockets are refused" {
    configure_cat
    # refused MESSAGE [OPTION]: systemd-socket-activate passes descriptor 3, where it listens itself.
    refused() {
        systemd-socket-activate "${@:2}" -l "127.0.0.1:$PORT" "$SHELL_PROGRAM" -c \
            'exec "$0" --inetd --log "$1" "$2" <&3 3<&-' "$DISPATCH" "$LOG" "$CONFIG" >>"$TMP/super" 2>&1 3>&- &
        SUPERSERVER=$!
        BACKGROUND+=("$SUPERSERVER")
        ended() { listens; echo x >"/dev/udp/127.0.0.1/$PORT"; is_over "$SUPERSERVER"; }
        wait_until 10 ended 2>>"$TMP/super"
        local code=0
        wait "$SUPERSERVER" || code=$?
        ((code == 64))
        log_has "$1"
    }
    refused 'descriptor 0 is a listening socket: set wait = no'
    refused 'descriptors 0 and 1 are neither a stream socket nor two pipes' --datagram
}

@test "docs: portsplit(1), the cases that it gives to paste" {
    cd "$TMP" || return
    PATH=$PORTSPLIT_BIN:$PATH run -0 "$SHELL_PROGRAM" -c "$(manual portsplit.1 'The file of cases')"
    grep -qFx ".Ql $output ." "$PORTSPLIT_BUILD/man/portsplit.1"
}

# recording PATTERN: prints the block of `Recording a client` that has a line that matches, with a free port.
recording() { manual portsplit.1 'Recording a client' "$1" | sed -E "s/\b(4433|443)\b/$FREE/"; }

# configure_git: a service for the client of `Recording a client`, and the case of that name, in $TMP.
configure_git() {
    printf '%s\n' '[git]' 'tls.sni = git.example.org' "connect = 127.0.0.1:$FREE" >"$TMP/portsplit.conf"
    recording '^recording' >"$TMP/git.cases"
}

# records COMMAND: the listener of that block takes the client, and both end. The reserved port does not listen.
records() {
    # shellcheck disable=SC2317
    awaits_client() { [[ -n $(ss -Hltn "sport = :$FREE") ]]; }
    in_background "$SHELL_PROGRAM" -c "$(recording "^$1 ")"
    wait_until 10 awaits_client
    not "$SHELL_PROGRAM" -c "$(recording '^openssl')" >"$TMP/openssl" 2>&1
    finish "$JOB"
}

@test "docs: portsplit(1), a client is recorded by ncat and by nc, and its recording is a case" {
    find_free_port
    configure_git
    cd "$TMP" || return
    local listener
    for listener in ncat nc; do
        rm -f client.bin
        records "$listener"
        PATH=$PORTSPLIT_BIN:$PATH run -0 "$SHELL_PROGRAM" -c "$(recording 'explain portsplit.conf')"
        [[ ${lines[0]} == 'service=git reason=match '* ]]
        run -0 "$PORTSPLIT_BIN/portsplit" test portsplit.conf git.cases
    done
}

@test "docs: portsplit(1), a client is recorded by tcpdump, and its capture is a case" {
    needs_root
    find_free_port
    configure_git
    cd "$TMP" || return
    "$SHELL_PROGRAM" -c "exec $(recording '^tcpdump')" 2>"$TMP/tcpdump" 3>&- &
    local tcpdump=$!
    BACKGROUND+=("$tcpdump")
    wait_until 10 file_says "$TMP/tcpdump" 'listening on'
    records ncat
    # shellcheck disable=SC2317
    is_captured() {
        PATH=$PORTSPLIT_BIN:$PATH "$SHELL_PROGRAM" -c "$(recording 'explain --pcap')" >"$TMP/explained" 2>&1
        file_says "$TMP/explained" '^service=git reason=match .* tls.sni=git.example.org$'
    }
    wait_until 10 is_captured
    kill "$tcpdump"
    wait "$tcpdump"
    sed -i 's/client.bin/client.pcap/' git.cases
    run -0 "$PORTSPLIT_BIN/portsplit" test portsplit.conf git.cases
}

@test "docs: portsplit.conf(5), a layout of your own: its bytes, and what explain prints of them" {
    local heading='A layout of your own' listed
    manual portsplit.conf.5 "$heading" '^.layout ' >"$TMP/try.conf"
    prints_so "$(manual portsplit.conf.5 "$heading" '04lyon')"
    listed=$(sed -n "/^\.Ss $heading/,/^\.El/s/^\.It Li //p" "$PORTSPLIT_BUILD/man/portsplit.conf.5" | paste -sd ' ')
    grep -qx " *$listed" <<<"$output"
    prints_so "$(manual portsplit.conf.5 "$heading" '05lyon')"
    prints_so "$(manual portsplit.conf.5 "$heading" '0A. try')"
}

@test "docs: portsplit-dispatch(8) and portsplitd(8), systemd" {
    enables portsplit-inetd.socket "$(manual portsplit-dispatch.8 systemd)"
    local unit
    for unit in portsplit.service portsplit-relay.service portsplit.socket portsplit@NAME.service; do
        enables "$unit" "$(manual portsplitd.8 systemd "$unit")"
    done
}

@test "docs: portsplitd(8), the edited socket unit is valid" {
    mkdir "$TMP/units"
    cp "$(installed systemd/system/portsplit.socket)" "$(installed systemd/system/portsplit-relay.service)" "$TMP/units"
    sed -i '/^Documentation=/d' "$TMP/units"/*
    PORT=443 fit_file "$TMP/units/portsplit-relay.service"
    mkdir "$TMP/units/portsplit.socket.d"
    manual portsplitd.8 systemd '^.Socket' >"$TMP/units/portsplit.socket.d/override.conf"
    run -0 systemd-analyze verify "$TMP/units/portsplit.socket"
    [[ -z $output ]]
}

@test "docs: portsplitd(8), a bind of the port of a passed socket is an error" {
    configure_cat with-bind
    systemd-socket-activate -l "$PORT" "$PORTSPLIT_BIN/portsplitd" --log "$LOG" "$CONFIG" >"$TMP/super" 2>&1 3>&- &
    SUPERSERVER=$!
    BACKGROUND+=("$SUPERSERVER")
    wait_until 10 listens
    local code=0
    wait "$SUPERSERVER" || code=$?
    ((code == 71))
    log_has 'Address already in use'
}

@test "docs: portsplitd(8), s6 and runit" {
    local supervisor
    for supervisor in s6 runit; do
        configure_cat with-bind
        diff <(manual portsplitd.8 "$supervisor" /var/log/) <(sed '/^# /d' "$(installed "$supervisor/portsplit/log/run")")
        manual portsplitd.8 "$supervisor" | fit >"$TMP/run-$supervisor"
        diff "$TMP/run-$supervisor" <(sed '/^# /d' "$(installed "$supervisor/portsplit/run")" | fit)
        chmod +x "$TMP/run-$supervisor"
        start_super "$SHELL_PROGRAM" -c "exec $TMP/run-$supervisor 3>$TMP/ready-$supervisor"
        serves
    done
    file_says "$TMP/ready-s6" 'listening on'
}

@test "docs: every unit that README.md, contrib/RUNNING.md and the manuals name is installed" {
    local unit units=0
    while read -r unit; do
        echo "$unit"
        # Those of an example are for the reader to write.
        exists "$(installed "systemd/system/$unit")" || grep -q "^\`/etc/systemd/system/$unit\`:$" "$RUNNING"
        units=$((units + 1))
    done < <(grep -ohE '\bportsplit[a-z-]*(@[A-Za-z]*)?\.(service|socket)\b' "$README" "$RUNNING" "$PORTSPLIT_BUILD"/man/*.8 |
        sed 's/@.*\./@./' | sort -u)
    ((units == 8))
}
