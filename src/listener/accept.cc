#include "listener/accept.h"

#include <sys/socket.h>

#include <cerrno>

#include "sys/error.h"

namespace portsplit::listener {

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
    sys::UniqueFd fd(
        sys::retry([&] { return ::accept4(listener.fd.get(), generic, &length, SOCK_CLOEXEC); }));
    if (!fd) return std::nullopt;
    // The peer comes with accept: getpeername(2) fails once the client has reset the connection.
    const auto local = sys::local_address(fd.get());
    return Accepted{std::move(fd), sys::Address::from(storage), local ? *local : listener.bound};
}

}  // namespace portsplit::listener
