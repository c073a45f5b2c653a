#!/bin/sh
# Sets up what the kernel needs for services with `transparent = yes`, and takes it away again. See `usage` below.
#
# How it works: a target answers to the client's address, which is not an address of this machine. A rule of
# policy routing sends these answers through the routing table $TABLE, whose only route delivers every address
# to this machine. Which answers these are depends on the place of the target:
#
#   another host       The answers come in. nftables marks those that belong to a transparent socket of this
#                      machine (nft(8), socket expression), and the rule asks for the mark.
#   this host          The answers go out. Connection tracking knows those of a connection that a transparent
#                      socket began, so direct clients of the target are not touched.
#   127.0.0.1 and ::1  The kernel refuses to send from these addresses to another machine before nftables sees
#                      the packet. So the rule asks for the address and port, and there is no mark.
#
# The rule names the target (`from`), also where there is a mark. So a check of the source address that looks
# at the mark (net.ipv4.conf.*.src_valid_mark, firewalld's IPv6_rpfilter) looks in the usual table.
set -eu

TABLE=5053     # of routes; also the preference of the rules
MARK=0x1000000 # one bit; the other bits of a mark stay as they are
NFT_TABLE=portsplit_transparent
PORTSPLIT=${PORTSPLIT:-portsplit}

usage() {
    cat <<'END_OF_USAGE'
Usage: transparent.sh up [--config FILE]... [HOST:PORT]...
       transparent.sh down
       transparent.sh status
Set up what the kernel needs for services of Portsplit with transparent = yes.

  up              for these targets, and for no others: what an earlier call set
                  up for others is taken away
  down            take everything away that `up` has set up
  status          print what is set up; exit with 1 if nothing is, or if a part
                  is missing
  --config FILE   the targets of all transparent services of a configuration,
                  which portsplit reads
  -h, --help      print this and exit

Needs root, nft(8) and ip(8). PORTSPLIT in the environment is the path of
portsplit. A name is looked up now: when its addresses change, call `up` again.
END_OF_USAGE
}

say() { printf 'transparent.sh: %s\n' "$*"; }
# fail CODE TEXT...: the codes are those of sysexits(3).
fail() {
    code=$1
    shift
    say "$@" >&2
    exit "$code"
}
refuse_usage() { fail 64 "$*; try transparent.sh --help"; }

# --- the targets ----------------------------------------------------------------------------------

# Prints `HOST:PORT` of each target of a transparent service of the configuration $1, one a line.
targets_of_file() {
    text=$("$PORTSPLIT" convert --to classic "$1") ||
        fail 78 "$1: $PORTSPLIT cannot read it; portsplit check prints what is wrong"
    printf '%s\n' "$text" | awk '
        function flush() { if (transparent) printf "%s", targets; transparent = 0; targets = "" }
        # A line of a layout can have the name of a key.
        /^\[/ { flush(); is_service = !/^\[(layout|listener) / }
        is_service && /^connect +=/ { targets = targets $3 "\n" }
        is_service && /^transparent += yes$/ { transparent = 1 }
        END { flush() }'
}

# Prints `ADDRESS PORT` of each address of the target $1, one a line.
addresses_of() {
    port=${1##*:}
    host=${1%:*}
    host=${host#\[}
    host=${host%\]}
    case $port in
        '' | *[!0-9]* | ??????*) port=0 ;;
    esac
    if [ "$port" -lt 1 ] || [ "$port" -gt 65535 ] || [ "$host" = "$1" ] || [ -z "$host" ]; then
        refuse_usage "$1 is not HOST:PORT"
    fi
    case $host in
        *%*) fail 64 "$1: an address of a link cannot be a transparent target" ;;
        0.0.0.0) host=127.0.0.1 ;; # connect(2) takes it for this machine
        ::) host=::1 ;;
    esac
    found=$(getent ahosts "$host") || found=
    # Portsplit takes these names for both, where the name service may have one of them.
    case $host in
        localhost | *.localhost) found="$found
