#include "config/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/escape.h"
#include "config/key_table.h"
#include "config/layout_warnings.h"
#include "config/listener_warnings.h"
#include "config/setup_warnings.h"
#include "config/value.h"
#include "config/wording.h"
#include "core/examples.h"
#include "core/late_fields.h"
#include "core/lint.h"
#include "core/plan.h"
#include "core/shadow.h"

namespace portsplit::config {
namespace {

using core::Finding;

/// Finds the warnings of one configuration.
class Search {
  public:
    Search(const core::Config& config, const Origins& origins, Spelling spelling)
        : config_(config), origins_(origins), spelling_(spelling) {}

    std::vector<Issue> warnings() {
        const std::vector<core::Shadow> shadows = core::find_shadows(config_);
        const std::vector<std::size_t> losers = core::find_shadowed_services(config_, shadows);
        const auto is_loser = [&](std::size_t service) {
            return std::binary_search(losers.begin(), losers.end(), service);
        };
        // A service that can never win gets one warning: the others would follow from it.
        for (const core::Shadow& shadow : shadows) {
            if (!is_loser(shadow.at.service)) warn_of_shadow(shadow);
        }
        for (const std::size_t loser : losers) warn_of_loser(loser, shadows);
        if (const auto taker = taker_of_all()) {
            warn_of_unused_last_resorts(*taker);
        } else {
            warn_of_missing_last_resorts();
        }
        std::set<std::string> shadowed;
        for (Issue& issue : advise_on_layouts(config_, origins_)) {
            if (issue.name == "shadowed") shadowed.insert(issue.service);
            found_.push_back(std::move(issue));
        }
        const core::Plan plan(config_);
        warn_of_many_expressions(plan);
        warn_of_late_fields(plan);
        for (const Finding& finding : core::lint(plan)) {
            const std::string service(config_.services[finding.service].name);
            // That it never wins follows.
            const bool is_known =
                finding.kind == Finding::Kind::NeverWins && shadowed.contains(service);
            if (!is_loser(finding.service) && !is_known) warn_of_finding(finding);
        }
        sort_by_spot(found_);
        return std::move(found_);
    }

  private:
    void warn_of_shadow(const core::Shadow& shadow) {
        const Spot spot = origins_.services[shadow.at.service].patterns[shadow.at.pattern];
        const core::PatternSource& pattern = source_of(shadow.at);
        const core::PatternPlace by = shadow.by.front();
        warn(spot, "shadowed", shadow.at.service,
             fmt::format("pattern \"{}\" never decides: a stream that fits it{} also fits {}\"{}\" "
                         "of service {} {}; delete it",
                         shown(print_pattern(pattern)), example_of(pattern),
                         shadow.by.size() > 1 ? "an earlier pattern, such as " : "",
                         shown(print_pattern(source_of(by))), config_.services[by.service].name,
                         place_of(by, spot)));
    }

    void warn_of_loser(std::size_t loser, const std::vector<core::Shadow>& shadows) {
        const Spot spot = origins_.services[loser].spot;
        std::vector<std::string> earlier;
        std::set<std::pair<std::size_t, std::size_t>> named;
        for (const core::Shadow& shadow : shadows) {
            if (shadow.at.service != loser) continue;
            for (const core::PatternPlace by : shadow.by) {
                if (by.service == loser) continue;
                if (!named.emplace(by.service, by.pattern).second) continue;
                earlier.push_back(
                    fmt::format("{} {}", config_.services[by.service].name, place_of(by, spot)));
            }
        }
        warn(spot, "never-wins", loser,
             fmt::format(
                 "it can never win: streams that fit it{} go to {}; move it up or delete it",
                 example_of(config_.services[loser].patterns.front()), fmt::join(earlier, ", ")));
    }

    const core::PatternSource& source_of(core::PatternPlace place) const {
        return config_.services[place.service].patterns[place.pattern];
    }

    std::string place_of(core::PatternPlace place, Spot message) const {
        return where(origins_.services[place.service].patterns[place.pattern], message,
                     origins_.files);
    }

    /// `, such as "GET /",`, or nothing if no stream that matches was found.
    std::string example_of(const core::PatternSource& pattern) const {
        const auto matches = core::find_examples(pattern, config_.window, 1).matches;
        if (matches.empty()) return "";
        return fmt::format(", such as \"{}\",", shown(escape(matches.front())));
    }

