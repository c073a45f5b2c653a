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
};

/// Returns the setting of a zygote. Removes the listeners that the daemon names from the environment.
/// @param log  the descriptor of the log
Setting setting_for(const core::Plan& plan, int log, const FailedTargets& failed_targets);

}  // namespace portsplit::dispatch
