#include "dispatch/reach.h"

#include <poll.h>

#include <algorithm>

#include "dispatch/resolve.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// Even among many addresses, each has this long to answer while time is left.
constexpr std::chrono::milliseconds kLeastShare{250};

/// Waits for a started connection.
sys::Result<sys::UniqueFd> connected_by(const sys::Address& address, Clock::time_point deadline) {
    auto fd = sys::start_connect(address);
    if (!fd) return fd;
    pollfd entry{.fd = fd->get(), .events = POLLOUT, .revents = 0};
    const int ready = sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(deadline)); });
    const int error = ready == 0 ? ETIMEDOUT : ready < 0 ? errno : sys::pending_error(fd->get());
    if (error != 0) return sys::SysError{error, "cannot connect to " + address.text()};
    return fd;
}

std::optional<sys::UniqueFd> reach_one(const core::Endpoint& target, std::size_t index,
                                       Reporter& reporter) {
    const auto deadline = Clock::now() + kTargetLimit;
    const Resolved resolved = resolve(target, deadline);
    if (resolved.addresses.empty()) {
        reporter.failed(Stage::Resolve, resolved.error, index);
        return std::nullopt;
    }
    int last_error = ETIMEDOUT;
    for (std::size_t i = 0; i < resolved.addresses.size() && Clock::now() < deadline; ++i) {
        const auto now = Clock::now();
        const auto left = static_cast<Clock::rep>(resolved.addresses.size() - i);
        const auto share = std::max<Clock::duration>((deadline - now) / left, kLeastShare);
        auto fd = connected_by(resolved.addresses[i], std::min(deadline, now + share));
        if (fd) return std::move(*fd);
        last_error = fd.error().code;
    }
    reporter.failed(Stage::Connect, last_error, index);
    return std::nullopt;
}

}  // namespace

std::optional<sys::UniqueFd> reach(const core::Connect& connect, Reporter& reporter) {
    for (std::size_t i = 0; i < connect.targets.size(); ++i) {
        if (auto fd = reach_one(connect.targets[i], i, reporter)) {
            reporter.reached(i);
            return fd;
        }
    }
    return std::nullopt;
}

}  // namespace portsplit::dispatch
