#include "core/shadow.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/pattern.h"
#include "core/regex.h"
#include "core/remainder.h"

namespace portsplit::core {
namespace {

/// Returns the longest run of single bytes at the front: every stream that fits begins with them.
std::string common_beginning(std::span<const ByteSet> sets) {
    std::string bytes;
    for (const ByteSet& set : sets) {
        if (!set.is_single()) break;
        bytes += static_cast<char>(set.low);
    }
    return bytes;
}

/// The bytes that begin all streams of a pattern of fixed length.
struct Known {
    std::string_view bytes;
    std::size_t number;  ///< of the pattern
};
/// A part of a list that is sorted by the bytes.
using Sorted = std::span<const Known>;

/// Returns the longest beginning that all entries share.
Bytes common_bytes(Sorted known) {
    const Bytes first = as_bytes(known.front().bytes);
    const Bytes last = as_bytes(known.back().bytes);
    const auto end = std::ranges::mismatch(first, last).in1;
    return first.first(static_cast<std::size_t>(end - first.begin()));
}

/// Splits a list by the byte after the `common` first ones, and appends the parts. Entries without such
/// a byte are left out.
void split(Sorted known, std::size_t common, std::vector<Sorted>& parts) {
    while (!known.empty() && known.front().bytes.size() == common) known = known.subspan(1);
    while (!known.empty()) {
        const char byte = known.front().bytes[common];
        const auto end = std::ranges::partition_point(
            known, [&](const Known& it) { return it.bytes[common] == byte; });
        const auto size = static_cast<std::size_t>(end - known.begin());
        parts.push_back(known.first(size));
        known = known.subspan(size);
    }
}

/// A list of at most so many entries is not split. Splitting to the end takes 20 % longer if the
/// expression answers more to everything.
constexpr std::size_t kFew = 8;

/// Calls `take` with the number of each pattern above `after` whose bytes an expression matches. A match
/// or a no is final, so the answer to a common beginning holds for all entries: few are compared
/// one by one.
template <typename Take>
void for_each_match(const Pattern& expression, std::size_t after, Sorted known, Take take) {
    std::vector<Sorted> waiting{known};
    while (!waiting.empty()) {
        const Sorted part = waiting.back();
        waiting.pop_back();
        if (part.size() <= kFew) {
            for (const Known& it : part) {
                if (it.number <= after) continue;
                if (expression.answer(as_bytes(it.bytes)) == Answer::Match) take(it.number);
            }
            continue;
        }
        const Bytes common = common_bytes(part);
        const Answer answer = expression.answer(common);
        if (answer == Answer::More) split(part, common.size(), waiting);
        if (answer != Answer::Match) continue;
        for (const Known& it : part) {
            if (it.number > after) take(it.number);
        }
    }
}

/// How many patterns of fixed length are compared with the beginning of one expression: all that a person
/// writes. Those of 10,000 generated ones would be compared for each of as many expressions.
constexpr std::size_t kMostCandidates = 100;

/// Finds the first cover of every pattern. The patterns of all services are numbered in the order of
/// the configuration.
class Search {
  public:
    /// @param config  must outlive the search
    explicit Search(const Config& config) {
        for (std::size_t s = 0; s < config.services.size(); ++s) {
            const auto& patterns = config.services[s].patterns;
            for (std::size_t p = 0; p < patterns.size(); ++p) add(s, p, patterns[p]);
        }
        if (!expressions_.empty()) std::ranges::sort(known_, {}, &Known::bytes);
    }

    std::vector<Shadow> run() {
        for (std::size_t number = 0; number < patterns_.size(); ++number) compare(number);
        std::vector<Shadow> found;
        for (const Numbered& it : patterns_) {
            if (it.cover.empty()) continue;
            Shadow& shadow = found.emplace_back(Shadow{it.place, {}});
            for (const std::size_t by : it.cover) shadow.by.push_back(patterns_[by].place);
        }
        return found;
    }

  private:
    /// Numbers of patterns.
    using Numbers = std::vector<std::size_t>;

    struct Numbered {
        PatternPlace place;
        const PatternSource* source;
        Numbers cover = {};  ///< the first found so far; more than one if they cover it together
    };

    /// A pattern of fixed length.
    struct Fixed {
        std::size_t number;
        ByteSets rest;  ///< the sets after the known bytes
    };

    void add(std::size_t service, std::size_t pattern, const PatternSource& source) {
        const std::size_t number = patterns_.size();
        patterns_.push_back({{service, pattern}, &source});
        if (const auto sets = byte_sets(source)) {
            add_fixed(*sets, number);
        } else {
            const auto [first, is_new] = expressions_.try_emplace(source.text, number);
            if (!is_new) consider(first->second, number);
        }
    }