127.0.0.1 STREAM
$([ ! -e /proc/net/if_inet6 ] || echo ::1 STREAM)" ;;
    esac
    [ -n "$found" ] || fail 71 "$host: no address is known"
    printf '%s\n' "$found" | awk -v port="$port" '$2 == "STREAM" && !seen[$1]++ { print $1, port }'
}

family_of() { case $1 in *:*) echo 6 ;; *) echo 4 ;; esac; }

# place_of ADDRESS: prints loopback, this (another address of this machine) or other.
place_of() {
    case $1 in 127.* | ::1) echo loopback && return ;; esac
    case $(ip "-$(family_of "$1")" route get "$1" 2>/dev/null) in
        local*) echo this ;;
        *) echo other ;;
    esac
}

# Prints `PLACE FAMILY ADDRESS PORT` for the targets that are given, one a line.
places_of() {
    all=
    for target; do
        more=$(addresses_of "$target") || exit
        all="$all$more
"
    done
    printf '%s' "$all" | sort -u | while read -r address port; do
        printf '%s %s %s %s\n' "$(place_of "$address")" "$(family_of "$address")" "$address" "$port"
    done
}

# --- nftables -------------------------------------------------------------------------------------

# elements PLACE FAMILY: prints the members of a set of nft, of those in $PLACES.
elements() {
    printf '%s\n' "$PLACES" | awk -v place="$1" -v family="$2" '
        $1 == place && $2 == family { text = text (text ? ", " : "") $3 " . " $4 }
        END { print text }'
}

# nft_set NAME TYPE ELEMENTS
nft_set() { printf '    set %s { type %s . inet_service; elements = { %s }; }\n' "$@"; }

# Prints the chains for the targets in $PLACES. A chain without targets is left out: one that looks at the state
# of connections makes the kernel track every connection.
ruleset() {
    other4=$(elements other 4)
    other6=$(elements other 6)
    this4=$(elements this 4)
    this6=$(elements this 6)
    set_mark="meta mark set meta mark or $MARK"
    # The order matters: an answer is one only if the first packet of its connection has been seen.
    began="socket transparent 1 ct mark set ct mark or $MARK"
    answer="ct direction reply ct mark and $MARK == $MARK $set_mark"
    # Added first, so that deleting it never fails; all of this is one transaction.
    printf 'table inet %s\ndelete table inet %s\ntable inet %s {\n' "$NFT_TABLE" "$NFT_TABLE" "$NFT_TABLE"
    [ -z "$other4" ] || nft_set other_hosts4 ipv4_addr "$other4"
    [ -z "$other6" ] || nft_set other_hosts6 ipv6_addr "$other6"
    [ -z "$this4" ] || nft_set this_host4 ipv4_addr "$this4"
    [ -z "$this6" ] || nft_set this_host6 ipv6_addr "$this6"
    if [ -n "$other4$other6" ]; then
        echo '    chain prerouting {'
        echo '        type filter hook prerouting priority mangle; policy accept;'
        [ -z "$other4" ] || echo "        ip saddr . tcp sport @other_hosts4 socket transparent 1 $set_mark"
        [ -z "$other6" ] || echo "        ip6 saddr . tcp sport @other_hosts6 socket transparent 1 $set_mark"
        echo '    }'
    fi
    if [ -n "$this4$this6" ]; then
        echo '    chain output {'
        echo '        type route hook output priority mangle; policy accept;'
        [ -z "$this4" ] || echo "        ip daddr . tcp dport @this_host4 $began"
        [ -z "$this6" ] || echo "        ip6 daddr . tcp dport @this_host6 $began"
        [ -z "$this4" ] || echo "        ip saddr . tcp sport @this_host4 $answer"
        [ -z "$this6" ] || echo "        ip6 saddr . tcp sport @this_host6 $answer"
        echo '    }'
    fi
    echo '}'
}

