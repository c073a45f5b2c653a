#pragma once
// Turns the progress of connections into log lines, by the same rules in the zygote, which logs for
// all of its dispatchers, and under --inetd in the process that logs for one (log_process.h).

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/plan.h"
#include "dispatch/progress.h"
#include "dispatch/source_lines.h"
#include "sys/arrival.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// What the process that writes the log stores about one connection.
struct ConnectionRecord {
    std::uint64_t id = 0;  ///< the daemon's, for the message `Reaped`; 0 under --inetd
    sys::Arrival arrival{};
    Progress progress{};
    bool started = false;         ///< true once the line of `log = start` was written
    bool ends = false;            ///< true once its dispatcher announced its end (`is_last`)
    bool has_named_ends = false;  ///< true once `arrival.ends` are those of a PROXY header
    std::uint8_t questions = 0;   ///< that its dispatcher has asked the daemon
    bool has_stderr = false;      ///< true once its dispatcher has sent `publish_stderr`
    bool is_decided = false;      ///< true once it does not count as undecided
    bool is_excess = false;       ///< true once it is ended because too many are undecided
};

/// Writes the log lines of connections. For each connection: warnings and failures first, then exactly
/// one connection line, written by `finish`.
class ConnectionLog {
  public:
    /// Which warnings and failures are written.
    enum class Rate {
        All,      ///< every one: the process serves one connection
        Limited,  ///< at most 20 a minute of each kind: clients can cause them at will
    };

    /// @param plan, log  borrowed; must outlive this
    ConnectionLog(const core::Plan& plan, sys::Log& log, Rate rate)
        : plan_(plan), log_(log), rate_(rate) {}

    /// Stores the progress in the record, and logs what is new in it: a failure; once for each connection
    /// that an expression exceeded its limit; with `log = start` that its service is chosen.
    /// @param progress  one for which `is_valid` holds
    /// @param pid  the dispatcher; 0 for this process
    /// @param fields  for the log, as core::Passed has them
    void update(ConnectionRecord& record, const Progress& progress, pid_t pid = 0,
                std::string_view fields = {});

    /// Logs the connection line, with the time since accept, unless `log = no`. With `Rate::Limited`, lines of a source
    /// that has many may be counted instead, unless `log` is `start` or `all`.
    /// @param status  as for `connection_line`
    void finish(const ConnectionRecord& record, std::optional<int> status, pid_t pid = 0,
                std::string_view fields = {});

    /// Returns when `report` has lines to write.
    sys::Clock::time_point due() const { return source_lines_.due(); }
    /// Logs the counts of lines that were not written, if it is time.
    void report();
    /// Logs all counts, at the end of the process.
    void report_all();

  private:
    core::LogLines lines_of(const Progress& progress) const;
    void report_until(sys::Clock::time_point time);

    const core::Plan& plan_;
    sys::Log& log_;
    Rate rate_;
    SourceLines source_lines_;
};

}  // namespace portsplit::dispatch
