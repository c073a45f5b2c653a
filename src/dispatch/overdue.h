#pragma once
// Dispatchers that a signal has stopped before their verdict: each is to be killed some time after its deadline, so
// that its place in `maxconn` comes back. For the zygote.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "dispatch/connections.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

class Overdue {
  public:
    /// After its deadline a dispatcher has this time for its verdict.
    static constexpr std::chrono::seconds kGrace{1};

    /// Adds a dispatcher that was stopped.
    /// @param timeout  of its listener; 0: it has no deadline, and is never killed
    void add(pid_t pid, const ConnectionRecord& record, std::chrono::milliseconds timeout);

    /// Returns when to call `take_due`; `time_point::max()` if there is no need.
    sys::Clock::time_point due() const;
    /// Returns those that have not decided in time, each once.
    std::vector<pid_t> take_due(Connections& connections);

  private:
    struct Entry {
        pid_t pid;
        std::uint64_t id;  ///< of its connection: the kernel uses pids again
        sys::Clock::time_point due;
    };
    std::vector<Entry> entries_;
};

}  // namespace portsplit::dispatch
