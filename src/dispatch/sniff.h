#pragma once
// Sniffing: peeks at a client's first bytes until the plan can be decided. The bytes stay unread, for
// the program or the relay that comes next. The dispatcher calls it once for each connection.

#include "core/passing.h"
#include "core/plan.h"
#include "dispatch/progress.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// Waits until the plan can be decided from the client's first bytes. Reads none of them, and sets
/// SO_RCVLOWAT back to 1. Uses no processor time while no new byte comes.
/// @param client  a connected stream socket
/// @param entrance  the way by which the client came
/// @param deadline  on the monotonic clock, counted from accept, not from the first byte
/// @param reporter  published to once, before the first wait
/// @returns the verdict: for a client that reset the connection no service, reason eof; SysError if
///          poll(2) or recv(2) failed
sys::Result<core::Decided> sniff(int client, const core::Plan& plan, const core::Entrance& entrance,
                                 sys::Clock::time_point deadline, Reporter& reporter);

}  // namespace portsplit::dispatch
