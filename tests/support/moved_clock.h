#pragma once
// A monotonic clock that a test can move on, so that none has to wait for a minute to pass.

#include <chrono>

namespace portsplit {

/// Moves the clock of this program on, for as long as the object lives.
class MovedClock {
  public:
    MovedClock() = default;
    MovedClock(const MovedClock&) = delete;
    MovedClock& operator=(const MovedClock&) = delete;
    ~MovedClock();

    void move(std::chrono::seconds by);
};

}  // namespace portsplit
