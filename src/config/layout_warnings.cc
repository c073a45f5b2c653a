#include "config/layout_warnings.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/escape.h"
#include "config/value.h"
#include "config/wording.h"
#include "core/ip_address.h"
#include "core/layout.h"
#include "core/layout_bound.h"
#include "core/layout_shadow.h"

namespace portsplit::config {
namespace {

/// The first message of a usual client has fewer bytes, such as the ClientHello of a browser with a
/// post-quantum key share (1,800), or an HTTP request with cookies.
constexpr std::size_t kUsualWindow = 4096;

/// A field of which an author should know something, whatever he asks.
struct Noted {
    std::string_view layout;
    std::string_view field;
    const char* text;
    /// Why no usual client sends an address.
    const char* no_address;
};
constexpr Noted kNoted[] = {
    {"tls", "sni",
     "the name that a client shows before anything is proved: with Encrypted Client Hello (ECH) it "
     "is the outer name, and a client may write any. It chooses a server; it allows nobody in",
     "a client that connects to an address sends no name (RFC 6066 3); write the name of the "
     "server"},
};

class Search {
  public:
    Search(const core::Config& config, const Origins& origins)
        : config_(config), origins_(origins) {}

    std::vector<Issue> issues() {
        warn_of_shadowed_values();
        warn_of_shadowed_layouts();
        warn_of_window();
        warn_of_addresses();
        warn_of_many_expressions();
        add_notes();
        return std::move(found_);
    }

  private:
    /// A warning for all values of a field that go to the same service: there may be thousands.
    void warn_of_shadowed_values() {
        const auto shadows = core::find_value_shadows(config_);
        for (std::size_t first = 0; first < shadows.size();) {
            std::size_t end = first + 1;
            while (end < shadows.size() && are_alike(shadows[first], shadows[end])) ++end;
            warn_of(shadows[first], end - first - 1);
            first = end;
        }
    }

    static bool are_alike(const core::ValueShadow& a, const core::ValueShadow& b) {
        return a.at.service == b.at.service && a.at.layout == b.at.layout &&
               a.at.condition == b.at.condition && a.by.service == b.by.service;
    }

    /// @param more  other values of the same field that are taken in the same way
    void warn_of(const core::ValueShadow& shadow, std::size_t more) {
        const Spot spot = spot_of(shadow.at);
        const std::string others = more == 0 ? "" : fmt::format(" and {} more", more);
        const std::string example =
            shadow.example.empty() ? ""
                                   : fmt::format(", such as {},", shown(escape(shadow.example)));
        const std::string_view taker = config_.services[shadow.by.service].name;
        warn(spot, "shadowed", shadow.at.service,
             fmt::format(
                 "{}{} never {}: what fits{} goes to service {}, which asks {} {}; move this "
                 "service above {}, or delete the value",
                 written(shadow.at), others, more == 0 ? "decides" : "decide", example, taker,
                 written(shadow.by), where(spot_of(shadow.by), spot, origins_.files), taker));
    }

    void warn_of_shadowed_layouts() {
        for (const core::LayoutShadow& shadow : core::find_layout_shadows(config_)) {
            const core::LayoutPattern& asked =
                config_.services[shadow.service].layouts[shadow.layout];
            const Spot spot = first_spot(shadow.service, asked);
            const core::Service& taker = config_.services[shadow.by.service];
            warn(spot, "shadowed", shadow.service,
                 fmt::format(
                     "what it asks of layout {} never decides: its streams begin with \"{}\", "
                     "and go to service {} for its pattern \"{}\" {}; move this service above {}",
                     asked.layout, shown(escape(shadow.beginning)), taker.name,
                     shown(print_pattern(taker.patterns[shadow.by.pattern])),
                     where(origins_.services[shadow.by.service].patterns[shadow.by.pattern], spot,
                           origins_.files),
                     taker.name));
        }
    }

    void warn_of_window() {
        std::size_t wanted = config_.window;
        std::string_view layout;
        for (const core::LayoutSource& source : config_.layouts) {
            const bool is_asked = std::ranges::any_of(config_.services, [&](const auto& service) {
                return std::ranges::find(service.layouts, source.name,
                                         &core::LayoutPattern::layout) != service.layouts.end();
            });
            const std::size_t needed = is_asked ? needed_by(source) : 0;
            if (needed <= wanted) continue;
            wanted = needed;
            layout = source.name;
        }
        if (layout.empty()) return;
        warn(origins_.global.of("window"), "window", std::nullopt,
             fmt::format("window = {}: a field of layout {} may lie behind so many bytes, and is "
                         "never found there; write {} or more, or delete it",
                         config_.window, layout, wanted));
    }

