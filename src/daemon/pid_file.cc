#include "daemon/pid_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "sys/file.h"

namespace portsplit::daemon {
namespace {

/// Returns true if the path still names the open file. The daemon that held the lock before may
/// have removed the file between our open(2) and flock(2).
bool is_at_path(int fd, const std::string& path) {
    struct stat held {};
    struct stat named {};
    return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/// Returns true if the process that a pid file names lives, and is a portsplitd like this one.
bool names_a_daemon(int fd) {
    const auto text = sys::read_all(fd);
    if (!text || text->empty()) return true;  // a daemon that starts has not written it yet
    pid_t pid = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), pid);
    if (read.ec != std::errc() || pid <= 0) return false;
    if (::kill(pid, 0) < 0 && errno == ESRCH) return false;
    const auto name = sys::read_file(fmt::format("/proc/{}/comm", pid));
    const auto own_name = sys::read_file("/proc/self/comm");
    return !name || !own_name || *name == *own_name;
}

}  // namespace

sys::Result<PidFile> PidFile::create(const std::string& path) {
    const std::string what = fmt::format("cannot write the pid file {}", path);
    while (true) {
        constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        // Nobody else can open it before it is locked.
        sys::UniqueFd fd(sys::retry([&] { return ::open(path.c_str(), kFlags, 0600); }));
        if (!fd) return sys::SysError{errno, what};
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK) return sys::SysError{errno, what};
            if (names_a_daemon(fd.get())) {
                return sys::SysError{EEXIST,
                                     fmt::format("another portsplitd holds the pid file {}", path)};
            }
            // Whoever may read the file can lock it (flock(2)): that must not keep the daemon from starting.
            if (is_at_path(fd.get(), path) && ::unlink(path.c_str()) < 0) {
                return sys::SysError{errno, what};
            }
            continue;
        }
        if (!is_at_path(fd.get(), path)) continue;  // create it anew
        if (::ftruncate(fd.get(), 0) < 0) return sys::SysError{errno, what};
        if (auto put = sys::write_all(fd.get(), fmt::format("{}\n", ::getpid())); !put) {
            const int code = put.error().code;
            ::unlink(path.c_str());
            return sys::SysError{code, what};
        }
        ::fchmod(fd.get(), 0644);
        return PidFile(path, std::move(fd));
    }
}

PidFile::PidFile(PidFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
    if (this == &other) return *this;
    remove();
    path_ = std::exchange(other.path_, {});
    fd_ = std::move(other.fd_);
    return *this;
}

void PidFile::remove() {
    if (!fd_) return;
    // The order matters: unlink before the lock is dropped, or the file may be the next daemon's.
    if (is_at_path(fd_.get(), path_)) ::unlink(path_.c_str());
    fd_.reset();
    path_.clear();
}

}  // namespace portsplit::daemon
