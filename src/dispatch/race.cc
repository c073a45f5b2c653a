#include "dispatch/race.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sys/backoff.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// Returns true if a connection was started and is not there yet.
bool is_under_way(int error) { return error == EALREADY || error == EINPROGRESS; }

/// Returns true for a TCP connection whose two ends are one socket (RFC 9293 3.5, simultaneous open).
bool is_own_peer(int fd, const sys::Address& peer) {
    if (!peer.is_internet()) return false;
    const auto local = sys::local_address(fd);
    return local && local->port() == peer.port() && local->ip() == peer.ip();
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

class Race {
  public:
    Race(std::span<const sys::Address> addresses, const OwnListeners& own, TargetTime& time,
         Reporter& reporter, BoundSocket* bound, FailedTargets::Watch watch)
        : addresses_(addresses),
          own_(own),
          time_(time),
          reporter_(reporter),
          bound_(bound),
          watch_(watch) {}

    sys::Result<sys::UniqueFd> run();

  private:
    /// A connection that was started.
    struct Attempt {
        sys::UniqueFd fd;
        const sys::Address* address = nullptr;
    };

    sys::UniqueFd start_due();
    sys::UniqueFd start_next();
    int start(Attempt& attempt);
    sys::UniqueFd settle(Attempt attempt, int error);
    sys::UniqueFd wait();
    sys::SysError give_up(int error);
    int wait_for_room(int fd, const sys::Address& address);
    void drop_oldest();
    bool is_full() const { return count_ == (bound_ != nullptr ? 1 : kMostAttempts); }

    const std::span<const sys::Address> addresses_;
    const OwnListeners& own_;
    TargetTime& time_;
    Reporter& reporter_;
    BoundSocket* const bound_;
    const FailedTargets::Watch watch_;
    std::size_t next_ = 0;  ///< the address to start next
    Clock::time_point next_start_{};
    std::array<Attempt, kMostAttempts> waiting_;  ///< the oldest first
    std::size_t count_ = 0;                       ///< of these
    int error_ = ETIMEDOUT;                       ///< of the address that failed last
};

/// @returns a connected socket; none if no address answered
sys::Result<sys::UniqueFd> Race::run() {
    while (true) {
        if (auto fd = start_due()) return fd;
        if (count_ == 0 && next_ == addresses_.size()) return sys::SysError{error_, {}};
        if (time_.is_over()) return give_up(ETIMEDOUT);
        reporter_.about_to_block();
        if (auto fd = wait()) return fd;
        if (watch_.has_failed()) return give_up(kMovedOn);
    }
}

sys::SysError Race::give_up(int error) {
    while (count_ > 0) drop_oldest();
    return {error, {}};
}

/// Starts the addresses whose turn it is.
/// @returns a connected socket, or none
sys::UniqueFd Race::start_due() {
    while (next_ < addresses_.size() && (count_ == 0 || Clock::now() >= next_start_)) {
        if (time_.is_over()) break;
        if (is_full()) drop_oldest();
        if (auto fd = start_next()) return fd;
    }
    return {};
}

/// @returns a connected socket; none if it has to be waited for, or failed
sys::UniqueFd Race::start_next() {
    const sys::Address& address = addresses_[next_++];
    Attempt attempt{.fd = {}, .address = &address};
    int error = 0;
    if (leads_back(address, own_)) error = ELOOP;
    if (error == 0 && is_other_family(bound_, address)) error = EAFNOSUPPORT;
    if (error == 0) error = start(attempt);
    if (error == EAGAIN && address.is_unix()) error = wait_for_room(attempt.fd.get(), address);
    if (is_under_way(error)) {
        const std::size_t left = addresses_.size() - next_ + 1;
        next_start_ = bound_ != nullptr ? time_.end_of_share(left) : time_.next_start(left);
    }
    return settle(std::move(attempt), error);
}

/// Starts one connection.
/// @returns as sys::connect_outcome
int Race::start(Attempt& attempt) {
    if (bound_ != nullptr) {
        attempt.fd = std::move(bound_->fd);
    } else {
        auto fd = sys::start_connect(*attempt.address);
        if (!fd) return fd.error().code;
        attempt.fd = std::move(*fd);
    }
    return sys::connect_outcome(attempt.fd.get(), *attempt.address);
}

/// Keeps a connection that is not there yet, or has failed.
/// @returns a connected socket, or none
sys::UniqueFd Race::settle(Attempt attempt, int error) {
    if (is_under_way(error)) {
        waiting_[count_++] = std::move(attempt);
        return {};
    }
    const int fd = attempt.fd.get();
    if (error == 0 && is_own_peer(fd, *attempt.address)) error = ECONNREFUSED;
    if (error == 0 && bound_ != nullptr && !is_from_client(fd, *bound_)) error = EADDRNOTAVAIL;
    if (error == 0) return std::move(attempt.fd);
    error_ = error;
    next_start_ = {};
    if (bound_ == nullptr || !attempt.fd) return {};
    sys::disconnect(fd);
    bound_->fd = std::move(attempt.fd);
    return {};
}

/// Waits until one of the connections is there or has failed, or until there is something else to do.
/// @returns a connected socket, or none
sys::UniqueFd Race::wait() {
    auto until = time_.start();
    if (next_ < addresses_.size()) until = std::min(until, next_start_);
    if (watch_.is_on()) until = std::min(until, Clock::now() + kWatchPause);
    std::array<pollfd, kMostAttempts> entries{};
    for (std::size_t i = 0; i < count_; ++i) {
        entries[i] = {.fd = waiting_[i].fd.get(), .events = POLLOUT, .revents = 0};
    }
    const int ready =
        sys::retry([&] { return ::poll(entries.data(), count_, sys::poll_timeout(until)); });
    const int failure = ready < 0 ? errno : EALREADY;
    auto waiting = std::exchange(waiting_, {});
    const std::size_t count = std::exchange(count_, 0);
    for (std::size_t i = 0; i < count; ++i) {
        const int error = entries[i].revents == 0
                              ? failure
                              : sys::connect_outcome(waiting[i].fd.get(), *waiting[i].address);
        if (auto fd = settle(std::move(waiting[i]), error)) return fd;
    }
    return {};
}

/// Connects again and again to a Unix-domain socket whose backlog is full: poll(2) does not tell when it has room
/// (connect(2) EAGAIN).
/// @returns 0 once it is connected, else the errno
int Race::wait_for_room(int fd, const sys::Address& address) {
    reporter_.about_to_block();
    sys::Backoff pause(std::chrono::milliseconds(1), std::chrono::milliseconds(50));
    int outcome = EAGAIN;
    while (outcome == EAGAIN && Clock::now() < time_.start()) {
        if (watch_.has_failed()) return kMovedOn;
        const auto next = std::min(time_.start(), Clock::now() + pause.next());
        (void)::poll(nullptr, 0, sys::poll_timeout(next));
        outcome = sys::connect_outcome(fd, address);
    }
    return outcome == EAGAIN ? ETIMEDOUT : outcome;
}

/// Gives up the connection that was started first.
void Race::drop_oldest() {
    (void)settle(std::move(waiting_.front()), ETIMEDOUT);
    std::shift_left(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count_), 1);
    --count_;
}

}  // namespace

