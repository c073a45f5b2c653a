#pragma once
// Connecting to the addresses of one target: to the first that answers, by the rules of RFC 8305 ("Happy
// Eyeballs"). connect.cc calls it.
//
// How it works. The addresses are tried in their order. If one has not answered after `kAttemptDelay`, the next is
// started beside it, and the first that connects is taken; the others are closed. One that is refused is followed
// by the next at once.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "dispatch/failed_targets.h"
#include "dispatch/loop.h"
#include "dispatch/progress.h"
#include "dispatch/transparent.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// How long an address is waited for before the next is started beside it (RFC 8305 5, the recommended value).
inline constexpr std::chrono::milliseconds kAttemptDelay{250};
/// The same, where a target has so little time that its last address would have none (RFC 8305 5, the minimum).
inline constexpr std::chrono::milliseconds kShortestDelay{10};
/// How many addresses are waited for at once. One more takes the place of the oldest.
inline constexpr std::size_t kMostAttempts = 8;
/// The least time for one address where only one at a time can be tried, while there is time left for its target.
inline constexpr std::chrono::milliseconds kAddressMinimum{250};
/// How often a connection looks whether others have found that the target does not answer.
inline constexpr std::chrono::milliseconds kWatchPause{250};
/// The error of a target that was left because others have found that it does not answer.
inline constexpr int kMovedOn = ECANCELED;

/// The time for one target. It starts at the first call of `start`, so a target that answers at once needs no
/// call of the clock.
class TargetTime {
  public:
    explicit TargetTime(std::chrono::milliseconds limit) : limit_(limit) {}

    /// Starts the time at the first call. Returns when it ends.
    sys::Clock::time_point start() {
        if (!end_) end_ = sys::Clock::now() + limit_;
        return *end_;
    }
    bool is_over() const { return end_ && sys::Clock::now() >= *end_; }

    /// Returns when to start the next address beside one that was just started: after `kAttemptDelay`, or after
    /// an equal share of what is left if that is shorter.
    /// @param addresses_left  how many are still to be tried, the one just started included
    sys::Clock::time_point next_start(std::size_t addresses_left);

    /// Returns when the time for an address ends that no other is tried beside: an equal share of what is left,
    /// at least `kAddressMinimum`, and never later than the end of the target's time.
    /// @param addresses_left  how many are still to be tried, this one included
    sys::Clock::time_point end_of_share(std::size_t addresses_left);

  private:
    sys::Clock::duration share(sys::Clock::time_point now, std::size_t addresses_left) {
        return (start() - now) / static_cast<sys::Clock::rep>(addresses_left);
    }

    std::chrono::milliseconds limit_;
    std::optional<sys::Clock::time_point> end_;
};

/// Returns addresses in turns of their families, beginning with the first, and else in their order (RFC 8305 4).
/// So a family that does not work costs one delay.
std::vector<sys::Address> in_turns(std::vector<sys::Address> addresses);

/// Connects to the first of these addresses that answers. An address that leads back to a listener of this server
/// is left out. A connection of a socket to itself, which Linux makes if nobody listens and it chooses the
/// target's port for the source, counts as refused.
/// @param bound  a socket to connect with, which is tried with the addresses of its family, one after the other;
///               null for new ones. A connection for which the kernel takes an address other than the client's is
///               none
/// @param watch  if it is on, a target that fails meanwhile is left
/// @returns a connected, non-blocking socket; the error of the address that failed last; ETIMEDOUT if one did not
///          answer in time, or if there was no time to try one; ELOOP if it leads back; EAFNOSUPPORT if none is of
///          the family of `bound`; EADDRNOTAVAIL if no machine can have its address; kMovedOn
sys::Result<sys::UniqueFd> connect_to_any(std::span<const sys::Address> addresses,
                                          const OwnListeners& own, TargetTime& time,
                                          Reporter& reporter, BoundSocket* bound = nullptr,
                                          FailedTargets::Watch watch = {});

}  // namespace portsplit::dispatch
