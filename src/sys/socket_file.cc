#include "sys/socket_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

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

/// Changes the owner of a file, not of what a link points to.
/// @returns 0, or errno
int change_owner(const std::string& path, const FileAccess& access) {
    constexpr auto kSame = static_cast<uid_t>(-1);
    if (!access.user && !access.group) return 0;
    const int changed = ::fchownat(AT_FDCWD, path.c_str(), access.user.value_or(kSame),
                                   access.group.value_or(kSame), AT_SYMLINK_NOFOLLOW);
    return changed < 0 ? errno : 0;
}

std::string advice_on(int code) {
    if (code == ENOENT) return "make the folder of the socket";
    if (code == EPERM) return "only root gives a file to another user";
    return {};
}

}  // namespace

std::optional<SocketFile::Identity> SocketFile::identity_of(const std::string& path) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) < 0) return std::nullopt;
    return Identity{there.st_dev, there.st_ino};
}

Result<SocketFile::Listening> SocketFile::listen_on(const std::string& path,
                                                    const FileAccess& access) {
    if (const auto removed = remove_dead(path, access); !removed) return removed.error();
    UniqueFd fd(::socket(AF_UNIX, kType, 0));
    if (!fd) return failed(path, errno);
    if (const int code = bind_with_mode(fd.get(), Address::of_unix(path), access.mode); code != 0) {
        return failed(path, code, advice_on(code));
    }
    const auto identity = identity_of(path);
    if (!identity) return failed(path, errno);
    SocketFile file(path, *identity, ::getpid());
    if (const int code = change_owner(path, access); code != 0) {
        return failed(path, code, advice_on(code));
    }
    if (::listen(fd.get(), std::numeric_limits<int>::max()) < 0) return failed(path, errno);
    return Listening{std::move(fd), std::move(file)};
}

SocketFile::~SocketFile() {
    if (path_.empty() || ::getpid() != owner_) return;
    const auto there = identity_of(path_);
    if (!there || there->device != identity_.device || there->inode != identity_.inode) return;
    ::unlink(path_.c_str());
}

Result<Done> SocketFile::change(const FileAccess& access) const {
    const auto failed_to_change = [&](int code) {
        return SysError{code, fmt::format("cannot change the mode or the owner of {}", path_),
                        advice_on(code)};
    };
    const int code = change_owner(path_, access);
    if (code != 0) return failed_to_change(code);
    if (::chmod(path_.c_str(), access.mode) < 0) return failed_to_change(errno);
    return Done{};
}

}  // namespace portsplit::sys
