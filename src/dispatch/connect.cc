#include "dispatch/connect.h"

#include <poll.h>

#include <algorithm>
#include <span>

#include "dispatch/resolve.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// Even among many addresses, each has this long to answer while time is left.
constexpr std::chrono::milliseconds kLeastShare{250};

/// The end of the time for one target, counted from the first wait for it: whoever answers at once
/// costs no look at the clock.
class TargetLimit {
  public:
    Clock::time_point end() {
        if (!end_) end_ = Clock::now() + kTargetLimit;
        return *end_;
    }
    bool is_over() const { return end_ && Clock::now() >= *end_; }

    /// The end of the share of one of so many addresses that are left.
    Clock::time_point end_of_share(std::size_t left) {
        const auto now = Clock::now();
        const auto share = (end() - now) / static_cast<Clock::rep>(left);
        return std::min(end(), now + std::max<Clock::duration>(share, kLeastShare));
    }

  private:
    std::optional<Clock::time_point> end_;
};

/// Waits for a started connection.
/// @returns 0, or the error it ended with
int wait_for(int fd, const sys::Address& address, Clock::time_point deadline) {
    pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(deadline)); });
    if (ready < 0) return errno;
    return ready == 0 ? ETIMEDOUT : sys::connect_outcome(fd, address);
}

/// Tries addresses in order; tells what is known before it waits for one.
/// @param error  the last one, when none answered
std::optional<sys::UniqueFd> connect_any(std::span<const sys::Address> addresses,
                                         TargetLimit& limit, Reporter& reporter, int& error) {
    error = ETIMEDOUT;
    for (std::size_t i = 0; i < addresses.size() && !limit.is_over(); ++i) {
        auto fd = sys::start_connect(addresses[i]);
        error = fd ? sys::connect_outcome(fd->get(), addresses[i]) : fd.error().code;
        if (error == EALREADY) {
            reporter.about_to_block();
            error = wait_for(fd->get(), addresses[i], limit.end_of_share(addresses.size() - i));
        }
        if (error == 0) return std::move(*fd);
    }
    return std::nullopt;
}

std::optional<sys::UniqueFd> connect_one(const core::Endpoint& target, std::size_t index,
                                         Reporter& reporter) {
    TargetLimit limit;
    Resolved resolved;
    const auto numeric = sys::Address::from(target);
    if (!numeric) {
        reporter.about_to_block();
        resolved = resolve(target, limit.end());
        if (resolved.addresses.empty()) {
            reporter.publish_failure(Stage::Resolve, resolved.error, index);
            return std::nullopt;
        }
    }
    int error = 0;
    auto fd = connect_any(numeric ? std::span(&*numeric, 1) : std::span(resolved.addresses), limit,
                          reporter, error);
    if (!fd) reporter.publish_failure(Stage::Connect, error, index);
    return fd;
}

}  // namespace

std::optional<sys::UniqueFd> connect_to_target(const core::Connect& connect, Reporter& reporter) {
    for (std::size_t i = 0; i < connect.targets.size(); ++i) {
        if (auto fd = connect_one(connect.targets[i], i, reporter)) {
            reporter.set_target(i);
            return fd;
        }
    }
    return std::nullopt;
}

}  // namespace portsplit::dispatch
