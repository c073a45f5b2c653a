#include "core/plan.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace portsplit::core {
namespace {

/// The numbers of two sorted lists, in order.
class InOrder {
  public:
    using Numbers = std::span<const std::uint32_t>;
    InOrder(Numbers a, Numbers b) : a_(a), b_(b) {}

    std::optional<std::uint32_t> next() {
        const bool from_a =
            next_a_ < a_.size() && (next_b_ == b_.size() || a_[next_a_] < b_[next_b_]);
        if (from_a) return a_[next_a_++];
        if (next_b_ < b_.size()) return b_[next_b_++];
        return std::nullopt;
    }

  private:
    Numbers a_;
    Numbers b_;
    std::size_t next_a_ = 0;
    std::size_t next_b_ = 0;
};

}  // namespace

/// Lists while they grow. An arena cannot use again what a list leaves behind when it grows, so the plan
/// gets copies of these.
struct Plan::Draft {
    std::vector<PrefixTree::Entry> entries;
    std::vector<Expression> expressions;
    std::vector<std::uint32_t> unindexed;
    std::size_t longest = 0;  ///< of the patterns of fixed length

    explicit Draft(const Config& config) {
        for (std::uint32_t i = 0; i < config.services.size(); ++i) {
            for (const PatternSource& source : config.services[i].patterns) add(source, i);
        }
    }

    void add(const PatternSource& source, std::uint32_t service) {
        if (auto sets = byte_sets(source)) {
            longest = std::max(longest, sets->size());
            entries.push_back({*std::move(sets), service});
            return;
        }
        const auto number = static_cast<std::uint32_t>(expressions.size());
        Beginnings beginnings;
        expressions.push_back({service, valid(compile_regex(source.text, &beginnings))});
        if (beginnings.empty()) unindexed.push_back(number);
        for (ByteSets& sets : beginnings) entries.push_back({std::move(sets), service, number});
    }
};

Plan::Plan(const Config& config) : Plan(config, Draft(config)) {}

Plan::Plan(const Config& config, Draft draft)
    : tree_(std::move(draft.entries)),
      expressions_(std::move_iterator(draft.expressions.begin()),
                   std::move_iterator(draft.expressions.end())),
      unindexed_(draft.unindexed.begin(), draft.unindexed.end()),
      config_(config),
      window_(std::max<std::size_t>(config.window, draft.longest)) {
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
        if (config_.services[i].name == kFallback) fallback_ = i;
        if (config_.services[i].name == kTimeout) timeout_ = i;
    }
}

PrefixTree::Crowd Plan::largest_crowd() const {
    PrefixTree::Crowd largest = tree_.largest_crowd();
    largest.expressions += unindexed_.size();
    return largest;
}

Plan::Standing Plan::ask(Bytes seen, Mores mores) const {
    StackMemory<512> memory;
    PrefixTree::Numbers begun(&memory);
    const PrefixTree::First fixed = tree_.find(seen, begun);
    Standing standing{fixed.matching ? Answer::Match : Answer::No, fixed.matching, {}};
    const bool waits = fixed.open && (!fixed.matching || *fixed.open < *fixed.matching);
    if (waits && mores == Mores::Count) {
        standing.answer = Answer::More;
        standing.service = fixed.open;
    }
    std::sort(begun.begin(), begun.end());
    InOrder numbers(begun, unindexed_);
    while (const auto number = numbers.next()) {
        const Expression& expression = expressions_[*number];
        // Expressions are sorted by service. Ask one only if it can change the standing: its service
        // comes before `standing.service`, or is that service while it answers more. No later one
        // can.
        const bool is_first = !standing.service || expression.service < *standing.service;
        const bool may_settle =
            expression.service == standing.service && standing.answer == Answer::More;
        if (!is_first && !may_settle) break;
        const Answer answer = expression.regex.answer(seen);
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
