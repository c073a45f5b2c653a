#include "core/layout_rules.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace portsplit::core {
namespace {

using Kind = LayoutItem::Kind;

constexpr std::uint32_t kNoLimit = LayoutRules::kNoLimit;
/// How deep rules may stand in each other.
constexpr std::size_t kDeepestRules = 32;

std::uint32_t sum(std::uint32_t a, std::uint32_t b) { return a > kNoLimit - b ? kNoLimit : a + b; }

bool may_repeat(const LayoutItem& item) {
    return item.repeat == Repeat::Any || item.repeat == Repeat::Some;
}

bool may_be_absent(const LayoutItem& item) {
    return item.repeat == Repeat::Any || item.repeat == Repeat::Optional;
}

Beginnings united(Beginnings all, const Beginnings& more) {
    for (const ByteSets& bytes : more) {
        if (std::ranges::find(all, bytes) == all.end()) all.push_back(bytes);
    }
    return all;
}

}  // namespace

NumberRange room_of(const LayoutNumber& number) {
    return {number.range.least > number.less ? number.range.least - number.less : 0,
            number.range.most - number.less};
}

/// Visits each rule once, those that it uses first, and so computes what is known of it from theirs.
class LayoutRules::Checker {
  public:
    Checker(LayoutRules& rules, std::vector<LayoutProblem>& problems)
        : rules_(rules), problems_(problems) {}

    void check_all() {
        for (auto& [name, rule] : rules_.rules_) {
            visit(name, rule);
            if (!problems_.empty()) return;
        }
    }

  private:
    void visit(const std::string& name, Rule& rule) {
        if (!visited_.insert(name).second) return;
        path_.push_back(name);
        check(rule.choice, rule.index);
        path_.pop_back();
        if (!problems_.empty()) return;
        rule.size = rules_.size_of(rule.choice);
        rule.beginnings = rules_.beginnings_of(rule.choice);
    }

    void check(const LayoutChoice& choice, std::size_t rule) {
        for (const LayoutSequence& sequence : choice) {
            for (const LayoutItem& item : sequence) check(item, rule);
        }
    }

    void check(const LayoutItem& item, std::size_t rule) {
        if (item.kind == Kind::Rule) follow(item, rule);
        check(item.choice, rule);
        if (!problems_.empty() || !may_repeat(item)) return;
        if (rules_.size_of(item).least == 0) {
            report(rule, item, "a repetition of what may be empty; it would not end");
        }
    }

    /// Visits the rule that an item names.
    void follow(const LayoutItem& item, std::size_t rule) {
        const auto found = rules_.rules_.find(item.rule);
        if (found == rules_.rules_.end()) {
            const bool has_digit = item.rule.find_first_of("0123456789") != item.rule.npos;
            return report(rule, item,
                          "no rule " + item.rule + "; write one, or correct the name" +
                              (has_digit ? "; the numbers are u8, u16, u24, u32, le16, le32, "
                                           "varint and ber"
                                         : ""));
        }
        const auto round = std::ranges::find(path_, item.rule);
        if (round != path_.end()) {
            std::string circle;
            for (auto it = round; it != path_.end(); ++it) circle += *it + ", in it ";
            return report(
                rule, item,
                "a circle of rules: " + circle + item.rule + "; a repetition is written with *");
        }
        if (path_.size() >= kDeepestRules)
            return report(rule, item, "more than 32 rules in each other");
        visit(item.rule, found->second);
    }

    void report(std::size_t rule, const LayoutItem& item, std::string text) {
        problems_.push_back({rule, std::move(text), item.place});
    }

    LayoutRules& rules_;
    std::vector<LayoutProblem>& problems_;
    std::vector<std::string> path_;  ///< the rules that are being visited
    std::set<std::string> visited_;
};

LayoutRules::LayoutRules(const LayoutSource& source, std::vector<LayoutProblem>& problems) {
    for (std::size_t i = 0; i < source.rules.size(); ++i) {
        const LayoutRule& rule = source.rules[i];
        if (std::string why = why_no_layout_name(rule.name); !why.empty()) {
            problems.push_back({i, std::move(why), std::nullopt});
            continue;
        }
        auto choice = parse_layout_rule(rule.text);
        if (!choice) {
            problems.push_back({i, choice.error().text, choice.error().place});
        } else if (!rules_.emplace(std::string(rule.name), Rule{i, *std::move(choice)}).second) {
            problems.push_back(
                {i, "a second rule of this name; write the alternatives in one, with |", {}});
        }
    }
    if (problems.empty() && find(kStart) == nullptr) {
        problems.push_back({0, "a layout without the rule start; write how a stream begins", {}});
    }
    if (problems.empty()) Checker(*this, problems).check_all();
}

const LayoutRules::Rule* LayoutRules::find(std::string_view name) const {
    const auto found = rules_.find(name);
    return found == rules_.end() ? nullptr : &found->second;
}

