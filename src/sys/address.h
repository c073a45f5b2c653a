#pragma once
// Socket addresses in the binary form of the kernel (sockaddr(3type)). Host names are not resolved
// here: dispatch/resolve looks them up. The log line of each connection uses `host` and `port`, so
// this file formats without {fmt}.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.h"
#include "core/ip_address.h"
#include "core/source.h"
#include "sys/error.h"

namespace portsplit::sys {

/// An IPv4 or IPv6 address and port, or the path of a Unix-domain socket; of another family the family only.
/// Trivially copyable, so that a message to another process can contain it.
class Address {
  public:
    Address() = default;

    /// Converts an endpoint whose host is numeric, or a Unix-domain socket.
    /// @returns nothing when the host is not a numeric address, or names an interface (`%eth0`) that
    ///          does not exist
    static std::optional<Address> from(const core::Endpoint& endpoint);
    static Address from(const core::IpAddress& ip, std::uint16_t port);
    /// Copies what the kernel returned.
    /// @param size  of the address in `storage`, as the kernel gave it
    static Address from(const sockaddr_storage& storage, socklen_t size);
    /// @param path  at most 108 bytes; an abstract one begins with a NUL (unix(7))
    static Address of_unix(std::string_view path);

    int family() const { return any_.any.sa_family; }
    bool is_unix() const { return family() == AF_UNIX; }
    bool is_internet() const { return family() == AF_INET || family() == AF_INET6; }

    /// Returns the address without the port, an IPv4-mapped one (::ffff:192.0.2.1) as IPv4. Only for
    /// an internet address.
    core::IpAddress ip() const;

    /// Returns the path of a Unix-domain socket, an abstract one with a NUL in front; empty if it has none.
    std::string_view path() const;

    /// Returns the text of `ip`; of a Unix-domain socket its path, with `@` for an abstract one, or `unix` if it
    /// has none; else "-". The path is written as core::passed_text does, so it has no blank.
    std::string host() const;
    /// Returns the port in host byte order; 0 if it is not on the internet.
    std::uint16_t port() const;
    /// Returns `HOST:PORT`, with an IPv6 host in brackets; of a Unix-domain socket `unix:PATH` or `unix`.
    std::string text() const;

    /// Returns true if an address that another process sent is one: this is a trust boundary.
    bool is_valid() const;

    /// For bind(2) and connect(2); `data` points into this object.
    const sockaddr* data() const { return &any_.any; }
    /// Returns the number of the interface that an IPv6 address of a link belongs to (ipv6(7)
    /// sin6_scope_id); 0 for none.
    unsigned interface() const { return family() == AF_INET6 ? any_.v6.sin6_scope_id : 0; }
    socklen_t size() const;

  private:
    union Any {
        sockaddr_un path;
        sockaddr_in6 v6;
        sockaddr_in v4;
        sockaddr any;
    };
    Any any_{};
    std::uint8_t path_size_ = 0;  ///< in bytes
};

/// Both ends of a connection.
struct Ends {
    Address peer;   ///< the client's
    Address local;  ///< the address that the client connected to
};

/// Returns `src=ADDR sport=PORT dst=ADDR dport=PORT`, as all log lines of a connection have it. A client over a
/// Unix-domain socket is `src=unix sport=0`, whatever path it has given itself.
std::string text_of(const Ends& ends);

/// Returns where a client comes from.
/// @param with_zone  whether to look up the name of its interface, which only an address of a link has
core::Source source_of(const Address& peer, bool with_zone);

/// Returns the address that a socket is bound to (getsockname(2)).
Result<Address> local_address(int fd);
/// Returns the address that a socket is connected to (getpeername(2)). Code ENOTCONN when the peer
/// has closed or reset the connection.
Result<Address> peer_address(int fd);

}  // namespace portsplit::sys
