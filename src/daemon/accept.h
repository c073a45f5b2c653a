#pragma once
// accept(2) and what its failures ask for.

#include <optional>

#include "daemon/listeners.h"
#include "sys/address.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// What to do after an accept that brought no connection.
enum class NoConnection {
    Empty,     ///< nobody waits
    Retry,     ///< that client is gone, or the network had a passing error (accept(2)): go on
    Shortage,  ///< descriptors, memory: only time helps
};

struct Accepted {
    sys::UniqueFd fd;  ///< non-blocking and close-on-exec
    sys::Ends ends;
};

/// What an errno of accept(2) asks for.
NoConnection meaning_of_accept_error(int code);

/// Takes one connection from a listener's queue.
/// @returns nothing, and errno, when there is none to be had
std::optional<Accepted> accept_from(const Listener& listener);

}  // namespace portsplit::daemon
