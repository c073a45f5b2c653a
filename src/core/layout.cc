// How it works. Every rule is put in the place of its name, so the program has no calls; rules have no
// circle, so it ends. Each step knows from the text what follows it:
//
// - A field or skip without a size or a set ends at the fixed bytes that follow, or with its braces. `Follow`
//   has them.
// - A choice, an optional item and a repetition look at the fixed bytes with which an alternative begins
//   (`beginnings_of`). None means that it begins with anything.
#include "core/layout.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/layout_rules.h"

namespace portsplit::core {
namespace {

/// The most bytes of a field or skip that nothing else bounds.
constexpr std::uint32_t kDefaultSize = 1024;
constexpr std::uint32_t kNoLimit = LayoutRules::kNoLimit;
/// A program of more steps is refused: a rule that stands in many places is there as often.
constexpr std::size_t kMostOps = 4000;
/// How many different beginnings a choice compares at most.
constexpr std::size_t kMostCases = 256;

constexpr const char* kTooFar =
    "more than 64 fixed bytes behind it, at which it would end; put a field or a skip between them";

/// Returns the smallest bytes of these sets: `00 10`.
std::string in_hex(const ByteSets& sets) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string text;
    for (const ByteSet& set : sets) {
        if (!text.empty()) text += ' ';
        text += kDigits[set.first() >> 4];
        text += kDigits[set.first() & 0xF];
    }
    return text;
}

/// Returns true if each byte of a set is all that one of these beginnings has.
bool covers_together(const std::vector<ByteSets>& beginnings, const ByteSet& set) {
    for (unsigned byte = set.low; byte <= set.high; ++byte) {
        const auto it = static_cast<std::uint8_t>(byte);
        const bool is_held = std::ranges::any_of(beginnings, [&](const ByteSets& begin) {
            return begin.size() == 1 && begin.front().holds(it);
        });
        if (set.holds(it) && !is_held) return false;
    }
    return true;
}

/// Returns true if a class has every byte of a set.
bool holds_all(const ByteClass& bytes, const ByteSet& set) {
    for (unsigned byte = 0; byte < bytes.size(); ++byte) {
        if (set.holds(static_cast<std::uint8_t>(byte)) && !bytes.test(byte)) return false;
    }
    return true;
}

}  // namespace

class LayoutCompiler {
  public:
    LayoutCompiler(const LayoutSource& source, std::vector<LayoutProblem>* warnings)
        : warnings_(warnings), rules_(source, problems_) {}

    Result<Layout, std::vector<LayoutProblem>> compile() {
        if (problems_.empty()) warn_of_unused();
        if (problems_.empty()) compile_frame();
        if (problems_.empty()) compile_start();
        if (!problems_.empty()) return std::move(problems_);
        return std::move(layout_);
    }

  private:
    using Kind = LayoutItem::Kind;
    using OpKind = LayoutOp::Kind;

    void warn_of_unused() {
        for (const std::size_t rule : rules_.unused()) {
            warn(rule, std::nullopt, "a rule that no other uses; delete it");
        }
    }

    // --- the frame ---

    void compile_frame() {
        const LayoutRules::Rule* rule = rules_.find(LayoutRules::kFrame);
        if (rule == nullptr) return;
        rule_ = rule->index;
        const LayoutChoice& choice = rule->choice;
        constexpr const char* kForm =
            "a frame is bytes of a known number, then { }, a number and <> alone, such as 16 03 ?? "
            "{u16 <>}";
        if (choice.size() > 1) return report_rule(kForm);
        Layout::Frame frame;
        const LayoutSequence& items = choice.front();
        for (std::size_t i = 0; i < items.size(); ++i) {
            const LayoutItem& item = items[i];
            if (item.repeat != Repeat::Once) return report(rule_, item, kForm);
            if (i + 1 == items.size()) {
                if (!is_frame_body(item)) return report(rule_, item, kForm);
                frame.number = item.number;
                frame.number_at = static_cast<std::uint32_t>(frame.head.size());
                frame.head.resize(frame.head.size() + size_of(item.number.type).least);
            } else if (item.kind == Kind::Fixed) {
                frame.head.insert(frame.head.end(), item.bytes.begin(), item.bytes.end());
            } else if (item.kind == Kind::Field && item.field.name.empty() && item.field.size &&
                       !item.field.bytes && item.field.size->least == item.field.size->most) {
                frame.head.resize(frame.head.size() + item.field.size->least);
            } else {
                return report(rule_, item, kForm);
            }
        }
        if (frame.head.size() > Layout::kFarthest)
            return report_rule("a head of more than 64 bytes");
        frame.rule = static_cast<std::uint32_t>(rule_);
        layout_.frame_ = std::move(frame);
    }

