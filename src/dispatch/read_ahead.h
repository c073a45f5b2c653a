#pragma once
// Reading ahead: takes a client's first bytes out of a pipe until the plan can be decided. A pipe cannot be
// peeked at (dispatch/sniff.h), so the relay must send these bytes on. For --inetd under a super-server
// that gives two pipes.

#include <cstddef>
#include <vector>

#include "core/passing.h"
#include "core/plan.h"
#include "dispatch/progress.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// Reads until the plan can be decided, at most as many bytes as its window.
/// @param client    the reading end of a pipe
/// @param entrance  the way by which the client came
/// @param deadline  on the monotonic clock, counted from the start of the connection
/// @param bytes     appends what was read
/// @param reporter  published to once, before the first wait
/// @returns the verdict; SysError if poll(2) or read(2) failed
sys::Result<core::Decided> read_ahead(int client, const core::Plan& plan,
                                      const core::Entrance& entrance,
                                      sys::Clock::time_point deadline,
                                      std::vector<std::byte>& bytes, Reporter& reporter);

}  // namespace portsplit::dispatch
