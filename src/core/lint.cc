#include "core/lint.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

namespace portsplit::core {
namespace {

/// The patterns of a configuration up to some point, by their bytes: the first of each.
class Earlier {
  public:
    void add(std::string_view bytes, std::size_t service, std::size_t pattern) {
        lengths_.insert(bytes.size());
        places_.try_emplace(bytes, Place{order_++, service, pattern});
    }

    /// The first pattern that is a prefix of these bytes, so that it takes every stream they take.
    std::optional<Shadow> first_taker(std::string_view bytes, std::size_t service,
                                      std::size_t pattern) const {
        const Place* first = nullptr;
        for (const std::size_t length : lengths_) {
            if (length > bytes.size()) break;
            const auto found = places_.find(bytes.substr(0, length));
            if (found == places_.end()) continue;
            if (first == nullptr || found->second.order < first->order) first = &found->second;
        }
        if (first == nullptr) return std::nullopt;
        return Shadow{service, pattern, first->service, first->pattern};
    }

  private:
    struct Place {
        std::size_t order;
        std::size_t service;
        std::size_t pattern;
    };

    std::unordered_map<std::string_view, Place> places_;
    std::set<std::size_t> lengths_;  ///< those that occur; no other can be found
    std::size_t order_ = 0;
};

}  // namespace

std::vector<Shadow> find_shadows(const Config& config) {
    std::vector<Shadow> found;
    Earlier earlier;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        for (std::size_t p = 0; p < config.services[s].patterns.size(); ++p) {
            const std::string_view bytes = config.services[s].patterns[p].text;
            if (const auto shadow = earlier.first_taker(bytes, s, p)) found.push_back(*shadow);
            earlier.add(bytes, s, p);
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

}  // namespace portsplit::core
