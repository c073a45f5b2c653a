#pragma once
// The descriptors of one poll(2). `add` returns a handle, and after the wait `revents` takes it, so
// that no caller counts positions. A set is for one wait; the next wait fills a new one.

#include <poll.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::sys {

class PollSet {
  public:
    /// One entry.
    using Handle = std::size_t;

    /// Adds a descriptor, which must stay open until `wait` returns.
    /// @param events  as in pollfd; poll(2) reports POLLERR and POLLHUP in any case
    Handle add(int fd, short events) {
        entries_.push_back({.fd = fd, .events = events, .revents = 0});
        return entries_.size() - 1;
    }

    /// Makes `wait` return at this moment at the latest. Of several calls the earliest counts.
    void wake_at(Clock::time_point when) { until_ = std::min(until_, when); }

    /// Waits until a descriptor is ready, the moment comes, or a signal interrupts.
    /// @returns how many descriptors are ready; code EINTR after a signal
    Result<int> wait() {
        const int ready = ::poll(entries_.data(), entries_.size(), poll_timeout(until_));
        if (ready < 0) return SysError{errno, "cannot wait for descriptors"};
        return ready;
    }

    /// Returns the events that `wait` found for an entry; 0 for none.
    short revents(Handle handle) const { return entries_[handle].revents; }

  private:
    std::vector<pollfd> entries_;
    Clock::time_point until_ = Clock::time_point::max();
};

/// Waits 100 ms. For a loop whose poll(2) failed: without that it would be a busy loop while memory is short.
inline void pause_after_failed_poll() { (void)::poll(nullptr, 0, 100); }

}  // namespace portsplit::sys
