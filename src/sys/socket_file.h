#pragma once
// Listening on a Unix-domain socket that has a file (unix(7)): the file's mode and owner, and files that a
// dead process has left behind.

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Who may connect: connect(2) needs the permission to write the file.
struct FileAccess {
    mode_t mode = 0666;
    std::optional<uid_t> user{};  ///< none for that of this process
    std::optional<gid_t> group{};
};

/// The file of a socket. The destructor removes it, unless something else has taken its place; in a forked
/// child it does nothing.
class SocketFile {
  public:
    /// A listening socket, non-blocking and close-on-exec, and its file.
    struct Listening;
    /// Makes a file and listens. The file has its mode and owner before anybody can connect. A socket that is
    /// there already is replaced if nobody listens on it and it is owned by this process's user or the one of
    /// `access`; what else is there is left alone.
    static Result<Listening> listen_on(const std::string& path, const FileAccess& access);

    SocketFile(SocketFile&& other) noexcept
        : path_(std::exchange(other.path_, {})), identity_(other.identity_), owner_(other.owner_) {}
    SocketFile& operator=(SocketFile&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(identity_, other.identity_);
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~SocketFile() { remove(); }

    /// Removes the file: from now on nobody can connect.
    void remove();

    /// Returns true if the file is there. It is not if it was removed, or if something else has taken its place.
    bool is_there() const { return static_cast<bool>(open_own()); }

    /// Changes the mode and the owner, which is that of this process if none is given.
    Result<Done> change(const FileAccess& access) const;

    /// Tells a file from another of the same name (inode(7)).
    struct Identity {
        dev_t device;
        ino_t inode;
    };

    // For a program that this process becomes by execve(2).
    const std::string& path() const { return path_; }
    Identity identity() const { return identity_; }
    /// Returns what removes that file, which this process has made before.
    static SocketFile of(std::string path, Identity identity);

  private:
    SocketFile(std::string path, Identity identity, pid_t owner)
        : path_(std::move(path)), identity_(identity), owner_(owner) {}
    /// Returns nothing for what is no socket.
    static std::optional<Identity> identity_of(int fd);
    /// Opens the file; nothing if something else has taken its place.
    UniqueFd open_own() const;

    std::string path_;  ///< empty after a move
    Identity identity_;
    pid_t owner_;  ///< the process that made the file
};

struct SocketFile::Listening {
    UniqueFd fd;
    SocketFile file;
};

}  // namespace portsplit::sys