has_nft_table() { nft list table inet "$NFT_TABLE" >/dev/null 2>&1; }
remove_nft_table() { ! has_nft_table || nft delete table inet "$NFT_TABLE"; }

# --- rules and routes -----------------------------------------------------------------------------

# rules_wanted FAMILY: prints the rules for the targets in $PLACES as `ip rule` prints them, without the preference.
rules_wanted() {
    printf '%s\n' "$PLACES" | awk -v family="$1" -v table="$TABLE" -v mark="$MARK" '
        $2 != family { next }
        # A lookup that nftables repeats after it has changed a packet has no port, so what it has sent from
        # 127.0.0.1 to another address on purpose does not fit this rule.
        $1 == "loopback" { rule = "from " $3 " iif lo ipproto tcp sport " $4 " lookup " table }
        $1 != "loopback" { rule = "from " $3 " fwmark " mark "/" mark " lookup " table }
        !seen[rule]++ { print rule }'
}

# rules_there FAMILY: prints all rules of our preference in the same form.
rules_there() {
    ip "-$1" rule show 2>/dev/null | sed -n "s/[[:blank:]]*$//; s/^$TABLE:[[:blank:]]*//p"
}
routes_there() { ip "-$1" route show table "$TABLE" 2>/dev/null | sed 's/[[:blank:]]*$//'; }

# add_rules FAMILY, delete_rules FAMILY: the rules come on standard input.
add_rules() {
    while read -r rule; do
        # shellcheck disable=SC2086 # words of a command line
        ip "-$1" rule add pref "$TABLE" $rule </dev/null
    done
}
delete_rules() {
    while read -r rule; do
        # shellcheck disable=SC2086
        ip "-$1" rule delete pref "$TABLE" $rule </dev/null
    done
}

# lines_without LINES OTHERS: prints the lines that are not among the others.
lines_without() {
    printf '%s\n' "$1" | while read -r line; do
        [ -z "$line" ] || printf '%s\n' "$2" | grep -qxF -e "$line" || printf '%s\n' "$line"
    done
}

# change_rules FAMILY WANTED: a rule that stays is not touched, so connections go on.
change_rules() {
    there=$(rules_there "$1")
    lines_without "$there" "$2" | delete_rules "$1"
    lines_without "$2" "$there" | add_rules "$1"
}

# change_family FAMILY WANTED: makes these the rules. The order matters: without the route, a rule would send the
# answers on to the next rule.
change_family() {
    [ -z "$2" ] || ip "-$1" route replace local default dev lo table "$TABLE"
    change_rules "$1" "$2"
    [ -n "$2" ] || [ -z "$(routes_there "$1")" ] || ip "-$1" route delete local default dev lo table "$TABLE"
}

# Fails if another program uses the table or the preference.
refuse_foreign() {
    for family in 4 6; do
        foreign=$(routes_there "$family" | grep -v '^local default dev lo\>' || true)
        [ -z "$foreign" ] || fail 71 "the routing table $TABLE has a route of another program: $foreign;" \
            "change TABLE in this script"
        foreign=$(rules_there "$family" | grep -v " lookup $TABLE\$" || true)
        [ -z "$foreign" ] || fail 71 "another program has a rule of preference $TABLE: $foreign;" \
            "change TABLE in this script"
    done
}

# --- the commands ---------------------------------------------------------------------------------

need_tools() {
    for tool in ip nft; do
        command -v "$tool" >/dev/null || fail 71 "$tool is not installed (Debian's packages: iproute2, nftables)"
    done
    [ "$(id -u)" = 0 ] || fail 71 'only root can do this'
}

describe_places() {
    printf '%s\n' "$PLACES" | while read -r place family address port; do
        [ "$family" = 4 ] || address="[$address]"
        case $place in
            loopback) say "$address:$port is a loopback address: a rule turns its answers around" ;;
            this) say "$address:$port is on this host: nftables marks its answers as they go out" ;;
            other) say "$address:$port is on another host: nftables marks its answers as they come in" ;;
        esac
    done
}

