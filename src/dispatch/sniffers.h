#pragma once
// The parent of all sniffers of a zygote (dispatch/sniffer.h): forks them before they are needed.

#include <sys/types.h>

#include <optional>

#include "core/plan.h"
#include "sys/become.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// The parent of sniffers, as the zygote sees it.
struct Sniffers {
    pid_t pid = -1;  ///< a child of the caller; it ends when the last copy of `channel` is closed
    sys::UniqueFd channel;  ///< for dispatcher/sniffer.h
};

/// Forks the parent of sniffers, which confines itself and logs what it is given. Waits until it has done so.
/// @param user  whom they become; none if this process is no root
/// @returns code EPERM if the configuration requires more than the kernel has; the reason is logged
sys::Result<Sniffers> start_sniffers(const core::Plan& plan, const std::optional<sys::User>& user,
                                     sys::Log& log);

}  // namespace portsplit::dispatch
