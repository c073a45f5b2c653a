#pragma once
// One connection from its first byte to its end: look, decide, act.

#include <string>
#include <vector>

#include "core/plan.h"
#include "dispatch/progress.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// The client of one connection.
struct Client {
    sys::UniqueFd fd;
    sys::Ends ends;
    sys::Clock::time_point accepted;  ///< when accept(2) returned it; the deadline counts from here
};

/// What every connection of a process shares.
struct Setting {
    const core::Plan& plan;
    std::vector<std::string> environment;  ///< what a program's environment begins with
    int log = -1;  ///< where a program's descriptor 2 leads for `stderr = log`
};

/// Serves one connection. With a service that execs on the socket this process becomes the program,
/// and the call does not return.
/// @returns the exit code of the dispatcher
int serve(Client client, const Setting& setting, Reporter& reporter);

}  // namespace portsplit::dispatch
