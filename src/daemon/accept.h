#pragma once
// accept(2) on one listening socket, and what its errors mean. For Intake alone. A file of its own
// because ListeningSockets owns sockets and takes no connection.

#include "core/result.h"
#include "daemon/delivery.h"
#include "daemon/sockets.h"

namespace portsplit::daemon {

/// What to do after accept(2) failed.
enum class AfterFailure {
    Wait,      ///< the accept queue is empty: poll
    Continue,  ///< the error concerns one client, or is temporary (accept(2)): accept the next
    Pause,     ///< descriptors or memory are short: accept again after a pause
};

/// Returns what an errno of accept(2) means.
AfterFailure after_accept_error(int code);

/// Takes one connection from the accept queue of a socket.
/// @returns the connection, without an id; the errno of accept(2) if it failed
core::Result<Delivery, int> accept_from(const ListeningSocket& socket);

}  // namespace portsplit::daemon
