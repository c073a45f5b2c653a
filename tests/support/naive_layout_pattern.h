#pragma once
// What one service asks of one layout, answered the plain way: each value of each field is compared with each
// text, after the oracle of support/naive_layout.h has read the stream from its first byte. Neither an index
// nor a group is shared with core/layout_index.h.

#include <algorithm>
#include <string>
#include <string_view>

#include "core/layout.h"
#include "core/model.h"
#include "core/pattern.h"
#include "support/naive_layout.h"
#include "support/whole_regex.h"

namespace portsplit::core::naive {

/// Returns true if a value fits what is asked of its field.
inline bool fits_plainly(const std::string& test, const std::string& value,
                         const Layout::Field& field) {
    if (test == "*") return true;
    if (field.number) {
        const std::size_t dash = test.find('-');
        const unsigned long number = std::stoul(value);
        return number >= std::stoul(test) &&
               number <= std::stoul(test.substr(dash == test.npos ? 0 : dash + 1));
    }
    if (test.starts_with('~')) {
        return WholeRegex("(?:" + test.substr(1) + ")\\z").matches(value) == true;
    }
    if (field.is_name && test.starts_with("*.")) {
        return value.size() > test.size() - 1 && value.ends_with(test.substr(1));
    }
    if (field.is_name && test.starts_with(".")) {
        return value == test.substr(1) || (value.size() > test.size() && value.ends_with(test));
    }
    if (test.ends_with('*')) return value.starts_with(test.substr(0, test.size() - 1));
    if (test.starts_with('*')) return value.ends_with(test.substr(1));
    return value == test;
}

class OneLayoutPattern {
  public:
    OneLayoutPattern(const LayoutSource& source, LayoutPattern pattern)
        : layout_(*Layout::compile(source)), reader_(source), pattern_(std::move(pattern)) {}

    Answer answer(std::string_view seen) const {
        return answer(LayoutReader(reader_).read(std::string(seen)));
    }

    /// Returns the answer from what an oracle read.
    Answer answer(const LayoutReader::Read& read) const {
        using Outcome = LayoutReader::Outcome;
        const bool has_ended = read.outcome != Outcome::More;
        if (pattern_.whole && read.outcome == Outcome::Failed) return Answer::No;
        Answer all = pattern_.whole && !has_ended ? Answer::More : Answer::Match;
        for (const FieldCondition& condition : pattern_.conditions) {
            const auto found = read.fields.find(std::string(condition.field));
            const LayoutReader::Field state =
                found == read.fields.end() ? LayoutReader::Field() : found->second;
            if (fits_any(condition, state)) continue;
            if (state.is_complete || has_ended) return Answer::No;
            all = Answer::More;
        }
        return all;
    }

  private:
    bool fits_any(const FieldCondition& condition, const LayoutReader::Field& state) const {
        const Layout::Field& field = layout_.fields()[*layout_.find_field(condition.field)];
        return std::ranges::any_of(state.values, [&](const std::string& value) {
            return std::ranges::any_of(condition.values, [&](const Text& test) {
                return fits_plainly(std::string(test), value, field);
            });
        });
    }

    Layout layout_;
    LayoutReader reader_;
    LayoutPattern pattern_;
};

}  // namespace portsplit::core::naive
