#pragma once
// The process portsplitd: starts the parts, and runs the loop that serves signals, children,
// zygotes and clients. Reads no byte that a client sent. Called by main alone.
//
// The parts: Intake takes connections in, Reload changes the configuration, Generations are the
// zygotes, ListeningSockets the sockets, ServiceManager is notified, Upgrade asks the next version.

#include <optional>
#include <string>
#include <string_view>

#include "daemon/generations.h"
#include "daemon/intake.h"
#include "daemon/options.h"
#include "daemon/reload.h"
#include "daemon/service_manager.h"
#include "daemon/sockets.h"
#include "daemon/state.h"
#include "daemon/upgrade.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/reaper.h"
#include "sys/signals.h"

namespace portsplit::daemon {

class Daemon {
  public:
    Daemon(const Options& options, sys::Log& log) : options_(options), log_(log) {}

    /// Starts, serves until a signal or the idle limit ends it, and stops. Once for each process:
    /// it blocks signals and becomes a subreaper (PR_SET_CHILD_SUBREAPER).
    /// @returns the exit code
    int run();

    /// Reads the state of a daemon that would become this program. In place of `run`.
    /// @param text  of its configuration
    /// @returns why this program cannot take it over; empty if it can
    std::string why_no_successor(std::string_view state, std::string_view text);

  private:
    // The start.
    bool prepare();
    void outlast_others();
    bool leave_what_is_not_needed();
    sys::Result<sys::Done> open_dispatcher();
    void adopt_passed_sockets();
    void announce();

    // The loop.
    void turn();
    void notify_manager();
    std::string status() const;
    bool is_listening() const { return reload_.in_force() != nullptr; }
    void exit_if_done();

    // Signals and children.
    void handle_signals();
    void on_signal(const sys::Signal& signal);
    void reopen_log();
    void log_what_is_served();
    void reap_children();
    void on_child_end(const sys::Ended& child);
    void stop_listening();

    // Reloads.
    void reload();
    void on_outcome(Reload::Outcome outcome);
    void report_failed_reload(std::uint32_t problems);
    void log_takeover(Reload::Kind kind);

    // Upgrades: daemon_state.cc.
    StateWriter state() const;
    std::string take_from(StateReader& state, std::string_view text);
    bool take_over();
    void see_to_upgrade();
    void on_check_end(int status);
    void become_successor();
    void fail_upgrade(const std::string& why);
    void finish_upgrade(bool took_over);

    const Options& options_;
    sys::Log& log_;
    ServiceManager manager_;
    sys::UniqueFd signals_;
    Launchpad launchpad_;
    ListeningSockets sockets_;
    Accounts accounts_;
    Generations generations_{accounts_};
    Intake intake_{generations_, accounts_, log_};
    Reload reload_{launchpad_, sockets_, intake_, generations_, log_};
    Upgrade upgrade_{sys::own_path()};
    sys::Reaper reaper_;

    std::string loaded_at_;  ///< when the configuration in use was loaded, as local time
    bool last_reload_failed_ = false;
    sys::Clock::time_point busy_at_{};  ///< when there last was a connection or a change
    bool finishing_ = false;            ///< true after SIGQUIT: exit with the last connection
    std::optional<int> exit_code_;      ///< set when the loop must end
};

}  // namespace portsplit::daemon
