#pragma once
// The wording of the log. The connection line is a contract: other programs (fail2ban) read it.

#include <chrono>
#include <optional>
#include <string>

#include "core/plan.h"
#include "dispatch/progress.h"
#include "sys/address.h"

namespace portsplit::dispatch {

/// `service=S reason=R src=IP sport=N dst=IP dport=N action=A target=T in=N out=N ms=N`, with `-`
/// for what is not known, and after these how the program or the dispatcher ended, where that says
/// more: `exit=N` or `signal=NAME`.
/// @param status  of the dispatcher or of the program it became, as waitpid(2) has it
std::string connection_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress,
                            std::optional<int> status, std::chrono::milliseconds duration);

/// A sentence for what failed: what, for which service and client, and why.
std::string failure_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress);

/// A sentence for a service whose expression took too long: `progress.gave_up` tells which.
std::string gave_up_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress);

/// Whether the dispatcher that told this becomes a program next, and can tell nothing more.
bool becomes_program(const core::Plan& plan, const Progress& progress);

/// Whether the numbers a dispatcher told fit the plan.
bool is_valid(const core::Plan& plan, const Progress& progress);

}  // namespace portsplit::dispatch
