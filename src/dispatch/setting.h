#pragma once
// What all connections of a generation have in common, for their dispatchers.

#include <optional>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/memory.h"
#include "core/plan.h"
#include "dispatch/failed_targets.h"
#include "dispatch/sandbox.h"
#include "sys/become.h"

namespace portsplit::dispatch {

struct Setting {
    const core::Plan& plan;
    std::vector<std::string> environment;  ///< the first entries of a program's environment
    /// The addresses that this server listens on: no target may lead back to them.
    core::List<core::Endpoint> listeners;
    bool has_programs = true;  ///< true if a service may start one
    /// Where a program with `stderr = log` writes.
    enum class ErrorsTo {
        Log,     ///< to the log itself, under --inetd
        Zygote,  ///< to a pipe that the zygote reads
    };
    ErrorsTo errors_to = ErrorsTo::Log;
    int log = -1;  ///< for ErrorsTo::Log, owned by the dispatcher; -1 for /dev/null
    bool zygote_has_room =
        true;  ///< for ErrorsTo::Zygote; false if it has no descriptor left for a pipe
    const FailedTargets* failed_targets = nullptr;  ///< of the generation; null: not known
    /// Who looks at the first bytes of a client.
    enum class Eyes {
        Own,      ///< the dispatcher
        Sniffer,  ///< a sniffer behind `sniffers`
        Fork,     ///< a sniffer that the dispatcher forks
    };
    Eyes eyes = Eyes::Own;
    int sniffers = -1;  ///< the channel to sniffers; -1 without them
    /// Who this process of root becomes before it relays or starts a program; none if it is that already.
    std::optional<sys::User> serving{};
    /// What a dispatcher gives up before it relays; null: nothing, or it has done so already.
    const RelaySandbox* relays = nullptr;
};

/// What becomes of a relay or a program in a generation.
struct Roles {
    std::optional<sys::User> serving{};    ///< as in Setting
    const RelaySandbox* relays = nullptr;  ///< as in Setting
    int sniffers = -1;                     ///< the channel to sniffers; -1 without them
};

/// Returns true if a dispatcher must give up rights before it relays.
inline bool has_rights_left(const Setting& setting) {
    return setting.serving.has_value() || setting.relays != nullptr;
}

/// Returns the setting of a zygote. Removes the listeners that the daemon names from the environment.
Setting setting_for(const core::Plan& plan, const FailedTargets& failed_targets, Roles roles);

/// Returns who a process of root becomes before it serves as dispatchers do; none if it is that already.
std::optional<sys::User> serving_user(const core::Config& config);

/// Leaves this process of root what it needs to start each program as its user, and uses no more.
sys::Result<sys::Done> keep_rights_for(const core::Config& config);

/// Gives up what a relay does not need: root, and what `relays` has.
sys::Result<sys::Done> give_up_rights(const Setting& setting);

}  // namespace portsplit::dispatch
