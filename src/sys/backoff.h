#pragma once
// Pauses that grow while an operation keeps failing, so that retries never become a busy loop.

#include <algorithm>
#include <chrono>

namespace portsplit::sys {

/// The sequence of pauses `first`, `2 * first`, `4 * first` and so on, each at most `longest`. Does
/// not wait itself.
class Backoff {
  public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
        : first_(first), longest_(longest), next_(first) {}

    /// Returns the pause before the next attempt, and doubles the pause for the call after it.
    std::chrono::milliseconds next() {
        const std::chrono::milliseconds pause = next_;
        next_ = std::min(next_ * 2, longest_);
        return pause;
    }

    /// Begins again with the first pause.
    void reset() { next_ = first_; }

  private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds longest_;
    std::chrono::milliseconds next_;
};

}  // namespace portsplit::sys
