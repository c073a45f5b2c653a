#pragma once
// What a program is given that not every process can give: another user, higher limits, a lower nice value.
// Looks nothing up: the caller passes the look-ups in Surroundings.

#include <vector>

#include "config/issue.h"
#include "config/load.h"

namespace portsplit::config {

/// Returns an error for each key of a program that this process cannot give it, in the order of their spots; none of
/// a configuration with errors.
std::vector<Issue> check_rights(const Loaded& loaded, const Surroundings& surroundings);

/// Returns a warning for each program that runs as root because no user is named; to be asked by root.
std::vector<Issue> warn_of_root(const Loaded& loaded);

}  // namespace portsplit::config
