#pragma once
// The log: one event, one line, one write. To standard error, to syslog or to a file; never waits
// for whoever reads it, and counts what it had to drop.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Levels and their numbers as syslog(3) has them.
enum class Level { Error = 3, Warning = 4, Notice = 5, Info = 6 };

inline constexpr const char* kStderr = "stderr";
inline constexpr const char* kSyslog = "syslog";

/// Where `--log` says the log goes: `kStderr`, `kSyslog`, or the path of a file.
Result<class Log> open_log(const std::string& where);

class Log {
  public:
    /// Lines go to a descriptor as `portsplit[PID]: TEXT`.
    static Log to_descriptor(UniqueFd fd);
    /// Lines go to the socket of syslog (RFC 3164; facility daemon).
    static Log to_syslog();

    /// Writes one line. Control characters and bytes beyond ASCII are shown as \xXX; a long text is
    /// cut. When the reader is stuck the line is dropped, and the next one that passes says how
    /// many were.
    /// @param pid  the process the event is about; 0 for this one
    void line(Level level, std::string_view text, pid_t pid = 0);

    /// A line of a kind that an outsider could cause at will: at most 20 a minute of each kind. The
    /// first line after a pause says how many were left out.
    /// @param kind  a constant that names the kind
    void limited(Level level, const char* kind, std::string_view text, pid_t pid = 0);

    /// What a program's standard error leads to when it is to lead to the log: the descriptor
    /// itself, or a socket on which each write is a message to syslog. Valid as long as the log; -1
    /// for none.
    int descriptor() const { return fd_.get(); }

  private:
    explicit Log(UniqueFd fd, bool syslog) : fd_(std::move(fd)), syslog_(syslog) {}

    bool write(Level level, std::string_view text, pid_t pid);

    struct Kind {
        Clock::time_point since{};
        int lines = 0;
        std::uint64_t left_out = 0;
    };

    UniqueFd fd_;
    bool syslog_;
    std::uint64_t dropped_ = 0;
    std::map<std::string_view, Kind> kinds_;
};

/// The text with everything but printable ASCII shown as \xXX.
std::string escaped(std::string_view text);

}  // namespace portsplit::sys