# Sets PLACES from the command line.
read_targets() {
    targets=
    is_given=no
    while [ $# -gt 0 ]; do
        is_given=yes
        case $1 in
            --config)
                [ $# -ge 2 ] || refuse_usage '--config needs a file'
                more=$(targets_of_file "$2") || exit
                [ -n "$more" ] || say "$2: no service is transparent"
                shift
                ;;
            -*) refuse_usage "no option $1" ;;
            *) more=$1 ;;
        esac
        targets="$targets $more"
        shift
    done
    [ "$is_given" = yes ] || refuse_usage 'no target; write HOST:PORT or --config FILE'
    # No target has a blank or a sign of a pattern; `set -f` is for those that are wrong.
    set -f
    # shellcheck disable=SC2086
    PLACES=$(places_of $targets) || exit
    set +f
}

up() {
    need_tools
    read_targets "$@"
    if [ -z "$PLACES" ]; then
        take_down
        return
    fi
    refuse_foreign
    describe_places
    for family in 4 6; do
        change_family "$family" "$(rules_wanted "$family")"
    done
    if printf '%s\n' "$PLACES" | grep -qv '^loopback '; then
        ruleset | nft -f - || fail 71 'nft has refused the rules, so the set-up is not complete'
    else
        remove_nft_table
    fi
    say "set up: $(what_is_there)"
}

what_is_there() {
    count=$( (rules_there 4; rules_there 6) | grep -c .) || true
    printf 'rules: %s, nftables table: %s' "$count" "$(has_nft_table && echo "inet $NFT_TABLE" || echo none)"
}

is_anything_there() {
    has_nft_table || [ -n "$(rules_there 4)$(rules_there 6)$(routes_there 4)$(routes_there 6)" ]
}

take_down() {
    if ! is_anything_there; then
        say 'nothing is set up'
        return
    fi
    refuse_foreign
    remove_nft_table
    for family in 4 6; do
        change_family "$family" ''
    done
    say 'everything is taken away'
}

down() {
    [ $# = 0 ] || refuse_usage 'down takes no arguments'
    need_tools
    take_down
}

# Prints what is missing, one a line. What `up` has set up is complete if each family with rules has the
# route, and if there is a table of nft when a rule asks for the mark.
missing_parts() {
    for family in 4 6; do
        rules=$(rules_there "$family")
        [ -n "$rules" ] || continue
        [ -n "$(routes_there "$family")" ] || echo "the route in table $TABLE for IPv$family"
        case $rules in *fwmark*) has_nft_table || echo "nft's table inet $NFT_TABLE for IPv$family" ;; esac
    done
    [ -n "$(rules_there 4)$(rules_there 6)" ] || echo "the rules of preference $TABLE"
}

status() {
    [ $# = 0 ] || refuse_usage 'status takes no arguments'
    need_tools
    is_anything_there || fail 1 'nothing is set up'
    for family in 4 6; do
        rules_there "$family" | sed "s/^/ip -$family rule: /"
        routes_there "$family" | sed "s/^/ip -$family route, table $TABLE: /"
    done
    ! has_nft_table || nft list table inet "$NFT_TABLE"
    missing=$(missing_parts)
    [ -z "$missing" ] || fail 1 "missing:$(printf '%s\n' "$missing" | awk '{ printf " %s;", $0 }') call up again"
}

main() {
    [ $# -gt 0 ] || { usage >&2; exit 64; }
    command=$1
    shift
    case "$command ${1:-}" in
        -h' '* | --help' '* | *' -h' | *' --help') usage; exit ;;
    esac
    case $command in
        up | down | status) "$command" "$@" ;;
        *) refuse_usage "no command $command" ;;
    esac
}

main "$@"
