#!/usr/bin/env bats
# portsplit(1) reports every problem of a file, converts one spelling to the other, and serves.

load harness

portsplit() { "$PORTSPLIT_BIN/portsplit" "$@"; }

write_good() {
    printf '%s\n' '# a comment' 'bind = 127.0.0.1:0' 'timeout = 2.5' 'maxconn = 7' '[cat]' \
        'string = X' 'string = \00\FFy\20' 'exec = /bin/cat' 'stdio = pipe' 'stderr = null' \
        '[web]' 'string = GET' 'connect = localhost:80' 'connect = [::1]:81' \
        '[fallback]' 'connect = 127.0.0.1:9' '[timeout]' 'connect = 127.0.0.1:9' | configure
}

@test "config: check accepts a good file" {
    write_good
    run -0 portsplit check "$CONFIG"
}

# bats test_tags=fault:A2
@test "config: check names every problem with its line, and exits 78" {
    printf '%s\n' 'bind = 127.0.0.1:70000' 'timeout = soon' 'colour = red' '[a]' 'string = X' \
        '[b]' 'string = Y' 'exec = /bin/cat' 'connect = 127.0.0.1:1' '[b]' 'connect = nowhere' \
        'strnig = Z' '[c]' 'string = Q' 'exec = /no/such/program' | configure
    run -78 portsplit check "$CONFIG"
    local problem
    for problem in '1: bind = 127.0.0.1:70000: ' '2: timeout = soon: ' '3: unknown key colour; ' \
        '4: service a has no action; ' '9: service b has two actions, ' '10: service b has no pattern; ' \
        '10: service b is already defined on line 6; ' '11: connect = nowhere: ' \
        '12: unknown key strnig; did you mean string?' '15: exec = /no/such/program: '; do
        echo "$problem"
        [[ $'\n'$output == *$'\n'"$CONFIG:$problem"* ]]
    done
    [[ $output == *"$CONFIG: cannot be served (errors: 10, warnings: 0)"* ]]
}

@test "config: check warns with example bytes, and --silence leaves warnings out" {
    configure <<'END'
[admin]
string = GET /admin
exec = cat
[web]
string = GET\20
exec = cat
[chat]
regex = (?s).*?jabber
exec = cat
[fallback]
exec = cat
END
    run -0 "$PORTSPLIT_BIN/portsplit" check --inetd "$CONFIG"
    [[ $output == *"$CONFIG:5: warning: service web: \"GET \" matches it, but service admin on line 1 still answers more; "*' [waits]'* ]]
    [[ $output == *"$CONFIG:8: warning: service chat: "*' [holds-all]'* ]]
    [[ $output == *' [no-timeout]'*'(errors: 0, warnings: 3)' ]]
    run -0 "$PORTSPLIT_BIN/portsplit" check --inetd --silence waits:web --silence holds-all "$CONFIG"
    [[ $output != *waits* && $output != *holds-all* && $output == *'(errors: 0, warnings: 1)' ]]
    run -0 "$PORTSPLIT_BIN/portsplit" check --inetd --silence waits:chat "$CONFIG"
    [[ $output == *'(errors: 0, warnings: 3)' ]]
    run -64 "$PORTSPLIT_BIN/portsplit" check --silence wait "$CONFIG"
    [[ $output == 'portsplit: --silence wait: no such warning; there are shadowed, never-wins, '* ]]
}

@test "config: check warns about a missing fallback and timeout" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[c]' 'string = Q' 'exec = /bin/cat' | configure
    run -0 portsplit check "$CONFIG"
    [[ $output == *"$CONFIG:1: warning: no [fallback]: "*' [no-fallback]'* ]]
    [[ $output == *"$CONFIG:1: warning: no [timeout]: "*' [no-timeout]'* ]]
}

# bats test_tags=fault:A6
@test "config: a path that is not a regular file is refused at once" {
    mkfifo "$TMP/fifo"
    local what program
    for what in "$TMP" "$TMP/fifo" /dev/zero "$TMP/missing"; do
        run -78 timeout 5 "$PORTSPLIT_BIN/portsplit" check "$what"
        [[ $output == *"cannot read $what"[:,]* ]]
        run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$what"
        [[ $output == *"cannot read $what"[:,]* ]]
    done
}

