#include "core/explanation.h"

#include <algorithm>
#include <utility>

#include "core/verdict.h"

namespace portsplit::core {
namespace {

/// Returns the smallest length up to `size` for which a test holds, or `size` if it never holds.
/// @param test  holds for every length above one for which it holds
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

/// @param answer  of a number of first bytes; all answers but `More` are final
template <typename AnswerOf>
Certainty certainty_of(std::size_t size, const AnswerOf& answer) {
    const std::size_t bytes =
        first_length(size, [&](std::size_t length) { return answer(length) != Answer::More; });
    return {answer(size), bytes};
}

Bytes in_window(Bytes seen, std::size_t window) {
    return seen.first(std::min(seen.size(), window));
}

Plan plan_of_one(const Service& service) {
    Config config;
    config.services.push_back(service);
    return Plan(config);
}

/// Returns the answer of the only service of a plan.
Answer answer_of_one(const Plan& plan, Bytes seen) {
    const Plan::Standing standing = plan.ask(seen);
    return standing.gave_up ? Answer::GaveUp : standing.answer;
}

}  // namespace

Explainer::Explainer(const Plan& plan) : window_(plan.window()) {
    for (const Service& service : plan.config().services) {
        OneService& one = services_.emplace_back(OneService{plan_of_one(service), {}});
        for (const PatternSource& source : service.patterns) {
            one.patterns.push_back(*compile(source));
        }
    }
}

std::vector<ServiceExplanation> Explainer::explain(Bytes seen) const {
    const Bytes looked_at = in_window(seen, window_);
    const auto certainty = [&](const auto& answer) {
        return certainty_of(looked_at.size(),
                            [&](std::size_t length) { return answer(looked_at.first(length)); });
    };
    std::vector<ServiceExplanation> explanations;
    for (const OneService& one : services_) {
        ServiceExplanation& explanation = explanations.emplace_back();
        explanation.service =
            certainty([&](Bytes bytes) { return answer_of_one(one.plan, bytes); });
        for (const auto& pattern : one.patterns) {
            explanation.patterns.push_back(
                certainty([&](Bytes bytes) { return pattern->answer(bytes); }));
        }
    }
    return explanations;
}

std::size_t bytes_needed(const Plan& plan, Bytes seen) {
    const Bytes looked_at = in_window(seen, plan.window());
    return first_length(looked_at.size(), [&](std::size_t length) {
        return decide(plan, looked_at.first(length), Ending::Open).has_value();
    });
}

std::optional<std::size_t> bytes_to_match(const Service& service, Bytes seen) {
    const Plan plan = plan_of_one(service);
    const Certainty certainty = certainty_of(
        seen.size(), [&](std::size_t length) { return answer_of_one(plan, seen.first(length)); });
    if (certainty.answer != Answer::Match) return std::nullopt;
    return certainty.bytes;
}

}  // namespace portsplit::core
