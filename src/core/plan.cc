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
        // Expressions are sorted by service. Ask one only if it can change the standing: its service
        // comes before `standing.service`, or is that service while it answers more. No later one
        // can.
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
    // A pattern of the deciding service may have given up, too. Its service did not answer no, so
    // this is not reported.
    if (standing.gave_up == standing.service) standing.gave_up.reset();
    return standing;
}

}  // namespace portsplit::core