@test "config: a file converted to the other spelling and back is the same" {
    write_good
    portsplit convert "$CONFIG" >"$TMP/libconfig"
    portsplit convert --to classic "$TMP/libconfig" >"$TMP/classic"
    portsplit convert --to libconfig "$TMP/classic" >"$TMP/libconfig.again"
    cmp "$TMP/libconfig" "$TMP/libconfig.again"
    portsplit convert "$TMP/libconfig" >"$TMP/classic.again"
    cmp "$TMP/classic" "$TMP/classic.again"
    grep -q '^\[cat\]$' "$TMP/classic"
    grep -q 'services' "$TMP/libconfig"
}

@test "config: a converted file serves like the original" {
    answer web
    local spelling
    for spelling in classic libconfig; do
        # shellcheck disable=SC1003 # the backslash before the quote is one of the pattern
        printf '%s\n' 'bind = 127.0.0.1:0' 'timeout = 60' '[web]' 'string = \00G\FF"\\' \
            "connect = 127.0.0.1:$web_port" | configure
        portsplit convert --to "$spelling" "$CONFIG" >"$TMP/converted"
        mv "$TMP/converted" "$CONFIG"
        start_daemon
        talk 'send:\x00G\xff"\\\\.' 'expect:web:\x00G\xff"\\\\.' shutdown expect-eof
        stop_daemon
    done
}

@test "config: both spellings mean the same" {
    answer web
    cat >"$CONFIG" <<END
bind = [ "127.0.0.1:0" ];
timeout = 60;
services : {
  web : { string = [ "GET ", "POST " ]; connect = "127.0.0.1:$web_port"; };
  cat : { string = "cat"; exec = "/bin/cat"; stdio = "pipe"; };
};
END
    start_daemon
    talk 'send:POST /' 'expect:web:POST /' shutdown expect-eof
    talk send:cat expect:cat shutdown expect-eof
}

@test "config: convert reports every problem of a file, and exits 78" {
    echo 'nonsense' | configure
    run -78 portsplit convert "$CONFIG"
    [[ $output == "$CONFIG:1: nonsense: neither key = value, nor [service], nor # comment"* ]]
}

@test "config: portsplit FILE serves, in the foreground" {
    answer web
    configure_answers web
    spawn_command() {
        "$PORTSPLIT_TOOLS/keeper" "$TMP" "$PORTSPLIT_BIN/portsplit" --log "$LOG" --ready-fd 9 \
            "$CONFIG" 9>"$TMP/ready" >>"$STDERR" 2>&1 3>&- &
        KEEPER=$!
    }
    spawn_command
    wait_until 10 has_content "$TMP/ready"
    DAEMON=$(<"$TMP/pid")
    read -r -a ADDRESSES <"$TMP/ready"
    PORT=${ADDRESSES[2]##*:}
    take_baseline
    reaches web
}

# bats test_tags=fault:A2
@test "config: a daemon refuses a bad file with every problem, and exits 78" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'colour = red' '[x]' 'string = X' 'connect = nowhere' | configure
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *"$CONFIG:2: "* && $output == *"$CONFIG:5: "* ]]
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplit" "$CONFIG"
    [[ $output == *"$CONFIG:2: "* && $output == *"$CONFIG:5: "* ]]
}

@test "config: without a bind the daemon exits 78, and names the key" {
    printf '%s\n' '[x]' 'string = X' 'connect = 127.0.0.1:1' | configure
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *": $CONFIG:1: no bind; write where to listen, such as bind = *:443" ]]
}

@test "config: every program prints its usage and its version" {
    local program option
    for program in portsplit portsplitd portsplit-dispatch; do
        for option in --help -h; do
            run -0 "$PORTSPLIT_BIN/$program" "$option"
            [[ $output == "Usage: $program "* ]]
        done
        for option in --version -V; do
            run -0 "$PORTSPLIT_BIN/$program" "$option"
            [[ $output == "$program "[0-9]* ]]
        done
    done
}

