#include "sys/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <ctime>
#include <utility>

#include "sys/socket.h"

namespace portsplit::sys {
namespace {

constexpr const char* kIdent = "portsplit";
constexpr const char* kSyslogSocket = "/dev/log";
constexpr int kFacilityDaemon = 3 << 3;  // syslog(3) LOG_DAEMON
/// A write of at most PIPE_BUF (4096) bytes to a pipe is atomic (pipe(7)). This leaves 196 for the
/// header and the newline.
constexpr std::size_t kLongestText = 3900;
/// As many symbolic links as the kernel follows (path_resolution(7)).
constexpr int kMostLinks = 40;
constexpr auto kLimitedPeriod = std::chrono::minutes(1);

/// Returns a datagram socket connected to syslog; none if syslog does not run.
UniqueFd connect_to_syslog() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string_view(kSyslogSocket).copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // sockaddr(3type)
    if (!fd || ::connect(fd.get(), generic, sizeof address) < 0) return UniqueFd();
    return fd;
}

/// Returns `<PRI>Mmm dd hh:mm:ss ` (RFC 3164 4.1).
std::string syslog_header(Level level) {
    return "<" + std::to_string(kFacilityDaemon | static_cast<int>(level)) + ">" +
           local_time("%b %e %H:%M:%S ");
}

/// Returns true if a descriptor leads to the journal: then JOURNAL_STREAM has the numbers of its device and
/// file (systemd.exec(5)).
bool is_journal(int fd) {
    const char* stream = ::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || ::fstat(fd, &status) < 0) return false;
    return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

/// Writes without waiting, even if another process fills a pipe at this moment.
ssize_t write_now(int fd, bool is_pipe, std::string_view text) {
    // A pipe is writable for poll(2) only while it has room for PIPE_BUF bytes.
    pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
    if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return -1;
    if (is_pipe) {
        const iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
        const ssize_t put = ::pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
        if (put >= 0 || errno != EOPNOTSUPP) return put;
    }
    return ::write(fd, text.data(), text.size());
}

/// Returns a duplicate of a descriptor, above those of the standard streams.
UniqueFd duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)); }

/// Opens a path for appending. Follows a symbolic link there only if root or the user of this process has made it:
/// whoever may write the folder of the log could lead its lines to any other file.
/// @returns code ELOOP for the link of another user
Result<UniqueFd> open_for_appending(const std::string& where) {
    const std::string what = "cannot open the log file " + where;
    // O_NONBLOCK: open(2) of a FIFO must not wait for a reader, but fail with ENXIO.
    constexpr int kFlags =
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
    std::string path = where;
    for (int links = 0;; ++links) {
        UniqueFd fd(::open(path.c_str(), kFlags, 0640));
        if (fd) return fd;
        const SysError error{errno, what};
        if (error.code != ELOOP || links == kMostLinks) return error;
        // Held open, so that the link that is read is the one whose owner was looked at.
        const UniqueFd link(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat status {};
        char target[PATH_MAX] = {};
        if (::fstat(link.get(), &status) < 0 ||
            ::readlinkat(link.get(), "", target, sizeof target - 1) < 0) {
            return error;
        }
        if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
            return SysError{ELOOP, what,
                            "a user who is neither root nor this one has made this symbolic link"};
        }
        const std::string folder = target[0] == '/' ? "" : path.substr(0, path.rfind('/') + 1);
        path = folder + target;
    }
}

/// Opens a log file, or a FIFO that has a reader; duplicates a descriptor that a path names.
Result<UniqueFd> open_log_file(const std::string& where) {
    const std::optional<int> named = log_descriptor(where);
    auto fd = named ? Result<UniqueFd>(duplicate(*named)) : open_for_appending(where);
    if (!fd) return fd.error();
    if (!*fd) return SysError{errno, "cannot open the log file " + where};
    // Programs get this descriptor and expect it blocking. Others may share the flags of a duplicate.
    if (!named) set_blocking(fd->get(), true);
    return fd;
}

}  // namespace

std::string escaped(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            result += c;
        } else {
            result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return result;
}

std::optional<int> log_descriptor(std::string_view where) {
    if (where == kStderr || where == "/dev/stderr") return STDERR_FILENO;
    if (where == "/dev/stdout") return STDOUT_FILENO;
    for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
        if (!where.starts_with(folder)) continue;
        const std::string_view digits = where.substr(folder.size());
        int fd = -1;
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), fd);
        if (error == std::errc() && end == digits.end() && fd >= 0) return fd;
    }
    return std::nullopt;
}

