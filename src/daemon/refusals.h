#pragma once
// Connections that a budget refused, for the log: the first one has its line at once, then they are counted, and
// a line each minute has their number and the sources with the most. For Intake.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/budgets.h"
#include "core/ip_address.h"
#include "daemon/ledger.h"
#include "sys/clock.h"

namespace portsplit::daemon {

class Refusals {
  public:
    using Time = sys::Clock::time_point;

    /// The largest number of sources that are counted one by one in a minute.
    static constexpr std::size_t kMostSources = 4096;

    /// Counts a connection.
    /// @returns true if its line is to be written
    bool add(Refusal why, const Ledger::Source& client, Time now);

    /// Returns when `report` may have a line; the maximum if there is nothing to report.
    Time due() const { return due_; }
    /// Returns the line about the minute that is over; nothing if none is over, or nothing came in it.
    std::optional<std::string> report(Time now);

    /// Returns how many were refused since the start of the daemon.
    std::uint64_t total() const { return total_; }
    /// Returns how many sources are counted one by one now.
    std::size_t sources() const { return sources_.size(); }

    // For an upgrade (state.h).
    void append_to(StateWriter& state) const;
    void take_from(StateReader& state);

  private:
    std::array<std::uint64_t, core::kRefusals>
        counts_{};  ///< without a line of their own, by Refusal
    std::map<core::IpAddress, std::size_t> sources_;
    std::uint64_t total_ = 0;
    Time due_ = Time::max();
};

}  // namespace portsplit::daemon
