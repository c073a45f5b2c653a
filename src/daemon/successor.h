#pragma once
// The program that a daemon becomes, before it serves: the answer whether it can, and the log that it goes on
// with. For main alone.

#include <string_view>

#include "daemon/options.h"
#include "sys/error.h"
#include "sys/log.h"

namespace portsplit::daemon {

/// Returns true for the command line of a program that takes over. Looks at the words only, so that it can be
/// called before anything else.
bool takes_over(int argc, char** argv);

/// Answers a daemon that asks whether this program can take over (upgrade.h): reads its whole state, as for an
/// upgrade, and prints one sentence.
/// @param version  of its state
/// @returns the exit code
int answer_predecessor(std::string_view version);

/// Opens the log; of a program that takes over it is the one that is open.
sys::Result<sys::Log> log_for(const Options& options);

}  // namespace portsplit::daemon
