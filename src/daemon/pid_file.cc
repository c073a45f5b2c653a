#include "daemon/pid_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

}  // namespace

sys::Result<PidFile> PidFile::create(const std::string& path) {
    const std::string what = fmt::format("cannot write the pid file {}", path);
    while (true) {
        constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        sys::UniqueFd fd(sys::retry([&] { return ::open(path.c_str(), kFlags, 0644); }));
        if (!fd) return sys::SysError{errno, what};
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK) return sys::SysError{errno, what};
            return sys::SysError{EEXIST,
                                 fmt::format("another portsplitd holds the pid file {}", path)};
        }
        if (!is_at_path(fd.get(), path)) continue;  // create it anew
        if (::ftruncate(fd.get(), 0) < 0) return sys::SysError{errno, what};
        if (auto put = sys::write_all(fd.get(), fmt::format("{}\n", ::getpid())); !put) {
            const int code = put.error().code;
            ::unlink(path.c_str());
            return sys::SysError{code, what};
        }
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
