#pragma once
// Names to addresses, inside a deadline.

#include <string>
#include <vector>

#include "core/endpoint.h"
#include "sys/address.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

/// What a name stands for now.
struct Resolved {
    std::vector<sys::Address> addresses;  ///< in the order in which to try them; empty on failure
    int error = 0;                        ///< c-ares' code
};

/// Looks a host up in /etc/hosts and the DNS (c-ares, ares_getaddrinfo(3)).
Resolved resolve(const core::Endpoint& endpoint, sys::Clock::time_point deadline);

/// The words for a code of `Resolved`.
std::string resolve_error_text(int error);

}  // namespace portsplit::dispatch
