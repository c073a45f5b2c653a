#pragma once
// Looking without taking: peeks at a client's first bytes until the plan can be decided. What was
// looked at stays unread, for the program or the relay that comes next.

#include "core/plan.h"
#include "core/verdict.h"
#include "dispatch/progress.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// Waits until the plan can be decided from the client's first bytes. Consumes nothing, and leaves
/// the socket as it was (SO_RCVLOWAT is put back to 1). Sleeps while nothing new comes, whatever
/// keeps the socket readable: bytes already seen, an end of stream, a reset, an urgent byte
/// (socket(7), tcp(7)).
/// @param deadline  on the monotonic clock, counted from accept, not from the first byte
/// @param reporter  published to once, before the first wait
/// @returns the verdict; a client that is gone is one (no service, reason eof). SysError when poll(2)
///          or recv(2) failed.
sys::Result<core::Verdict> sniff(const sys::UniqueFd& client, const core::Plan& plan,
                                 sys::Clock::time_point deadline, Reporter& reporter);

}  // namespace portsplit::dispatch
