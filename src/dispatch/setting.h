#pragma once
// What all connections of a generation have in common, for their dispatchers.

#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/memory.h"
#include "core/plan.h"
#include "dispatch/failed_targets.h"

namespace portsplit::dispatch {

struct Setting {
    const core::Plan& plan;
    std::vector<std::string> environment;  ///< the first entries of a program's environment
    /// The addresses that this server listens on: no target may lead back to them.
    core::List<core::Endpoint> listeners;
    int log = -1;              ///< descriptor 2 of a program with `stderr = log`; -1 for /dev/null
    bool has_programs = true;  ///< true if a service may start one
    const FailedTargets* failed_targets = nullptr;  ///< of the generation; null: not known
    /// Who looks at the first bytes of a client.
    enum class Eyes {
        Own,      ///< the dispatcher
        Sniffer,  ///< a sniffer behind `sniffers`
        Fork,     ///< a sniffer that the dispatcher forks
    };
    Eyes eyes = Eyes::Own;
    int sniffers = -1;  ///< the channel to sniffers; -1 without them
};

/// Returns the setting of a zygote. Removes the listeners that the daemon names from the environment.
/// @param log  the descriptor of the log
/// @param sniffers  the channel to sniffers; -1 without them
Setting setting_for(const core::Plan& plan, int log, const FailedTargets& failed_targets,
                    int sniffers);

}  // namespace portsplit::dispatch