@test "config: every help fits 80 columns and has every option of its command line" {
    local words option
    for words in portsplit 'portsplit check' 'portsplit convert' 'portsplit explain' 'portsplit test' \
        portsplitd portsplit-dispatch; do
        # shellcheck disable=SC2086
        run -0 "$PORTSPLIT_BIN/"$words --help
        echo "$words"
        [[ $output == "Usage: $words "* ]]
        not grep -nE '.{81}| $' <<<"$output"
    done
    # has_options 'COMMAND' WORD...: the help of the command has a line for each.
    has_options() {
        # shellcheck disable=SC2086
        run -0 "$PORTSPLIT_BIN/portsplit" $1 --help
        for option in "${@:2}"; do
            echo "$option"
            grep -qE -e "^  (-[a-zA-Z], )?$option " <<<"$output"
        done
    }
    has_options '' --log --ready-fd --help --version check convert explain test
    has_options check --inetd --silence --help
    has_options convert --to --help
    has_options explain --text --hex --pcap --final --json --help
    has_options test --tap --help
}

@test "config: a word that is no command, and an option of other programs, are answered with what is right" {
    local word
    run -64 portsplit chek x
    [[ $output == 'portsplit: no command chek; did you mean check?' ]]
    for word in status reload help; do
        run -64 portsplit "$word"
        [[ $output == "portsplit: $word: no such file, and no command; commands are check, convert, explain, test, upgrade" ]]
    done
    run -64 portsplit -t "$CONFIG"
    [[ $output == "portsplit: to test a file: portsplit check $CONFIG" ]]
    run -64 "$PORTSPLIT_BIN/portsplitd" -t "$CONFIG"
    [[ $output == "portsplitd: to test a file: portsplit check $CONFIG"$'\n''Try portsplitd --help.' ]]
    run -64 "$PORTSPLIT_BIN/portsplitd" --configtest "$CONFIG"
    [[ $output == "portsplitd: to test a file: portsplit check $CONFIG"$'\n''Try portsplitd --help.' ]]
    run -64 "$PORTSPLIT_BIN/portsplit-dispatch" --configtest "$CONFIG"
    [[ ${lines[0]} == "portsplit-dispatch: to test a file: portsplit check $CONFIG" ]]
    for word in -f --config; do
        run -64 portsplit "$word" "$CONFIG"
        [[ $output == "portsplit: the file is an argument: portsplit $CONFIG" ]]
        run -64 "$PORTSPLIT_BIN/portsplitd" "$word" "$CONFIG"
        [[ $output == "portsplitd: the file is an argument: portsplitd $CONFIG"$'\n''Try portsplitd --help.' ]]
    done
    run -64 "$PORTSPLIT_BIN/portsplitd" explain "$CONFIG"
    [[ $output == 'portsplitd: explain is a command of portsplit: portsplit explain FILE'$'\n''Try portsplitd --help.' ]]
    run -64 "$PORTSPLIT_BIN/portsplitd" test "$CONFIG"
    [[ $output == 'portsplitd: test is a command of portsplit: portsplit test FILE'$'\n''Try portsplitd --help.' ]]
    run -64 portsplit --log "$CONFIG"
    [[ $output == 'portsplit: no FILE; write portsplit [--log WHERE] [--ready-fd N] FILE' ]]
    run -64 portsplit --colour "$CONFIG"
    [[ $output == 'portsplit: The following argument was not expected: --colour; try portsplit --help' ]]
}

# at_terminal COLUMNS COMMAND...: what a command prints on a terminal; script(1) makes one.
at_terminal() {
    local columns=$1
    shift
    printf '%q ' "$@" >"$TMP/command"
    SHELL=$SHELL_PROGRAM script -qfc "stty cols $columns; . $TMP/command" /dev/null </dev/null |
        tr -d '\r' >"$TMP/screen"
}

@test "config: check is coloured and wrapped on a terminal, and neither in a pipe" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[a]' 'string = "SSH-"' 'exec = cat' '[fallback]' 'exec = cat' \
        '[timeout]' 'connect = nowhere' | configure
    cd "$TMP"
    at_terminal 60 env TERM=xterm NO_COLOR= "$PORTSPLIT_BIN/portsplit" check portsplit.conf
    diff - <(sed 's/\x1b\[\([0-9;]*\)m/<\1>/g' "$TMP/screen") <<'END'
