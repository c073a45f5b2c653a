#pragma once
// Which process the kernel ends when memory is short (proc(5) oom_score_adj).

#include <optional>

namespace portsplit::sys {

/// Returns how much rather than others the kernel ends this process, -1000 to 1000; nothing if /proc does not tell.
std::optional<int> oom_score_adjust();

/// Sets it, for this process and those that it forks later. A smaller value than before needs CAP_SYS_RESOURCE.
/// @returns false if that failed
bool set_oom_score_adjust(int value);

}  // namespace portsplit::sys
