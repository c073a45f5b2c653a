#pragma once
// One connection inside the daemon: from accept, through the queue of Intake, to the channel of a
// generation.

#include "handoff.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// A client's socket and the message that goes with it to a dispatcher.
struct Delivery {
    handoff::Handover message;  ///< its id is 0 until Intake queues it
    sys::UniqueFd client;       ///< non-blocking and close-on-exec
};

}  // namespace portsplit::daemon