    static bool is_frame_body(const LayoutItem& item) {
        const NumberRange size = size_of(item.number.type);
        return item.kind == Kind::Braces && size.least == size.most && item.choice.size() == 1 &&
               item.choice.front().size() == 1 && item.choice.front().front().kind == Kind::Joined;
    }

    // --- the program ---

    void compile_start() {
        const LayoutRules::Rule& start = *rules_.find(LayoutRules::kStart);
        rule_ = start.index;
        emit_choice(start.choice, {});
        emit({.kind = OpKind::End}, start.choice.front().front());
        if (problems_.empty() && layout_.ops_.size() > kMostOps) {
            report_rule("more than 4000 steps; a rule counts as often as it is used");
        }
    }

    void emit_choice(const LayoutChoice& choice, const Follow& follow) {
        if (choice.size() == 1) return emit_sequence(choice.front(), follow);
        const std::size_t branch = emit({.kind = OpKind::Branch}, choice.front().front());
        std::vector<LayoutCase> cases;
        std::vector<std::size_t> jumps;
        std::vector<ByteSets> earlier;
        for (const LayoutSequence& sequence : choice) {
            const auto begins = rules_.beginnings_of(sequence);
            warn_of_covered(sequence, begins, earlier);
            add_cases(begins, here(), cases);
            emit_sequence(sequence, follow);
            jumps.push_back(emit({.kind = OpKind::Jump}, sequence.back()));
            if (stopped()) return;
        }
        set_cases(branch, cases);
        for (const std::size_t jump : jumps) layout_.ops_[jump].target = here();
    }

    void warn_of_covered(const LayoutSequence& sequence, const Beginnings& begins,
                         std::vector<ByteSets>& earlier) {
        const auto is_covered_by_one = [&](const ByteSets& begin) {
            return std::any_of(earlier.begin(), earlier.end(),
                               [&](const ByteSets& it) { return covers_all(it, begin); });
        };
        bool is_by_one = true;
        const auto is_covered = [&](const ByteSets& begin) {
            if (is_covered_by_one(begin)) return true;
            is_by_one = false;
            return !begin.empty() && covers_together(earlier, begin.front());
        };
        const bool is_anything = begins.empty();
        const bool all =
            is_anything ? is_covered({}) : std::all_of(begins.begin(), begins.end(), is_covered);
        if (all) {
            const std::string such_as = is_anything ? "" : ", such as " + in_hex(begins.front());
            warn(rule_, sequence.front().place,
                 std::string("an alternative that is never taken: ") +
                     (is_by_one ? "an earlier one begins" : "earlier ones together begin") +
                     " with all of its bytes" + such_as + "; move it up");
        }
        earlier.insert(earlier.end(), begins.begin(), begins.end());
        if (is_anything) earlier.emplace_back();
    }

    void emit_sequence(const LayoutSequence& sequence, const Follow& follow) {
        for (std::size_t i = 0; i < sequence.size() && !stopped(); ++i) {
            const std::span rest = std::span(sequence).subspan(i + 1);
            emit_item(sequence[i], rules_.follow_of(rest, follow));
        }
    }

    bool stopped() const { return !problems_.empty() || layout_.ops_.size() > kMostOps; }

    void emit_item(const LayoutItem& item, const Follow& follow) {
        switch (item.repeat) {
            case Repeat::Once:
                return emit_atom(item, follow);
            case Repeat::Optional:
                return emit_optional(item, follow);
            case Repeat::Any:
            case Repeat::Some:
                return emit_loop(item, follow);
        }
    }

