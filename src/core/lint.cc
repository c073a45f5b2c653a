#include "core/lint.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace portsplit::core {
namespace {

struct Place {
    std::size_t order;
    std::size_t service;
    std::size_t pattern;
};

/// The bytes at the front of a pattern that leave no choice.
std::string known_bytes(const ByteSets& sets) {
    std::string bytes;
    for (const ByteSet& set : sets) {
        if (!set.is_single()) break;
        bytes += static_cast<char>(set.low);
    }
    return bytes;
}

bool takes_all_of(const ByteSets& shorter, const ByteSets& longer) {
    return shorter.size() <= longer.size() &&
           std::equal(shorter.begin(), shorter.end(), longer.begin(), covers);
}

/// The patterns of a configuration up to some point: the first of each.
class Earlier {
  public:
    void add(const PatternSource& source, const std::optional<ByteSets>& sets, std::size_t service,
             std::size_t pattern) {
        const Place place{order_++, service, pattern};
        if (!sets) {
            expressions_.push_back({*compile(source), place});
            texts_.try_emplace(source.text, place);
        } else if (std::string bytes = known_bytes(*sets); bytes.size() == sets->size()) {
            lengths_.insert(bytes.size());
            exact_.try_emplace(std::move(bytes), place);
        } else {
            wide_.push_back({*sets, place});
        }
    }

    /// The first pattern that takes every stream that this one takes.
    std::optional<Place> first_taker(const PatternSource& source,
                                     const std::optional<ByteSets>& sets) const {
        std::optional<Place> first;
        const auto consider = [&](const Place& place) {
            if (!first || place.order < first->order) first = place;
        };
        if (!sets) {
            if (const auto same = texts_.find(source.text); same != texts_.end()) {
                consider(same->second);
            }
            return first;
        }
        const std::string bytes = known_bytes(*sets);
        for (const std::size_t length : lengths_) {
            if (length > bytes.size()) break;
            const auto found = exact_.find(bytes.substr(0, length));
            if (found != exact_.end()) consider(found->second);
        }
        for (const auto& [wide, place] : wide_) {
            if (takes_all_of(wide, *sets)) consider(place);
        }
        if (bytes.empty()) return first;
        for (const auto& [expression, place] : expressions_) {
            if (expression->answer(as_bytes(bytes)) == Answer::Match) consider(place);
        }
        return first;
    }

  private:
    std::unordered_map<std::string, Place> exact_;
    std::set<std::size_t> lengths_;  ///< those that occur in `exact_`; no other can be found
    std::vector<std::pair<ByteSets, Place>> wide_;
    std::unordered_map<std::string, Place> texts_;
    std::vector<std::pair<std::unique_ptr<const Pattern>, Place>> expressions_;
    std::size_t order_ = 0;
};

/// Looks at one service after the other, with streams that fit it.
class Linter {
  public:
    explicit Linter(const Plan& plan) : plan_(plan) {}

    std::vector<Finding> look() {
        for (std::size_t s = 0; s < plan_.config().services.size(); ++s) look_at_service(s);
        return std::move(findings_);
    }

  private:
    using Kind = Finding::Kind;
    static constexpr std::size_t kMostMatches = 8;

    void look_at_service(std::size_t service) {
        const auto& patterns = plan_.service(service).patterns;
        std::optional<Finding> overtaken;
        std::optional<Finding> waits;
        bool wins = false;
        for (std::size_t p = 0; p < patterns.size(); ++p) {
            if (patterns[p].kind == PatternKind::Regex && ++searched_ > kMostSearched) return;
            const Examples examples = find_examples(patterns[p], plan_.window(), kMostMatches);
            note_undecided(service, p, examples);
            for (const std::string& match : examples.matches) {
                const auto standing = plan_.ask(as_bytes(match), Plan::Outlook::Open);
                const Finding finding{Kind::Waits, service, p, standing.service, match};
                wins |= standing.service == service;
                if (standing.service == service) continue;
                if (standing.answer == Answer::More && !waits) waits = finding;
                if (standing.answer == Answer::Match && !overtaken) overtaken = finding;
            }
        }
        if (waits) findings_.push_back(*waits);
        if (wins || waits || !overtaken) return;
        overtaken->kind = Kind::NeverWins;
        findings_.push_back(*overtaken);
    }

    void note_undecided(std::size_t service, std::size_t pattern, const Examples& examples) {
        const auto& undecided = examples.undecided;
        if (examples.matches.empty() && !undecided) {
            if (!examples.is_all) return;
            findings_.push_back({Kind::NeverMatches, service, pattern, service, ""});
        } else if (undecided && (examples.matches.empty() || !examples.says_no)) {
            const Kind kind = examples.says_no ? Kind::NeverCertain : Kind::HoldsAll;
            findings_.push_back(
                {kind, service, pattern, service, undecided->start, undecided->repeated});
        }
    }

    const Plan& plan_;
    std::size_t searched_ = 0;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Shadow> find_shadows(const Config& config) {
    std::vector<Shadow> found;
    Earlier earlier;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        for (std::size_t p = 0; p < config.services[s].patterns.size(); ++p) {
            const PatternSource& source = config.services[s].patterns[p];
            const auto sets = byte_sets(source);
            if (const auto taker = earlier.first_taker(source, sets)) {
                found.push_back({s, p, taker->service, taker->pattern});
            }
            earlier.add(source, sets, s, p);
        }
    }
    return found;
}

std::vector<std::size_t> find_losers(const Config& config, const std::vector<Shadow>& shadows) {
    std::vector<std::size_t> taken(config.services.size(), 0);
    for (const Shadow& shadow : shadows) ++taken[shadow.service];
    // A service's first pattern is never taken by itself, so one with all of them taken has lost
    // them to an earlier service.
    std::vector<std::size_t> losers;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const std::size_t patterns = config.services[s].patterns.size();
        if (patterns > 0 && taken[s] == patterns) losers.push_back(s);
    }
    return losers;
}

std::vector<Finding> lint(const Plan& plan) { return Linter(plan).look(); }

}  // namespace portsplit::core
