#include "core/lint.h"

#include <algorithm>
#include <utility>

#include "core/examples.h"
#include "core/layout_examples.h"

namespace portsplit::core {
namespace {

/// How many matching streams are tried for one pattern, and for what is asked of one layout.
constexpr std::size_t kMostMatches = 8;
constexpr std::size_t kMostOfLayout = 40;

class Linter {
  public:
    explicit Linter(const Plan& plan) : plan_(plan) {}

    std::vector<Finding> run() {
        for (std::size_t s = 0; s < plan_.config().services.size(); ++s) check_service(s);
        return std::move(findings_);
    }

  private:
    using Kind = Finding::Kind;

    /// Reports nothing about a service with an expression or a layout beyond `kMostSearched`.
    void check_service(std::size_t service) {
        const auto& patterns = plan_.service(service).patterns;
        std::optional<Finding> lost;   // a stream that goes to an earlier service
        std::optional<Finding> waits;  // a stream for which an earlier service answers more
        bool wins = false;
        for (std::size_t l = 0; l < plan_.service(service).layouts.size(); ++l) {
            if (++searched_ > kMostSearched) return;
            const std::vector<std::string> examples =
                examples_of(plan_.service(service).layouts[l]);
            check_layout(service, l, examples);
            for (const std::string& match : examples) {
                const auto standing = plan_.ask(as_bytes(match));
                wins |= standing.service == service;
                const bool is_lost = standing.answer == Answer::Match && standing.service < service;
                if (is_lost && !lost) {
                    lost = {Kind::NeverWins, service, patterns.size(), *standing.service, match};
                }
            }
        }
        for (std::size_t p = 0; p < patterns.size(); ++p) {
            if (patterns[p].kind == PatternKind::Regex && ++searched_ > kMostSearched) return;
            const Examples examples = find_examples(patterns[p], plan_.window(), kMostMatches);
            check_pattern(service, p, examples);
            for (const std::string& match : examples.matches) {
                const auto standing = plan_.ask(as_bytes(match));
                wins |= standing.service == service;
                if (!standing.service || standing.service == service) continue;
                const Finding finding{Kind::Waits, service, p, *standing.service, match};
                if (standing.answer == Answer::More && !waits) waits = finding;
                if (standing.answer == Answer::Match && !lost) lost = finding;
            }
        }
        if (waits) findings_.push_back(*waits);
        if (!wins && !waits && lost) {
            lost->kind = Kind::NeverWins;
            findings_.push_back(*lost);
        }
    }

    void check_layout(std::size_t service, std::size_t layout,
                      const std::vector<std::string>& examples) {
        Service others = plan_.service(service);
        others.layouts.clear();
        if (others.patterns.empty() || examples.empty()) return;
        Config config;
        config.services.push_back(std::move(others));
        const Plan plan(config);
        const bool all = std::ranges::all_of(examples, [&](const std::string& stream) {
            return plan.ask(as_bytes(stream)).answer == Answer::Match;
        });
        if (all) findings_.push_back({Kind::Shadowed, service, layout, service, examples.front()});
    }

    std::vector<std::string> examples_of(const LayoutPattern& pattern) const {
        const auto& layouts = plan_.config().layouts;
        const auto source = std::ranges::find(layouts, pattern.layout, &LayoutSource::name);
        return find_layout_examples(*source, pattern, plan_.window(), kMostOfLayout);
    }

    void check_pattern(std::size_t service, std::size_t pattern, const Examples& examples) {
        const auto& undecided = examples.undecided;
        if (examples.matches.empty() && !undecided) {
            if (!examples.is_complete) return;
            findings_.push_back({Kind::NeverMatches, service, pattern, service, ""});
        } else if (undecided && (examples.matches.empty() || !examples.rules_out_a_byte)) {
            const Kind kind = examples.rules_out_a_byte ? Kind::NeverCertain : Kind::HoldsAll;
            findings_.push_back(
                {kind, service, pattern, service, undecided->start, undecided->repeated});
        }
    }

    const Plan& plan_;
    std::size_t searched_ = 0;
    std::vector<Finding> findings_;
};

}  // namespace

std::string_view to_string(Finding::Kind kind) {
    switch (kind) {
        case Finding::Kind::NeverWins:
            return "never-wins";
        case Finding::Kind::Waits:
            return "waits";
        case Finding::Kind::NeverMatches:
            return "never-matches";
        case Finding::Kind::NeverCertain:
            return "never-certain";
        case Finding::Kind::Shadowed:
            return "shadowed";
        case Finding::Kind::HoldsAll:
            return "holds-all";
    }
    return "";
}

std::vector<Finding> lint(const Plan& plan) { return Linter(plan).run(); }

}  // namespace portsplit::core
