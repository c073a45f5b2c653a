#include "dispatch/sniff.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using std::chrono::milliseconds;
using sys::Clock;

constexpr core::Verdict kGone{std::nullopt, core::Reason::Eof};

/// Where the first bytes are looked at. Most plans are decided by few of them: a page of memory is
/// dirtied for the whole window only when as many have come.
class Window {
  public:
    explicit Window(std::size_t size) : size_(size) {}

    std::span<std::byte> room() {
        if (!whole_.empty()) return whole_;
        return std::span(first_).first(std::min(size_, first_.size()));
    }
    bool can_grow() const { return whole_.empty() && size_ > first_.size(); }
    void grow() { whole_.resize(size_); }

  private:
    std::size_t size_;
    std::array<std::byte, 1024> first_;
    std::vector<std::byte> whole_;
};

/// Raises a socket's low-water mark and is sure to put it back: a program that inherits it hangs.
class LowWater {
  public:
    explicit LowWater(int fd) : fd_(fd) {}
    LowWater(const LowWater&) = delete;
    LowWater& operator=(const LowWater&) = delete;
    ~LowWater() {
        if (raised_) sys::set_receive_low_water(fd_, 1);
    }

    void raise(std::size_t bytes) {
        sys::set_receive_low_water(fd_, static_cast<int>(bytes));
        raised_ = true;
    }

  private:
    int fd_;
    bool raised_ = false;
};

/// Pauses that grow: 10, 20, 40 ... ms, at most 1 s.
class Pause {
  public:
    milliseconds next() {
        const milliseconds now = length_;
        length_ = std::min(length_ * 2, milliseconds(1000));
        return now;
    }
    void reset() { length_ = milliseconds(10); }

  private:
    milliseconds length_{10};
};

/// What a wait for more bytes ended with.
enum class Woken { ByBytes, ByEnd, ByReset, ByTime };

sys::Result<Woken> wait(int fd, short events, Clock::time_point until) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); });
    if (ready < 0) return sys::SysError{errno, "cannot wait for a client"};
    if (ready == 0) return Woken::ByTime;
    if ((entry.revents & POLLERR) != 0) return Woken::ByReset;
    // Urgent data ends the looking too: the mark lies before whatever is sent behind it.
    if ((entry.revents & (POLLRDHUP | POLLHUP | POLLPRI)) != 0) return Woken::ByEnd;
    return Woken::ByBytes;
}

}  // namespace

sys::Result<core::Verdict> sniff(const sys::UniqueFd& client, const core::Plan& plan,
                                 Clock::time_point deadline, Reporter& reporter) {
    const int fd = client.get();
    Window window(plan.window());
    std::size_t seen = 0;
    bool progress = true;  // the first look counts as one: a plan may be decided by no byte at all
    core::Ending ending = core::Ending::Open;
    LowWater low_water(fd);
    Pause pause;

    while (true) {
        constexpr int kFlags = MSG_PEEK | MSG_DONTWAIT;
        const std::span<std::byte> room = window.room();
        const ssize_t got =
            sys::retry([&] { return ::recv(fd, room.data(), room.size(), kFlags); });
        if (got < 0 && errno == ECONNRESET) return kGone;
        if (got < 0 && errno != EAGAIN) return sys::SysError{errno, "cannot look at a client"};
        if (got == std::ssize(room) && window.can_grow()) {
            window.grow();
            continue;
        }
        if (got == 0) ending = core::Ending::EndOfStream;
        if (got > 0 && static_cast<std::size_t>(got) > seen) {
            seen = static_cast<std::size_t>(got);
            progress = true;
        }

        if (progress || ending != core::Ending::Open) {
            const auto verdict = core::decide(plan, room.first(seen), ending);
            if (verdict) return *verdict;
        }

        // A wake-up that brought nothing must not lead straight to another wait for input: whatever
        // keeps the socket readable would make it a spin.
        short events = POLLRDHUP;
        Clock::time_point until = deadline;
        if (progress) {
            events = POLLIN | POLLRDHUP | POLLPRI;
            if (seen > 0) low_water.raise(seen + 1);
            pause.reset();
        } else {
            until = std::min(deadline, Clock::now() + pause.next());
        }
        progress = false;

        reporter.about_to_block();
        const auto woken = wait(fd, events, until);
        if (!woken) return woken.error();
        if (*woken == Woken::ByReset) return kGone;
        if (*woken == Woken::ByEnd) {
            ending = core::Ending::EndOfStream;
        } else if (Clock::now() >= deadline) {  // also for a client that never stops trickling
            ending = core::Ending::Deadline;
        }
    }
}

}  // namespace portsplit::dispatch
