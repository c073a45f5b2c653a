#pragma once
// Ownership of a file descriptor. The rule of the whole project: a `UniqueFd` owns a descriptor and
// closes it, an `int` borrows one. A function that takes a `UniqueFd` by value takes ownership; a
// function that takes an `int` uses the descriptor during the call and never closes it.

#include <unistd.h>

#include <utility>

namespace portsplit::sys {

/// Owns one descriptor, or none, and closes it in the destructor. close(2) is not retried after
/// EINTR: Linux has released the descriptor then, and another may have its number (close(2)).
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

    /// Returns the descriptor, which the caller now owns; this object then owns none.
    int release() { return std::exchange(fd_, -1); }

    /// Closes the descriptor and owns `fd` instead.
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

}  // namespace portsplit::sys
