#include "core/layout_index.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace portsplit::core {
namespace {

/// Compiles outside of the MemoryScope, where lists may grow, and returns a copy in it.
Layout compiled(const LayoutSource& source) {
    const auto layout = [&] {
        const MemoryScope outside(std::pmr::new_delete_resource());
        return Layout::compile(source);
    }();
    if (!layout) throw InvalidPattern(layout.error().front().text);
    return *layout;
}

/// Keeps the smaller of two services.
void lower(std::optional<std::size_t>& service, std::optional<std::size_t> other) {
    if (other && (!service || *other < *service)) service = other;
}

std::optional<std::size_t> service_of(std::uint32_t found) {
    return found == FieldIndex::kNone ? std::nullopt : std::optional<std::size_t>(found);
}

bool has_ended(const LayoutRun& run) { return run.state() != LayoutRun::State::Reading; }

}  // namespace

/// Sorts the services into groups.
class LayoutIndex::Builder {
  public:
    Builder(const Layout& layout, const std::vector<Entry>& entries) : layout_(layout) {
        for (const Entry& entry : entries) {
            for (const FieldCondition& condition : entry.pattern->conditions) {
                values_[field_of(condition)].insert(condition.values.begin(),
                                                    condition.values.end());
            }
        }
        for (const Entry& entry : entries) add(entry);
    }

    List<Group> take() {
        List<Group> groups;
        groups.reserve(drafts_.size());
        for (auto& [name, draft] : drafts_) {
            Group& group = groups.emplace_back();
            group.first = draft.first.service;
            group.part = draft.first.part;
            group.whole = draft.first.pattern->whole;
            group.key = draft.key;
            group.tests = FieldIndex(draft.tests);
            for (const FieldCondition& condition : draft.first.pattern->conditions) {
                const std::uint32_t field = field_of(condition);
                if (field == draft.key) continue;
                group.conditions.push_back({field, FieldIndex(tests_of(condition, 0))});
            }
        }
        return groups;
    }

  private:
    struct Draft {
        Entry first;
        std::optional<std::uint32_t> key;
        std::vector<FieldIndex::Entry> tests;
    };

    std::uint32_t field_of(const FieldCondition& condition) const {
        const auto field = layout_.find_field(condition.field);
        if (!field) throw InvalidPattern("no field " + std::string(condition.field));
        return static_cast<std::uint32_t>(*field);
    }

    std::vector<FieldIndex::Entry> tests_of(const FieldCondition& condition,
                                            std::uint32_t service) const {
        const Layout::Field& field = layout_.fields()[field_of(condition)];
        std::vector<FieldIndex::Entry> tests;
        for (const Text& value : condition.values) {
            tests.push_back({valid(parse_field_test(value, field)), service});
        }
        return tests;
    }

    void add(const Entry& entry) {
        const FieldCondition* key = key_of(*entry.pattern);
        // The name of a group: all that its services have in common.
        std::string name = std::to_string(entry.part) + (entry.pattern->whole ? "whole" : "");
        name += '\0' + (key == nullptr ? std::string() : std::string(key->field));
        for (const FieldCondition& condition : entry.pattern->conditions) {
            if (&condition == key) continue;
            name += '\0' + std::string(condition.field);
            for (const Text& value : condition.values) name += '\1' + std::string(value);
        }
        Draft& draft = drafts_.try_emplace(name, Draft{entry, std::nullopt, {}}).first->second;
        if (key == nullptr) return;
        draft.key = field_of(*key);
        const auto tests = tests_of(*key, entry.service);
        draft.tests.insert(draft.tests.end(), tests.begin(), tests.end());
    }

    /// Returns the condition on the field of which all services together name the most different values.
    const FieldCondition* key_of(const LayoutPattern& pattern) const {
        const auto most = std::ranges::max_element(
            pattern.conditions, {},
            [&](const FieldCondition& it) { return values_.at(field_of(it)).size(); });
        return most == pattern.conditions.end() ? nullptr : &*most;
    }

    const Layout& layout_;
    std::map<std::uint32_t, std::set<std::string_view>> values_;  ///< of all services, by field
    std::map<std::string, Draft> drafts_;
};

LayoutIndex::LayoutIndex(const LayoutSource& source, const std::vector<Entry>& entries,
                         const std::vector<std::string_view>& kept)
    : name_(source.name), layout_(compiled(source)), groups_(Builder(layout_, entries).take()) {
    kept_.reserve(kept.size());
    for (const std::string_view name : kept) {
        if (const auto field = layout_.find_field(name)) {
            kept_.push_back(static_cast<std::uint32_t>(*field));
        }
    }
    for (Group& group : groups_) {
        group.number = tests_;
        tests_ += 1 + group.conditions.size();
    }
}

LayoutIndex::Reading::Reading(const LayoutIndex& index, std::span<const std::uint32_t> parts)
    : parts_(parts), run_(index.layout_) {
    for (const std::uint32_t field : index.kept_) run_.keep(field);
    for (const Group& group : index.groups_) {
        if (!asks(group.part)) continue;
        is_asked_ = true;
        if (group.whole) run_.want_end();
        if (group.key) run_.want(*group.key);
        for (const Condition& condition : group.conditions) run_.want(condition.field);
    }
}

LayoutIndex::First LayoutIndex::find(Reading& reading) const {
    First first;
    for (const Group& group : groups_) {
        if (!reading.asks(group.part)) continue;
        const First it = find(group, reading);
        lower(first.matching, it.matching);
        lower(first.open, it.open);
        lower(first.gave_up, it.gave_up);
    }
    return first;
}

LayoutIndex::First LayoutIndex::find(const Group& group, Reading& reading) const {
    const LayoutRun& run = reading.run_;
    const auto is_open = [&](std::uint32_t field) {
        return !run.field(field).is_complete && !has_ended(run);
    };
    First found;
    bool waits = group.whole && !has_ended(run);
    if (group.whole && has_ended(run) && run.state() != LayoutRun::State::Fits) return found;
    std::size_t number = group.number;
    for (const Condition& condition : group.conditions) {
        const FieldIndex::Found it = look_up(condition.tests, condition.field, ++number, reading);
        if (it.first != FieldIndex::kNone) continue;
        if (it.gave_up != FieldIndex::kNone) found.gave_up = group.first;
        if (!is_open(condition.field)) return found;
        waits = true;
    }
    found.matching = group.first;
    if (group.key) {
        const FieldIndex::Found it = look_up(group.tests, *group.key, group.number, reading);
        found.matching = service_of(it.first);
        lower(found.gave_up, service_of(it.gave_up));
        if (is_open(*group.key)) found.open = group.first;
    }
    if (waits) lower(found.open, std::exchange(found.matching, std::nullopt));
    return found;
}

FieldIndex::Found LayoutIndex::look_up(const FieldIndex& tests, std::uint32_t field,
                                       std::size_t number, Reading& reading) const {
    const FieldValues& values = reading.run_.field(field).values;
    if (values.empty()) return {};
    if (reading.found_.empty()) reading.found_.resize(tests_);
    Reading::Found& found = reading.found_[number];
    for (const FieldValue& value : values.since(found.looked_up)) {
        const FieldIndex::Found it = tests.find(value.text);
        found.first = std::min(found.first, it.first);
        found.gave_up = std::min(found.gave_up, it.gave_up);
    }
    found.looked_up = static_cast<std::uint32_t>(values.bytes());
    return found;
}

}  // namespace portsplit::core
