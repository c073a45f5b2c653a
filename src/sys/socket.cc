#include "sys/socket.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace portsplit::sys {
namespace {

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

int get_option(int fd, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, level, name, &value, &length) < 0 ? 0 : value;
}

constexpr int kStream = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

UniqueFd new_listener(int family, bool multipath) {
    if (multipath && family != AF_UNIX) {
        UniqueFd fd(::socket(family, kStream, IPPROTO_MPTCP));
        if (fd) return fd;  // else the kernel has no Multipath TCP, or it is off
    }
    return UniqueFd(::socket(family, kStream, 0));
}

/// Sets an option of IPv4 or IPv6 that allows addresses which this machine does not have.
bool set_any_address(int fd, int family, int v4_name, int v6_name) {
    const int on = 1;
    const bool is_v6 = family == AF_INET6;
    return ::setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? v6_name : v4_name, &on,
                        sizeof on) == 0;
}

}  // namespace

bool is_multipath(int fd) { return get_option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP; }

Result<UniqueFd> transparent_socket(int family) {
    UniqueFd fd(::socket(family, kStream, 0));
    const bool is_made = fd && set_any_address(fd.get(), family, IP_TRANSPARENT, IPV6_TRANSPARENT);
    if (!is_made) return SysError{errno, "cannot make a transparent socket"};
    // Of port 0, connect(2) chooses: then a port serves for many targets.
    set_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return fd;
}

Result<Done> bind_to(int fd, const Address& address) {
    if (::bind(fd, address.data(), address.size()) == 0) return Done{};
    return SysError{errno, fmt::format("cannot bind {}", address.text())};
}

void disconnect(int fd) {
    const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
    ::connect(fd, &none, sizeof none);
}

Result<UniqueFd> listen_on(const Address& address, const ListenOptions& options) {
    const std::string what = fmt::format("cannot listen on {}", address.text());
    UniqueFd fd = new_listener(address.family(), options.multipath);
    if (!fd) return SysError{errno, what};
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (options.free) set_any_address(fd.get(), address.family(), IP_FREEBIND, IPV6_FREEBIND);
    const auto size = static_cast<socklen_t>(options.interface.size());
    if (!options.interface.empty() &&
        ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, options.interface.c_str(), size) < 0) {
        return SysError{errno, fmt::format("{} of the interface {}", what, options.interface)};
    }
    if (::bind(fd.get(), address.data(), address.size()) < 0) return SysError{errno, what};
    // The kernel reduces the backlog to net.core.somaxconn (listen(2)).
    if (::listen(fd.get(), std::numeric_limits<int>::max()) < 0) return SysError{errno, what};
    return fd;
}

Result<UniqueFd> start_connect(const Address& address) {
    const auto failed = [&address](int code) {
        return SysError{code, fmt::format("cannot connect to {}", address.text())};
    };
    UniqueFd fd(::socket(address.family(), kStream, 0));
    if (!fd) return failed(errno);
    const int outcome = ::connect(fd.get(), address.data(), address.size());
    const bool may_connect_later =
        errno == EINPROGRESS || errno == EINTR || (errno == EAGAIN && address.is_unix());
    if (outcome < 0 && !may_connect_later) return failed(errno);
    return fd;
}

bool is_own(const core::IpAddress& address) {
    if (address.is_loopback() || address.is_any()) return true;
    const Address probe = Address::from(address, 9);
    const UniqueFd fd(::socket(probe.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), probe.data(), probe.size()) < 0) return false;
    const auto source = local_address(fd.get());
    return source && source->ip() == address;
}

int connect_outcome(int fd, const Address& address) {
    // EISCONN: an earlier call has returned 0 already.
    return ::connect(fd, address.data(), address.size()) == 0 || errno == EISCONN ? 0 : errno;
}

void set_blocking(int fd, bool blocking) {
    const int flags = ::fcntl(fd, F_GETFL);
    const int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    if (flags >= 0 && wanted != flags) ::fcntl(fd, F_SETFL, wanted);
}

void set_user_timeout(int fd, std::chrono::seconds limit) {
    const auto milliseconds = std::chrono::milliseconds(limit).count();
    if (limit.count() > 0) {
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(milliseconds));
    }
}

void set_no_delay(int fd, bool at_once) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, at_once ? 1 : 0);
}

void set_receive_low_water(int fd, int bytes) { set_option(fd, SOL_SOCKET, SO_RCVLOWAT, bytes); }

void set_keepalive(int fd, std::chrono::seconds silence) {
    constexpr int kProbes = 4;
    const auto seconds = static_cast<int>(silence.count());
    if (seconds > 0) {
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / kProbes));
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
    }
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
}

void do_not_linger(int fd) {
    const linger off{.l_onoff = 0, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

void reset_on_close(int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::size_t unread_bytes(int fd) {
    int bytes = 0;
    return ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

bool is_pipe(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool is_stream(int fd) { return get_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM; }

bool is_same_stream(int fd, int other) {
    struct stat one {};
    struct stat two {};
    return (is_stream(fd) || is_pipe(fd)) && ::fstat(fd, &one) == 0 && ::fstat(other, &two) == 0 &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

bool is_listening(int fd) {
    return is_stream(fd) && get_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1;
}

bool takes_both_families(int fd) { return get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0; }

}  // namespace portsplit::sys
