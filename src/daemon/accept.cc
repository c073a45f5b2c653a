#include "daemon/accept.h"

#include <sys/socket.h>

#include <cerrno>

#include "sys/error.h"

namespace portsplit::daemon {

NoConnection meaning_of_accept_error(int code) {
    switch (code) {
        case EAGAIN:
            return NoConnection::Empty;
        case ECONNABORTED:
        case EPROTO:
        case EPERM:  // a firewall's word
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
            return NoConnection::Retry;
        default:
            return NoConnection::Shortage;
    }
}

std::optional<Accepted> accept_from(const Listener& listener) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* generic = reinterpret_cast<sockaddr*>(&storage);  // sockaddr(3type)
    // Non-blocking, as a relay wants it; a program gets it blocking.
    constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    sys::UniqueFd fd(
        sys::retry([&] { return ::accept4(listener.fd.get(), generic, &length, kFlags); }));
    if (!fd) return std::nullopt;
    // The peer comes with accept: getpeername(2) fails once the client has reset the connection.
    Accepted accepted{std::move(fd), {sys::Address::from(storage), listener.bound}};
    if (listener.bound.is_wildcard()) {
        if (const auto local = sys::local_address(accepted.fd.get())) accepted.ends.local = *local;
    }
    return accepted;
}

}  // namespace portsplit::daemon
