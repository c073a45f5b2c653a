#pragma once
// What is strange about a valid configuration, for whoever asks: `portsplit check`. A daemon starts
// without, for the search takes its time.

#include <span>
#include <string_view>
#include <vector>

#include "config/issue.h"
#include "config/load.h"

namespace portsplit::config {

/// Warns of services whose streams go elsewhere or wait for others, of expressions that never
/// decide, and of a missing `fallback` or `timeout`, without which a stranger can tell Portsplit
/// from the server that it hides behind. Nothing for a configuration with errors.
std::vector<Issue> advise(const Loaded& loaded);

/// The names of all warnings that can be silenced, those of `read` too.
std::span<const std::string_view> warning_names();

}  // namespace portsplit::config
