#include "config/shadows.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "config/values.h"
#include "config/wording.h"
#include "core/examples.h"

namespace portsplit::config {
namespace {

class Wording {
  public:
    Wording(const core::Config& config, const Origins& origins)
        : config_(config), origins_(origins) {}

    Issue of_shadow(const core::Shadow& shadow) const {
        const Spot spot = origins_.services[shadow.service].patterns[shadow.pattern];
        const core::Service& service = config_.services[shadow.service];
        const core::PatternSource& pattern = service.patterns[shadow.pattern];
        const core::Service& by = config_.services[shadow.by_service];
        return warning(
            spot, "shadowed", service.name,
            fmt::format("pattern \"{}\" never decides, for what fits it{} fits \"{}\" of "
                        "service {} {} first; delete it",
                        shown(print_pattern(pattern)), example_of(pattern),
                        shown(print_pattern(by.patterns[shadow.by_pattern])), by.name,
                        place_of_taker(shadow, spot)));
    }

    Issue of_loser(std::size_t loser, const std::vector<core::Shadow>& shadows) const {
        const core::Service& service = config_.services[loser];
        const Spot spot = origins_.services[loser].spot;
        std::vector<std::string> takers;
        std::set<std::pair<std::size_t, std::size_t>> named;
        for (const core::Shadow& shadow : shadows) {
            if (shadow.service != loser) continue;
            if (!named.emplace(shadow.by_service, shadow.by_pattern).second) continue;
            takers.push_back(fmt::format("{} {}", config_.services[shadow.by_service].name,
                                         place_of_taker(shadow, spot)));
        }
        return warning(spot, "never-wins", service.name,
                       fmt::format("it can never win, for what fits it{} goes to {}; move it up or "
                                   "delete it",
                                   example_of(service.patterns.front()), fmt::join(takers, ", ")));
    }

  private:
    std::string place_of_taker(const core::Shadow& shadow, Spot spot) const {
        return where(origins_.services[shadow.by_service].patterns[shadow.by_pattern], spot,
                     origins_.files);
    }

    std::string example_of(const core::PatternSource& pattern) const {
        const auto matches = core::find_examples(pattern, config_.window, 1).matches;
        if (matches.empty()) return "";
        return fmt::format(", such as \"{}\",", shown(escape(matches.front())));
    }

    Issue warning(Spot spot, std::string_view name, const std::string& service,
                  const std::string& text) const {
        return {.severity = Severity::Warning,
                .spot = spot,
                .file = origins_.files[static_cast<std::size_t>(spot.file)],
                .text = fmt::format("service {}: {}", service, text),
                .name = name,
                .service = service};
    }

    const core::Config& config_;
    const Origins& origins_;
};

}  // namespace

void add_shadow_warnings(const core::Config& config, const Origins& origins,
                         const std::vector<core::Shadow>& shadows,
                         const std::vector<std::size_t>& losers, std::vector<Issue>& found) {
    const Wording wording(config, origins);
    for (const core::Shadow& shadow : shadows) {
        if (std::binary_search(losers.begin(), losers.end(), shadow.service)) continue;
        found.push_back(wording.of_shadow(shadow));
    }
    for (const std::size_t loser : losers) found.push_back(wording.of_loser(loser, shadows));
}

}  // namespace portsplit::config
