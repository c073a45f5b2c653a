#pragma once
// Which endpoints overlap: two that cannot both be bound, and a target that leads back to this
// server. Compares numeric hosts; looks no name up.

#include "core/endpoint.h"

namespace portsplit::config {

/// Returns true if bind(2) of one address fails with EADDRINUSE because of the other. An IPv6 socket
/// does not take the IPv4 port. Two ports 0 never collide: the kernel chooses another for each.
bool collide(const core::Endpoint& a, const core::Endpoint& b);

/// Returns true if a connection to `target` reaches the socket bound to `bind`: at the same address, or
/// at loopback if `bind` is every address.
bool leads_back(const core::Endpoint& target, const core::Endpoint& bind);

}  // namespace portsplit::config
