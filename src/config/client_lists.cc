#include "config/client_lists.h"

#include <fmt/core.h>

#include <cstddef>
#include <map>

#include "config/value.h"

namespace portsplit::config {

void check_lists(const ClientList& allowed, const ClientList& denied, Issues& issues) {
    if (allowed.prefixes.empty() || denied.prefixes.empty()) return;
    std::map<core::Prefix, std::size_t> known;
    for (std::size_t i = 0; i < allowed.prefixes.size(); ++i) {
        known.emplace(allowed.prefixes[i], i);
    }
    for (std::size_t i = 0; i < denied.prefixes.size(); ++i) {
        const core::Prefix& prefix = denied.prefixes[i];
        const auto same = known.find(prefix);
        if (same == known.end() || prefix.kind == core::Prefix::Kind::None) continue;
        const Spot spot = denied.origin.of(denied.key, i);
        issues.error(spot, fmt::format("{} = {}: {} has it, too, {}; keep one of the two",
                                       denied.key, print(prefix), allowed.key,
                                       where(allowed.origin.of(allowed.key, same->second), spot,
                                             issues.files())));
    }
}

}  // namespace portsplit::config
