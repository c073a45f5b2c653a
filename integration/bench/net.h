#pragma once
// Sockets for the programs of the bench. A program exits at the first system call that fails, because
// figures of a faulty run mean nothing.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sys/error.h"
#include "sys/fd.h"

namespace bench {

using portsplit::sys::retry;
using portsplit::sys::UniqueFd;

[[noreturn]] inline void give_up(const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const { return storage.ss_family; }
    const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);  // sockaddr(3type)
    }
};

template <typename Specific>
Address address_from(const Specific& specific) {
    Address address{.storage = {}, .size = sizeof specific};
    std::memcpy(&address.storage, &specific, sizeof specific);
    return address;
}

/// Parses a numeric IPv4 HOST:PORT, or unix:PATH. Exits on anything else.
inline Address address_of(const std::string& text) {
    errno = EINVAL;
    if (text.starts_with("unix:")) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (text.copy(address.sun_path, sizeof address.sun_path - 1, 5) + 5 != text.size()) {
            give_up("too long: " + text);
        }
        return address_from(address);
    }
    const std::size_t colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (colon == std::string::npos ||
        ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
        give_up("not an address: " + text);
    }
    address.sin_port = htons(static_cast<in_port_t>(std::atoi(text.c_str() + colon + 1)));
    return address_from(address);
}

inline UniqueFd new_socket(int family, int flags) {
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    if (!fd) give_up("cannot make a socket");
    return fd;
}

inline UniqueFd listen_on(const std::string& where, int flags) {
    const Address address = address_of(where);
    UniqueFd fd = new_socket(address.family(), flags);
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        ::bind(fd.get(), address.get(), address.size) < 0 || ::listen(fd.get(), SOMAXCONN) < 0) {
        give_up("cannot listen on " + where);
    }
    return fd;
}

/// Connects a blocking socket with TCP_NODELAY.
inline UniqueFd connect_to(const Address& address) {
    UniqueFd fd = new_socket(address.family(), 0);
    const int on = 1;
    if (::connect(fd.get(), address.get(), address.size) < 0) give_up("cannot connect");
    if (address.family() != AF_UNIX &&
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        give_up("cannot set TCP_NODELAY");
    }
    return fd;
}

}  // namespace bench