    /// Returns the first service with an empty string: it fits every stream.
    std::optional<std::size_t> taker_of_all() const {
        const auto& services = config_.services;
        const auto taker = std::ranges::find_if(services, [](const core::Service& service) {
            return std::ranges::find(service.patterns, core::PatternSource{}) !=
                   service.patterns.end();
        });
        if (taker == services.end()) return std::nullopt;
        return static_cast<std::size_t>(taker - services.begin());
    }

    void warn_of_unused_last_resorts(std::size_t taker) {
        for (std::size_t i = 0; i < config_.services.size(); ++i) {
            if (!config_.services[i].is_last_resort()) continue;
            const Spot spot = origins_.services[i].spot;
            warn(
                spot, "never-wins", i,
                fmt::format(
                    "it can never win: service {} {} has an empty string, which fits every stream; "
                    "delete one of the two",
                    config_.services[taker].name,
                    where(origins_.services[taker].spot, spot, origins_.files)));
        }
    }

    void warn_of_missing_last_resorts() {
        if (!has_service(core::kFallback)) {
            warn({}, "no-fallback", std::nullopt,
                 "no [fallback]: clients that match nothing are reset, which an outsider can see; "
                 "add [fallback] with the server that the port should look like");
        }
        if (!has_service(core::kTimeout) && config_.top.timeout.count() > 0) {
            warn({}, "no-timeout", std::nullopt,
                 "no [timeout]: a client that sends too little is closed at the deadline, which an "
                 "outsider can see; add [timeout] with the server that the port should look like");
        }
    }

    void warn_of_many_expressions(const core::Plan& plan) {
        const auto crowd = plan.largest_crowd();
        if (crowd.expressions < kManyExpressions) return;
        const std::string where =
            crowd.bytes.empty()
                ? "every stream"
                : fmt::format("a stream that begins with \"{}\"", shown(escape(crowd.bytes)));
        warn({}, "many-expressions", std::nullopt,
             fmt::format(
                 "{} is compared with {} expressions, one after the other, about 0.2 us each; "
                 "begin them with different bytes, or write strings",
                 where, crowd.expressions));
    }

    /// Returns the key that a field stands in, and its values.
    static std::pair<std::string_view, const core::List<core::Text>*> list_of(
        const core::LateField& late, const core::Service& service) {
        switch (late.list) {
            case core::LateField::List::Env:
                return {kEnv, &std::get<core::Exec>(service.action).env};
            case core::LateField::List::ProxyTlv:
                return {kProxyTlv, &std::get<core::Connect>(service.action).proxy_tlv};
            case core::LateField::List::Log:
                break;
        }
        return {kLog, &service.log};
    }

    void warn_of_late_fields(const core::Plan& plan) {
        for (const core::LateField& late : core::find_late_fields(plan)) {
            const core::Service& service = config_.services[late.service];
            const auto [key, values] = list_of(late, service);
            const std::string_view value = (*values)[late.value];
            warn(origins_.services[late.service].of(key, late.value), "late", late.service,
                 fmt::format(
                     "{} = {}: missing unless it comes with the first bytes: a pattern of the "
                     "service decides after {} bytes of a stream such as \"{}\", and nothing "
                     "waits for the field; write {} in place of the pattern",
                     key, shown(value), late.bytes, shown(escape(late.example)),
                     whole_layout(late.field.layout, spelling_)));
        }
    }

    bool has_service(std::string_view name) const {
        return std::any_of(config_.services.begin(), config_.services.end(),
                           [&](const core::Service& service) { return service.name == name; });
    }

    void warn_of_finding(const Finding& it) {
        const Origin& origin = origins_.services[it.service];
        // A service may include its patterns from a file that many share: then its own line is the
        // one to change.
        const bool is_service =
            it.kind == Finding::Kind::NeverWins || it.kind == Finding::Kind::Shadowed;
        const Spot pattern = is_service ? origin.spot : origin.patterns[it.pattern];
        const Spot spot = pattern.file == origin.spot.file ? pattern : origin.spot;
        warn(spot, core::to_string(it.kind), it.service, text_of(it, spot));
    }