    /// Compares a pattern with the earlier ones whose known bytes begin its own. No other can cover it.
    void add_fixed(std::span<const ByteSet> sets, std::size_t number) {
        std::string bytes = common_beginning(sets);
        for (const std::size_t length : lengths_) {
            if (length > bytes.size()) break;
            const auto found = fixed_.find(bytes.substr(0, length));
            if (found == fixed_.end()) continue;
            const auto cover = std::ranges::find_if(found->second, [&](const Fixed& earlier) {
                return covers_all(earlier.rest, sets.subspan(length));
            });
            if (cover != found->second.end()) consider(cover->number, number);
        }
        const auto rest = sets.subspan(bytes.size());
        lengths_.insert(bytes.size());
        const auto stored = fixed_.try_emplace(std::move(bytes)).first;
        stored->second.push_back({number, {rest.begin(), rest.end()}});
        known_.push_back({stored->first, number});
    }

    /// Finds the later patterns that an expression covers, and the earlier ones that cover it. The second
    /// of two equal expressions covers none that the first does not cover.
    void compare(std::size_t number) {
        Numbered& it = patterns_[number];
        if (it.source->kind != PatternKind::Regex) return;
        if (!it.cover.empty()) {
            const Numbers& first = patterns_[it.cover.front()].cover;
            if (!first.empty()) it.cover = first;
            return;
        }
        Beginnings beginnings;
        const Regex expression = valid(compile_regex(it.source->text, &beginnings));
        for_each_match(expression, number, known_,
                       [&](std::size_t covered) { consider(number, covered); });
        it.cover = covers_of(beginnings, number);
    }

    /// Returns the patterns before `number` that cover all beginnings; none if they do not.
    Numbers covers_of(const Beginnings& beginnings, std::size_t number) const {
        Numbers used;
        for (const ByteSets& beginning : beginnings) {
            Remainder left(beginning);
            for (const std::size_t earlier : candidates(common_beginning(beginning), number)) {
                if (left.is_empty()) break;
                if (left.take(*byte_sets(*patterns_[earlier].source))) used.push_back(earlier);
            }
            if (!left.is_empty()) return {};
        }
        std::ranges::sort(used);
        used.erase(std::unique(used.begin(), used.end()), used.end());
        return used;
    }

    /// Returns the patterns of fixed length before `before` of which the known bytes agree with these as far
    /// as both reach, in the order of the configuration; none if they are too many to compare.
    Numbers candidates(std::string_view bytes, std::size_t before) const {
        Numbers found;
        for (const std::size_t length : lengths_) {
            if (length >= bytes.size()) break;
            const auto shorter = fixed_.find(std::string(bytes.substr(0, length)));
            if (shorter == fixed_.end()) continue;
            for (const Fixed& it : shorter->second) found.push_back(it.number);
        }
        auto longer = std::ranges::lower_bound(known_, bytes, {}, &Known::bytes);
        for (; longer != known_.end() && longer->bytes.starts_with(bytes); ++longer) {
            found.push_back(longer->number);
            if (found.size() > kMostCandidates) return {};
        }
        std::erase_if(found, [&](std::size_t it) { return it >= before; });
        std::ranges::sort(found);
        return found;
    }

    void consider(std::size_t cover, std::size_t covered) {
        Numbers& first = patterns_[covered].cover;
        if (first.empty() || cover < first.front()) first = {cover};
    }

    std::vector<Numbered> patterns_;
    /// The patterns of fixed length by the bytes known at their front: a file of 10,000 strings is
    /// checked with one look-up for each different length, not with one comparison for each pair.
    std::unordered_map<std::string, std::vector<Fixed>> fixed_;
    std::set<std::size_t> lengths_;  ///< of the keys of `fixed_`
    std::vector<Known> known_;       ///< of all patterns in `fixed_`
    std::unordered_map<std::string_view, std::size_t> expressions_;  ///< the first with each text
};

}  // namespace

std::vector<Shadow> find_shadows(const Config& config) { return Search(config).run(); }

std::vector<std::size_t> find_shadowed_services(const Config& config,
                                                const std::vector<Shadow>& shadows) {
    std::vector<std::size_t> shadowed(config.services.size(), 0);
    for (const Shadow& shadow : shadows) ++shadowed[shadow.at.service];
    // The first pattern of a service can be shadowed by an earlier service only. If all patterns
    // are shadowed, an earlier service therefore takes every stream.
    std::vector<std::size_t> services;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const std::size_t patterns = config.services[s].patterns.size();
        const bool has_others = !config.services[s].layouts.empty();
        if (patterns > 0 && shadowed[s] == patterns && !has_others) services.push_back(s);
    }
    return services;
}

}  // namespace portsplit::core
