#pragma once
// The texts of the log lines of one connection. The connection line is a frozen contract:
// other programs (fail2ban) read it. Each function takes progress for which `is_valid` holds.

#include <chrono>
#include <optional>
#include <string>

#include "core/plan.h"
#include "dispatch/progress.h"
#include "sys/address.h"
#include "sys/arrival.h"

namespace portsplit::dispatch {

/// Returns `service=S reason=R src=IP sport=N dst=IP dport=N action=A target=T in=N out=N ms=N`,
/// with `-` for a value that is not known. ` exit=N` or ` signal=NAME` follows for a program, and
/// for a dispatcher that failed.
/// @param status  of the dispatcher or of the program it became, as waitpid(2) gives it; nothing
///                while that process still runs
std::string connection_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress,
                            std::optional<int> status, std::chrono::milliseconds duration);

/// Returns `started service=S reason=R src=IP sport=N dst=IP dport=N action=A target=T`,
/// for `log = start`. The target is `-` while it is not connected.
std::string start_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress);

/// Returns ` listener=NAME`, which follows a line, if the configuration has a section for a listener; else
/// nothing.
std::string listener_text(const core::Plan& plan, const sys::Arrival& arrival);

/// Returns ` limit=KEY`, which ends the line of a connection that was refused; nothing for any other.
std::string limit_text(const Progress& progress);

/// Returns a sentence for `progress.failure`: the action that failed, the service, the client and
/// the reason.
std::string failure_line(const core::Plan& plan, const sys::Arrival& arrival,
                         const Progress& progress);

/// Returns a sentence for the service `progress.gave_up`, whose expression exceeded its limit.
std::string gave_up_line(const core::Plan& plan, const sys::Arrival& arrival,
                         const Progress& progress);

}  // namespace portsplit::dispatch
