#include "core/plan.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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
    struct Part {
        std::vector<PrefixTree::Entry> entries;
        std::vector<std::uint32_t> unindexed;
        std::uint32_t access = kForAll;
    };
    /// The services of a part: who asks them, a flag for each listener, and for whom they are.
    using Askers = std::pair<std::vector<bool>, std::uint32_t>;
    std::vector<const Listener*> listeners;
    std::vector<bool> asks_all;                                     ///< by listener
    std::unordered_map<std::string_view, std::vector<bool>> named;  ///< by service, then listener
    std::map<Askers, std::uint32_t> numbers;
    std::vector<Part> parts;
    AccessNumbers accesses;
    std::vector<std::uint32_t> access_of;  ///< by service: number in `accesses`
    bool have_sources = false;             ///< true if a service is for some sources only
    std::vector<Expression> expressions;
    std::map<std::string_view, std::vector<LayoutIndex::Entry>> askers;  ///< by layout
    std::size_t longest = 0;  ///< of the patterns of fixed length

    explicit Draft(const Config& config) : listeners(listeners_of(config)) {
        read_names();
        for (std::uint32_t i = 0; i < config.services.size(); ++i) add(config.services[i], i);
    }

    void add(const Service& service, std::uint32_t index) {
        const std::uint32_t part = part_of(service);
        for (const PatternSource& source : service.patterns) add(source, index, parts[part]);
        for (const LayoutPattern& pattern : service.layouts) {
            askers[pattern.layout].push_back({&pattern, index, part});
        }
    }

    /// Keeps which listeners name each service.
    void read_names() {
        for (std::size_t i = 0; i < listeners.size(); ++i) {
            asks_all.push_back(listeners[i]->services.empty());
            for (const std::string_view name : listeners[i]->services) {
                named.try_emplace(name, listeners.size()).first->second[i] = true;
            }
        }
    }

    std::uint32_t part_of(const Service& service) {
        std::vector<bool> asked = asks_all;
        if (const auto names = named.find(service.name); names != named.end()) {
            for (std::size_t i = 0; i < asked.size(); ++i) asked[i] = asked[i] || names->second[i];
        }
        const std::uint32_t access = accesses.number_of(service.from, service.not_from);
        access_of.push_back(access);
        have_sources |= access != kForAll;
        const auto next = static_cast<std::uint32_t>(parts.size());
        const auto [number, is_new] = numbers.try_emplace({std::move(asked), access}, next);
        if (is_new) parts.emplace_back().access = access;
        return number->second;
    }

    void add(const PatternSource& source, std::uint32_t service, Part& part) {
        if (auto sets = byte_sets(source)) {
            longest = std::max(longest, sets->size());
            part.entries.push_back({*std::move(sets), service});
            return;
        }
        const auto number = static_cast<std::uint32_t>(expressions.size());
        Beginnings beginnings;
        expressions.push_back({service, valid(compile_regex(source.text, &beginnings))});
        if (beginnings.empty()) part.unindexed.push_back(number);
        for (ByteSets& sets : beginnings) {
            part.entries.push_back({std::move(sets), service, number});
        }
    }

    List<std::uint32_t> parts_of(std::size_t listener) const {
        std::vector<std::uint32_t> asked;
        for (const auto& [askers_of_part, number] : numbers) {
            if (askers_of_part.first[listener]) asked.push_back(number);
        }
        std::ranges::sort(asked);
        return {asked.begin(), asked.end()};
    }
};

Plan::Plan(const Config& config) : Plan(config, Draft(config)) {}

Plan::Plan(const Config& config, Draft draft)
    : expressions_(std::move_iterator(draft.expressions.begin()),
                   std::move_iterator(draft.expressions.end())),
      config_(config),
      window_(std::max<std::size_t>(config.window, draft.longest)) {
    parts_.reserve(draft.parts.size());
    for (Draft::Part& part : draft.parts) {
        parts_.push_back({PrefixTree(std::move(part.entries)),
                          {part.unindexed.begin(), part.unindexed.end()},
                          part.access});
    }
    layouts_.reserve(draft.askers.size());
    for (const auto& [name, entries] : draft.askers) {
        const auto source = std::ranges::find(config_.layouts, name, &LayoutSource::name);
        if (source == config_.layouts.end()) throw InvalidPattern("no layout " + std::string(name));
        layouts_.emplace_back(*source, entries, kept_of(config_, name));
    }
    listeners_.reserve(draft.listeners.size());
    for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
        const Listener& listener = *draft.listeners[i];
        AtListener& at =
            listeners_.emplace_back(AtListener{config_.listeners.empty() ? Text() : listener.name,
                                               listener.timeout,
                                               {},
                                               draft.parts_of(i)});
        for (std::size_t s = 0; s < config_.services.size(); ++s) {
            if (is_fallback_of(listener, config_.services[s])) at.last_resorts.fallback = s;
            if (is_timeout_of(listener, config_.services[s])) at.last_resorts.timeout = s;
        }
    }
    add_accesses(std::move(draft));
}

