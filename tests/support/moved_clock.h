#pragma once
// Clocks that a test can move: the monotonic one forward, so that no test waits for a minute to pass; the wall
// clock either way, which must change nothing.

#include <chrono>

namespace portsplit {

/// Moves the clocks of this program. The destructor sets them right again.
class MovedClock {
  public:
    MovedClock() = default;
    MovedClock(const MovedClock&) = delete;
    MovedClock& operator=(const MovedClock&) = delete;
    ~MovedClock();

    /// Moves the monotonic clock forward.
    void move(std::chrono::seconds by);
    /// Sets the wall clock. May be called while another thread reads it.
    void set_wall_clock(std::chrono::seconds by);
};

}  // namespace portsplit
