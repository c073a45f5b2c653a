#pragma once
// The one clock. Monotonic: a change of the wall clock moves no deadline.

#include <chrono>

namespace portsplit::sys {

using Clock = std::chrono::steady_clock;

/// What poll(2) takes as its timeout: whole milliseconds until `deadline`, rounded up so that it
/// never wakes early; 0 when it has passed; -1 (for ever) for `Clock::time_point::max()`.
inline int poll_timeout(Clock::time_point deadline) {
    if (deadline == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return 0;
    return left > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(left);
}

}  // namespace portsplit::sys