    /// Reports an item that is there as often as its beginning fits, if what stands behind it never comes.
    /// @returns false after a report
    bool check_behind(const LayoutItem& item, const Beginnings& begins, const Follow& follow) {
        const auto takes = [&](const ByteSets& bytes) {
            return std::any_of(begins.begin(), begins.end(),
                               [&](const ByteSets& it) { return covers_all(it, bytes); });
        };
        const bool repeats = item.repeat != Repeat::Optional;
        if (repeats && takes({ByteSet()}) && !follow.is_end_of_braces) {
            report(rule_, item,
                   braces_ == 0
                       ? "a repetition without an end: it takes every byte"
                       : "what stands behind it never comes: the repetition takes every byte");
            return false;
        }
        if (follow.bytes.empty() || !takes(follow.bytes)) return true;
        report(
            rule_, item,
            repeats
                ? "what stands behind it never comes: it begins as the repetition does"
                : "an optional part that is never absent: what stands behind it begins as it does");
        return false;
    }

    void emit_optional(const LayoutItem& item, const Follow& follow) {
        const Beginnings begins = rules_.beginnings_of(item);
        if (!check_behind(item, begins, follow)) return;
        if (begins.empty() && braces_ == 0) {
            return report(rule_, item,
                          "an optional part that begins with anything: nobody can tell whether it "
                          "is there; begin it with bytes, or write it at the end of braces");
        }
        const std::size_t branch = emit({.kind = OpKind::Branch}, item);
        std::vector<LayoutCase> cases;
        std::size_t at_end = 0;
        if (begins.empty()) cases.push_back({.when = LayoutCase::When::AtEnd});
        add_cases(begins, here(), cases);
        emit_atom(item, follow);
        at_end = here();
        if (begins.empty()) cases.front().target = static_cast<std::uint32_t>(at_end);
        set_cases(branch, cases);
        layout_.ops_[branch].target = static_cast<std::uint32_t>(at_end);
    }

    void emit_loop(const LayoutItem& item, const Follow& follow) {
        const Beginnings begins = rules_.beginnings_of(item);
        if (begins.empty() && braces_ == 0 && follow.bytes.empty()) {
            return report(rule_, item,
                          "a repetition without an end; write the bytes that stand behind it");
        }
        if (!check_behind(item, begins, follow)) return;
        loops_.emplace_back();
        const std::size_t entry =
            item.repeat == Repeat::Some ? emit({.kind = OpKind::Jump}, item) : 0;
        const std::size_t branch = emit({.kind = OpKind::Branch}, item);
        const std::uint32_t body = here();
        if (item.repeat == Repeat::Some) layout_.ops_[entry].target = body;
        emit_atom(item, {});
        emit({.kind = OpKind::Jump, .target = static_cast<std::uint32_t>(branch)}, item);
        const std::uint32_t exit = here();
        std::vector<LayoutCase> cases;
        if (begins.empty()) {
            if (braces_ > 0) cases.push_back({.when = LayoutCase::When::AtEnd, .target = exit});
            if (follow.bytes.size() > Layout::kFarthest) return report(rule_, item, kTooFar);
            if (!follow.bytes.empty()) add_cases({follow.bytes}, exit, cases);
        }
        add_cases(begins, body, cases);
        set_cases(branch, cases);
        layout_.ops_[branch].target = exit;
        const std::set<std::uint32_t> closed = std::move(loops_.back());
        loops_.pop_back();
        if (!closed.empty()) emit_close(closed, item);
    }

    void emit_close(const std::set<std::uint32_t>& fields, const LayoutItem& item) {
        const auto first = static_cast<std::uint32_t>(layout_.closes_.size());
        layout_.closes_.insert(layout_.closes_.end(), fields.begin(), fields.end());
        emit({.kind = OpKind::Close,
              .first = first,
              .count = static_cast<std::uint32_t>(fields.size())},
             item);
    }

    void emit_atom(const LayoutItem& item, const Follow& follow) {
        switch (item.kind) {
            case Kind::Fixed:
                emit_fixed(item);
                break;
            case Kind::Number:
                emit({.kind = OpKind::Number,
                      .type = item.number.type,
                      .least = item.number.range.least,
                      .most = item.number.range.most},
                     item);
                break;
            case Kind::Braces:
                emit_braces(item);
                break;
            case Kind::Field:
                emit_field(item, follow);
                break;
            case Kind::Group:
                emit_choice(item.choice, follow);
                break;
            case Kind::Rule: {
                const LayoutRules::Rule& rule = *rules_.find(item.rule);
                const std::size_t outer = std::exchange(rule_, rule.index);
                emit_choice(rule.choice, follow);
                rule_ = outer;
                break;
            }
            case Kind::Joined:
                report(rule_, item, "<> belongs in the rule frame, alone in the braces at its end");
                break;
        }
    }

