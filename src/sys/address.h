#pragma once
// Socket addresses: the numeric, binary form of a place on the network.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/endpoint.h"
#include "sys/error.h"

namespace portsplit::sys {

/// An IPv4 or IPv6 address and port, or just the family of anything else (a Unix-domain peer).
/// Trivially copyable, so that it can cross to another process as it stands.
class Address {
  public:
    Address() = default;

    /// @returns nothing when the host is not a numeric address
    static std::optional<Address> from(const core::Endpoint& endpoint);
    static Address from(const sockaddr_storage& storage);

    int family() const { return any_.any.sa_family; }
    bool is_internet() const { return family() == AF_INET || family() == AF_INET6; }

    /// Whether it stands for every address of this machine.
    bool is_wildcard() const;

    /// Numeric, without brackets; an IPv4-mapped IPv6 address as IPv4. "-" for a Unix-domain peer.
    std::string host() const;
    std::uint16_t port() const;
    /// `HOST:PORT`, IPv6 in brackets.
    std::string text() const { return core::to_string({host(), port()}); }

    const sockaddr* data() const { return &any_.any; }
    socklen_t size() const;

  private:
    union Any {
        sockaddr_in6 v6;
        sockaddr_in v4;
        sockaddr any;
    };
    Any any_{};
};

/// Both ends of a connection.
struct Ends {
    Address peer;   ///< the client's
    Address local;  ///< the one that the client connected to
};

/// The address a socket is bound to (getsockname(2)).
Result<Address> local_address(int fd);
/// The path of a Unix-domain socket as `unix:PATH`; without a path `unix:`.
std::string unix_path(int fd);
/// The address a socket is connected to (getpeername(2)); ENOTCONN when the peer is gone already.
Result<Address> peer_address(int fd);

}  // namespace portsplit::sys
