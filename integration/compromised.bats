#!/usr/bin/env bats
# What an attacker gets who has taken over a process that reads bytes of clients. tools/inside makes system calls in
# the running process, as the attacker would; the tables have what comes of each. The daemon, the other connections and
# the log stay unharmed.

load harness

CLONE=0x01200011 # the only flags that the zygote needs, of _Fork(3)

can_look_inside() {
    needs_root # to trace a process that is not dumpable
    not_with_asan
    [[ $(uname -m) == x86_64 ]] || skip 'tools/inside knows the registers of x86-64 only'
}

# --- clients of this shell ---------------------------------------------------------------------------

# join: a client in FD.
join() { exec {FD}<>"/dev/tcp/127.0.0.1/$PORT"; }

# says FD TEXT ANSWER: sends a text, and receives this answer.
says() {
    local got=
    printf '%s' "$2" >&"$1"
    read -r -t 5 -N ${#3} -u "$1" got && [[ $got == "$3" ]]
}

# port_of FD: the port of a client of this shell, in FOUND_PORT. A table that changes while it is read may lack it.
port_of() { wait_until 5 listed "$(readlink "/proc/self/fd/$1")"; }
listed() {
    local hex
    hex=$(awk -v inode="${1//[^0-9]/}" '$10 == inode { print substr($2, 10) }' /proc/net/tcp)
    [[ -n $hex ]] && FOUND_PORT=$((16#$hex))
}

# newcomer KNOWN...: the process of a connection that is none of these, in NEWCOMER.
newcomer() {
    local pid
    find_dispatchers
    for pid in "${DISPATCHERS[@]}"; do
        [[ " $* " == *" $pid "* ]] && continue
        # A child of a new zygote that builds its plan has no client.
        [[ $(kinds_of "$pid") != *stream* ]] || NEWCOMER=$pid
    done
    [[ -n $NEWCOMER ]]
}

# hold: a connection that goes on beside the attacks, in HELD, HELD_PORT and HELD_PID.
hold() {
    WRONG=()
    KILLED=0
    CRASH='signal=SYS' # how the line of a connection ends whose process was killed
    VICTIM=
    join
    HELD=$FD
    says "$HELD" one. one:one.
    port_of "$HELD"
    HELD_PORT=$FOUND_PORT
    NEWCOMER=
    wait_until 5 newcomer
    HELD_PID=$NEWCOMER
    SIZE=0
    FIRST_ZYGOTE=$ZYGOTE
    INODE=$(stat -c %i "$LOG")
}

# lacks_victim: there is no process of the attacker, or no more.
lacks_victim() { [[ -z $VICTIM ]] || is_over "$VICTIM"; }

# join_as_attacker: a new client, in VICTIM_FD and VICTIM_PORT. The processes of others are KNOWN.
join_as_attacker() {
    find_dispatchers
    KNOWN=("${DISPATCHERS[@]}")
    join
    VICTIM_FD=$FD
    port_of "$FD"
    VICTIM_PORT=$FOUND_PORT
}

# A client of the service `one`, whose process is the VICTIM. The attacker keeps it while it lives.
relay_victim() {
    lacks_victim || return 0
    join_as_attacker
    says "$FD" one. one:one.
    find_victim
}

# An undecided client, whose process is the VICTIM.
undecided_victim() {
    lacks_victim || return 0
    join_as_attacker
    printf 'o' >&"$FD"
    find_victim
}

# An undecided client that a sniffer looks at; that is the VICTIM.
sniffer_victim() {
    lacks_victim || return 0
    join_as_attacker
    printf 'G' >&"$FD"
    wait_until 5 looking
}
# A generation that ends may have it.
looking() {
    local zygote
    children_of "$DAEMON"
    for zygote in "${CHILDREN[@]}"; do
        if named portsplit-sniff "$zygote" && named portsplit-look "$FOUND" && is_alive "$FOUND"; then
            VICTIM=$FOUND
            return
        fi
    done
    return 1
}

find_victim() {
    NEWCOMER=
    wait_until 5 newcomer "$HELD_PID" "${KNOWN[@]}"
    VICTIM=$NEWCOMER
}

# --- attacks -----------------------------------------------------------------------------------------

# attack FIND OUTCOME CALL [ARGUMENT...]: makes these calls in the process that FIND finds. The last line of tools/inside
# must be of this outcome, a regular expression; nothing else may be harmed. What is wrong is added to WRONG.
attack() {
    local find=$1 expected=$2 outcome
    [[ -n $expected ]] || return 0
    "$find" || { WRONG+=("no process for: ${*:3}"); return; }
    outcome=$("$PORTSPLIT_TOOLS/inside" "$VICTIM" "${@:3}" 2>&1 | tail -n 1)
    echo "$outcome    <- ${*:3}"
    [[ ${outcome#*: } =~ ^($expected)$ ]] || WRONG+=("$outcome, not $expected: ${*:3}")
    harmless "$outcome" || WRONG+=("harm is done by: ${*:3}")
    if is_over "$VICTIM"; then
        exec {VICTIM_FD}<&-
        VICTIM=
    fi
}

# harmless OUTCOME: the daemon, the zygote, another connection and the log are as before, and a new client is served.
harmless() {
    local size
    is_alive "$DAEMON" || { echo 'no daemon'; return 1; }
    is_alive "$FIRST_ZYGOTE" || [[ $1 == *SYS ]] || ((KILLED > 0)) || { echo 'no zygote'; return 1; }
    says "$HELD" x x || { echo 'the other connection fails'; return 1; }
    is_alive "$HELD_PID" || { echo 'the other dispatcher is gone'; return 1; }
    talk --limit 5000 send:one. expect:one:one. shutdown expect-eof || { echo 'no service'; return 1; }
    size=$(stat -c %s "$LOG")
    [[ $(stat -c %i "$LOG") == "$INODE" ]] || { echo 'the log is another file'; return 1; }
    ((size >= SIZE)) || { echo 'the log shrinks'; return 1; }
    SIZE=$size
    ! grep -qE "sport=$HELD_PORT |127\.0\.0\.1:$HELD_PORT\b" "$LOG" || { echo 'the log names another client'; return 1; }
    [[ $1 != *signal=SYS ]] || counts_as_crash
}

# The connection of the victim, and no other, has a line of that crash.
counts_as_crash() {
    KILLED=$((KILLED + 1))
    wait_until 5 log_has ": service=.* sport=$VICTIM_PORT .* $CRASH\$"
    (($(grep -c ": service=.* $CRASH\$" "$LOG") == KILLED))
}

# judge: ends the test; fails if an attack had another outcome than its table has.
judge() {
    says "$HELD" end end
    exec {HELD}<&-
    [[ -z $VICTIM ]] || exec {VICTIM_FD}<&-
    if ((${#WRONG[@]} > 0)); then
        printf 'wrong: %s\n' "${WRONG[@]}"
        tail -n 20 "$LOG"
        return 1
    fi
    stop_daemon
    # These processes were meant to crash.
    sed -i 's/ signal=SYS/ signal=of-the-filter/' "$LOG"
}

# kinds_of PID: what the descriptors of a process are, one word each, sorted.
kinds_of() {
    local fd link
    for fd in "/proc/$1/fd/"*; do
        link=$(readlink "$fd") || continue
        case $link in
            /dev/null) echo null ;;
            socket:*) kind_of_socket "${link//[^0-9]/}" ;;
            pipe:*) echo pipe ;;
            anon_inode:*) echo "${link//[^a-z-]/}" ;;
            *) echo "$link" ;;
        esac
    done | sort | uniq -c | sed 's/^ *//' | paste -s -d ' '
}
kind_of_socket() {
    if grep -q " 0005 [0-9]* $1\( \|$\)" /proc/net/unix; then echo channel; else echo stream; fi
}

# The channel to the zygote is a descriptor that the zygote holds, too; in CHANNEL.
find_channel() {
    local fd link
    CHANNEL=
    for fd in "/proc/$VICTIM/fd/"*; do
        link=$(readlink "$fd") || continue
        [[ $link != socket:* || $(kind_of_socket "${link//[^0-9]/}") != channel ]] || CHANNEL=${fd##*/}
    done
    [[ -n $CHANNEL ]]
}

# start_plan LINE...: these lines and a relay to `one`; the server `two` is no target.
start_plan() {
    answer one two
    {
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' "$@"
        connect_service one one
    } | configure
    start_daemon
    hold
}

# attack_all FIND ROW=OUTCOME...: the table of attacks, each with the outcome that its row has for this kind of process.
# Rows without an outcome are left out.
attack_all() {
    local find=$1 calls row
    local -A outcome=()
    shift
    for row; do outcome[${row%%=*}]=${row#*=}; done
    local target targets=("$DAEMON" "$FIRST_ZYGOTE" "$HELD_PID")
    # The filter of calls does not look at the target.
    [[ ${outcome[signal]} != signal=SYS ]] || targets=("$HELD_PID")
    for target in "${targets[@]}"; do
        attack "$find" "${outcome[signal]}" kill "$target" 15
        attack "$find" "${outcome[trace]}" ptrace 16 "$target" 0 0
        attack "$find" "${outcome[memory]}" process_vm_readv "$target" int:4096,0,16,0 1 int:4096,0,16,0 1 0
        attack "$find" "${outcome[pidfd]}" pidfd_open "$target" 0 and pidfd_getfd % 3 0
        attack "$find" "${outcome[pidfd-signal]}" pidfd_open "$target" 0 and pidfd_send_signal % 15 0 0
        attack "$find" "${outcome[open]}" openat -100 "=/proc/$target/mem" 2
    done
    attack "$find" "${outcome[signal]}" kill 1 0
    while read -r row calls; do
        # shellcheck disable=SC2086  # words
        attack "$find" "${outcome[$row]}" $calls
    done <<END
group kill 0 15
open openat -100 =/etc/passwd 0
open openat -100 =$LOG 0x201
open openat -100 =$CONFIG 0
open openat -100 =/tmp/x 0x41 0600
unlink unlinkat -100 =$LOG 0
unix socket 1 1 0
udp socket 2 2 0
mptcp socket 2 1 262 and connect % inet:$two_port 16
netlink socket 16 3 0
connect socket 2 1 0 and connect % inet:$two_port 16
connect socket 2 1 0 and connect % inet:$PORT 16
bind socket 2 1 0 and bind % inet:0 16
fork clone 17 0 0 0 0
fork-of-zygote clone $CLONE 0 0 zero:8 zero:8
exec execve =/bin/sh 0 0
setuid setuid 0
capset capset int:0x20080522,0 int:-1,-1,-1,-1,-1,-1
mount mount =none =/tmp =tmpfs 0 0
unshare unshare 0x10000000
END
    local fd
    "$find"
    local fds=("/proc/$VICTIM/fd/"*)
    [[ ${outcome[truncate]} != signal=SYS ]] || fds=(2)
    for fd in "${fds[@]}"; do
        attack "$find" "${outcome[truncate]}" ftruncate "${fd##*/}" 0
    done
}

# --- the kinds of processes --------------------------------------------------------------------------

@test "compromised: a dispatcher of a plan of relays can do nothing but relay" {
    can_look_inside
    start_plan ''
    relay_victim
    [[ $(kinds_of "$VICTIM") == '1 channel 3 null 2 pipe 2 stream' ]]
    attack_all relay_victim signal=signal=SYS trace=signal=SYS memory=signal=SYS pidfd=signal=SYS pidfd-signal=signal=SYS \
        open=signal=SYS group=signal=SYS unlink=signal=SYS unix=signal=SYS udp=signal=SYS mptcp=signal=SYS \
        netlink=signal=SYS connect=EACCES bind=signal=SYS fork=signal=SYS fork-of-zygote=EAGAIN exec=signal=SYS \
        setuid=signal=SYS capset=signal=SYS mount=signal=SYS unshare=signal=SYS truncate=signal=SYS
    relay_victim
    find_channel
    attack relay_victim '64' sendto "$CHANNEL" zero:64 64 0 0 0
    attack relay_victim signal=SYS sendmsg "$CHANNEL" zero:64 0
    relay_victim
    attack relay_victim signal=SYS shutdown "$CHANNEL" 2
    judge
}

@test "compromised: a dispatcher that relays beside programs has no root, no file, no other process and no fork" {
    can_look_inside
    start_plan "$(exec_service cat /bin/cat)"
    relay_victim
    [[ $(kinds_of "$VICTIM") == '1 anoninodelandlock-ruleset 1 channel 3 null 2 pipe 2 stream' ]]
    # Not refused: sockets of other kinds, and so Multipath TCP, which Landlock does not see; and a user namespace.
    attack_all relay_victim signal=EPERM trace=EPERM memory=EPERM pidfd=EPERM pidfd-signal=EPERM \
        open=EACCES group=signal=TERM unlink=EACCES unix=[0-9]+ udp=[0-9]+ mptcp=0 \
        netlink=[0-9]+ connect=EACCES bind=EACCES fork=EAGAIN fork-of-zygote=EAGAIN exec=EACCES \
        setuid=EPERM capset=EPERM mount=EPERM unshare=0 truncate=EINVAL
    judge
}

start_sniffing() {
    can_look_inside
    start_plan "$(printf '%s\n' '[get]' 'regex = G+ET' 'exec = /bin/cat')"
    CRASH='exit=111' # of the dispatcher, which gets no answer
    sniffer_victim
}

@test "compromised: a sniffer reaches no other process and gains no right" {
    start_sniffing
    attack_all sniffer_victim signal=signal=SYS trace=signal=SYS memory=signal=SYS pidfd=signal=SYS group=signal=SYS \
        fork=signal=SYS fork-of-zygote=EAGAIN exec=signal=SYS setuid=signal=SYS capset=signal=SYS mount=signal=SYS \
        unshare=signal=SYS
    judge
}

@test "compromised: a sniffer reaches no file and no network" {
    start_sniffing
    attack_all sniffer_victim open=signal=SYS unlink=signal=SYS unix=signal=SYS udp=signal=SYS mptcp=signal=SYS \
        netlink=signal=SYS connect=signal=SYS bind=signal=SYS truncate=signal=SYS
    judge
}

# Without root and without what would need a sniffer, a dispatcher is confined by its user alone until it relays. This
# lists what the attacker can do then.
@test "compromised: an undecided dispatcher beside programs of the same user can do what that user can" {
    can_look_inside
    start_plan "$(exec_service cat /bin/cat 'user = nobody')"
    undecided_victim
    local target
    attack undecided_victim EPERM kill 1 0
    attack undecided_victim EPERM kill "$DAEMON" 15
    for target in "$ZYGOTE" "$HELD_PID"; do attack undecided_victim 0 kill "$target" 0; done
    for target in "$DAEMON" "$ZYGOTE" "$HELD_PID"; do
        attack undecided_victim EPERM ptrace 16 "$target" 0 0
        attack undecided_victim EPERM process_vm_readv "$target" int:4096,0,16,0 1 int:4096,0,16,0 1 0
        attack undecided_victim EPERM pidfd_open "$target" 0 and pidfd_getfd % 3 0
        attack undecided_victim EACCES openat -100 "=/proc/$target/mem" 2
    done
    attack undecided_victim '[0-9]+' openat -100 =/etc/passwd 0
    attack undecided_victim EACCES openat -100 "=$LOG" 0x201
    attack undecided_victim EACCES unlinkat -100 "=$LOG" 0
    attack undecided_victim 0 socket 2 1 0 and connect % "inet:$two_port" 16
    attack undecided_victim child clone 17 0 0 0 0
    attack undecided_victim EPERM setuid 0
    attack undecided_victim EPERM capset int:0x20080522,0 int:-1,-1,-1,-1,-1,-1
    attack undecided_victim EPERM mount =none =/tmp =tmpfs 0 0
    judge
}

@test "compromised: a flood of messages from a dispatcher keeps no other client waiting" {
    can_look_inside
    start_plan ''
    relay_victim
    find_channel
    in_background "$PORTSPLIT_TOOLS/inside" "$VICTIM" sendto times:20000 "$CHANNEL" zero:64 64 0 0 0 >"$TMP/flood"
    local flood=$JOB served=0
    while is_alive "$flood"; do
        talk --limit 2000 send:one. expect:one:one. shutdown expect-eof
        says "$HELD" x x
        served=$((served + 1))
    done
    ((served > 3))
    grep -qx 'sendto: 64' "$TMP/flood"
    harmless ''
    judge
}

@test "compromised: under a super-server, what relays and what writes the log can do nothing else" {
    can_look_inside
    answer one
    { echo 'timeout = 60'; connect_service one one; } | configure
    in_background "$PEER" inetd 127.0.0.1:0 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log "$LOG" "$CONFIG" \
        >"$TMP/super.out"
    local super=$JOB kind pid calls size
    wait_until 10 has_content "$TMP/super.out"
    PORT=$(<"$TMP/super.out")
    : >>"$LOG"
    for kind in relay log; do
        while read -r calls; do
            size=$(stat -c %s "$LOG")
            join
            says "$FD" one. one:one.
            children_of "$super"
            pid=${CHILDREN[-1]}
            [[ $kind == relay ]] || pid=$(log_process)
            # shellcheck disable=SC2086  # words
            [[ $("$PORTSPLIT_TOOLS/inside" "$pid" $calls) == *': signal=SYS' ]]
            exec {FD}<&-
            wait_until 5 is_over "$pid"
            talk send:one. expect:one:one. shutdown expect-eof
            (($(stat -c %s "$LOG") >= size))
        done <<END
kill $super 15
ptrace 16 $super 0 0
openat -100 =/etc/passwd 0
ftruncate 2 0
ftruncate 3 0
socket 1 1 0
clone 17 0 0 0 0
execve =/bin/sh 0 0
setuid 0
END
    done
    is_alive "$super"
    sed -i 's/ signal=SYS/ signal=of-the-filter/' "$LOG"
}
# log_process: prints the pid of the process that writes the log of the youngest connection.
log_process() {
    local pid name youngest=
    for pid in $(pgrep -x portsplit-log); do
        { [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"$CONFIG"* ]]; } 2>/dev/null && youngest=$pid
    done
    echo "$youngest"
}
