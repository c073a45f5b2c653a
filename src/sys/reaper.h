#pragma once
// Reaps ended children by their pids. waitpid(2) for any child looks at every living one, so each call takes
// longer the more children there are.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "sys/clock.h"
#include "sys/process.h"

namespace portsplit::sys {

/// With more children than these, all of them are looked at only once in `kScanPause`.
inline constexpr std::size_t kFewChildren = 100;
inline constexpr std::chrono::milliseconds kScanPause{200};

/// Which children have ended. The kernel merges signals: a SIGCHLD names one ended child and may
/// stand for more (signal(7)). So a child should be announced before it ends; a rare look at all
/// children finds the others.
class Reaper {
  public:
    /// @param pause  between two looks at many children
    explicit Reaper(std::chrono::milliseconds pause = kScanPause) : pause_(pause) {}

    /// Announces that a child is about to end, or has ended: `next` waits for it by its pid.
    void expect(pid_t pid) {
        if (pid > 0) expected_.push_back({pid, 0});
    }

    /// Notes a SIGCHLD. Call `next` until it returns nothing after that.
    /// @param pid  the child that the signal names; 0 if none is known
    void on_signal(pid_t pid);

    /// Reaps a child that has ended. Never waits.
    /// @param children  how many children there are, roughly
    /// @returns nothing if none is known to have ended
    std::optional<Ended> next(std::size_t children);

    /// Returns true if `next` has returned every child that had ended when the last signal came.
    bool has_found_all() const { return !may_have_missed_; }
    /// Returns when to call `next` without a signal; `time_point::max()` if there is no need.
    Clock::time_point due() const { return may_have_missed_ ? scan_at_ : Clock::time_point::max(); }

  private:
    struct Expected {
        pid_t pid;
        int looks;  ///< how often it was still alive
    };

    std::chrono::milliseconds pause_;
    std::vector<Expected> expected_;
    std::size_t looked_at_ = 0;  ///< how many of `expected_` were looked at since the last signal
    bool may_have_missed_ = false;  ///< true from a SIGCHLD until all children were looked at
    Clock::time_point scan_at_{};
};

}  // namespace portsplit::sys
