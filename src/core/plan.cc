#include "core/plan.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/passed_fields.h"

namespace portsplit::core {
namespace {

std::optional<std::size_t> smaller(std::optional<std::size_t> a, std::optional<std::size_t> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

/// Returns the fields of a layout that are passed on.
std::vector<std::string_view> kept_of(const Config& config, std::string_view layout) {
    std::vector<std::string_view> kept;
    for (const std::string_view passed : passed_fields(config)) {
        const auto name = split_field(passed);
        if (name && name->layout == layout) kept.push_back(name->field);
    }
    return kept;
}

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
    std::map<std::string_view, std::vector<LayoutIndex::Entry>> askers;  ///< by layout
    std::size_t longest = 0;  ///< of the patterns of fixed length

    explicit Draft(const Config& config) {
        for (std::uint32_t i = 0; i < config.services.size(); ++i) {
            for (const PatternSource& source : config.services[i].patterns) add(source, i);
            for (const LayoutPattern& pattern : config.services[i].layouts) {
                askers[pattern.layout].push_back({&pattern, i});
            }
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
    layouts_.reserve(draft.askers.size());
    for (const auto& [name, entries] : draft.askers) {
        const auto source = std::ranges::find(config_.layouts, name, &LayoutSource::name);
        if (source == config_.layouts.end()) throw InvalidPattern("no layout " + std::string(name));
        layouts_.emplace_back(*source, entries, kept_of(config_, name));
    }
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

Plan::Reading::Reading(const Plan& plan) {
    layouts_.reserve(plan.layouts_.size());
    for (const LayoutIndex& index : plan.layouts_) layouts_.emplace_back(index);
}

std::size_t Plan::read_layouts(Bytes seen, Reading& reading, LayoutIndex::First& first) const {
    std::size_t lack = SIZE_MAX;
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
        LayoutRun& run = reading.layouts_[i].run();
        run.advance(seen);
        const LayoutIndex::First found = layouts_[i].find(reading.layouts_[i]);
        first.matching = smaller(first.matching, found.matching);
        first.open = smaller(first.open, found.open);
        first.gave_up = smaller(first.gave_up, found.gave_up);
        if (found.open) lack = std::min(lack, run.lack());
    }
    return lack;
}

const FieldValues& Plan::values_of(std::string_view layout, std::string_view field, Bytes seen,
                                   Reading& reading) const {
    static const FieldValues kNone;
    const auto index = std::ranges::find(layouts_, layout, &LayoutIndex::name);
    if (index == layouts_.end()) return kNone;
    const auto number = index->layout().find_field(field);
    if (!number) return kNone;
    LayoutRun& run = reading.layouts_[static_cast<std::size_t>(index - layouts_.begin())].run();
    run.read_out(seen.first(std::min(seen.size(), window_)));
    return run.field(*number).values;
}

Plan::Standing Plan::ask(Bytes seen) const {
    Reading reading(*this);
    return ask(seen, reading);
}

Plan::Standing Plan::ask(Bytes seen, Reading& reading, Mores mores) const {
    StackMemory<512> memory;
    PrefixTree::Numbers begun(&memory);
    LayoutIndex::First first{tree_.find(seen, begun), {}};
    // The next byte may decide, unless only layouts need more.
    bool needs_next_byte = first.open.has_value();
    const std::size_t lack = read_layouts(seen, reading, first);
    Standing standing{first.matching ? Answer::Match : Answer::No, first.matching, {}};
    const bool waits = first.open && (!first.matching || *first.open < *first.matching);
    if (waits && mores == Mores::Count) {
        standing.answer = Answer::More;
        standing.service = first.open;
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
        needs_next_byte |= answer == Answer::More;
        if (counts_as_no(answer) || (answer == Answer::More && mores == Mores::AreNo)) continue;
        standing.answer = answer;
        standing.service = expression.service;
    }
    standing.gave_up = smaller(standing.gave_up, first.gave_up);
    // A pattern of the deciding service may have given up, too, and fields are looked up for all
    // services. Only what counted as no before the deciding one is reported.
    if (standing.gave_up && standing.service && *standing.gave_up >= *standing.service) {
        standing.gave_up.reset();
    }
    reading.lack_ = needs_next_byte || lack == SIZE_MAX ? 1 : lack;
    return standing;
}

}  // namespace portsplit::core
