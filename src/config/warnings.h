#pragma once
// Warnings about a valid configuration, for `portsplit check`. The daemon does not call this: the search
// takes milliseconds for each expression.

#include <span>
#include <string_view>
#include <vector>

#include "config/issue.h"
#include "config/load.h"

namespace portsplit::config {

/// Returns warnings of services whose streams go to another service or wait for one, of expressions
/// that never decide, and of a missing `fallback` or `timeout`, without which a client can detect
/// Portsplit. Returns nothing for a configuration with errors.
std::vector<Issue> advise(const Loaded& loaded);

/// Returns the names of all warnings for --silence, also of those that `read` returns.
std::span<const std::string_view> warning_names();

}  // namespace portsplit::config
