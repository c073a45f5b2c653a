#pragma once
// accept(2) on one listening socket, and what its errors mean. For Intake alone. A file of its own
// because Listeners owns sockets and takes no connection.

#include "core/result.h"
#include "daemon/listeners.h"
#include "sys/address.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// What to do after accept(2) failed.
enum class AfterFailure {
    Wait,      ///< the accept queue is empty: poll
    Continue,  ///< the error was about one client or passes (accept(2)): accept the next
    Pause,     ///< descriptors or memory are short: accept again after a pause
};

struct Accepted {
    sys::UniqueFd fd;  ///< non-blocking and close-on-exec
    sys::Ends ends;
};

/// Returns what an errno of accept(2) means.
AfterFailure after_accept_error(int code);

/// Takes one connection from the accept queue of a listener.
/// @returns errno of accept(2) when there was none to be had
core::Result<Accepted, int> accept_from(const Listener& listener);

}  // namespace portsplit::daemon