<1>portsplit.conf:3:<0> <1;33>warning:<0> string = "SSH-": the quotes are
    part of the pattern; write string = SSH-, or \22 for a
    quote that is meant <36>[quotes]<0>
<1;31>portsplit.conf:8:<0> connect = nowhere: no port; write
    HOST:PORT, such as 127.0.0.1:8443
portsplit.conf: <1;31>cannot be served<0> (errors: 1, warnings: 1)
END
    at_terminal 0 env TERM=xterm NO_COLOR=1 "$PORTSPLIT_BIN/portsplit" check portsplit.conf
    diff - "$TMP/screen" <<'END'
portsplit.conf:3: warning: string = "SSH-": the quotes are part of the pattern;
    write string = SSH-, or \22 for a quote that is meant [quotes]
portsplit.conf:8: connect = nowhere: no port; write HOST:PORT, such as
    127.0.0.1:8443
portsplit.conf: cannot be served (errors: 1, warnings: 1)
END
    run -78 "$PORTSPLIT_BIN/portsplit" check portsplit.conf
    diff - <(printf '%s\n' "$output") <<'END'
portsplit.conf:3: warning: string = "SSH-": the quotes are part of the pattern; write string = SSH-, or \22 for a quote that is meant [quotes]
portsplit.conf:8: connect = nowhere: no port; write HOST:PORT, such as 127.0.0.1:8443
portsplit.conf: cannot be served (errors: 1, warnings: 1)
END
}

@test "config: explain says on a terminal that it reads bytes, and how to end" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[a]' 'string = A' 'exec = cat' | configure
    at_terminal 80 "$PORTSPLIT_BIN/portsplit" explain "$CONFIG"
    head -n 1 "$TMP/screen"
    [[ $(head -n 1 "$TMP/screen") == \
        'portsplit: reading bytes from the terminal; end with Ctrl-D, or use --text, --hex, --pcap' ]]
    run -0 portsplit explain "$CONFIG" </dev/null
    [[ $output != *terminal* ]]
}


@test "config: a wrong command line exits 64" {
    local program
    for program in portsplit portsplitd portsplit-dispatch; do
        run -64 "$PORTSPLIT_BIN/$program"
        run -64 "$PORTSPLIT_BIN/$program" --no-such-option
        run -64 "$PORTSPLIT_BIN/$program" one two three
    done
    run -64 "$PORTSPLIT_BIN/portsplitd" --ready-fd 77 file
    run -64 "$PORTSPLIT_BIN/portsplitd" --ready-fd x file
    run -64 "$PORTSPLIT_BIN/portsplit" check
    run -64 "$PORTSPLIT_BIN/portsplit" convert --to english file
}

# bats test_tags=fault:A5,fault:D10
@test "config: check reports missing programs and users beside every other problem" {
    configure <<END
bind = 127.0.0.1:0
user = nosuchuser
timeot = 3
[a]
string = A
exec = /nonexistent/foo
END
    run -78 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == "$CONFIG:2: user = nosuchuser: no such user; create it or name another
$CONFIG:3: unknown key timeot; did you mean timeout?
$CONFIG:6: exec = /nonexistent/foo: No such file or directory; name an executable program"* ]]
}

@test "config: check warns about quotes, comments, hex and blanks in values, and --silence leaves them out" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[a]' 'string = "SSH-"' 'string = GET   # web' 'string = 0x16' \
        'string = \x16' 'string = x ' 'exec = cat' '[Fallback]' 'string = y' 'exec = cat' \
        '[fallback]' 'exec = cat' '[timeout]' 'exec = cat' | configure
    run -0 portsplit check "$CONFIG"
    diff - <(printf '%s\n' "$output") <<END
