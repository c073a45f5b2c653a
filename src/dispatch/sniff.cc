// How it works
//
// recv(2) with MSG_PEEK, then core::decide; while it answers nothing, poll(2). The bytes stay in the
// socket, and that makes waiting for *more* of them the difficult part. Measured on Linux 6.18:
//
// - Bytes that were seen keep the socket readable, so poll would return at once. Therefore SO_RCVLOWAT
//   (socket(7)) is raised to one byte more than was seen, or to as many as a layout still needs: poll sleeps
//   until they have come. The mark is set back to 1 before the socket is used again: a program that
//   inherits it would hang.
// - FIN, RST and an urgent byte wake poll whatever the mark is, now and at every later call. So does a
//   receive buffer that is full below the mark. A Unix-domain socket ignores the mark.
// - Therefore a wake-up without new bytes is never followed by another poll for input. After FIN, RST
//   or urgent data nothing more can come, so the plan is decided. In all other cases poll waits without
//   POLLIN, in pauses of 10 ms, doubling up to 1 s, until a byte has come or the deadline.
// - Urgent data counts as the end of the stream: MSG_PEEK returns the bytes before the urgent byte only.
//   (An urgent byte that is the first in the socket is skipped, by peeking and later by reading.)

#include "dispatch/sniff.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dispatch/await.h"
#include "sys/backoff.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using std::chrono::milliseconds;
using sys::Clock;

core::Decided gone() { return {{std::nullopt, core::Reason::Eof}, {}}; }

/// The buffer to peek into: 1 KiB on the stack; on the heap, in growing sizes, once 1 KiB has come. Most plans
/// need fewer bytes, and each page written costs a page fault.
class Window {
  public:
    explicit Window(std::size_t size) : size_(size) {}

    std::span<std::byte> room() {
        if (!larger_.empty()) return larger_;
        return std::span(first_).first(std::min(size_, first_.size()));
    }
    bool can_grow() { return room().size() < size_; }
    void grow() { larger_.resize(std::min(size_, 4 * room().size())); }

  private:
    std::size_t size_;
    std::array<std::byte, 1024> first_;
    std::vector<std::byte> larger_;
};

/// Raises the low-water mark of a socket; the destructor sets it back to 1.
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

/// What ended a wait.
enum class WakeUp {
    Input,    ///< bytes, new ones or not
    Eof,      ///< nothing more will come: FIN or urgent data
    Reset,    ///< the client is gone
    Timeout,  ///< nothing happened
};

sys::Result<WakeUp> wait(int fd, short events, const Reporter& reporter, Clock::time_point until) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = await(entry, reporter, until);
    if (ready < 0) return sys::SysError{errno, "cannot wait for a client"};
    if (ready == 0) return WakeUp::Timeout;
    if ((entry.revents & POLLERR) != 0) return WakeUp::Reset;
    if ((entry.revents & (POLLRDHUP | POLLHUP | POLLPRI)) != 0) return WakeUp::Eof;
    return WakeUp::Input;
}

}  // namespace

sys::Result<core::Decided> sniff(int client, const core::Plan& plan, const core::Entrance& entrance,
                                 Clock::time_point deadline, Reporter& reporter) {
    Window window(plan.window());
    core::Plan::Reading reading(plan, entrance);
    std::size_t seen = 0;
    bool new_bytes = true;  // at first: a plan may be decided without any byte
    core::Ending ending = core::Ending::Open;
    LowWater low_water(client);
    sys::Backoff pause(milliseconds(10), milliseconds(1000));

    while (true) {
        constexpr int kFlags = MSG_PEEK | MSG_DONTWAIT;
        const std::span<std::byte> room = window.room();
        const ssize_t got =
            sys::retry([&] { return ::recv(client, room.data(), room.size(), kFlags); });
        if (got < 0 && errno == ECONNRESET) return gone();
        if (got < 0 && errno != EAGAIN) return sys::SysError{errno, "cannot look at a client"};
        if (got == std::ssize(room) && window.can_grow()) {
            window.grow();
            continue;
        }
        if (got == 0) ending = core::Ending::Eof;
        if (got > 0 && static_cast<std::size_t>(got) > seen) {
            seen = static_cast<std::size_t>(got);
            new_bytes = true;
        }

        if (new_bytes || ending != core::Ending::Open) {
            auto decided = core::decide_and_pass(plan, room.first(seen), ending, reading);
            if (decided) return *std::move(decided);
        }

        // Without new bytes do not poll for input: the socket may still be readable, and this would
        // become a busy loop.
        short events = POLLRDHUP;
        Clock::time_point until = deadline;
        if (new_bytes) {
            events = POLLIN | POLLRDHUP | POLLPRI;
            if (seen > 0) low_water.raise(std::min(seen + reading.lack(), plan.window()));
            pause.reset();
        } else {
            until = std::min(deadline, Clock::now() + pause.next());
        }
        new_bytes = false;

        reporter.about_to_block();
        const auto wake_up = wait(client, events, reporter, until);
        if (!wake_up) return wake_up.error();
        if (*wake_up == WakeUp::Reset) return gone();
        if (*wake_up == WakeUp::Eof) {
            ending = core::Ending::Eof;
        } else if (Clock::now() >= deadline) {  // after input, too: a client may never stop sending
            ending = core::Ending::Deadline;
        }
    }
}

}  // namespace portsplit::dispatch
