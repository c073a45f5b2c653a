#pragma once
// The service manager that started the daemon, where there is one (systemd.exec(5), sd_notify(3)):
// the sockets it passes, and what it is told. The only file that knows libsystemd. Without a
// service manager every call does nothing.

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
    std::string name;  ///< FileDescriptorName= of the socket unit
};

class ServiceManager {
  public:
    /// Reads the environment and clears it of everything that is for this process alone
    /// (LISTEN_FDS and its like, NOTIFY_SOCKET, WATCHDOG_USEC), so that no child takes it for its
    /// own.
    ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    /// The sockets passed; the caller owns them from now on. Empty at the second call.
    std::vector<Passed> take_sockets() { return std::exchange(sockets_, {}); }

    /// Whether there is anybody to tell.
    bool listens() const { return !notify_socket_.empty(); }

    void ready(const std::string& status);
    void reloading();
    void stopping(const std::string& status);

    /// When `keep_informed` is due next.
    sys::Clock::time_point due() const;
    /// Feeds the watchdog, and tells the status where it is another one; each in its own time.
    void keep_informed(const std::string& status);

  private:
    void tell(const std::string& state);

    std::vector<Passed> sockets_;
    std::string notify_socket_;
    std::chrono::microseconds watchdog_{0};  ///< half of WATCHDOG_USEC; 0 for none
    sys::Clock::time_point fed_{};
    sys::Clock::time_point told_{};
    std::string status_;
    bool untold_ = false;  ///< a newer status waits for its time
};

}  // namespace portsplit::daemon
