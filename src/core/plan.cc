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
                expressions_.push_back({i, *compile(source)});
            }
        }
    }
    fixed_ = PrefixTree(std::move(fixed));
}

Plan::Standing Plan::ask(Bytes seen, Mores mores) const {
    const PrefixTree::First fixed = fixed_.find(seen);
    Standing standing{fixed.matching ? Answer::Match : Answer::No, fixed.matching, {}};
    const bool waits = fixed.open && (!fixed.matching || *fixed.open < *fixed.matching);
    if (waits && mores == Mores::Count) {
        standing.answer = Answer::More;
        standing.service = fixed.open;
    }
    for (const Expression& expression : expressions_) {
        // An expression changes the standing if its service comes first, or is the one that stands
        // and may turn its more into a match. All later ones change nothing.
        const bool is_first = !standing.service || expression.service < *standing.service;
        const bool may_settle =
            expression.service == standing.service && standing.answer == Answer::More;
        if (!is_first && !may_settle) break;
        const Answer answer = expression.pattern->answer(seen);
        if (answer == Answer::GaveUp && !standing.gave_up) standing.gave_up = expression.service;
        if (counts_as_no(answer) || (answer == Answer::More && mores == Mores::AreNo)) continue;
        standing.answer = answer;
        standing.service = expression.service;
    }
    // The service that stands does not answer no, so that one of its patterns gave up is not
    // reported.
    if (standing.gave_up == standing.service) standing.gave_up.reset();
    return standing;
}

}  // namespace portsplit::core
