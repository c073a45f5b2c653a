#pragma once
// Connections that end before a service is chosen. The health checks of a load balancer make one each second,
// and their lines would fill the log: of each source some are written, and the others are counted.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ip_address.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

class EofLines {
  public:
    /// How many lines of a source are written in a minute.
    static constexpr int kWritten = 3;
    /// How many sources are counted at once. The lines of others are all written.
    static constexpr std::size_t kMostSources = 4096;

    /// Returns true if the line of such a connection is to be written; else counts it.
    bool admit(const core::IpAddress& client);

    /// Returns when `reports` has something to return; the maximum if it has nothing.
    sys::Clock::time_point due() const { return due_; }
    /// Returns a line for each source whose minute is over by `now` and whose lines were counted, and begins
    /// the minutes of all these sources anew.
    std::vector<std::string> reports(sys::Clock::time_point now);

  private:
    struct Count {
        sys::Clock::time_point until;
        int written = 0;
        std::uint64_t left_out = 0;
    };

    std::unordered_map<std::string, Count> sources_;
    sys::Clock::time_point due_ = sys::Clock::time_point::max();
};

}  // namespace portsplit::dispatch
