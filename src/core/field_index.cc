#include "core/field_index.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <functional>
#include <utility>

namespace portsplit::core {
namespace {

using Kind = FieldTest::Kind;

std::vector<const FieldIndex::Entry*> of_kinds(const std::vector<FieldIndex::Entry>& entries,
                                               Kind one, Kind other) {
    std::vector<const FieldIndex::Entry*> found;
    for (const FieldIndex::Entry& entry : entries) {
        if (entry.test.kind == one || entry.test.kind == other) found.push_back(&entry);
    }
    return found;
}

}  // namespace

FieldIndex::FieldIndex(const std::vector<Entry>& entries)
    : exact_(of_kinds(entries, Kind::Exact, Kind::AtOrBelow)),
      below_(of_kinds(entries, Kind::Below, Kind::AtOrBelow)) {
    for (const Entry& entry : entries) {
        const Kind kind = entry.test.kind;
        if (kind == Kind::Present) any_ = std::min(any_, entry.service);
        if (kind != Kind::Prefix && kind != Kind::Suffix && kind != Kind::Range &&
            kind != Kind::Regex)
            continue;
        Other other{entry.test, entry.service, std::nullopt};
        if (kind == Kind::Regex) other.regex = valid(WholeRegex::compile(entry.test.text));
        others_.push_back(std::move(other));
    }
}

FieldIndex::Found FieldIndex::find(std::string_view value) const {
    Found found{std::min(any_, exact_.find(value))};
    // Below x at any depth: each part behind a dot that has a label before it.
    // A client may send thousands of dots, so none is looked up that is too long for every name here.
    const std::size_t longest = below_.longest() + 1;
    const std::size_t begin = value.size() > longest + 1 ? value.size() - longest : 1;
    for (std::size_t dot = value.find('.', begin); dot != value.npos;
         dot = value.find('.', dot + 1)) {
        found.first = std::min(found.first, below_.find(value.substr(dot + 1)));
    }
    for (const Other& other : others_) {
        if (other.service >= found.first) break;
        const Answer it = answer(other, value);
        if (it == Answer::Match) found.first = other.service;
        if (it == Answer::GaveUp) found.gave_up = std::min(found.gave_up, other.service);
    }
    return found;
}

Answer FieldIndex::answer(const Other& other, std::string_view value) {
    if (other.test.kind == Kind::Regex) return other.regex->answer(value);
    bool fits = false;
    if (other.test.kind == Kind::Prefix) {
        fits = value.starts_with(other.test.text);
    } else if (other.test.kind == Kind::Suffix) {
        fits = value.ends_with(other.test.text);
    } else {
        std::uint32_t number = 0;
        std::from_chars(value.data(), value.data() + value.size(), number);
        fits = number >= other.test.range.least && number <= other.test.range.most;
    }
    return fits ? Answer::Match : Answer::No;
}

FieldIndex::Table::Table(const std::vector<const Entry*>& entries) {
    if (entries.empty()) return;
    slots_.resize(std::bit_ceil(2 * entries.size()));
    std::size_t bytes = 0;
    for (const Entry* entry : entries) bytes += entry->test.text.size();
    bytes_.reserve(bytes);
    for (const Entry* entry : entries) {
        Slot& slot = slots_[slot_of(entry->test.text)];
        if (slot.service != kNone) continue;  // an earlier service has it
        longest_ = std::max(longest_, entry->test.text.size());
        slot = {static_cast<std::uint32_t>(bytes_.size()),
                static_cast<std::uint32_t>(entry->test.text.size()), entry->service};
        bytes_ += entry->test.text;
    }
}

/// Returns the slot that has a text, or the free one where it belongs.
std::size_t FieldIndex::Table::slot_of(std::string_view text) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = std::hash<std::string_view>()(text) & mask;
    while (slots_[at].service != kNone && text_of(slots_[at]) != text) at = (at + 1) & mask;
    return at;
}

std::uint32_t FieldIndex::Table::find(std::string_view text) const {
    return text.size() > longest_ || slots_.empty() ? kNone : slots_[slot_of(text)].service;
}

}  // namespace portsplit::core
