#pragma once
// Warnings about what a listener is given that cannot work, or has no effect: balancers that its own lists deny,
// options of its sockets, and clients of a family that a transparent service has no target for. Called by warnings.cc.

#include <vector>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Returns the warnings about a valid configuration, each once.
std::vector<Issue> advise_on_setup(const core::Config& config, const Origins& origins);

}  // namespace portsplit::config
