#include "sys/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ctime>

#include "sys/socket.h"

namespace portsplit::sys {
namespace {

constexpr const char* kIdent = "portsplit";
constexpr const char* kSyslogSocket = "/dev/log";
constexpr int kFacilityDaemon = 3 << 3;  // syslog(3) LOG_DAEMON
/// A write of at most PIPE_BUF (4096) bytes to a pipe is atomic (pipe(7)). This leaves 196 for the
/// header and the newline.
constexpr std::size_t kLongestText = 3900;
constexpr int kLimitedLines = 20;
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
    char when[32] = "";
    const std::time_t now = std::time(nullptr);
    struct tm local {};
    if (::localtime_r(&now, &local) != nullptr) {
        std::strftime(when, sizeof when, "%b %e %H:%M:%S ", &local);
    }
    return "<" + std::to_string(kFacilityDaemon | static_cast<int>(level)) + ">" + when;
}

/// Returns true if a write does not wait now. A pipe is writable for poll(2) only while it has room
/// for PIPE_BUF bytes.
bool has_room(int fd) {
    pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
    return ::poll(&wait, 1, 0) == 1 && (wait.revents & POLLOUT) != 0;
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

Result<Log> open_log(const std::string& where) {
    if (where == kStderr) return Log::to_descriptor(UniqueFd(::fcntl(2, F_DUPFD_CLOEXEC, 3)));
    if (where == kSyslog) return Log::to_syslog();
    // O_NONBLOCK: open(2) of a FIFO must not wait for a reader, but fail with ENXIO.
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    UniqueFd fd(::open(where.c_str(), kFlags, 0640));
    if (!fd) return SysError{errno, "cannot open the log file " + where};
    set_blocking(fd.get(), true);  // programs get this descriptor and expect it blocking
    return Log::to_descriptor(std::move(fd));
}

Log Log::to_descriptor(UniqueFd fd) { return Log(std::move(fd), false); }

Log Log::to_syslog() { return Log(connect_to_syslog(), true); }

void Log::line(Level level, std::string_view text, pid_t pid) {
    if (pid == 0) pid = ::getpid();
    if (dropped_ > 0) {
        const std::string report = std::to_string(dropped_) + " log lines were lost";
        if (write(Level::Warning, report, ::getpid())) dropped_ = 0;
    }
    if (!write(level, text, pid)) ++dropped_;
}

void Log::limited(Level level, const char* kind, std::string_view text, pid_t pid) {
    Kind& state = kinds_[kind];
    const auto now = Clock::now();
    if (state.lines == 0 || now - state.since >= kLimitedPeriod) {
        if (state.left_out > 0) {
            line(Level::Warning, std::to_string(state.left_out) +
                                     " more lines were left out: " + std::string(kind));
        }
        state = Kind{now, 0, 0};
    }
    if (state.lines == kLimitedLines) {
        ++state.left_out;
        return;
    }
    ++state.lines;
    line(level, text, pid);
}

bool Log::write(Level level, std::string_view text, pid_t pid) {
    std::string whole = std::string(kIdent) + "[" + std::to_string(pid) + "]: ";
    whole += escaped(text.substr(0, kLongestText)).substr(0, kLongestText);
    if (!syslog_) {
        whole += '\n';
        return has_room(fd_.get()) && ::write(fd_.get(), whole.data(), whole.size()) >= 0;
    }
    whole = syslog_header(level) + whole;
    // A restarted syslog has a new socket at the same path: connect again and retry once.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (::send(fd_.get(), whole.data(), whole.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
            return true;
        }
        if (errno == EAGAIN) return false;
        fd_ = connect_to_syslog();
        if (!fd_) return false;
    }
    return false;
}

}  // namespace portsplit::sys
