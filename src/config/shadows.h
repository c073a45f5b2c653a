#pragma once
// Warns of what the order of the services makes useless.

#include "config/issue.h"
#include "config/origins.h"
#include "core/model.h"

namespace portsplit::config {

/// Warns of each pattern that an earlier one takes, and of each service that can never win.
void warn_of_shadows(const core::Config& config, const Origins& origins, Issues& issues);

}  // namespace portsplit::config
