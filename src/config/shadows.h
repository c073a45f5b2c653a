#pragma once
// Words for patterns and services that can never win.

#include <cstddef>
#include <vector>

#include "config/issue.h"
#include "config/origins.h"
#include "core/lint.h"
#include "core/model.h"

namespace portsplit::config {

/// Adds a warning for each shadow, and one for each loser in the place of those of its patterns.
/// @param losers  those among the shadows
void add_shadow_warnings(const core::Config& config, const Origins& origins,
                         const std::vector<core::Shadow>& shadows,
                         const std::vector<std::size_t>& losers, std::vector<Issue>& found);

}  // namespace portsplit::config
