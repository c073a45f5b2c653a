#pragma once
// A place on the network as an administrator writes it. Not a socket address: names stay names
// until a connection needs them.

#include <cstdint>
#include <string>

namespace portsplit::core {

/// A host (numeric address, name, or "*" for every local address of both families) and a TCP port.
/// IPv6 addresses are kept without brackets. Port 0, in a listener only: the system chooses.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
};

/// `HOST:PORT`, with brackets round an IPv6 address.
std::string to_string(const Endpoint& endpoint);

}  // namespace portsplit::core
