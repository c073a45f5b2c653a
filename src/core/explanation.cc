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

/// @param layouts  those of the configuration of the service
Plan plan_of_one(const Service& service, const List<LayoutSource>& layouts = {}) {
    Config config;
    config.services.push_back(service);
    // What it answers to those who may have it.
    config.services.back().from.clear();
    config.services.back().not_from.clear();
    config.layouts = layouts;
    return Plan(config);
}

/// Returns a service that asks one layout and nothing else.
Service asking_only(const LayoutPattern& pattern) {
    Service service;
    service.layouts.push_back(pattern);
    return service;
}

bool is_asked(const Config& config, std::string_view layout) {
    return std::ranges::any_of(config.services, [&](const Service& service) {
        return std::ranges::find(service.layouts, layout, &LayoutPattern::layout) !=
               service.layouts.end();
    });
}

/// Returns the answer of the only service of a plan.
Answer answer_of_one(const Plan& plan, Bytes seen) {
    const Plan::Standing standing = plan.ask(seen);
    return standing.gave_up ? Answer::GaveUp : standing.answer;
}

}  // namespace

Explainer::Explainer(const Plan& plan) : window_(plan.window()) {
    const Config& config = plan.config();
    for (const LayoutSource& source : config.layouts) {
        auto layout = Layout::compile(source);
        if (layout && is_asked(config, source.name))
            layouts_.push_back({source, *std::move(layout)});
    }
    for (const Service& service : config.services) {
        OneService& one =
            services_.emplace_back(OneService{plan_of_one(service, config.layouts), {}, {}});
        for (const LayoutPattern& pattern : service.layouts) {
            one.layouts.push_back(plan_of_one(asking_only(pattern), config.layouts));
        }
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
        for (const Plan& layout : one.layouts) {
            explanation.layouts.push_back(
                certainty([&](Bytes bytes) { return answer_of_one(layout, bytes); }));
        }
    }
    return explanations;
}

std::vector<LayoutExplanation> Explainer::explain_layouts(Bytes seen) const {
    std::vector<LayoutExplanation> explanations;
    for (const OneLayout& one : layouts_) {
        LayoutRun run(one.layout);
        for (std::size_t i = 0; i < one.layout.fields().size(); ++i) run.want(i);
        run.want_end();
        run.advance(in_window(seen, window_));
        LayoutExplanation& it = explanations.emplace_back();
        it.name = one.source.name;
        it.state = run.state();
        if (it.state == LayoutRun::State::Failed) {
            it.failure = run.failure();
            it.rule = one.source.rules[it.failure.rule].name;
            it.rule_text = one.source.rules[it.failure.rule].text;
        }
        if (it.state != LayoutRun::State::Reading) it.certain = run.certain();
        for (std::size_t i = 0; i < one.layout.fields().size(); ++i) {
            const FieldValues& values = run.field(i).values;
            if (!values.empty()) it.fields.push_back({one.layout.fields()[i].name, values});
        }
    }
    return explanations;
}

std::size_t bytes_needed(const Plan& plan, Bytes seen, const Entrance& entrance) {
    const Bytes looked_at = in_window(seen, plan.window());
    return first_length(looked_at.size(), [&](std::size_t length) {
        Plan::Reading reading(plan, entrance);
        return decide(plan, looked_at.first(length), Ending::Open, reading).has_value();
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
