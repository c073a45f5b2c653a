#pragma once
// Puts a configuration into use: at the start, at a reload, and again after a zygote died. Owns the
// configuration in force with its user and pid file, and the change that has begun. Notifies no
// service manager and hands over no connection: the Daemon does, by the outcome.
//
// How it works. A change makes everything new beside the old: the file is read and checked, the
// user looked up, the pid file locked, addresses bound, a zygote forked. `step` lets it take over
// once the zygote is ready. If anything fails before, the new parts are dropped and the old ones
// go on.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"
#include "daemon/generations.h"
#include "daemon/listeners.h"
#include "daemon/pid_file.h"
#include "daemon/restart_schedule.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/poll_set.h"
#include "sys/user.h"

namespace portsplit::daemon {

/// How long a new zygote may take to compile its plan.
inline constexpr std::chrono::milliseconds kReadyLimit{30000};

class Reload {
  public:
    /// @param launchpad  its members may be set until `start` is called
    Reload(const Launchpad& launchpad, Listeners& listeners, Generations& generations,
           sys::Log& log, std::chrono::milliseconds ready_limit = kReadyLimit)
        : launchpad_(launchpad),
          listeners_(listeners),
          generations_(generations),
          log_(log),
          ready_limit_(ready_limit) {}

    enum class Kind { Start, Reload, Restart };

    /// How a change ended.
    struct Outcome {
        Kind kind;
        bool took_over;                 ///< else the reason is in the log
        std::vector<Listener> closing;  ///< no longer configured; still open
    };

    /// Begins the change to the first configuration.
    /// @returns the exit code if it failed at once, with the reason in the log
    std::optional<int> start();

    /// Reads the file again and begins the change to it. A change must not be in progress.
    /// @returns false if it failed at once, with the reason in the log
    bool reload();

    /// If a change is in progress, notes a reload for later and returns true.
    bool postpone_reload();
    /// Returns true if a reload was postponed, once. Call after a change has ended.
    bool take_postponed() { return std::exchange(postponed_, false); }

    /// Returns true from `start`, `reload` or a restart until the outcome.
    bool is_changing() const { return change_.has_value(); }

    /// The configuration in force; none before the start has succeeded and after `stop`.
    const std::optional<core::Config>& in_force() const { return in_force_; }
    /// The user that connections are served as, if it is another one than the daemon's.
    const std::optional<sys::User>& user() const { return user_; }

    /// Makes the wait end when `step` has something to do without a message of a zygote.
    void watch(sys::PollSet& set) const;

    /// Lets a change take over if its zygote is ready, or drops it after the limit. Without a
    /// change, restarts a dead zygote when its pause is over.
    /// @returns the outcome if a change ended
    std::optional<Outcome> step();

    /// Drops the change whose zygote has ended.
    /// @param status  of waitpid(2)
    Outcome on_starting_zygote_end(int status);

    /// Schedules the restart of the current zygote, which has died.
    void on_current_zygote_end() { restart_.on_death(sys::Clock::now()); }

    /// Drops a change on its way and removes the pid file. Then nothing is in force.
    void stop();

  private:
    /// Everything new but the zygote, which is Generations::starting.
    struct Change {
        Kind kind;
        core::Config config;
        std::optional<sys::User> user;
        std::vector<Listener> missing;
        std::optional<PidFile> pid_file;  ///< if its path is a new one
        sys::Clock::time_point ready_by;  ///< when the change is dropped unless the zygote is ready
    };

    std::optional<core::Config> load() const;
    bool begin(Kind kind, core::Config config);
    sys::Result<std::optional<sys::User>> find_user(const core::Config& config) const;
    sys::Result<std::optional<PidFile>> lock_pid_file(const core::Config& config) const;
    Outcome commit();
    Outcome abandon(const std::string& why);

    const Launchpad& launchpad_;
    Listeners& listeners_;
    Generations& generations_;
    sys::Log& log_;
    std::chrono::milliseconds ready_limit_;

    std::optional<core::Config> in_force_;
    std::optional<sys::User> user_;
    PidFile pid_file_;
    std::optional<Change> change_;
    bool postponed_ = false;
    RestartSchedule restart_;
};

}  // namespace portsplit::daemon
