#include "config/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/value.h"
#include "config/wording.h"
#include "core/examples.h"
#include "core/lint.h"
#include "core/plan.h"

namespace portsplit::config {
namespace {

using Kind = core::Finding::Kind;

constexpr std::array<std::string_view, 9> kNames{"shadowed",      "never-wins",    "waits",
                                                 "never-matches", "never-certain", "holds-all",
                                                 "no-fallback",   "no-timeout",    "no-deadline"};

class ShadowWording {
  public:
    ShadowWording(const core::Config& config, const Origins& origins)
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

void add_shadow_warnings(const core::Config& config, const Origins& origins,
                         const std::vector<core::Shadow>& shadows,
                         const std::vector<std::size_t>& losers, std::vector<Issue>& found) {
    const ShadowWording wording(config, origins);
    for (const core::Shadow& shadow : shadows) {
        if (std::binary_search(losers.begin(), losers.end(), shadow.service)) continue;
        found.push_back(wording.of_shadow(shadow));
    }
    for (const std::size_t loser : losers) found.push_back(wording.of_loser(loser, shadows));
}

class Adviser {
  public:
    explicit Adviser(const Loaded& loaded) : config_(*loaded.config), origins_(loaded.origins) {}

    std::vector<Issue> advise() {
        const std::vector<core::Shadow> shadows = core::find_shadows(config_);
        const std::vector<std::size_t> losers = core::find_losers(config_, shadows);
        add_shadow_warnings(config_, origins_, shadows, losers, found_);
        check_last_resorts();
        for (const core::Finding& finding : core::lint(core::Plan(config_))) {
            // Of a service that can never win everything else goes without saying.
            if (!std::binary_search(losers.begin(), losers.end(), finding.service)) {
                add(finding);
            }
        }
        sort_by_spot(found_);
        return std::move(found_);
    }

  private:
    void check_last_resorts() {
        constexpr std::string_view kAdvice =
            "give it the action of the server that the port should look like";
        if (!has_service(core::kFallback)) {
            warn({}, "no-fallback", "",
                 fmt::format("no [fallback]: bytes that fit no service end in a reset, which a "
                             "prober can see; {}",
                             kAdvice));
        }
        if (!has_service(core::kTimeout) && config_.timeout.count() > 0) {
            warn({}, "no-timeout", "",
                 fmt::format("no [timeout]: a client that sends too little is cut off at the "
                             "deadline, which a prober can see; {}",
                             kAdvice));
        }
    }

    bool has_service(std::string_view name) const {
        return std::any_of(config_.services.begin(), config_.services.end(),
                           [&](const core::Service& service) { return service.name == name; });
    }

    void add(const core::Finding& it) {
        const core::Service& service = config_.services[it.service];
        const Origin& origin = origins_.services[it.service];
        // Where a service that stands elsewhere was included, its own place is the one to change.
        const Spot pattern = origin.patterns[it.pattern];
        const bool is_here = it.kind != Kind::NeverWins && pattern.file == origin.spot.file;
        const Spot spot = is_here ? pattern : origin.spot;
        const auto [name, text] = wording(it, spot);
        warn(spot, name, service.name, fmt::format("service {}: {}", service.name, text));
    }

    std::pair<std::string_view, std::string> wording(const core::Finding& it, Spot spot) const {
        const std::string example = fmt::format("\"{}\"", shown(escape(it.example)));
        switch (it.kind) {
            case Kind::NeverWins:
                return {"never-wins",
                        fmt::format("all streams found for it go to service {}, such as {}; move "
                                    "it up, or make the two differ",
                                    earlier(it, spot), example)};
            case Kind::Waits:
                return {"waits",
                        fmt::format("{} is enough for it, but service {} may want it too; a client "
                                    "that now waits is served at the deadline only; move it up, or "
                                    "ask for more bytes",
                                    example, earlier(it, spot))};
            case Kind::NeverMatches:
                return {"never-matches", fmt::format("nothing was found that regex \"{}\" "
                                                     "matches; {}",
                                                     pattern(it), advice_for(it))};
            case Kind::NeverCertain:
                return {"never-certain",
                        fmt::format("nothing was found at which regex \"{}\" is certain, and {} "
                                    "leaves it open up to the deadline or the full window; {}",
                                    pattern(it), endless(it, example), advice_for(it))};
            case Kind::HoldsAll:
                return {"holds-all",
                        fmt::format("regex \"{}\" says no to no first byte: {}, which fits nothing "
                                    "else, reaches no fallback before the deadline or the full "
                                    "window; give its search a limit, such as .{{0,50}}?",
                                    pattern(it), endless(it, example))};
        }
        return {};
    }

    std::string earlier(const core::Finding& it, Spot spot) const {
        return fmt::format("{} {}", config_.services[it.by_service].name,
                           where(origins_.services[it.by_service].spot, spot, origins_.files));
    }

    std::string pattern(const core::Finding& it) const {
        return shown(print_pattern(config_.services[it.service].patterns[it.pattern]));
    }

    std::string advice_for(const core::Finding& it) const {
        const std::string& text = config_.services[it.service].patterns[it.pattern].text;
        for (const std::string_view end : {"$", "\\z", "\\Z"}) {
            if (text.find(end) == text.npos) continue;
            return fmt::format("leave out {}, for that a stream ends there is never certain", end);
        }
        return "try it with portsplit explain";
    }

    static std::string endless(const core::Finding& it, const std::string& example) {
        const std::string repeated = escape(std::string(1, *it.repeated));
        return it.example.empty()
                   ? fmt::format("\"{}\" again and again", repeated)
                   : fmt::format("{} and then \"{}\" again and again", example, repeated);
    }

    void warn(Spot spot, std::string_view name, const std::string& service, std::string text) {
        found_.push_back({.severity = Severity::Warning,
                          .spot = spot,
                          .file = origins_.files[static_cast<std::size_t>(spot.file)],
                          .text = std::move(text),
                          .name = name,
                          .service = service});
    }

    const core::Config& config_;
    const Origins& origins_;
    std::vector<Issue> found_;
};

}  // namespace

std::span<const std::string_view> warning_names() { return kNames; }

std::vector<Issue> advise(const Loaded& loaded) {
    if (!loaded.config) return {};
    return Adviser(loaded).advise();
}

}  // namespace portsplit::config
