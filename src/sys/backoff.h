#pragma once
// Pauses that grow while something goes on failing, so that a retry never becomes a busy loop.

#include <algorithm>
#include <chrono>

namespace portsplit::sys {

/// The pauses `first`, `2 * first`, `4 * first` and so on, at most `longest`, until `reset`.
class Backoff {
  public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
        : first_(first), longest_(longest), next_(first) {}

    /// Returns the pause before the next attempt, and doubles the one after it.
    std::chrono::milliseconds take() {
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