    void emit_fixed(const LayoutItem& item) {
        emit({.kind = OpKind::Fixed,
              .first = add_sets(item.bytes),
              .count = static_cast<std::uint32_t>(item.bytes.size())},
             item);
    }

    void emit_braces(const LayoutItem& item) {
        if (braces_ == Layout::kDeepest)
            return report(rule_, item, "more than 16 braces in each other");
        const NumberRange room = room_of(item.number);
        NumberRange inside{0, kNoLimit};
        if (!item.choice.empty()) inside = rules_.size_of(item.choice);
        if (inside.least > room.most || inside.most < room.least) {
            return report(rule_, item,
                          "braces that never fit: the number leaves " + text_of(room) +
                              " bytes, and what stands inside has " + text_of(inside));
        }
        emit({.kind = OpKind::Push,
              .type = item.number.type,
              .less = item.number.less,
              .least = item.number.range.least,
              .most = item.number.range.most,
              .inside = inside.least},
             item);
        ++braces_;
        if (item.choice.empty()) {
            emit({.kind = OpKind::Rest, .least = 0, .most = kNoLimit}, item);
        } else {
            emit_choice(item.choice, {.bytes = {}, .is_end_of_braces = true});
        }
        --braces_;
        emit({.kind = OpKind::Pop}, item);
    }

    static std::string text_of(NumberRange range) {
        if (range.least == range.most) return std::to_string(range.least);
        if (range.most == kNoLimit) return "at least " + std::to_string(range.least);
        return std::to_string(range.least) + " to " + std::to_string(range.most);
    }

    void emit_field(const LayoutItem& item, const Follow& follow) {
        const LayoutField& field = item.field;
        LayoutOp op;
        NumberRange size =
            field.size.value_or(NumberRange{0, braces_ > 0 ? kNoLimit : kDefaultSize});
        if (field.number) {
            op = {.kind = OpKind::Number,
                  .type = *field.number,
                  .least = 0,
                  .most = largest_of(*field.number)};
        } else if (field.bytes) {
            op = {.kind = OpKind::While,
                  .first = static_cast<std::uint32_t>(layout_.classes_.size())};
            layout_.classes_.push_back(*field.bytes);
            if (!field.size && !follow.bytes.empty() && holds_all(*field.bytes, follow.bytes[0])) {
                return report(rule_, item,
                              "what stands behind it never comes: the set has its first byte; take "
                              "it out of the set, or write a size");
            }
        } else if (field.size && size.least == size.most) {
            op.kind = OpKind::Exact;
        } else if (follow.bytes.size() > Layout::kFarthest) {
            return report(rule_, item, kTooFar);
        } else if (!follow.bytes.empty() && follow.bytes[0] == ByteSet()) {
            return report(rule_, item,
                          "always empty: it ends where what stands behind it begins, which is any "
                          "byte; write its size");
        } else if (!follow.bytes.empty()) {
            op = {.kind = OpKind::Until,
                  .first = add_sets(follow.bytes),
                  .count = static_cast<std::uint32_t>(follow.bytes.size())};
        } else if (follow.is_end_of_braces) {
            op.kind = OpKind::Rest;
        } else {
            const std::string what = field.name.empty() ? "a skip" : "a field";
            return report(
                rule_, item,
                what +
                    " without an end; write its exact size, a set, or fixed bytes directly "
                    "behind it, of which no part may be absent");
        }
        if (!field.number) {
            op.least = size.least;
            op.most = size.most;
        }
        if (!field.name.empty()) op.field = add_field(item, size);
        if (problems_.empty()) emit(op, item);
        if (op.field == LayoutOp::kNone || field.form == FieldForm::Single) return;
        if (loops_.empty()) {
            emit_close({op.field}, item);
        } else {
            loops_.back().insert(op.field);
        }
    }

