#pragma once
// Warnings about listeners, and warnings about services where not every listener asks all of them. Called by
// warnings.cc.

#include <functional>
#include <vector>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Returns the warnings about one configuration whose listener asks all services.
using Advise = std::function<std::vector<Issue>(const core::Config&, const Origins&)>;

/// Returns the warnings about a valid configuration with listeners of their own. A warning about a service is
/// left out if it does not hold for one of the listeners that ask the service.
std::vector<Issue> advise_by_listener(const core::Config& config, const Origins& origins,
                                      const Advise& advise);

}  // namespace portsplit::config
