#pragma once
// A host and a port as an administrator writes them. Not a socket address: a name is resolved only
// when a connection needs it (dispatch/resolve.h).

#include <cstdint>
#include <string>
#include <string_view>

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

/// Returns true for `localhost` and every name below it, in any case, with or without a final dot. They
/// mean loopback, and the DNS is not asked for them (RFC 6761 6.3).
bool is_localhost(std::string_view host);

}  // namespace portsplit::core