$CONFIG:3: warning: string = "SSH-": the quotes are part of the pattern; write string = SSH-, or \22 for a quote that is meant [quotes]
$CONFIG:4: warning: string = GET   # web: "# web" is part of the pattern: a comment needs a line of its own; write string = GET, or \23 for a # that is meant [comment]
$CONFIG:5: warning: string = 0x16: a string is text, and this looks like bytes in hex; write hex = 16 [hex-looking]
$CONFIG:6: warning: string = \x16: \x16 is no escape here and stays as it is; write \16 [backslash]
$CONFIG:7: warning: string: blanks at the end of the value are dropped; write \20 for one that belongs to it [blanks]
$CONFIG:9: warning: service Fallback: a service like any other: names are case-sensitive, and only [fallback] takes clients that match nothing [case]
$CONFIG: can be served (errors: 0, warnings: 6)
END
    run -0 portsplit check --silence quotes:a --silence comment --silence hex-looking --silence backslash \
        --silence blanks:a --silence case:Fallback "$CONFIG"
    [[ $output == "$CONFIG: can be served (errors: 0, warnings: 0)" ]]
}

# bats test_tags=fault:A5
@test "config: check warns about what every user can write, and about a script on the socket" {
    printf '#!/bin/sh\necho hello\n' >"$TMP/script"
    chmod 757 "$TMP/script"
    printf '%s\n' 'bind = 127.0.0.1:0' 'user = nobody' '[a]' 'string = A' "exec = $TMP/script" \
        '[fallback]' 'exec = cat' '[timeout]' 'exec = cat' | configure
    chmod 646 "$CONFIG"
    run -0 portsplit check "$CONFIG"
    diff - <(printf '%s\n' "$output") <<END
$CONFIG:1: warning: every user can write $CONFIG, and so choose where clients go and what runs as nobody; chmod o-w $CONFIG [writable]
$CONFIG:5: warning: service a: every user can write $TMP/script, and so choose what runs as nobody; chmod o-w $TMP/script [writable]
$CONFIG:5: warning: service a: exec = $TMP/script is a script, and its stdio is socket: if it ends before it has read all that the client sent, the client's connection is reset; write stdio = pipe [script]
$CONFIG: can be served (errors: 0, warnings: 3)
END
    run -0 portsplit check --silence script:a --silence writable "$CONFIG"
    [[ $output == "$CONFIG: can be served (errors: 0, warnings: 0)" ]]
    sed -i '/^user/d' "$CONFIG"
    start_daemon
    log_has "$CONFIG:1: warning: every user can write $CONFIG, and so choose where clients go and what runs as the user that starts Portsplit; chmod o-w $CONFIG\$"
    not log_has 'is a script'
}

