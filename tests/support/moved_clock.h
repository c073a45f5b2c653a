#pragma once
// A monotonic clock that a test can move forward, so that no test waits for a minute to pass.

#include <chrono>

namespace portsplit {

/// Moves the monotonic clock of this program forward. The destructor sets it right again.
class MovedClock {
  public:
    MovedClock() = default;
    MovedClock(const MovedClock&) = delete;
    MovedClock& operator=(const MovedClock&) = delete;
    ~MovedClock();

    void move(std::chrono::seconds by);
};

}  // namespace portsplit
