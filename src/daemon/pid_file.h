#pragma once
// The pid file: says which process is the daemon, and keeps a second one from starting.

#include <string>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// Holds a pid file, locked (flock(2)), and removes it at the end. What a crash left behind is not
/// locked, so it is taken over.
class PidFile {
  public:
    /// Holds nothing.
    PidFile() = default;

    /// Creates or takes over the file and writes this process's pid.
    /// @returns EEXIST when a living daemon holds it; ELOOP when the path is a symbolic link; or why
    ///          it could not be written
    static sys::Result<PidFile> create(const std::string& path);

    PidFile(PidFile&& other) noexcept;
    PidFile& operator=(PidFile&& other) noexcept;
    ~PidFile() { remove(); }

    const std::string& path() const { return path_; }
    void remove();

  private:
    PidFile(std::string path, sys::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    sys::UniqueFd fd_;
};

}  // namespace portsplit::daemon
