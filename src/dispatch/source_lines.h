#pragma once
// The lines of connections of one source. A source that comes again and again would fill the log: in each minute some
// of its lines are written, and the others are counted.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ip_address.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

class SourceLines {
  public:
    /// What a line is about.
    enum class About {
        Unserved,  ///< a connection that ended before a service was chosen, such as a health check
        Served,    ///< any other
    };
    static constexpr std::size_t kAbout = 2;
    /// How many lines of each kind a source has in a minute.
    static constexpr std::array<int, kAbout> kWritten{3, 100};
    /// How many sources are counted at once. The lines of others are all written.
    static constexpr std::size_t kMostSources = 4096;

    /// Returns true if the line of such a connection is to be written; else counts it.
    bool admit(const core::IpAddress& client, About about);

    /// Returns when `reports` has something to return; the maximum if it has nothing.
    sys::Clock::time_point due() const { return due_; }
    /// Returns a line for each source and kind whose minute is over by `now` and whose lines were counted, and begins
    /// the minutes of all these sources anew.
    std::vector<std::string> reports(sys::Clock::time_point now);

  private:
    struct Count {
        sys::Clock::time_point until;
        std::array<int, kAbout> written{};
        std::array<std::uint64_t, kAbout> left_out{};
    };

    std::map<core::IpAddress, Count> sources_;  ///< by the first address of each
    sys::Clock::time_point due_ = sys::Clock::time_point::max();
};

}  // namespace portsplit::dispatch
