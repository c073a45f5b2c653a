#include "core/explanation.h"

#include <algorithm>

namespace portsplit::core {
namespace {

Bytes in_window(const Plan& plan, Bytes seen) {
    return seen.first(std::min(seen.size(), plan.window()));
}

/// The smallest number of first bytes for which a test holds that, once it holds, holds for more.
/// @returns `size` when it holds for no smaller one
template <typename Test>
std::size_t first_length(std::size_t size, const Test& test) {
    std::size_t low = 0;
    std::size_t high = size;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (test(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

Certainty certainty_of(const Pattern& pattern, Bytes seen) {
    const std::size_t bytes = first_length(seen.size(), [&](std::size_t length) {
        return pattern.answer(seen.first(length)) != Answer::More;
    });
    return {pattern.answer(seen), bytes};
}

/// A service matches with the first of its patterns to match. Else it is certain with the last to
/// be certain, for it waits while one of them does, whether the others said no or gave up.
Certainty together(const std::vector<Certainty>& patterns) {
    Certainty all;
    for (const Certainty& one : patterns) {
        const bool matches = one.answer == Answer::Match;
        const bool has_matched = all.answer == Answer::Match;
        if (matches && (!has_matched || one.bytes < all.bytes)) all = one;
        if (matches || has_matched) continue;
        all = {std::max(all.answer, one.answer), std::max(all.bytes, one.bytes)};
    }
    return all;
}

}  // namespace

std::vector<ServiceExplanation> explain(const Plan& plan, Bytes seen) {
    const Bytes looked_at = in_window(plan, seen);
    std::vector<ServiceExplanation> explanations;
    for (const Service& service : plan.config().services) {
        ServiceExplanation& of_service = explanations.emplace_back();
        for (const PatternSource& source : service.patterns) {
            of_service.patterns.push_back(certainty_of(**compile(source), looked_at));
        }
        of_service.service = together(of_service.patterns);
    }
    return explanations;
}

std::size_t bytes_needed(const Plan& plan, Bytes seen) {
    const Bytes looked_at = in_window(plan, seen);
    return first_length(looked_at.size(), [&](std::size_t length) {
        return decide(plan, looked_at.first(length), Ending::Open).has_value();
    });
}

}  // namespace portsplit::core
