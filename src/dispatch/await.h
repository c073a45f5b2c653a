#pragma once
// Waiting for a client while somebody else waits for what it says.

#include <poll.h>

#include "dispatch/progress.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

/// Waits as poll(2) does for the events of a client. If nobody wants the outcome any more, which the reporter
/// knows, the client is as one that is gone: POLLERR.
/// @returns as poll(2) does
int await(pollfd& client, const Reporter& reporter, sys::Clock::time_point until);

}  // namespace portsplit::dispatch
