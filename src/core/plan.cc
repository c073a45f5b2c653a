#include "core/plan.h"

#include <algorithm>
#include <utility>

namespace portsplit::core {

Plan::Plan(Config config) : config_(std::move(config)), window_(config_.window) {
    patterns_.resize(config_.services.size());
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
        const Service& service = config_.services[i];
        if (service.name == kFallback) fallback_ = i;
        if (service.name == kTimeout) timeout_ = i;
        for (const PatternSource& source : service.patterns) {
            patterns_[i].push_back(compile(source));
            window_ = std::max(window_, patterns_[i].back()->longest());
        }
    }
}

Answer Plan::ask(std::size_t service, Bytes seen) const {
    Answer best = Answer::No;
    for (const auto& pattern : patterns_[service]) {
        best = std::max(best, pattern->answer(seen));
        if (best == Answer::Match) break;
    }
    return best;
}

}  // namespace portsplit::core
