#pragma once
// The zygote of a generation: holds the plan, forks spare dispatchers that take the connections, and
// writes the log line of a connection when its dispatcher, or the program that it became, has ended.
// Reads no client byte. Called by main, in the process that the daemon starts.

#include "core/plan.h"
#include "dispatch/dispatcher.h"
#include "dispatch/sandbox.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// Serves one connection in a dispatcher, and returns its exit code.
using ServeFunction = int (*)(Client client, const Setting& setting, Reporter& reporter);

/// Serves the channel that handoff.h describes, until the daemon has ended its side and the last
/// connection has ended. Its dispatchers are forked inside and never return from here. The caller has
/// one thread.
/// @param serve_connection  what a dispatcher does; tests replace it by one that is compromised
/// @returns the exit code of the zygote: kExitSystem, with the reason logged, if it cannot work
int run_zygote(const core::Plan& plan, sys::Log& log, ServeFunction serve_connection = &serve,
               LogTo log_to = LogTo::Descriptor);

}  // namespace portsplit::dispatch