Clock::time_point TargetTime::next_start(std::size_t addresses_left) {
    const auto now = Clock::now();
    return now +
           std::clamp<Clock::duration>(share(now, addresses_left), kShortestDelay, kAttemptDelay);
}

Clock::time_point TargetTime::end_of_share(std::size_t addresses_left) {
    const auto now = Clock::now();
    return std::min(start(),
                    now + std::max<Clock::duration>(share(now, addresses_left), kAddressMinimum));
}

std::vector<sys::Address> in_turns(std::vector<sys::Address> addresses) {
    if (addresses.empty()) return addresses;
    const int first_family = addresses.front().family();
    std::vector<sys::Address> others;
    std::vector<sys::Address> firsts;
    for (const sys::Address& address : addresses) {
        (address.family() == first_family ? firsts : others).push_back(address);
    }
    std::vector<sys::Address> turns;
    for (std::size_t i = 0; i < std::max(firsts.size(), others.size()); ++i) {
        if (i < firsts.size()) turns.push_back(firsts[i]);
        if (i < others.size()) turns.push_back(others[i]);
    }
    return turns;
}

sys::Result<sys::UniqueFd> connect_to_any(std::span<const sys::Address> addresses,
                                          const OwnListeners& own, TargetTime& time,
                                          Reporter& reporter, BoundSocket* bound,
                                          FailedTargets::Watch watch) {
    return Race(addresses, own, time, reporter, bound, watch).run();
}

}  // namespace portsplit::dispatch
