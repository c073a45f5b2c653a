#include "core/plan.h"

#include <algorithm>
#include <utility>

namespace portsplit::core {

Plan::Plan(Config config) : config_(std::move(config)), window_(config_.window) {
    std::vector<PrefixTree::Entry> fixed;
    for (std::uint32_t i = 0; i < config_.services.size(); ++i) {
        const Service& service = config_.services[i];
        if (service.name == kFallback) fallback_ = i;
        if (service.name == kTimeout) timeout_ = i;
        for (const PatternSource& source : service.patterns) {
            if (auto sets = byte_sets(source)) {
                window_ = std::max(window_, sets->size());
                fixed.push_back({*std::move(sets), i});
            } else {
                others_.push_back({i, *compile(source)});
            }
        }
    }
    fixed_ = PrefixTree(std::move(fixed));
}

Plan::Standing Plan::ask(Bytes seen, Outlook outlook) const {
    const PrefixTree::First first = fixed_.find(seen);
    Standing standing;
    if (first.matching != PrefixTree::kNone) standing = {Answer::Match, first.matching, {}};
    if (outlook == Outlook::Open && first.open < standing.service) {
        standing = {Answer::More, first.open, {}};
    }
    for (const Other& other : others_) {
        if (other.service > standing.service) break;
        if (other.service == standing.service && standing.answer == Answer::Match) break;
        const Answer answer = other.pattern->answer(seen);
        if (answer == Answer::GaveUp && !standing.gave_up) standing.gave_up = other.service;
        if (answer <= Answer::GaveUp) continue;
        if (answer == Answer::More && outlook == Outlook::Final) continue;
        if (other.service < standing.service || answer > standing.answer) {
            standing.service = other.service;
            standing.answer = answer;
        }
    }
    // Who stands has not said no, whatever one of its patterns could not find out.
    if (standing.gave_up == standing.service) standing.gave_up.reset();
    return standing;
}

}  // namespace portsplit::core
