#pragma once
// Which addresses on the network are one and the same. Numeric ones only: no name is looked up.

#include <string_view>

#include "core/endpoint.h"

namespace portsplit::config {

bool is_ipv4(std::string_view host);
bool is_ipv6(std::string_view host);

/// Returns true if bind(2) of one listener fails with EADDRINUSE because of the other. A listener on
/// IPv6 does not take the IPv4 port. Two ports 0 never collide: the kernel chooses another for each.
bool collide(const core::Endpoint& a, const core::Endpoint& b);

/// Returns true if a connection to `target` reaches the listener itself: at the same address, or at
/// loopback when the listener is on every address.
bool leads_back(const core::Endpoint& target, const core::Endpoint& listener);

}  // namespace portsplit::config