    std::uint32_t add_field(const LayoutItem& item, NumberRange size) {
        const LayoutField& field = item.field;
        ByteClass bytes = field.bytes.value_or(ByteClass().set());
        const auto known = layout_.find_field(field.name);
        if (!known) {
            layout_.fields_.push_back({Text(field.name), field.form, Text(field.separator),
                                       field.is_name, field.number, size, bytes});
            return static_cast<std::uint32_t>(layout_.fields_.size() - 1);
        }
        Layout::Field& first = layout_.fields_[*known];
        const bool is_same = first.form == field.form && first.number == field.number &&
                             std::string_view(first.separator) == field.separator;
        if (!is_same) {
            report(rule_, item,
                   "field " + field.name +
                       " is of another kind in another place; write it the same, or give one of "
                       "them another name");
        }
        first.is_name |= field.is_name;
        first.size = {std::min(first.size.least, size.least), std::max(first.size.most, size.most)};
        first.bytes |= bytes;
        return static_cast<std::uint32_t>(*known);
    }

    // --- parts of the program ---

    std::uint32_t here() const { return static_cast<std::uint32_t>(layout_.ops_.size()); }

    std::size_t emit(LayoutOp op, const LayoutItem& item) {
        op.rule = static_cast<std::uint16_t>(rule_);
        op.place = static_cast<std::uint32_t>(item.place);
        layout_.ops_.push_back(op);
        return layout_.ops_.size() - 1;
    }

    std::uint32_t add_sets(const ByteSets& sets) {
        const auto first = static_cast<std::uint32_t>(layout_.sets_.size());
        layout_.sets_.insert(layout_.sets_.end(), sets.begin(), sets.end());
        return first;
    }

    /// Appends the cases that go to `target` if one of the beginnings fits; without any, always.
    void add_cases(const Beginnings& begins, std::uint32_t target, std::vector<LayoutCase>& cases) {
        if (begins.empty()) cases.push_back({.when = LayoutCase::When::Always, .target = target});
        for (const ByteSets& sets : begins) {
            cases.push_back({.when = LayoutCase::When::Fits,
                             .first = add_sets(sets),
                             .count = static_cast<std::uint32_t>(sets.size()),
                             .target = target});
        }
    }

    void set_cases(std::size_t branch, const std::vector<LayoutCase>& cases) {
        if (cases.size() > kMostCases) {
            const LayoutOp& op = layout_.ops_[branch];
            problems_.push_back({op.rule,
                                 "more than 256 different beginnings to choose from; write fewer "
                                 "alternatives",
                                 op.place});
        }
        layout_.ops_[branch].first = static_cast<std::uint32_t>(layout_.cases_.size());
        layout_.ops_[branch].count = static_cast<std::uint32_t>(cases.size());
        layout_.cases_.insert(layout_.cases_.end(), cases.begin(), cases.end());
    }

    void report(std::size_t rule, const LayoutItem& item, std::string text) {
        problems_.push_back({rule, std::move(text), item.place});
    }
    void report_rule(std::string text) {
        problems_.push_back({rule_, std::move(text), std::nullopt});
    }
    /// Once for each place: a rule is compiled as often as it is used.
    void warn(std::size_t rule, std::optional<std::size_t> place, const std::string& text) {
        if (warnings_ == nullptr) return;
        const bool is_known =
            std::any_of(warnings_->begin(), warnings_->end(), [&](const auto& it) {
                return it.rule == rule && it.place == place && it.text == text;
            });
        if (!is_known) warnings_->push_back({rule, text, place});
    }

    std::vector<LayoutProblem>* warnings_;
    std::vector<LayoutProblem> problems_;
    LayoutRules rules_;
    Layout layout_;
    std::size_t rule_ = 0;    ///< index of the rule that is being compiled
    std::size_t braces_ = 0;  ///< how many are open
    std::vector<std::set<std::uint32_t>>
        loops_;  ///< of each open repetition, the fields that it completes
};

Result<Layout, std::vector<LayoutProblem>> Layout::compile(const LayoutSource& source,
                                                           std::vector<LayoutProblem>* warnings) {
    return LayoutCompiler(source, warnings).compile();
}

std::optional<std::size_t> Layout::find_field(std::string_view name) const {
    const auto found =
        std::ranges::find_if(fields_, [&](const Field& it) { return it.name == name; });
    if (found == fields_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - fields_.begin());
}

}  // namespace portsplit::core
