#pragma once
// Reaching a target: the first address of the first `connect` that answers.

#include <optional>

#include "core/model.h"
#include "dispatch/progress.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// How long each `connect` of a service has, for its name and all its addresses together.
inline constexpr std::chrono::seconds kTargetLimit{5};

/// Tries the targets in order and tells the reporter of each that could not be reached, and of the
/// one that was. No address can use up the time of those behind it: each has its share.
/// @returns a connected, non-blocking socket; nothing when no target answered
std::optional<sys::UniqueFd> connect_to_target(const core::Connect& connect, Reporter& reporter);

}  // namespace portsplit::dispatch
