#pragma once
// The zygote of a generation: holds the plan, keeps spare dispatchers ready that take the
// connections, and writes the log line when a dispatcher, or the program it became, is gone. Reads
// no client byte.

#include <string>

#include "core/plan.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// Serves the channel that `handoff.h` describes until the daemon has ended its side and the last
/// connection is over. The dispatchers are forked inside and never return from here.
/// @returns the exit code of the zygote
int run_zygote(const core::Plan& plan, sys::Log& log);

}  // namespace portsplit::dispatch
