#pragma once
// When a zygote that died is replaced. For Reload; it forks nothing itself.

#include <chrono>
#include <optional>
#include <utility>

#include "sys/backoff.h"
#include "sys/clock.h"

namespace portsplit::daemon {

/// A zygote that lives this long after it became ready is replaced at once when it dies.
inline constexpr std::chrono::seconds kLongLife{10};
inline constexpr std::chrono::milliseconds kFirstRestartPause{100};
inline constexpr std::chrono::milliseconds kLongestRestartPause{10000};

/// The first replacement comes at once, and so does that of a zygote that had a long life. After
/// each further death or failed start the pause doubles, so that a zygote that cannot live is not
/// forked in a busy loop.
class RestartSchedule {
  public:
    /// A zygote has become ready.
    void on_ready(sys::Clock::time_point now) { ready_at_ = now; }

    /// The zygote died, or its replacement could not be started. Sets `due`.
    void on_death(sys::Clock::time_point now) {
        const auto ready_at = std::exchange(ready_at_, std::nullopt);
        if (ready_at && now - *ready_at >= kLongLife) {
            at_once_ = true;
            pause_.reset();
        }
        due_ = std::exchange(at_once_, false) ? now : now + pause_.next();
    }

    /// The moment from which the next zygote may be started.
    sys::Clock::time_point due() const { return due_; }

  private:
    /// When the running zygote became ready; empty once its death was reported, so that a failed
    /// start does not count as a long life.
    std::optional<sys::Clock::time_point> ready_at_;
    bool at_once_ = true;
    sys::Backoff pause_{kFirstRestartPause, kLongestRestartPause};
    sys::Clock::time_point due_{};
};

}  // namespace portsplit::daemon
