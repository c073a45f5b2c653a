#pragma once
// Warnings about listeners, and warnings about services where not every client may have all of them. Called by
// warnings.cc.

#include <functional>
#include <vector>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Returns the warnings about one configuration whose services are asked for all clients.
using Advise = std::function<std::vector<Issue>(const core::Config&, const Origins&)>;

/// Returns true if not all services are asked for all clients: there are listeners of their own, or services
/// with `from` or `not-from`.
bool depends_on_client(const core::Config& config);

/// Returns the warnings about a valid configuration, for the clients of each listener and of each list of
/// `from`. A warning about a service is left out if it does not hold for some of the clients that may have it.
/// Services with different lists are not compared, and of the lists only the first ten are looked at.
std::vector<Issue> advise_by_client(const core::Config& config, const Origins& origins,
                                    const Advise& advise);

}  // namespace portsplit::config
