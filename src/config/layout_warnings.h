#pragma once
// Warnings about what services ask of layouts. A part of warnings.h.

#include <vector>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// From so many expressions for one stream on there is a warning: they take half as long as all else of a
/// connection, which is about 200 us.
inline constexpr std::size_t kManyExpressions = 500;

/// Returns warnings of what can never be there because an earlier service takes it, of a window in which the
/// fields may not lie, and of many expressions for one field; and a note for a field that is
/// often taken for more than it is.
std::vector<Issue> advise_on_layouts(const core::Config& config, const Origins& origins);

}  // namespace portsplit::config
