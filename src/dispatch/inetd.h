#pragma once
// One connection under a super-server: on descriptor 0, in this process, with the log kept apart
// from descriptors 0, 1 and 2, all of which may be the client's socket.

#include "core/plan.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// Serves the connection on descriptor 0. The environment the super-server set is what a program's
/// begins with.
/// @returns the exit code, unless this process becomes a program
int serve_inetd(const core::Plan& plan, sys::Log& log);

}  // namespace portsplit::dispatch
