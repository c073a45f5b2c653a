#include "sys/socket_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "sys/address.h"

namespace portsplit::sys {
namespace {

constexpr int kType = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

SysError failed(const std::string& path, int code, std::string advice = {}) {
    return {code, fmt::format("cannot listen on unix:{}", path), std::move(advice)};
}

/// Returns the errno of a connection to a path: 0 or EAGAIN if somebody listens there.
int try_to_connect(const Address& address) {
    const UniqueFd fd(::socket(AF_UNIX, kType, 0));
    if (!fd) return errno;
    return ::connect(fd.get(), address.data(), address.size()) == 0 ? 0 : errno;
}

/// Removes a socket on which nobody listens.
Result<Done> remove_dead(const std::string& path, const FileAccess& access) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) < 0) {
        if (errno == ENOENT) return Done{};
        return failed(path, errno);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return failed(path, EADDRINUSE, "the file there is no socket; choose another path");
    }
    if (try_to_connect(Address::of_unix(path)) != ECONNREFUSED) {
        return failed(path, EADDRINUSE,
                      fmt::format("see which program has it: ss -xlp src {}", path));
    }
    if (there.st_uid != ::geteuid() && there.st_uid != access.user) {
        return failed(
            path, EADDRINUSE,
            fmt::format("a socket of the user {} is there, on which nobody listens; remove it",
                        there.st_uid));
    }
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return failed(path, errno);
    return Done{};
}

/// Locks the folder of a file (flock(2)), so that of two processes that find a dead socket one replaces it, and
/// the other finds a live one.
Result<UniqueFd> lock_folder(const std::string& path) {
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return failed(path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    return failed(
        path, EADDRINUSE,
        fmt::format("another program makes a socket in {} at this moment; try again", folder));
}

/// Sets the umask; the destructor sets it back.
class Umask {
  public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;
    ~Umask() { ::umask(before_); }

  private:
    mode_t before_;
};

int bind_with_mode(int fd, const Address& address, mode_t mode) {
    const Umask umask(0777 & ~mode);
    return ::bind(fd, address.data(), address.size()) < 0 ? errno : 0;
}

/// Opens a file itself, not what a link points to, and for nothing but its attributes (open(2) O_PATH).
UniqueFd open_itself(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/// Changes the owner of an open file.
/// @returns 0, or errno
int change_owner(int fd, uid_t user, gid_t group) {
    return ::fchownat(fd, "", user, group, AT_EMPTY_PATH) < 0 ? errno : 0;
}

std::string advice_on(int code, const std::string& path) {
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    switch (code) {
        case ENOENT:
            return fmt::format("make the folder {}", folder);
        case EACCES:
        case EROFS:
            return fmt::format(
                "this user cannot make files in {}; choose a folder such as /run/portsplit",
                folder);
        case EPERM:
            return "only root gives a file to another user, and only root or a member to a group";
        default:
            return {};
    }
}

}  // namespace

std::optional<SocketFile::Identity> SocketFile::identity_of(int fd) {
    struct stat there {};
    if (::fstat(fd, &there) < 0 || !S_ISSOCK(there.st_mode)) return std::nullopt;
    return Identity{there.st_dev, there.st_ino};
}

Result<SocketFile::Listening> SocketFile::listen_on(const std::string& path,
                                                    const FileAccess& access) {
    const auto error = [&](int code) { return failed(path, code, advice_on(code, path)); };
    const auto lock = lock_folder(path);
    if (!lock) {
        const sys::SysError& why = lock.error();
        return why.advice.empty() ? error(why.code) : why;
    }
    if (const auto removed = remove_dead(path, access); !removed) return removed.error();
    UniqueFd fd(::socket(AF_UNIX, kType, 0));
    if (!fd) return error(errno);
    if (const int code = bind_with_mode(fd.get(), Address::of_unix(path), access.mode); code != 0) {
        return error(code);
    }
    const UniqueFd itself = open_itself(path);
    if (!itself) return error(errno);
    const auto identity = identity_of(itself.get());
    if (!identity) return failed(path, EADDRINUSE, "something else took its place at once");
    SocketFile file(path, *identity, ::getpid());
    if (access.user || access.group) {
        constexpr auto kSame = static_cast<uid_t>(-1);
        const int code =
            change_owner(itself.get(), access.user.value_or(kSame), access.group.value_or(kSame));
        if (code != 0) return error(code);
    }
    // The kernel reduces the backlog to net.core.somaxconn (listen(2)).
    if (::listen(fd.get(), std::numeric_limits<int>::max()) < 0) return error(errno);
    return Listening{std::move(fd), std::move(file)};
}

SocketFile SocketFile::of(std::string path, Identity identity) {
    return {std::move(path), identity, ::getpid()};
}

UniqueFd SocketFile::open_own() const {
    UniqueFd fd = open_itself(path_);
    const auto there = fd ? identity_of(fd.get()) : std::nullopt;
    const bool is_own =
        there && there->device == identity_.device && there->inode == identity_.inode;
    if (!is_own) fd.reset();
    return fd;
}

void SocketFile::remove() {
    if (path_.empty() || ::getpid() != owner_) return;
    if (open_own()) ::unlink(path_.c_str());
    path_.clear();
}

Result<Done> SocketFile::change(const FileAccess& access) const {
    const auto failed_to_change = [&](int code, const std::string& advice) {
        return SysError{code, fmt::format("cannot change the mode or the owner of {}", path_),
                        advice};
    };
    const UniqueFd fd = open_own();
    if (!fd)
        return failed_to_change(ENOENT, "the socket is not there any more; restart portsplitd");
    const int code = change_owner(fd.get(), access.user.value_or(::geteuid()),
                                  access.group.value_or(::getegid()));
    if (code != 0) return failed_to_change(code, advice_on(code, path_));
    // chmod(2) follows this link to the file that is open.
    const std::string itself = fmt::format("/proc/self/fd/{}", fd.get());
    if (::chmod(itself.c_str(), access.mode) < 0) return failed_to_change(errno, {});
    return Done{};
}

}  // namespace portsplit::sys