std::vector<std::size_t> LayoutRules::unused() const {
    std::set<std::string_view> used{kStart, kFrame};
    const std::function<void(const LayoutChoice&)> collect = [&](const LayoutChoice& choice) {
        for (const LayoutSequence& sequence : choice) {
            for (const LayoutItem& item : sequence) {
                if (item.kind == Kind::Rule) used.insert(item.rule);
                collect(item.choice);
            }
        }
    };
    for (const auto& [name, rule] : rules_) collect(rule.choice);
    std::vector<std::size_t> found;
    for (const auto& [name, rule] : rules_) {
        if (!used.contains(name)) found.push_back(rule.index);
    }
    return found;
}

// --- sizes ---

NumberRange LayoutRules::size_of(const LayoutChoice& choice) const {
    NumberRange size{kNoLimit, 0};
    for (const LayoutSequence& sequence : choice) {
        NumberRange all{0, 0};
        for (const LayoutItem& item : sequence) {
            NumberRange it = size_of(item);
            if (may_be_absent(item)) it.least = 0;
            if (may_repeat(item)) it.most = kNoLimit;
            all = {sum(all.least, it.least), sum(all.most, it.most)};
        }
        size = {std::min(size.least, all.least), std::max(size.most, all.most)};
    }
    return size;
}

/// Returns the size of an item that is there once.
NumberRange LayoutRules::size_of(const LayoutItem& item) const {
    switch (item.kind) {
        case Kind::Fixed: {
            const auto bytes = static_cast<std::uint32_t>(item.bytes.size());
            return {bytes, bytes};
        }
        case Kind::Number:
            return core::size_of(item.number.type);
        case Kind::Braces: {
            const NumberRange number = core::size_of(item.number.type);
            const NumberRange room = room_of(item.number);
            return {sum(number.least, room.least), sum(number.most, room.most)};
        }
        case Kind::Field:
            if (item.field.number) return core::size_of(*item.field.number);
            return item.field.size.value_or(NumberRange{0, kNoLimit});
        case Kind::Group:
            return size_of(item.choice);
        case Kind::Rule:
            return find(item.rule)->size;
        case Kind::Joined:
            break;
    }
    return {0, kNoLimit};
}

// --- what follows, and what is at the beginning ---

Follow LayoutRules::follow_of(std::span<const LayoutItem> rest, const Follow& outer) const {
    ByteSets bytes;
    if (append_leading(rest, bytes)) {
        bytes.insert(bytes.end(), outer.bytes.begin(), outer.bytes.end());
        if (bytes.empty()) return outer;
    }
    return {bytes, false};
}

/// Appends the fixed bytes at the front.
/// @returns true if there is nothing else
bool LayoutRules::append_leading(std::span<const LayoutItem> items, ByteSets& bytes) const {
    for (const LayoutItem& item : items) {
        if (item.repeat != Repeat::Once || bytes.size() > Layout::kFarthest) return false;
        if (item.kind == Kind::Fixed) {
            bytes.insert(bytes.end(), item.bytes.begin(), item.bytes.end());
            continue;
        }
        const LayoutChoice* inner = choice_of(item);
        if (inner == nullptr || inner->size() > 1 || !append_leading(inner->front(), bytes))
            return false;
    }
    return true;
}

/// Returns the alternatives of a group or a rule; null for any other item.
const LayoutChoice* LayoutRules::choice_of(const LayoutItem& item) const {
    if (item.kind == Kind::Group) return &item.choice;
    return item.kind == Kind::Rule ? &find(item.rule)->choice : nullptr;
}

Beginnings LayoutRules::beginnings_of(std::span<const LayoutItem> sequence) const {
    if (sequence.empty()) return {};
    ByteSets bytes;
    append_leading(sequence, bytes);
    if (!bytes.empty()) {
        if (bytes.size() > Layout::kFarthest) bytes.resize(Layout::kFarthest);
        return {bytes};
    }
    const LayoutItem& first = sequence.front();
    Beginnings begins = beginnings_of(first);
    if (begins.empty() || !may_be_absent(first)) return begins;
    const Beginnings later = beginnings_of(sequence.subspan(1));
    return later.empty() ? later : united(std::move(begins), later);
}

Beginnings LayoutRules::beginnings_of(const LayoutItem& item) const {
    if (item.kind == Kind::Fixed) return {item.bytes};
    if (item.kind == Kind::Rule) return find(item.rule)->beginnings;
    return item.kind == Kind::Group ? beginnings_of(item.choice) : Beginnings();
}

Beginnings LayoutRules::beginnings_of(const LayoutChoice& choice) const {
    Beginnings begins;
    for (const LayoutSequence& sequence : choice) {
        const Beginnings it = beginnings_of(std::span(sequence));
        if (it.empty()) return {};
        begins = united(std::move(begins), it);
    }
    return begins;
}

}  // namespace portsplit::core
