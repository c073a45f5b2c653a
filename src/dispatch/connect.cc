#include "dispatch/connect.h"

#include <poll.h>

#include <algorithm>

#include "dispatch/resolve.h"
#include "sys/backoff.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// Waits for a connection that was started.
/// @returns 0 once it is connected, else the errno
int wait_for(int fd, const sys::Address& address, Clock::time_point until) {
    pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); });
    if (ready < 0) return errno;
    return ready == 0 ? ETIMEDOUT : sys::connect_outcome(fd, address);
}

/// Connects again and again to a Unix-domain socket whose backlog is full: poll(2) does not tell when it has
/// room (connect(2) EAGAIN).
/// @returns 0 once it is connected, else the errno
int wait_for_room(int fd, const sys::Address& address, Clock::time_point until) {
    sys::Backoff pause(std::chrono::milliseconds(1), std::chrono::milliseconds(50));
    int outcome = EAGAIN;
    while (outcome == EAGAIN && Clock::now() < until) {
        const auto next = std::min(until, Clock::now() + pause.next());
        (void)::poll(nullptr, 0, sys::poll_timeout(next));
        outcome = sys::connect_outcome(fd, address);
    }
    return outcome == EAGAIN ? ETIMEDOUT : outcome;
}

/// Returns true for a TCP connection whose two ends are one socket (RFC 9293 3.5, simultaneous open).
bool is_own_peer(int fd, const sys::Address& peer) {
    if (!peer.is_internet()) return false;
    const auto local = sys::local_address(fd);
    return local && local->port() == peer.port() && local->ip() == peer.ip();
}

std::optional<sys::UniqueFd> connect_to_one(const core::Endpoint& target, std::size_t index,
                                            const OwnListeners& own,
                                            std::chrono::milliseconds limit, Reporter& reporter,
                                            BoundSocket* bound, bool is_last) {
    TargetTime time(limit);
    Resolved resolved;
    const auto numeric = sys::Address::from(target);
    if (!numeric) {
        reporter.about_to_block();
        resolved = resolve(target, time.start() - (limit - name_limit(limit)));
        if (resolved.addresses.empty()) {
            reporter.publish_failure(Stage::Resolve, resolved.error, index);
            return std::nullopt;
        }
    }
    auto fd = connect_to_any(
        numeric ? std::span(&*numeric, 1) : std::span(std::as_const(resolved.addresses)), own, time,
        reporter, bound);
    if (fd) return std::move(*fd);
    const int code = fd.error().code;
    // A target of the other family is no failure while another may fit.
    const bool is_other_family = code == EAFNOSUPPORT && bound != nullptr;
    if (is_other_family && !is_last) return std::nullopt;
    reporter.publish_failure(code == ELOOP ? Stage::Loop : Stage::Connect, code, index);
    return std::nullopt;
}

/// A connection that was started.
struct Started {
    sys::UniqueFd fd;
    int error;  ///< as of sys::connect_outcome
};

Started start(const sys::Address& address, BoundSocket* bound) {
    if (bound == nullptr) {
        auto fd = sys::start_connect(address);
        if (!fd) return {sys::UniqueFd(), fd.error().code};
        const int error = sys::connect_outcome(fd->get(), address);
        return {std::move(*fd), error};
    }
    Started started{std::move(bound->fd), 0};
    started.error = sys::connect_outcome(started.fd.get(), address);
    if (started.error == EINPROGRESS) started.error = EALREADY;
    return started;
}

/// Returns true if a socket cannot connect to an address of another family.
bool is_other_family(const BoundSocket* bound, const sys::Address& address) {
    if (bound == nullptr) return false;
    return !address.is_internet() || bound->client.is_v4() != address.ip().is_v4();
}

/// Returns true if a connection comes from its client's address. The kernel takes one of its own in place of an
/// address that no machine can have, such as 0.0.0.0 or that of a group (RFC 1122 3.2.1.3).
bool is_from_client(int fd, const BoundSocket& bound) {
    const auto local = sys::local_address(fd);
    return local && local->is_internet() && local->ip() == bound.client;
}

}  // namespace

Clock::time_point TargetTime::end_of_share(std::size_t addresses_left) {
    const auto now = Clock::now();
    const auto share = (start() - now) / static_cast<Clock::rep>(addresses_left);
    return std::min(start(), now + std::max<Clock::duration>(share, kAddressMinimum));
}

sys::Result<sys::UniqueFd> connect_to_any(std::span<const sys::Address> addresses,
                                          const OwnListeners& own, TargetTime& time,
                                          Reporter& reporter, BoundSocket* bound) {
    int error = ETIMEDOUT;
    for (std::size_t i = 0; i < addresses.size() && !time.is_over(); ++i) {
        if (leads_back(addresses[i], own)) {
            error = ELOOP;
            continue;
        }
        if (is_other_family(bound, addresses[i])) {
            error = EAFNOSUPPORT;
            continue;
        }
        Started started = start(addresses[i], bound);
        const int fd = started.fd.get();
        error = started.error;
        if (error == EALREADY) {
            reporter.about_to_block();
            error = wait_for(fd, addresses[i], time.end_of_share(addresses.size() - i));
        }
        if (error == EAGAIN && addresses[i].is_unix()) {
            reporter.about_to_block();
            error = wait_for_room(fd, addresses[i], time.end_of_share(addresses.size() - i));
        }
        if (error == 0 && is_own_peer(fd, addresses[i])) error = ECONNREFUSED;
        if (error == 0 && bound != nullptr && !is_from_client(fd, *bound)) error = EADDRNOTAVAIL;
        if (error == 0) return std::move(started.fd);
        if (bound == nullptr) continue;
        sys::disconnect(fd);
        bound->fd = std::move(started.fd);
    }
    return sys::SysError{error, {}};
}

std::optional<sys::UniqueFd> connect_to_target(const core::Connect& connect,
                                               const OwnListeners& own,
                                               std::span<const std::size_t> order,
                                               Reporter& reporter, BoundSocket* bound) {
    for (std::size_t turn = 0; turn < connect.targets.size(); ++turn) {
        const std::size_t i = order.empty() ? turn : order[turn];
        const bool is_last = turn + 1 == connect.targets.size();
        if (auto fd = connect_to_one(connect.targets[i], i, own, connect.timeout, reporter, bound,
                                     is_last)) {
            reporter.set_target(i);
            return fd;
        }
    }
    return std::nullopt;
}

}  // namespace portsplit::dispatch
