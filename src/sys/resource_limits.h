#pragma once
// Limits on this process and the programs that it executes (setrlimit(2)), and its nice value (setpriority(2)).

#include <string>

#include "core/resource_limit.h"
#include "sys/error.h"

namespace portsplit::sys {

Result<Done> set_limit(const core::ResourceLimit& limit);
Result<Done> set_nice(int nice);

/// Return why this process may not set it, or an empty text: only root may raise a hard limit, and lower a nice value.
std::string why_no_limit(const core::ResourceLimit& limit);
std::string why_no_nice(int nice);

}  // namespace portsplit::sys