void Plan::add_accesses(Draft draft) {
    for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
        const Listener& listener = *draft.listeners[i];
        listeners_[i].access = draft.accesses.number_of(listener.allow, listener.deny);
        listeners_[i].depends_on_source = draft.have_sources;
        if (listener.proxy_from.empty()) continue;
        listeners_[i].proxy_from = draft.accesses.number_of(listener.proxy_from, {});
    }
    accesses_.reserve(draft.accesses.all().size());
    for (const auto& [allowed, denied] : draft.accesses.all()) {
        accesses_.emplace_back(allowed, denied);
    }
    if (draft.have_sources) access_of_.assign(draft.access_of.begin(), draft.access_of.end());
    needs_zone_ = std::ranges::any_of(accesses_, &Access::has_zones);
    has_transparent_ = std::ranges::any_of(config_.services, is_transparent);
}

PrefixTree::Crowd Plan::largest_crowd() const {
    PrefixTree::Crowd largest;
    for (const Part& part : parts_) {
        PrefixTree::Crowd crowd = part.tree.largest_crowd();
        crowd.expressions += part.unindexed.size();
        if (crowd.expressions > largest.expressions) largest = crowd;
    }
    return largest;
}

bool Plan::admits(const Entrance& entrance) const {
    return allows(at(entrance).access, entrance.peer());
}

bool Plan::expects_header(const Entrance& entrance) const {
    const auto& proxy_from = at(entrance).proxy_from;
    return proxy_from && !entrance.balancer && allows(*proxy_from, entrance.source);
}

bool Plan::asks(const Entrance& entrance, std::size_t service) const {
    return is_asked_by(*listeners_of(config_)[entrance.listener], config_.services[service]) &&
           admits(entrance) && is_for_service(service, entrance.source);
}

Plan::Reading::Reading(const Plan& plan, const Entrance& entrance)
    : is_admitted_(plan.admits(entrance)),
      last_resorts_(plan.at(entrance).last_resorts),
      parts_(plan.at(entrance).parts) {
    if (plan.at(entrance).depends_on_source) choose_for(plan, entrance.source);
    layouts_.reserve(plan.layouts_.size());
    for (const LayoutIndex& index : plan.layouts_) layouts_.emplace_back(index, parts_);
}

/// Leaves out what is not for a source.
void Plan::Reading::choose_for(const Plan& plan, const Source& source) {
    for (const std::uint32_t part : parts_) {
        if (plan.allows(plan.parts_[part].access, source)) for_source_.push_back(part);
    }
    parts_ = for_source_;
    for (auto* last : {&last_resorts_.fallback, &last_resorts_.timeout}) {
        if (*last && !plan.is_for_service(**last, source)) last->reset();
    }
}

std::size_t Plan::read_layouts(Bytes seen, Reading& reading, LayoutIndex::First& first) const {
    std::size_t lack = SIZE_MAX;
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
        if (!reading.layouts_[i].is_asked()) continue;
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
    LayoutIndex::Reading& of_layout =
        reading.layouts_[static_cast<std::size_t>(index - layouts_.begin())];
    if (!of_layout.is_asked()) return kNone;
    LayoutRun& run = of_layout.run();
    run.read_out(seen.first(std::min(seen.size(), window_)));
    return run.field(*number).values;
}

std::span<const std::uint32_t> Plan::find_in_parts(Bytes seen, const Reading& reading,
                                                   LayoutIndex::First& first,
                                                   PrefixTree::Numbers& begun) const {
    std::span<const std::uint32_t> unindexed;
    bool is_first = true;
    for (const std::uint32_t number : reading.parts_) {
        const Part& part = parts_[number];
        const PrefixTree::First found = part.tree.find(seen, begun);
        first.matching = smaller(first.matching, found.matching);
        first.open = smaller(first.open, found.open);
        // Those of one part need no copy: usually there is no other.
        if (std::exchange(is_first, false)) {
            unindexed = part.unindexed;
        } else {
            begun.insert(begun.end(), part.unindexed.begin(), part.unindexed.end());
        }
    }
    return unindexed;
}

Plan::Standing Plan::ask(Bytes seen) const {
    Reading reading(*this);
    return ask(seen, reading);
}

Plan::Standing Plan::ask(Bytes seen, Reading& reading, Mores mores) const {
    StackMemory<512> memory;
    PrefixTree::Numbers begun(&memory);
    LayoutIndex::First first;
    const std::span<const std::uint32_t> unindexed = find_in_parts(seen, reading, first, begun);
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
    InOrder numbers(begun, unindexed);
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
