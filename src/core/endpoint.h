#pragma once
// A host and a port as an administrator writes them. Not a socket address: a name is resolved only
// when a connection needs it (dispatch/resolve.h).

#include <cstdint>
#include <string>

#include "core/memory.h"

namespace portsplit::core {

struct Endpoint {
    /// A numeric address, a name, or `*` for all local addresses of both families. IPv6 addresses
    /// have no brackets here.
    Text host;
    /// A TCP port. 0 is allowed in `bind` only: the system chooses one.
    std::uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
};

/// Returns `HOST:PORT`, with brackets around an IPv6 address.
std::string to_string(const Endpoint& endpoint);

}  // namespace portsplit::core
