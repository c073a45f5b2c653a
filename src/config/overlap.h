#pragma once
// Which places on the network are one and the same. Numbers only: no name is looked up here.

#include <string_view>

#include "core/endpoint.h"

namespace portsplit::config {

bool is_ipv4(std::string_view host);
bool is_ipv6(std::string_view host);

/// Whether one of two listeners would find its address taken by the other. A listener on IPv6
/// leaves IPv4 alone. The system chooses another port for each port 0.
bool collide(const core::Endpoint& a, const core::Endpoint& b);

/// Whether a connection to `target` would reach the listener itself: the same address, or this
/// machine's loopback where the listener is on every address.
bool leads_back(const core::Endpoint& target, const core::Endpoint& listener);

}  // namespace portsplit::config
