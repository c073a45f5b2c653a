#pragma once
// The pid file: holds the daemon's process id for other programs, and keeps a second daemon with the
// same file from starting. For Reload.

#include <string>
#include <utility>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// A pid file with a lock on it (flock(2)), removed by the destructor. The kernel drops the lock of
/// a daemon that crashed, so the file that it left is taken over. A lock of another program on a file that
/// names no living daemon counts for nothing: the file is replaced.
class PidFile {
  public:
    /// Holds no file.
    PidFile() = default;

    /// Creates or takes over the file and writes this process's id.
    /// @returns EEXIST if another daemon holds the lock; ELOOP if the path is a symbolic link; else
    ///          the errno of the call that failed
    static sys::Result<PidFile> create(const std::string& path);

    PidFile(PidFile&& other) noexcept;
    PidFile& operator=(PidFile&& other) noexcept;
    ~PidFile() { remove(); }

    /// Returns a file that this process holds already.
    static PidFile of(std::string path, sys::UniqueFd fd) {
        return {std::move(path), std::move(fd)};
    }

    /// The path of the file held; empty if none is.
    const std::string& path() const { return path_; }
    /// The descriptor with the lock; -1 if no file is held.
    int descriptor() const { return fd_.get(); }
    /// Removes the file, unless another file has its path by now, and drops the lock.
    void remove();

  private:
    PidFile(std::string path, sys::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    sys::UniqueFd fd_;
};

}  // namespace portsplit::daemon
