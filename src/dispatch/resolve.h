#pragma once
// Host names to addresses, within a time limit (c-ares). connect.cc calls it, for a target that is not
// written as a numeric address. getaddrinfo(3) is not used: a static glibc has no name service switch.

#include <string>
#include <vector>

#include "core/endpoint.h"
#include "sys/address.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

/// The addresses of a name.
struct Resolved {
    std::vector<sys::Address> addresses;  ///< in the order in which to try them; empty on failure
    int error = 0;                        ///< ARES_SUCCESS or why there are none, as c-ares has it
};

/// Looks a host up in /etc/hosts and the DNS, by the rules of name_rules.h. Reads the system's files at
/// each call. `localhost` and the names below it are never asked for in the DNS. Blocks until there is
/// an answer, or until `until`; then the error is ARES_ETIMEOUT, or one address family was answered.
Resolved resolve(const core::Endpoint& endpoint, sys::Clock::time_point until);

/// Returns the words for a `Resolved::error`.
std::string resolve_error_text(int error);

}  // namespace portsplit::dispatch