    /// Returns in how many first bytes the fields of a layout lie.
    static std::size_t needed_by(const core::LayoutSource& source) {
        const auto layout = core::Layout::compile(source);
        const auto longest = layout ? core::longest_stream(*layout) : std::nullopt;
        return std::min(longest.value_or(kUsualWindow), kUsualWindow);
    }

    void warn_of_addresses() {
        for (std::size_t s = 0; s < config_.services.size(); ++s) {
            const auto& layouts = config_.services[s].layouts;
            for (std::size_t l = 0; l < layouts.size(); ++l) {
                for (std::size_t c = 0; c < layouts[l].conditions.size(); ++c)
                    warn_of_addresses({s, l, c, 0});
            }
        }
    }

    void warn_of_addresses(core::ValuePlace place) {
        const core::LayoutPattern& asked = config_.services[place.service].layouts[place.layout];
        const core::FieldCondition& condition = asked.conditions[place.condition];
        const auto noted = std::ranges::find_if(kNoted, [&](const Noted& it) {
            return it.layout == asked.layout && it.field == condition.field;
        });
        if (noted == std::end(kNoted)) return;
        for (; place.value < condition.values.size(); ++place.value) {
            if (!core::IpAddress::parse(condition.values[place.value])) continue;
            warn(spot_of(place), "never-fits", place.service,
                 fmt::format("{} hardly ever fits: {}", written(place), noted->no_address));
        }
    }

    /// A value is looked up among names, but compared with each expression.
    void warn_of_many_expressions() {
        std::map<std::pair<std::string_view, std::string_view>, std::size_t> counts;
        for (const core::Service& service : config_.services) {
            for (const core::LayoutPattern& asked : service.layouts) {
                for (const core::FieldCondition& condition : asked.conditions) {
                    counts[{asked.layout, condition.field}] += static_cast<std::size_t>(
                        std::ranges::count_if(condition.values, [](std::string_view value) {
                            return value.starts_with('~');
                        }));
                }
            }
        }
        for (const auto& [field, expressions] : counts) {
            if (expressions < kManyExpressions) continue;
            warn({}, "many-expressions", std::nullopt,
                 fmt::format("a value of {}.{} is compared with {} expressions, one after the "
                             "other, about 0.2 us each; write values without a ~ where they do, "
                             "such as *.example.org for a name: those are looked up at once",
                             field.first, field.second, expressions));
        }
    }

    void add_notes() {
        for (const Noted& noted : kNoted) {
            for (std::size_t s = 0; s < config_.services.size(); ++s) {
                const auto& asked = origins_.services[s].asked;
                const auto found =
                    asked.find({std::string(noted.layout), std::string(noted.field)});
                if (found == asked.end()) continue;
                Issue note = origins_.issue(
                    Severity::Note, found->second.front(),
                    fmt::format("{}.{} is {}", noted.layout, noted.field, noted.text));
                note.name = "outer-name";
                found_.push_back(std::move(note));
                break;
            }
        }
    }

    /// Returns `tls.sni = VALUE`.
    std::string written(const core::ValuePlace& place) const {
        const core::LayoutPattern& asked = config_.services[place.service].layouts[place.layout];
        const core::FieldCondition& condition = asked.conditions[place.condition];
        return fmt::format("{}.{} = {}", asked.layout, condition.field,
                           shown(condition.values[place.value]));
    }

    Spot spot_of(const core::ValuePlace& place) const {
        const core::LayoutPattern& asked = config_.services[place.service].layouts[place.layout];
        const core::FieldCondition& condition = asked.conditions[place.condition];
        return origins_.services[place.service]
            .asked.at({std::string(asked.layout), std::string(condition.field)})
            .at(place.value);
    }

    /// Returns the spot of the first value that a service asks of a layout.
    Spot first_spot(std::size_t service, const core::LayoutPattern& pattern) const {
        const auto& asked = origins_.services[service].asked;
        return asked.lower_bound({std::string(pattern.layout), ""})->second.front();
    }

    void warn(Spot spot, std::string_view name, std::optional<std::size_t> about,
              const std::string& text) {
        const std::string_view service =
            about ? std::string_view(config_.services[*about].name) : std::string_view();
        found_.push_back(origins_.warning(spot, name, service, text));
    }

    const core::Config& config_;
    const Origins& origins_;
    std::vector<Issue> found_;
};

}  // namespace

std::vector<Issue> advise_on_layouts(const core::Config& config, const Origins& origins) {
    return Search(config, origins).issues();
}

}  // namespace portsplit::config
