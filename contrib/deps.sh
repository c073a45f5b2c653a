#!/usr/bin/env bash
# Installs the packages that are missing, on Debian, Ubuntu and Fedora. See `usage` below.
set -euo pipefail

cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: contrib/deps.sh [build|test|check|demo|fuzz|bench]...
Install the packages that are missing for a purpose, by default build.

  build   to configure and build any preset but fuzz
  test    to run the tests
  check   to check the sources: clang-format, clang-tidy, shellcheck
  demo    to run contrib/demo.sh
  fuzz    to build the fuzz preset
  bench   to run integration/bench/bench against every peer

Needs root only if something is missing. Starts no service.
END
}

say() { printf 'deps.sh: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }

# --- which packages -------------------------------------------------------------------------------

debian_packages() {
    case $1 in
        build) echo g++ cmake ninja-build pkg-config libconfig-dev libc-ares-dev libfmt-dev \
            libcli11-dev libsystemd-dev libpcre2-dev libpcap-dev nlohmann-json3-dev libgtest-dev \
            libssl-dev libgnutls28-dev bats man-db ;;
        test) echo bats socat curl openssl openssh-client openssh-server busybox strace \
            netcat-openbsd ncat stunnel4 tcpd ncurses-bin iproute2 nftables procps util-linux \
            systemd ucspi-tcp s6 runit perl haproxy nginx libnginx-mod-stream postgresql mosquitto slapd \
            apache2-bin dovecot-imapd varnish php-fpm lego pebble python3 python3-websockets freerdp2-x11 xvfb tcpdump \
            nftables conntrack keepalived python3-yaml python3-kubernetes \
            libbsd0 libevent-2.1-7 libtirpc3 libwrap0 ;;
        check) echo clang-format clang-tidy shellcheck git ;;
        demo) echo curl openssl openssh-client openssh-server busybox netcat-openbsd util-linux ;;
        fuzz) echo clang libclang-rt-dev ;;
        bench) echo haproxy nginx libnginx-mod-stream sslh socat ucspi-tcp systemd iperf3 jq \
            gnuplot-nox iproute2 util-linux ;;
    esac
}

fedora_packages() {
    case $1 in
        build) echo gcc-c++ cmake ninja-build pkgconf-pkg-config libconfig-devel c-ares-devel \
            fmt-devel cli11-devel systemd-devel pcre2-devel libpcap-devel json-devel gtest-devel \
            openssl-devel gnutls-devel bats man-db glibc-static libstdc++-static ;;
        test) echo bats socat curl openssl openssh-clients openssh-server busybox strace netcat nmap-ncat stunnel \
            iproute nftables procps-ng util-linux perl-Test-Harness haproxy nginx nginx-mod-stream postgresql-server \
            postgresql mosquitto openldap-servers httpd dovecot varnish php-fpm python3 python3-websockets freerdp xorg-x11-server-Xvfb \
            tcpdump nftables conntrack-tools keepalived python3-pyyaml python3-kubernetes ;;
        check) echo clang-tools-extra ShellCheck git ;;
        demo) echo curl openssl openssh-clients openssh-server busybox netcat util-linux ;;
        fuzz) echo clang compiler-rt ;;
        bench) echo haproxy nginx nginx-mod-stream sslh socat systemd iperf3 jq gnuplot iproute \
            util-linux ;;
    esac
}

# --- which of them are missing --------------------------------------------------------------------

debian_has() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed* ]]; }
fedora_has() { rpm -q --quiet --whatprovides "$1"; }

# find_missing PURPOSE...: the missing packages, in MISSING.
find_missing() {
    local group package
    declare -A seen=()
    MISSING=()
    for group; do
        for package in $("${SYSTEM}_packages" "$group"); do
            [[ -z ${seen[$package]:-} ]] || continue
            seen[$package]=yes
            "${SYSTEM}_has" "$package" || MISSING+=("$package")
        done
    done
}

# --- installing -----------------------------------------------------------------------------------

# Prints the output of a command only if it fails, and not if another program installs packages now.
quietly() {
    OUTPUT=$("$@" 2>&1 </dev/null) && return
    is_locked || printf '%s\n' "$OUTPUT" >&2
    return 1
}

