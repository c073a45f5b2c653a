#pragma once
// Warnings about what services ask of layouts. A part of warnings.h.

#include <vector>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Returns warnings of what can never be there because an earlier service takes it, and of a window in which the
/// fields may not lie; and a note for a field that is often taken for more than it is.
std::vector<Issue> advise_on_layouts(const core::Config& config, const Origins& origins);

}  // namespace portsplit::config
