#pragma once
// The log: one event, one line, one write. To standard error, to syslog or to a file. Never waits for
// the reader, and counts the lines that it dropped.
//
// Not syslog(3): that waits while the socket of syslog is full, cannot log under the pid of another
// process, and does not give its socket to be a program's standard error.
// No {fmt} in log.cc: the zygote writes a line for each connection.

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Levels, with the numbers of syslog(3).
enum class Level { Error = 3, Warning = 4, Notice = 5, Info = 6 };

inline constexpr const char* kStderr = "stderr";
inline constexpr const char* kSyslog = "syslog";

/// Where lines for syslog go while there is none.
enum class WithoutSyslog {
    UseStderr,  ///< to standard error
    Drop,       ///< nowhere: standard error may be a client
};

/// Returns the open descriptor of this process that a value of `--log` names: `kStderr`, /dev/stdout,
/// /dev/stderr, /dev/fd/N or /proc/self/fd/N; none for syslog and for a file.
std::optional<int> log_descriptor(std::string_view where);

/// Opens the log.
/// @param where  the value of `--log`: `kStderr`, `kSyslog`, or the path of a file. The descriptor that a
///               path names is duplicated: open(2) needs permission for its file, and fails for a socket.
/// @returns an error if the file cannot be opened; a syslog that is not there is not an error
Result<class Log> open_log(const std::string& where, WithoutSyslog without);

class Log {
  public:
    /// A log whose lines go to a descriptor, as `DATE portsplit[PID]: TEXT`. The date is of ISO
    /// 8601, with the offset from UTC; the journal adds its own, so there is none for it
    /// (systemd.exec(5) JOURNAL_STREAM).
    static Log to_descriptor(UniqueFd fd);
    /// A log whose lines go to the socket of syslog (RFC 3164; facility daemon). Each line tries to reach
    /// it anew if there is none.
    /// @param without  gets the lines, with a date, while there is no syslog; may own nothing
    static Log to_syslog(UniqueFd without = {});

    /// Writes one line. Bytes that are not printable ASCII are escaped as \xXX, and the text is cut
    /// to 3900 bytes. Drops the line if the pipe or socket is full; a line before the next one that
    /// has room gives the number of dropped lines.
    /// @param pid  the process that the event is about; 0 for this one
    void line(Level level, std::string_view text, pid_t pid = 0);

    /// How many lines `limited` writes in a minute.
    static constexpr int kLimitedLines = 20;

    /// Writes a line that clients can cause at will: at most some lines a minute of each kind. The first
    /// line of a kind after its minute follows a line with the number of those left out.
    /// @param kind  a string literal: it is stored, and it names the kind in that line
    /// @param most  lines of this kind in a minute
    void limited(Level level, const char* kind, std::string_view text, pid_t pid = 0,
                 int most = kLimitedLines);

    /// Goes on with another descriptor, or with the file that has this path now. The number of `descriptor`
    /// stays, and so do copies of the number; forks that come later have the new one.
    void replace(UniqueFd fd);
    Result<Done> reopen(const std::string& path);

    /// Closes the log in a process that must not have it. No other function may be called after that.
    void close();

    /// Writes a warning if the lines for syslog go to standard error, because there is no syslog now.
    void report_missing_syslog();

    /// Returns the descriptor that becomes the standard error of programs with `stderr = log` under --inetd: on
    /// the socket of syslog, each write is a message. Without syslog it is what takes its place; -1 if nothing
    /// does. Borrowed from this log, which never changes the number.
    int descriptor() const { return fd_.get(); }
    /// Returns all descriptors of the log, -1 for one that it does not have.
    std::array<int, 2> descriptors() const { return {fd_.get(), without_.get()}; }

  private:
    explicit Log(UniqueFd fd, UniqueFd without, bool syslog, bool dated)
        : fd_(std::move(fd)), without_(std::move(without)), syslog_(syslog), dated_(dated) {}

    bool write(Level level, std::string_view text, pid_t pid);
    bool put(int fd, std::string line);
    void reconnect();
    const std::string& date();

    /// The lines of one kind in the current minute.
    struct Kind {
        Clock::time_point since{};   ///< the first line
        int lines = 0;               ///< written
        std::uint64_t left_out = 0;  ///< not written
    };

    UniqueFd fd_;
    UniqueFd without_;  ///< for syslog: gets the lines while there is none
    bool syslog_;
    bool connected_ = false;  ///< true while `fd_` is the socket of syslog
    bool dated_;
    bool is_pipe_ = false;     ///< true if lines that do not go to syslog go to a pipe
    bool unfinished_ = false;  ///< true after a line of which the file or pipe took only a part
    /// Of `date_`, which is kept because a busy zygote writes thousands of lines in one second.
    std::time_t second_ = -1;
    std::string date_;
    std::uint64_t dropped_ = 0;  ///< lines since the last report of dropped lines
    std::map<std::string_view, Kind> kinds_;
};

/// Returns the text with each byte that is not printable ASCII as \xXX.
std::string escaped(std::string_view text);

}  // namespace portsplit::sys