# is_locked: the last command failed because another program holds the lock of the packages.
is_locked() { [[ $OUTPUT == *'Could not get lock'* || $OUTPUT == *'Unable to lock'* ]]; }

debian_install() {
    quietly apt-get -q update || say 'apt-get update failed; trying with the lists there are' >&2
    quietly apt-get -q -y --no-install-recommends install "$@"
}

fedora_install() { quietly dnf -q -y --setopt=install_weak_deps=False install "$@"; }

# A new package may start its service. These variables prevent it: systemctl works offline
# (systemd.io/ENVIRONMENT), invoke-rc.d sees runlevel 1 (single user), and needrestart is suspended.
install_quietly() {
    export DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 NEEDRESTART_SUSPEND=1
    "${SYSTEM}_install" "$@" || {
        ! is_locked || fail "another apt is running; try again when it has ended. Missing: $*"
        fail "these packages could not be installed: $*"
    }
    local server
    for server in openssh-server haproxy nginx sslh postgresql mosquitto slapd keepalived \
        dovecot-imapd dovecot varnish php-fpm httpd; do
        [[ " $* " != *" $server "* ]] || keep_off "$server"
    done
}

units_of() {
    case $1 in
        openssh-server) echo ssh.service ssh.socket sshd.service ;;
        sslh) echo sslh.service sslh.socket ;;
        dovecot*) echo dovecot.service dovecot.socket ;;
        varnish) echo varnish.service varnishncsa.service ;;
        php-fpm) (cd /usr/lib/systemd/system && echo php*-fpm.service phpsessionclean.timer) ;;
        *) echo "$1.service" ;;
    esac
}

# Disables a server that only the tests need, also at the next boot. Offline, systemctl changes only the
# links that the package made.
keep_off() {
    local unit
    say "$1 is installed, but left stopped and disabled"
    command -v systemctl >/dev/null || return 0
    for unit in $(units_of "$1"); do
        systemctl --quiet disable "$unit" >/dev/null 2>&1 || true
    done
}

# Unpacks the super-servers of the tests in the build folder. They are not installed, because the two
# packages exclude each other, and this machine may use one of them.
unpack_super_servers() {
    local folder=build/peers scratch
    [[ $SYSTEM == debian && ! -x $folder/usr/sbin/xinetd ]] || return 0
    say "unpacking xinetd and openbsd-inetd in $folder"
    mkdir -p "$folder"
    scratch=$(mktemp -d)
    (cd "$scratch" && quietly apt-get -q download xinetd openbsd-inetd) ||
        fail 'xinetd and openbsd-inetd could not be fetched'
    for package in "$scratch"/*.deb; do dpkg -x "$package" "$folder"; done
    rm -r "$scratch"
}

# --- all of it ------------------------------------------------------------------------------------

# Whose package names to use, debian or fedora, in SYSTEM.
find_system() {
    if command -v apt-get >/dev/null; then
        SYSTEM=debian
    elif command -v dnf >/dev/null; then
        SYSTEM=fedora
    else
        fail "neither apt-get nor dnf is installed. In Debian's names the packages are:" \
            "$(for group; do debian_packages "$group"; done | tr '\n' ' ')"
    fi
}

install_missing() {
    if ((EUID != 0)); then
        say "missing: ${MISSING[*]}" >&2
        fail "only root can install them: sudo $0 $*"
    fi
    say "installing ${MISSING[*]}"
    install_quietly "${MISSING[@]}"
}

main() {
    local group groups=("$@")
    ((${#groups[@]} > 0)) || groups=(build)
    for group in "${groups[@]}"; do
        case $group in
            build | test | check | demo | fuzz | bench) ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; exit 64 ;;
        esac
    done
    find_system "${groups[@]}"
    find_missing "${groups[@]}"
    ((${#MISSING[@]} == 0)) || install_missing "${groups[@]}"
    [[ ! " ${groups[*]} " =~ ' '(test|bench)' ' ]] || unpack_super_servers
}

main "$@"
