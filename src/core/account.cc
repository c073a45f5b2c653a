#include "core/account.h"

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

/// A service matches with the first of its patterns to match, and says no with the last to say no.
Certainty together(const std::vector<Certainty>& patterns) {
    Certainty all;
    for (const Certainty& one : patterns) {
        if (one.answer > all.answer) {
            all = one;
        } else if (one.answer == all.answer) {
            all.bytes = one.answer == Answer::Match ? std::min(all.bytes, one.bytes)
                                                    : std::max(all.bytes, one.bytes);
        }
    }
    return all;
}

}  // namespace

std::vector<ServiceAccount> account(const Plan& plan, Bytes seen) {
    const Bytes looked_at = in_window(plan, seen);
    std::vector<ServiceAccount> accounts;
    for (const Service& service : plan.config().services) {
        ServiceAccount& of_service = accounts.emplace_back();
        for (const PatternSource& source : service.patterns) {
            of_service.patterns.push_back(certainty_of(**compile(source), looked_at));
        }
        of_service.service = together(of_service.patterns);
    }
    return accounts;
}

std::size_t bytes_needed(const Plan& plan, Bytes seen) {
    const Bytes looked_at = in_window(plan, seen);
    return first_length(looked_at.size(), [&](std::size_t length) {
        return decide(plan, looked_at.first(length), Ending::Open).has_value();
    });
}

}  // namespace portsplit::core
