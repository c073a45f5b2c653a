#pragma once
// One connection under a super-server, without a zygote: on descriptor 0, in this process. Under
// inetd and xinetd descriptors 1 and 2 are the client's socket too, so the log is never written there.

#include "core/plan.h"
#include "dispatch/sandbox.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// Returns true if a descriptor is the client's: the socket on descriptor 0, or one of the pipes on 0 and 1.
/// Nothing may be written to it.
bool is_client(int fd);

/// Serves the connection on descriptor 0, and replaces descriptors 0, 1 and 2 by /dev/null. A
/// program gets the environment of this process, as the super-server set it.
/// @param entrance  the listener whose settings the connection has
/// @param log  must not be one of descriptors 0, 1 and 2; closed before a byte of the client is read
/// @param log_to  where it goes
/// @returns the exit code, with the reason logged; not at all if this process becomes a program
int serve_inetd(const core::Plan& plan, const core::Entrance& entrance, sys::Log& log,
                LogTo log_to = LogTo::Descriptor);

}  // namespace portsplit::dispatch
