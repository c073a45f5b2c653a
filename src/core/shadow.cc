#include "core/shadow.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/pattern.h"

namespace portsplit::core {
namespace {

struct Place {
    std::size_t order;  ///< counts the patterns of all services
    std::size_t service;
    std::size_t pattern;
};

/// Returns the longest run of single bytes at the front: every stream that fits begins with them.
std::string common_beginning(const ByteSets& sets) {
    std::string bytes;
    for (const ByteSet& set : sets) {
        if (!set.is_single()) break;
        bytes += static_cast<char>(set.low);
    }
    return bytes;
}

/// Returns true if every stream that fits `inner` fits `outer` too.
bool covers_all(const ByteSets& outer, const ByteSets& inner) {
    return outer.size() <= inner.size() &&
           std::equal(outer.begin(), outer.end(), inner.begin(), covers);
}

/// The patterns before the one in question, sorted by kind: a file of 10,000 strings is checked
/// with one look-up for each different length of string, not with one comparison for each pair.
class EarlierPatterns {
  public:
    void add(const PatternSource& source, const std::optional<ByteSets>& sets, std::size_t service,
             std::size_t pattern) {
        const Place place{count_++, service, pattern};
        if (!sets) {
            expressions_.push_back({*compile(source), place});
            expression_texts_.try_emplace(std::string(source.text), place);
        } else if (std::string bytes = common_beginning(*sets); bytes.size() == sets->size()) {
            string_lengths_.insert(bytes.size());
            strings_.try_emplace(std::move(bytes), place);
        } else {
            wildcards_.push_back({*sets, place});
        }
    }

    /// Returns the first pattern that fits every stream that fits this one.
    std::optional<Place> find_first_cover(const PatternSource& source,
                                          const std::optional<ByteSets>& sets) const {
        std::optional<Place> first;
        const auto consider = [&](const Place& place) {
            if (!first || place.order < first->order) first = place;
        };
        if (!sets) {
            if (const auto same = expression_texts_.find(std::string(source.text));
                same != expression_texts_.end()) {
                consider(same->second);
            }
            return first;
        }
        const std::string bytes = common_beginning(*sets);
        for (const std::size_t length : string_lengths_) {
            if (length > bytes.size()) break;
            const auto found = strings_.find(bytes.substr(0, length));
            if (found != strings_.end()) consider(found->second);
        }
        for (const auto& [wildcard, place] : wildcards_) {
            if (covers_all(wildcard, *sets)) consider(place);
        }
        if (bytes.empty()) return first;
        for (const auto& [expression, place] : expressions_) {
            if (expression->answer(as_bytes(bytes)) == Answer::Match) consider(place);
        }
        return first;
    }

  private:
    std::unordered_map<std::string, Place> strings_;  ///< fixed length, each byte known
    std::set<std::size_t> string_lengths_;            ///< the lengths that occur in `strings_`
    std::vector<std::pair<ByteSets, Place>> wildcards_;
    std::vector<std::pair<std::unique_ptr<const Pattern>, Place>> expressions_;
    std::unordered_map<std::string, Place> expression_texts_;
    std::size_t count_ = 0;
};

}  // namespace

std::vector<Shadow> find_shadows(const Config& config) {
    std::vector<Shadow> found;
    EarlierPatterns earlier;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        for (std::size_t p = 0; p < config.services[s].patterns.size(); ++p) {
            const PatternSource& source = config.services[s].patterns[p];
            const auto sets = byte_sets(source);
            if (const auto cover = earlier.find_first_cover(source, sets)) {
                found.push_back({s, p, cover->service, cover->pattern});
            }
            earlier.add(source, sets, s, p);
        }
    }
    return found;
}

std::vector<std::size_t> find_shadowed_services(const Config& config,
                                                const std::vector<Shadow>& shadows) {
    std::vector<std::size_t> shadowed(config.services.size(), 0);
    for (const Shadow& shadow : shadows) ++shadowed[shadow.service];
    // The first pattern of a service can be shadowed by an earlier service only. If all patterns
    // are shadowed, an earlier service therefore takes every stream.
    std::vector<std::size_t> services;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const std::size_t patterns = config.services[s].patterns.size();
        if (patterns > 0 && shadowed[s] == patterns) services.push_back(s);
    }
    return services;
}

}  // namespace portsplit::core