@test "config: a file of another program is recognised, by check and by the daemon" {
    printf '%s\n' 'timeout: 2;' 'listen: ( { host: "0.0.0.0"; port: "443"; } );' \
        'protocols: ( { name: "ssh"; host: "localhost"; port: "22"; } );' | configure
    local message="$CONFIG:1: this looks like an sslh configuration, which Portsplit cannot read; each address of listen is a bind here; each protocol a [service] with include = NAME of portsplit-patterns(7), or a pattern, and connect; anyprot is [fallback], and on-timeout [timeout]; see portsplit.conf(5)"
    run -78 portsplit check "$CONFIG"
    [[ $output == "$message"$'\n'"$CONFIG: cannot be served (errors: 1, warnings: 0)" ]]
    run -78 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ ${#lines[@]} == 1 && $output == *"$message" ]]
    # The real file of a super-server that the tests have.
    local real=$PORTSPLIT_PEERS/../../etc/xinetd.conf
    run -78 portsplit check "$real"
    [[ $output == "$real:1: this looks like an xinetd configuration, which Portsplit cannot read; each of its services is a [service] here, with a pattern, exec for its server and execarg for each argument; see portsplit.conf(5)"* ]]
}

# --- include

# A file that includes a list of addresses and a service, and in a service the entry `ssh` of the library.
write_including() {
    mkdir -p "$TMP/conf.d"
    printf '%s\n' 'bind = [ "127.0.0.1:0" ];' 'timeout = 60;' >"$TMP/listeners.conf"
    printf '%s\n' '[web]' 'string = GET' "connect = 127.0.0.1:$web_port" >"$TMP/conf.d/web.conf"
    printf '%s\n' 'include = ./listeners.conf' 'include = conf.d/web.conf' \
        '[shell]' 'include = ssh' "connect = 127.0.0.1:$shell_port" | configure
}

write_including_in_libconfig() {
    write_including
    cat >"$CONFIG" <<END
include = [ "./listeners.conf", "$TMP/conf.d/web.conf" ];
services : { shell : { include = "ssh"; connect = "127.0.0.1:$shell_port"; }; };
END
}

@test "config: include takes a pattern of the library by its name, and any file by its path" {
    answer web shell
    local write
    for write in write_including write_including_in_libconfig; do
        "$write"
        start_daemon
        talk 'send:GET /' 'expect:web:GET /' shutdown expect-eof
        talk send:SSH-2.0-x expect:shell:SSH-2.0-x shutdown expect-eof
        stop_daemon
    done
}

@test "config: include works under a super-server too" {
    web_port=1 shell_port=1
    write_including
    # The file is valid; only descriptor 0 is not a socket.
    run -64 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log stderr "$CONFIG" </dev/null
    rm "$TMP/conf.d/web.conf"
    run -78 "$PORTSPLIT_BIN/portsplit-dispatch" --inetd --log stderr "$CONFIG" </dev/null
    [[ $output == *"$CONFIG:2: include = conf.d/web.conf: cannot read $TMP/conf.d/web.conf: No such file or directory" ]]
}

@test "config: check names the file and line of a problem in what is included" {
    web_port=1 shell_port=1
    write_including
    echo 'strnig = Q' >>"$TMP/conf.d/web.conf"
    echo 'timeout = 5' >>"$TMP/listeners.conf"
    echo 'include = shh' >>"$CONFIG"
    run -78 portsplit check "$CONFIG"
    [[ $output == "$CONFIG:6: include = shh: cannot read "*"/patterns/shh.conf: No such file or directory; did you mean ssh?
$TMP/listeners.conf:3: a key or service that its group has already"*"
$TMP/conf.d/web.conf:4: unknown key strnig; did you mean string?"* ]]
    printf '%s\n' 'timeout = 7' 'include = ./listeners.conf' '[fallback]' 'exec = cat' | configure
    printf '%s\n' '' 'bind = 127.0.0.1:0' 'timeout = 5' >"$TMP/listeners.conf"
    run -78 portsplit check "$CONFIG"
    [[ $output == *"$TMP/listeners.conf:3: timeout = 5: set at $CONFIG:1 already; keep one of the two"* ]]
}

@test "config: files that include each other in a circle are refused, and the message names the circle" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'include = ./other' | configure
    printf '%s\n' '# back' 'include = "./portsplit.conf";' >"$TMP/other"
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplit" check "$CONFIG"
    [[ $output == *"$TMP/other:2: include = \"./portsplit.conf\": a file that includes itself: $CONFIG:2 includes $TMP/other:2 includes $CONFIG; "* ]]
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *"$TMP/other:2: "* ]]
}

@test "config: convert prints what is included in its place" {
    web_port=80 shell_port=22
    write_including
    run -0 portsplit convert --to classic "$CONFIG"
    [[ $output == "bind    = 127.0.0.1:0
timeout = 60

[web]
string  = GET
connect = 127.0.0.1:80

[shell]
"*"SSH-"*"
connect = 127.0.0.1:22" ]]
    [[ $output != *include* ]]
}

@test "config: a reload reads what is included anew, and a broken include changes nothing" {
    answer one two
    printf '%s\n' 'bind = 127.0.0.1:0' 'include = ./services' | configure
    printf '%s\n' '[x]' 'string = X' "connect = 127.0.0.1:$one_port" >"$TMP/services"
    start_daemon
    talk send:X expect:one:X shutdown expect-eof
    printf '%s\n' '[x]' 'string = X' "connect = 127.0.0.1:$two_port" >"$TMP/services"
    reload
    log_says "reloaded $CONFIG"
    talk send:X expect:two:X shutdown expect-eof
    echo 'colour = red' >>"$TMP/services"
    reload
    log_says "$TMP/services:4: unknown key colour"
    log_says "reload failed: 1 problem in $CONFIG; still serving the configuration loaded at 20..-..-.. ..:..\$"
    talk send:X expect:two:X shutdown expect-eof
    rm "$TMP/services"
    reload
    log_says "$CONFIG:2: include = ./services: cannot read $TMP/services: No such file or directory"
    talk send:X expect:two:X shutdown expect-eof
}
