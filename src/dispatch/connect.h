#pragma once
// Connecting to a target: the first `connect` of a service that answers. The dispatcher calls it before it
// relays. race.h connects to the addresses of one target.

#include <chrono>
#include <optional>

#include "core/model.h"
#include "dispatch/failed_targets.h"
#include "dispatch/loop.h"
#include "dispatch/progress.h"
#include "dispatch/transparent.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// The part of a target's time that its name may take; the rest is for its addresses. A name server that
/// answers for one address family only takes all of it.
inline constexpr std::chrono::milliseconds name_limit(std::chrono::milliseconds target_limit) {
    return target_limit * 3 / 5;
}

/// Connects to the first target that answers. Reports each target that failed and the one that
/// answered. A target that others find dead meanwhile is left and tried again at the end, if there is another.
/// @param own     no target may lead back to these
/// @param choice  the order in which the targets are tried
/// @param bound   as for `connect_to_any`
/// @returns a connected, non-blocking socket; nothing if no target answered
std::optional<sys::UniqueFd> connect_to_target(const core::Connect& connect,
                                               const OwnListeners& own, const TargetChoice& choice,
                                               Reporter& reporter, BoundSocket* bound = nullptr);

}  // namespace portsplit::dispatch