    std::string text_of(const Finding& it, Spot spot) const {
        const std::string example = fmt::format("\"{}\"", shown(escape(it.example)));
        switch (it.kind) {
            case Finding::Kind::NeverWins:
                return fmt::format(
                    "all streams found for it go to service {}, such as {}; move "
                    "it up, or make the two differ",
                    earlier(it, spot), example);
            case Finding::Kind::Waits:
                return fmt::format(
                    "{} matches it, but service {} still answers more; a client that sends only "
                    "this is served at the deadline; {}",
                    example, earlier(it, spot), advice_for_wait(it));
            case Finding::Kind::NeverMatches:
                return fmt::format("no stream was found that regex \"{}\" matches; {}", pattern(it),
                                   advice_for(it));
            case Finding::Kind::NeverCertain:
                return fmt::format(
                    "no stream was found that regex \"{}\" matches for certain; with {} it stays "
                    "undecided until the deadline or a full window; {}",
                    pattern(it), endless(it, example), advice_for(it));
            case Finding::Kind::Shadowed:
                return fmt::format(
                    "what it asks of layout {} decides nothing: all streams found for it, such as "
                    "{}, "
                    "fit another pattern of the service, and one is enough; delete that pattern",
                    config_.services[it.service].layouts[it.pattern].layout, example);
            case Finding::Kind::HoldsAll:
                return fmt::format(
                    "regex \"{}\" can match after any first byte: {} stays undecided until the "
                    "deadline or a full window; limit its search, such as .{{0,50}}?",
                    pattern(it), endless(it, example));
        }
        return {};
    }

    std::string earlier(const Finding& it, Spot spot) const {
        return fmt::format("{} {}", config_.services[it.by_service].name,
                           where(origins_.services[it.by_service].spot, spot, origins_.files));
    }

    std::string pattern(const Finding& it) const {
        return shown(print_pattern(config_.services[it.service].patterns[it.pattern]));
    }

    std::string advice_for_wait(const Finding& it) const {
        const auto& layouts = config_.services[it.by_service].layouts;
        if (layouts.empty()) return "move it up, or match more bytes";
        return fmt::format("write {}, which waits for the same bytes",
                           whole_layout(layouts.front().layout, spelling_));
    }

    std::string advice_for(const Finding& it) const {
        const std::string_view text = config_.services[it.service].patterns[it.pattern].text;
        for (const std::string_view end : {"$", "\\z", "\\Z"}) {
            if (text.find(end) == text.npos) continue;
            return fmt::format("remove the {}: it never matches here", end);
        }
        return "try it with portsplit explain";
    }

    static std::string endless(const Finding& it, const std::string& example) {
        const std::string repeated = escape(std::string(1, *it.repeated));
        return it.example.empty()
                   ? fmt::format("\"{}\" again and again", repeated)
                   : fmt::format("{} and then \"{}\" again and again", example, repeated);
    }

    /// @param about  a service, unless the warning is about the whole file
    void warn(Spot spot, std::string_view name, std::optional<std::size_t> about,
              const std::string& text) {
        const std::string_view service =
            about ? std::string_view(config_.services[*about].name) : std::string_view();
        found_.push_back(origins_.warning(spot, name, service, text));
    }

    const core::Config& config_;
    const Origins& origins_;
    Spelling spelling_;
    std::vector<Issue> found_;
};

}  // namespace

std::span<const std::string_view> warning_names() {
    static const auto kNames = std::to_array<std::string_view>({
        "shadowed",
        core::to_string(Finding::Kind::NeverWins),
        core::to_string(Finding::Kind::Waits),
        core::to_string(Finding::Kind::NeverMatches),
        core::to_string(Finding::Kind::NeverCertain),
        core::to_string(Finding::Kind::HoldsAll),
        "many-expressions",
        "not-asked",
        "never-chooses",
        "no-fallback",
        "no-timeout",
        "no-deadline",
        "quotes",
        "comment",
        "hex-looking",
        "typographic",
        "server-name",
        "never-fits",
        "host-bits",
        "proxy-from-all",
        "balancer-denied",
        "no-effect",
        "one-family",
        "layout",
        "not-read",
        "late",
        "twice",
        "window",
        "outer-name",
        "backslash",
        "blanks",
        "case",
        "writable",
        "script",
        "tcpd",
        "byte-order-mark",
        "cr-lf",
    });
    return kNames;
}

std::vector<Issue> advise(const Loaded& loaded) {
    if (!loaded.config) return {};
    const auto advise_on = [&](const core::Config& config, const Origins& origins) {
        return Search(config, origins, loaded.spelling).warnings();
    };
    std::vector<Issue> issues = depends_on_client(*loaded.config)
                                    ? advise_by_client(*loaded.config, loaded.origins, advise_on)
                                    : advise_on(*loaded.config, loaded.origins);
    std::ranges::move(advise_on_setup(*loaded.config, loaded.origins), std::back_inserter(issues));
    sort_by_spot(issues);
    return issues;
}

}  // namespace portsplit::config
