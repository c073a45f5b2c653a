#pragma once
// The service manager that started the daemon, if any (systemd.exec(5), sd_notify(3)): the sockets
// it passes, and notifications to it. The only file that uses libsystemd. Without a service manager
// every function does nothing. For the Daemon.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "sys/clock.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// A socket that was listening before the daemon started.
struct Passed {
    sys::UniqueFd fd;  ///< close-on-exec
    std::string name;  ///< FileDescriptorName= of the socket unit; empty if there is none
};

class ServiceManager {
  public:
    /// Reads the environment and removes what is for this process alone: LISTEN_PID, LISTEN_FDS,
    /// LISTEN_FDNAMES, NOTIFY_SOCKET, WATCHDOG_PID, WATCHDOG_USEC. The order matters: construct it
    /// before the first fork, so that no child inherits them.
    ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    /// Returns the sockets passed, owned by the caller. Empty at the second call.
    std::vector<Passed> take_sockets() { return std::exchange(sockets_, {}); }

    /// Returns why the sockets that the manager names cannot be used; empty if they can, or there are none.
    const std::string& problem() const { return problem_; }

    /// Returns true if there is a manager to notify.
    bool can_notify() const { return !notify_socket_.empty(); }

    /// Returns the variables that a program needs to be notified by, which this process becomes (execve(2)).
    std::vector<std::string> environment() const;

    // Each sends a notification at once (sd_notify(3)).
    void notify_ready(const std::string& status);
    void notify_reloading();
    void notify_stopping(const std::string& status);

    /// The moment when `keep_informed` has something to send, unless the status changes before.
    sys::Clock::time_point due() const;
    /// Sends the watchdog's keep-alive at half its limit, and the status when it has changed, at
    /// most once a second.
    void keep_informed(const std::string& status);

  private:
    void notify(const std::string& state);

    std::vector<Passed> sockets_;
    std::string problem_;
    std::string notify_socket_;
    std::chrono::microseconds watchdog_pause_{0};  ///< half of WATCHDOG_USEC; 0 for no watchdog
    sys::Clock::time_point watchdog_sent_{};
    sys::Clock::time_point status_sent_{};
    std::string status_;           ///< the last one sent
    bool status_pending_ = false;  ///< true while a newer one waits for its second to pass
};

}  // namespace portsplit::daemon
