#pragma once
// The daemon: accepts, counts, hands over, reloads, and obeys signals. Reads no client byte.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "daemon/accept.h"
#include "daemon/generations.h"
#include "daemon/listeners.h"
#include "daemon/options.h"
#include "daemon/pid_file.h"
#include "daemon/service_manager.h"
#include "handoff.h"
#include "sys/clock.h"
#include "sys/log.h"

namespace portsplit::daemon {

class Daemon {
  public:
    Daemon(const Options& options, sys::Log& log) : options_(options), log_(log) {}

    /// Starts, serves until a signal ends it, and stops.
    /// @returns the exit code
    int run();

  private:
    /// A configuration on its way in: everything it needs is there before anything changes.
    struct Change {
        core::Config config;
        std::optional<sys::User> user;
        std::vector<Listener> missing;
        std::optional<PidFile> pid_file;  ///< where its path is a new one
        Generation generation;
        sys::Clock::time_point deadline;  ///< for the generation to be ready
        std::string done;                 ///< what the log says when it has taken over
    };

    // Changing configurations, the first one included (change.cc).
    std::optional<int> begin_change();
    std::optional<int> prepare(core::Config config, std::string done);
    void settle_change();
    void commit_change();
    void abandon_change(const std::string& why);
    void schedule_restart();
    void replace_zygote();
    void announce();
    void fail_reload();

    // Serving (daemon.cc).
    bool prepare_to_serve();
    void adopt_passed_sockets();
    void wait();
    bool idle_too_long();
    std::string status() const;
    bool can_accept() const;
    void accept_all(const Listener& listener);
    void accept_last(const Listener& listener);
    void queue(Accepted accepted);
    bool has_room() const;
    void hand_over_waiting();

    // Signals and children (signals.cc).
    void obey_signals();
    void obey(int signal);
    void reap();
    void stop_listening();

    const Options& options_;
    sys::Log& log_;
    ServiceManager manager_;
    sys::UniqueFd signals_;
    Launchpad launchpad_;

    core::Config config_;
    std::optional<sys::User> user_;
    PidFile pid_file_;
    Listeners listeners_;
    Generations generations_;
    std::optional<Change> change_;
    bool reload_failed_ = false;  ///< the last one; the manager goes on being told
    bool change_again_ = false;   ///< another reload was asked for meanwhile

    std::deque<Delivery> waiting_;  ///< accepted; handed over in this order
    bool wants_room_ = false;  ///< in the channel, for the first of them; else for time to pass
    std::uint64_t next_id_ = 1;
    sys::Clock::time_point accept_at_{};   ///< not before; after a shortage
    sys::Clock::time_point born_{};        ///< when the current zygote was ready
    sys::Clock::time_point restart_at_{};  ///< not before; after a zygote died
    std::chrono::milliseconds restart_pause_{0};

    sys::Clock::time_point busy_{};  ///< when there was a connection last
    bool listening_ = false;
    bool finishing_ = false;  ///< SIGQUIT: ends with the last connection
    std::optional<int> exit_code_;
};

}  // namespace portsplit::daemon