Result<Log> open_log(const std::string& where, WithoutSyslog without) {
    if (where == kSyslog) {
        return Log::to_syslog(without == WithoutSyslog::UseStderr ? duplicate(STDERR_FILENO)
                                                                  : UniqueFd());
    }
    auto fd = open_log_file(where);
    if (!fd) return fd.error();
    return Log::to_descriptor(*std::move(fd));
}

Log Log::to_descriptor(UniqueFd fd) {
    const bool dated = !is_journal(fd.get());
    Log log(std::move(fd), {}, false, dated);
    log.is_pipe_ = is_pipe(log.fd_.get());
    return log;
}

Log Log::to_syslog(UniqueFd without) {
    const bool dated = !is_journal(without.get());
    Log log({}, std::move(without), true, dated);
    log.is_pipe_ = is_pipe(log.without_.get());
    log.reconnect();
    return log;
}

void Log::close() {
    fd_.reset();
    without_.reset();
}

void Log::report_missing_syslog() {
    if (!syslog_ || connected_ || !without_) return;
    line(Level::Warning, "no syslog here: /dev/log cannot be reached; logging to standard error");
}

void Log::replace(UniqueFd fd) {
    // The number stays, and no moment passes in which it is closed (dup3(2)).
    if (fd) ::dup3(fd.get(), fd_.get(), O_CLOEXEC);
    if (!syslog_) is_pipe_ = is_pipe(fd_.get());
}

Result<Done> Log::reopen(const std::string& path) {
    auto fd = open_log_file(path);
    if (!fd) return fd.error();
    replace(*std::move(fd));
    return Done{};
}

void Log::line(Level level, std::string_view text, pid_t pid) {
    if (pid == 0) pid = ::getpid();
    if (dropped_ > 0) {
        const std::string report = std::to_string(dropped_) + " log lines were lost";
        if (write(Level::Warning, report, ::getpid())) dropped_ = 0;
    }
    if (!write(level, text, pid)) ++dropped_;
}

void Log::limited(Level level, const char* kind, std::string_view text, pid_t pid, int most) {
    Kind& state = kinds_[kind];
    const auto now = Clock::now();
    if (state.lines == 0 || now - state.since >= kLimitedPeriod) {
        if (state.left_out > 0) {
            line(Level::Warning, std::to_string(state.left_out) +
                                     " more lines were left out: " + std::string(kind));
        }
        state = Kind{now, 0, 0};
    }
    if (state.lines >= most) {
        ++state.left_out;
        return;
    }
    ++state.lines;
    line(level, text, pid);
}

/// Returns `2026-11-29T11:50:55+01:00 ` (RFC 3339).
const std::string& Log::date() {
    const std::time_t now = std::time(nullptr);
    if (now == second_) return date_;
    second_ = now;
    date_ = local_time("%Y-%m-%dT%H:%M:%S%z", now);
    if (date_.size() > 2) date_.insert(date_.size() - 2, ":");
    date_ += ' ';
    return date_;
}

/// Connects to syslog. While there is none, `fd_` is a copy of what takes its place.
void Log::reconnect() {
    UniqueFd next = connect_to_syslog();
    connected_ = static_cast<bool>(next);
    if (!next && without_) next = duplicate(without_.get());
    if (fd_) {
        replace(std::move(next));
    } else {
        fd_ = std::move(next);
    }
}

bool Log::write(Level level, std::string_view text, pid_t pid) {
    std::string whole = std::string(kIdent) + "[" + std::to_string(pid) + "]: ";
    whole += escaped(text.substr(0, kLongestText)).substr(0, kLongestText);
    if (!syslog_) return put(fd_.get(), std::move(whole));
    const std::string message = syslog_header(level) + whole;
    if (!connected_) reconnect();
    // A restarted syslog has a new socket at the same path: connect again and retry once.
    for (int attempt = 0; connected_ && attempt < 2; ++attempt) {
        if (::send(fd_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
            return true;
        }
        if (errno == EAGAIN) return false;
        reconnect();
    }
    return without_ && put(without_.get(), std::move(whole));
}

/// Writes a line to a descriptor. After a line of which only a part was written, as on a full disk, the next
/// one begins with a line end.
bool Log::put(int fd, std::string line) {
    line = (unfinished_ ? "\n" : "") + (dated_ ? date() + line : line) + '\n';
    const ssize_t written = write_now(fd, is_pipe_, line);
    if (written < 0) return false;
    unfinished_ = static_cast<std::size_t>(written) < line.size();
    return !unfinished_;
}

}  // namespace portsplit::sys
