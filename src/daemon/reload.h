#pragma once
// Puts a configuration into use: at the start, at a reload, and again after a zygote died. Owns the
// configuration in force with its user and pid file, and the change that has begun. Notifies no
// service manager: the Daemon does, by the outcome.
//
// How it works. A change makes everything new beside the old, in three steps. A reader reads and checks
// the file (reader.h). When it has ended, the pid file is locked, addresses are bound and a zygote is
// forked. Once the zygote is ready, `step` lets the change take over. If anything fails before, the new
// parts are dropped and the old ones go on. A restart has no reader: it uses what was read, and may come
// while the file is read for a reload; then the reload waits for it.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"
#include "daemon/generations.h"
#include "daemon/intake.h"
#include "daemon/pid_file.h"
#include "daemon/reader.h"
#include "daemon/restart_schedule.h"
#include "daemon/sockets.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/poll_set.h"

namespace portsplit::daemon {

class StateReader;
class StateWriter;

/// How long a new zygote may take to compile its plan.
inline constexpr std::chrono::milliseconds kReadyLimit{30000};
/// How long the reading of a file may take.
inline constexpr std::chrono::milliseconds kReadLimit{30000};
/// From one renewal to the next.
inline constexpr std::chrono::seconds kRenewalPause{1};

class Reload {
  public:
    /// @param launchpad  its members may be set until `start` is called
    Reload(const Launchpad& launchpad, ListeningSockets& sockets, Intake& intake,
           Generations& generations, sys::Log& log,
           std::chrono::milliseconds ready_limit = kReadyLimit,
           std::chrono::milliseconds read_limit = kReadLimit)
        : launchpad_(launchpad),
          sockets_(sockets),
          intake_(intake),
          generations_(generations),
          log_(log),
          ready_limit_(ready_limit),
          read_limit_(read_limit) {}

    enum class Kind {
        Start,
        Reload,
        Restart,  ///< of a zygote that died
        Renewal,  ///< of a zygote whose dispatcher crashed
        Upgrade,  ///< of a zygote of the program that this process was before
    };

    /// How a change ended.
    struct Outcome {
        Kind kind;
        bool took_over;              ///< else the reason is in the log
        int exit_code;               ///< of a daemon whose start failed so
        std::uint32_t problems = 0;  ///< of the file; 0 if it failed for another reason
    };

    /// Begins to read the file and to change to what it says. A change must not be in progress.
    /// @param kind  Start or Reload
    /// @returns false if it failed at once, with the reason in the log
    bool begin(Kind kind);

    /// If a change is in progress, notes a reload for later and returns true.
    bool postpone_reload();
    /// Notes a reload for later.
    void postpone() { postponed_ = true; }
    /// Returns true if a reload was postponed, once. Call after a change has ended.
    bool take_postponed() { return std::exchange(postponed_, false); }

    /// Returns true from `begin` or a restart until the outcome.
    bool is_changing() const { return reader_ || read_ || change_; }
    /// Returns true while a reader is a child of this process.
    bool is_reading() const { return reader_.has_value(); }

    /// What is in force; null before the start has succeeded and after `stop`.
    const Reading* in_force() const { return in_force_.get(); }

    /// Makes the wait end when `step` has something to do without a message of a zygote.
    void watch(sys::PollSet& set) const;

    /// Lets a change take over if its zygote is ready, or drops it after the limit. Without a
    /// change, restarts a dead zygote when its pause is over.
    /// @returns the outcome if a change ended
    std::optional<Outcome> step();

    /// Returns true for the process that reads the file.
    bool is_reader(pid_t pid) const { return reader_ && reader_->process.pid() == pid; }
    /// Goes on with what was read.
    /// @param status  of waitpid(2)
    /// @returns the outcome if the change failed
    std::optional<Outcome> on_reader_end(int status);

    /// Drops the change whose zygote has ended.
    /// @param status  of waitpid(2)
    Outcome on_starting_zygote_end(int status);

    /// Schedules the restart of the current zygote, which has died.
    void on_current_zygote_end() { restart_.on_death(sys::Clock::now()); }

    /// Drops a change on its way and removes the pid file. Then nothing is in force.
    void stop();

    // For an upgrade (state.h). A change must not be in progress.
    void append_to(StateWriter& state) const;
    /// @returns the user that the configuration in force serves as
    std::optional<sys::User> take_from(StateReader& state);
    /// Puts a configuration into force whose sockets, pid file and zygotes there are.
    void resume(std::shared_ptr<const Reading> reading);
    /// Begins to replace the current zygote.
    /// @returns false if it failed at once, with the reason in the log
    bool begin_upgrade() { return change_to(Kind::Upgrade, in_force_); }

  private:
    /// Everything new but the zygote, which is Generations::starting.
    struct Change {
        Kind kind;
        std::shared_ptr<const Reading> reading;
        std::vector<ListeningSocket> missing;
        std::optional<PidFile> pid_file;  ///< if its path is a new one
        sys::Clock::time_point ready_by;  ///< when the change is dropped unless the zygote is ready
    };

    /// The first step of a start or a reload.
    struct FirstStep {
        Kind kind;
        Reader process;
        sys::Clock::time_point until;  ///< when it is killed
        bool abandoned = false;        ///< true after `stop`: nobody waits for what it reads
    };

    /// What a reader has read for a change that has not begun.
    struct Read {
        Kind kind;
        std::shared_ptr<const Reading> reading;
    };

    std::optional<Outcome> change_to_read();
    bool change_to(Kind kind, std::shared_ptr<const Reading> reading);
    bool is_worn() const;
    void renew();
    void log_left(const core::Config& before, const core::Config& next) const;
    void log_skipped(const ListeningSockets::Opened& opened,
                     const std::vector<core::Endpoint>& unchanged) const;
    sys::Result<std::optional<PidFile>> lock_pid_file(const core::Config& config) const;
    Outcome commit();
    Outcome abandon(const std::string& why);

    const Launchpad& launchpad_;
    ListeningSockets& sockets_;
    Intake& intake_;
    Generations& generations_;
    sys::Log& log_;
    std::chrono::milliseconds ready_limit_;
    std::chrono::milliseconds read_limit_;

    std::shared_ptr<const Reading> in_force_;  ///< shared with the change of a restart
    PidFile pid_file_;
    std::optional<FirstStep> reader_;
    std::optional<Read> read_;
    std::optional<Change> change_;
    bool postponed_ = false;
    RestartSchedule restart_;
    sys::Clock::time_point renew_at_{};  ///< no renewal before
    std::uint64_t renewals_ = 0;
};

}  // namespace portsplit::daemon
