#!/usr/bin/env bats
# The command for administrators says everything that is wrong with a file, turns one spelling into
# the other, and serves.

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

@test "config: check names every problem with its line, and exits 78" {
    printf '%s\n' 'bind = 127.0.0.1:70000' 'timeout = soon' 'colour = red' '[a]' 'string = X' \
        '[b]' 'string = Y' 'exec = /bin/cat' 'connect = 127.0.0.1:1' '[b]' 'connect = nowhere' \
        'strnig = Z' '[c]' 'string = Q' 'exec = /no/such/program' | configure
    run -78 portsplit check "$CONFIG"
    local at
    for at in '1: .*70000' '2: .*soon' '3: .*colour' '4: ' '[89]: ' '10: ' '11: .*nowhere' \
        '12: .*did you mean string'; do
        grep -qE "^$CONFIG:$at" <<<"$output"
    done
}

@test "config: check looks for the programs and users that a file names" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'user = no-such-user' '[c]' 'string = Q' \
        'exec = /no/such/program' | configure
    run portsplit check "$CONFIG"
    grep -qE "^$CONFIG:2: .*no-such-user" <<<"$output"
    grep -qE "^$CONFIG:5: .*/no/such/program" <<<"$output"
}

@test "config: check says where a fallback and a timeout are missing" {
    printf '%s\n' 'bind = 127.0.0.1:0' '[c]' 'string = Q' 'exec = /bin/cat' | configure
    run portsplit check "$CONFIG"
    grep -q fallback <<<"$output"
    grep -q timeout <<<"$output"
}

@test "config: what is no file is refused at once" {
    mkfifo "$TMP/fifo"
    local what program
    for what in "$TMP" "$TMP/fifo" /dev/zero "$TMP/missing"; do
        run -78 timeout 5 "$PORTSPLIT_BIN/portsplit" check "$what"
        [[ $output == *"$what"* ]]
        run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$what"
        [[ $output == *"$what"* ]]
    done
}

@test "config: a file converted there and back says the same" {
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

@test "config: a converted file serves as the one it came from" {
    answer web
    local spelling
    for spelling in classic libconfig; do
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

@test "config: a problem in what cannot be converted is told, and exits 78" {
    echo 'nonsense' | configure
    run -78 portsplit convert "$CONFIG"
    [[ $output == *"$CONFIG:1: "* ]]
}

@test "config: portsplit FILE serves, in the foreground" {
    answer web
    printf '%s\n' 'bind = 127.0.0.1:0' '[web]' 'string = X' "connect = 127.0.0.1:$web_port" | configure
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
    talk send:X expect:web:X shutdown expect-eof
}

@test "config: a daemon refuses a bad file with every problem, and exits 78" {
    printf '%s\n' 'bind = 127.0.0.1:0' 'colour = red' '[x]' 'string = X' 'connect = nowhere' | configure
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *"$CONFIG:2: "* && $output == *"$CONFIG:5: "* ]]
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplit" "$CONFIG"
    [[ $output == *"$CONFIG:2: "* && $output == *"$CONFIG:5: "* ]]
}

@test "config: without an address to listen on the daemon says so" {
    printf '%s\n' '[x]' 'string = X' 'connect = 127.0.0.1:1' | configure
    run -78 timeout 5 "$PORTSPLIT_BIN/portsplitd" "$CONFIG"
    [[ $output == *bind* ]]
}

@test "config: every program tells its usage and its version" {
    local program
    for program in portsplit portsplitd portsplit-dispatch; do
        run -0 "$PORTSPLIT_BIN/$program" --help
        [[ $output == *[Uu]sage* ]]
        run -0 "$PORTSPLIT_BIN/$program" --version
        [[ $output == "$program "[0-9]* ]]
    done
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

@test "config: check tells of missing programs and users beside every other problem" {
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
