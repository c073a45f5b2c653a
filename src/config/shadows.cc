#include "config/shadows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "config/values.h"
#include "config/wording.h"
#include "core/lint.h"

namespace portsplit::config {
namespace {

std::string warning_of(const core::Shadow& shadow, const core::Config& config,
                       const Origins& origins) {
    const core::Service& by = config.services[shadow.by_service];
    return fmt::format(
        "service {}: pattern {} never decides, for {} of service {} {} takes its streams; delete "
        "it",
        config.services[shadow.service].name,
        shown(print_pattern(config.services[shadow.service].patterns[shadow.pattern])),
        shown(print_pattern(by.patterns[shadow.by_pattern])), by.name,
        where(origins.services[shadow.by_service].patterns[shadow.by_pattern],
              origins.services[shadow.service].patterns[shadow.pattern], origins.files));
}

/// `on line 3, on line 6`: the patterns that leave nothing to a service.
std::string takers_of(std::size_t service, const std::vector<core::Shadow>& shadows,
                      const Origins& origins) {
    std::set<Spot> spots;
    for (const core::Shadow& shadow : shadows) {
        if (shadow.service != service) continue;
        spots.insert(origins.services[shadow.by_service].patterns[shadow.by_pattern]);
    }
    std::vector<std::string> places;
    for (const Spot spot : spots) {
        places.push_back(where(spot, origins.services[service].spot, origins.files));
    }
    return fmt::format("{}", fmt::join(places, ", "));
}

}  // namespace

void warn_of_shadows(const core::Config& config, const Origins& origins, Issues& issues) {
    const std::vector<core::Shadow> shadows = core::find_shadows(config);
    const std::vector<std::size_t> losers = core::find_losers(config, shadows);
    for (const core::Shadow& shadow : shadows) {
        // A service that can never win is one warning, not one for each of its patterns.
        if (std::binary_search(losers.begin(), losers.end(), shadow.service)) continue;
        issues.warning(origins.services[shadow.service].patterns[shadow.pattern],
                       warning_of(shadow, config, origins), "shadowed",
                       config.services[shadow.service].name);
    }
    for (const std::size_t loser : losers) {
        issues.warning(origins.services[loser].spot,
                       fmt::format("service {} can never win, for earlier patterns take all its "
                                   "streams ({}); move it up or delete it",
                                   config.services[loser].name, takers_of(loser, shadows, origins)),
                       "never-wins", config.services[loser].name);
    }
}

}  // namespace portsplit::config
