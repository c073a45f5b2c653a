#include "daemon/accept.h"

#include <sys/socket.h>

#include <cerrno>

#include "sys/error.h"

namespace portsplit::daemon {

AfterFailure after_accept_error(int code) {
    switch (code) {
        case EAGAIN:
            return AfterFailure::Wait;
        case ECONNABORTED:
        case EPROTO:
        case EPERM:  // firewall rules forbid the connection
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
            return AfterFailure::Continue;
        default:
            return AfterFailure::Pause;
    }
}

core::Result<Delivery, int> accept_from(const ListeningSocket& socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* generic = reinterpret_cast<sockaddr*>(&storage);  // sockaddr(3type)
    // The relay needs a non-blocking socket. `launch` makes it blocking for a program.
    constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    sys::UniqueFd fd(
        sys::retry([&] { return ::accept4(socket.fd.get(), generic, &length, kFlags); }));
    if (!fd) return errno;
    // The peer comes from accept(2): getpeername(2) fails once the client has reset the connection.
    sys::Ends ends{sys::Address::from(storage, length), socket.bound};
    if (socket.bound.is_internet() && socket.bound.ip().is_any()) {
        if (const auto local = sys::local_address(fd.get())) ends.local = *local;
    }
    const auto listener = static_cast<std::uint32_t>(socket.listener);
    const auto credentials =
        socket.bound.is_unix() ? sys::credentials_of(fd.get()) : sys::Credentials();
    return Delivery{{.arrival = {sys::Clock::now(), ends, listener, credentials}}, std::move(fd)};
}

}  // namespace portsplit::daemon
