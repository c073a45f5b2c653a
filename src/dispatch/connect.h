#pragma once
// Connecting to a target: the first address of the first `connect` of a service that answers. The
// dispatcher calls it before it relays.

#include <chrono>
#include <optional>
#include <span>

#include "core/model.h"
#include "dispatch/loop.h"
#include "dispatch/progress.h"
#include "dispatch/transparent.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// The part of a target's time that its name may take; the rest is for its addresses. A name server that
/// answers for one address family only takes all of it.
inline constexpr std::chrono::milliseconds name_limit(std::chrono::milliseconds target_limit) {
    return target_limit * 3 / 5;
}
/// The least time for one address, while there is time left for its target.
inline constexpr std::chrono::milliseconds kAddressMinimum{250};

/// The time for one target, shared among its addresses. It starts at the first call of `start`, so a
/// target that answers at once needs no call of the clock.
class TargetTime {
  public:
    explicit TargetTime(std::chrono::milliseconds limit) : limit_(limit) {}

    /// Starts the time at the first call. Returns when it ends.
    sys::Clock::time_point start() {
        if (!end_) end_ = sys::Clock::now() + limit_;
        return *end_;
    }
    bool is_over() const { return end_ && sys::Clock::now() >= *end_; }

    /// Returns when the time for the next address ends: an equal share of what is left, at least
    /// `kAddressMinimum`, and never later than the end
    /// of the target's time.
    /// @param addresses_left  how many are still to be tried, this one included
    sys::Clock::time_point end_of_share(std::size_t addresses_left);

  private:
    std::chrono::milliseconds limit_;
    std::optional<sys::Clock::time_point> end_;
};

/// Connects to the first of these addresses that answers. An address that stays silent cannot use up
/// the time of the next. An address that leads back to a listener of this server is left out. A connection
/// of a socket to itself, which Linux makes if nobody listens and it chooses the target's port for the
/// source, counts as refused.
/// @param bound  a socket to connect with, which is tried with the addresses of its family; null for a new one.
///               A connection for which the kernel takes an address other than the client's is none
/// @returns a connected, non-blocking socket; the error of the last address that was tried; ETIMEDOUT
///          if it did not answer in time, or if there was no time to try one; ELOOP if it leads back;
///          EAFNOSUPPORT if none is of the family of `bound`; EADDRNOTAVAIL if no machine can have its address
sys::Result<sys::UniqueFd> connect_to_any(std::span<const sys::Address> addresses,
                                          const OwnListeners& own, TargetTime& time,
                                          Reporter& reporter, BoundSocket* bound = nullptr);

/// Connects to the first target that answers. Reports each target that failed and the one that
/// answered.
/// @param own    no target may lead back to these
/// @param order  the indexes of the targets, in the order in which they are tried; empty: that of the file
/// @param bound  as for `connect_to_any`
/// @returns a connected, non-blocking socket; nothing if no target answered
std::optional<sys::UniqueFd> connect_to_target(const core::Connect& connect,
                                               const OwnListeners& own,
                                               std::span<const std::size_t> order,
                                               Reporter& reporter, BoundSocket* bound = nullptr);

}  // namespace portsplit::dispatch
