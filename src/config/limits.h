#pragma once
// Rates and penalties, whose `parse` and `print` value.h declares: their ranges, and which penalties a list
// may have.

#include <cstddef>

#include "config/document.h"
#include "config/issue.h"
#include "config/key_table.h"
#include "core/model.h"

namespace portsplit::config {

// Of a Rate: COUNT/SECONDS.
inline constexpr std::size_t kLargestRate = 1'000'000;
inline constexpr std::size_t kLongestRate = 3600;
/// In seconds.
inline constexpr std::size_t kLongestPenalty = 600;

/// Returns true if a list of penalties may have this one.
/// @param place  of the list's key: Listening or Exec
bool belongs(const core::Penalty& penalty, Place place);

/// Issues: a cause that one list of penalties has twice.
void check_penalties(const Document& document, Issues& issues);

}  // namespace portsplit::config
