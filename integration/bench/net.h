#pragma once
// Sockets for the programs of the bench. A program exits at the first system call that fails, because
// figures of a faulty run mean nothing.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

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

/// Parses a numeric IPv4 HOST:PORT. Exits on anything else.
inline sockaddr_in address_of(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    errno = EINVAL;
    if (colon == std::string::npos ||
        ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
        give_up("not an address: " + text);
    }
    address.sin_port = htons(static_cast<in_port_t>(std::atoi(text.c_str() + colon + 1)));
    return address;
}

inline const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);  // sockaddr(3type)
}

inline UniqueFd new_socket(int flags) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    if (!fd) give_up("cannot make a socket");
    return fd;
}

inline UniqueFd listen_on(const std::string& where, int flags) {
    const sockaddr_in address = address_of(where);
    UniqueFd fd = new_socket(flags);
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        ::bind(fd.get(), generic(address), sizeof address) < 0 ||
        ::listen(fd.get(), SOMAXCONN) < 0) {
        give_up("cannot listen on " + where);
    }
    return fd;
}

/// Connects a blocking socket with TCP_NODELAY.
inline UniqueFd connect_to(const sockaddr_in& address) {
    UniqueFd fd = new_socket(0);
    const int on = 1;
    if (::connect(fd.get(), generic(address), sizeof address) < 0) give_up("cannot connect");
    if (::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        give_up("cannot set TCP_NODELAY");
    }
    return fd;
}

}  // namespace bench
