// How it works. `advance` executes steps of the program until one has to wait for bytes. A step consumes its
// bytes by moving `here_`; a branch, a number and the end of a field compare bytes ahead with a copy of it and
// move it only when they know. With frames, the cursor steps over their heads.
#include "core/layout_run.h"

#include <algorithm>
#include <utility>

#include "core/names.h"
#include "core/number_reader.h"

namespace portsplit::core {
LayoutRun::LayoutRun(const Layout& layout) : layout_(layout), fields_(layout.fields().size()) {}

void LayoutRun::want(std::size_t field) {
    keep(field);
    if (std::exchange(fields_[field].is_wanted, true)) return;
    ++wanted_;
}

LayoutRun::Failure LayoutRun::failure() const {
    if (wrong_frame_ == here_.raw) {
        const auto& frame = layout_.frame();
        return {frame->rule, 0, wrong_frame_number_, frame->number.range};
    }
    const LayoutOp& op = layout_.ops()[at_];
    const bool is_left_over = op.kind == LayoutOp::Kind::Pop;
    return {op.rule, op.place, wrong_number_, {op.least, op.most}, is_left_over};
}

void LayoutRun::read_out(Bytes seen) {
    want_end();
    if (state_ == State::Stopped) state_ = State::Reading;
    advance(seen);
}

void LayoutRun::advance(Bytes seen) {
    seen_ = seen;
    while (state_ == State::Reading) {
        if (wanted_ == 0 && !wants_end_) {
            state_ = State::Stopped;
            return;
        }
        const LayoutOp& op = layout_.ops()[at_];
        if (op.kind == LayoutOp::Kind::End) {
            state_ = State::Fits;
            return;
        }
        const std::size_t step = at_;
        switch (run(op)) {
            case Step::Waits:
                return;
            case Step::Fails:
                at_ = step;
                state_ = State::Failed;
                return;
            case Step::Done:
                has_begun_ = false;
        }
    }
}

LayoutRun::Step LayoutRun::run(const LayoutOp& op) {
    using Kind = LayoutOp::Kind;
    switch (op.kind) {
        case Kind::Fixed:
            return run_fixed(op);
        case Kind::Number:
        case Kind::Push:
            return run_number(op);
        case Kind::Pop:
            return run_pop();
        case Kind::Exact:
            return run_exact(op);
        case Kind::While:
            return run_while(op);
        case Kind::Until:
            return run_until(op);
        case Kind::Rest:
            return run_rest(op);
        case Kind::Branch:
            return run_branch(op);
        case Kind::Jump:
            at_ = op.target;
            return Step::Done;
        case Kind::Close:
            return run_close(op);
        case Kind::End:
            break;
    }
    return Step::Done;
}

// --- the stream ---

/// Moves a cursor over the heads of frames, so that a byte of a frame is next.
LayoutRun::Got LayoutRun::enter_frame(Cursor& cursor) {
    const auto& frame = layout_.frame();
    if (!frame || cursor.left > 0) return Got::Byte;
    const std::size_t size = frame->head.size();
    const std::size_t have = std::min(size, seen_.size() - cursor.raw);
    for (std::size_t i = 0; i < have; ++i) {
        if (frame->head[i].holds(to_number(seen_[cursor.raw + i]))) continue;
        cursor.raw += i + 1;
        return wrong_frame(cursor);
    }
    if (have < size) return Got::Nothing;
    NumberReader number(frame->number.type);
    for (std::size_t i = frame->number_at; i < size; ++i)
        number.take(to_number(seen_[cursor.raw + i]));
    cursor.raw += size;
    const NumberRange range = frame->number.range;
    const bool fits = number.number() >= range.least && number.number() <= range.most &&
                      number.number() > frame->number.less;
    if (!fits) return wrong_frame(cursor, number.number());
    cursor.left = number.number() - frame->number.less;
    return Got::Byte;
}

LayoutRun::Got LayoutRun::wrong_frame(const Cursor& cursor, std::optional<std::uint32_t> number) {
    looked_ = std::max(looked_, cursor.raw);
    wrong_frame_ = cursor.raw;
    wrong_frame_number_ = number;
    return Got::Wrong;
}

/// Returns the next byte and moves the cursor behind it.
LayoutRun::Got LayoutRun::next(Cursor& cursor, std::uint8_t& byte) {
    ++steps_;
    if (const Got got = enter_frame(cursor); got != Got::Byte) return got;
    if (cursor.raw == seen_.size()) return Got::Nothing;
    byte = to_number(seen_[cursor.raw]);
    ++cursor.raw;
    looked_ = std::max(looked_, cursor.raw);
    ++cursor.joined;
    if (layout_.frame()) --cursor.left;
    return Got::Byte;
}

/// Compares the bytes at a cursor.
/// @param behind  receives the place behind them, or behind the first that does not fit
LayoutRun::Fit LayoutRun::compare(std::span<const ByteSet> sets, Cursor cursor, Cursor& behind) {
    behind = cursor;
    if (end() - cursor.joined < sets.size()) return Fit::No;
    for (const ByteSet& set : sets) {
        std::uint8_t byte = 0;
        const Got got = next(behind, byte);
        if (got == Got::Nothing) return Fit::Unknown;
        if (got == Got::Wrong || !set.holds(byte)) return Fit::No;
    }
    return Fit::Yes;
}

// --- what a step ends with ---

/// @param bytes  how many bytes from `here_` on the step needs at least
LayoutRun::Step LayoutRun::wait(std::size_t bytes) {
    // With the last byte of the braces it is known that more do not fit.
    bytes = std::min(bytes, end() - here_.joined);
    // Of a byte that is not in this frame, the head of the next may be wrong.
    const bool is_in_frame = !layout_.frame() || bytes <= here_.left;
    const std::size_t had = seen_.size() - here_.raw;
    lack_ = is_in_frame && bytes > had ? bytes - had : 1;
    return Step::Waits;
}

LayoutRun::Step LayoutRun::fail_at(const Cursor& wrong) {
    here_ = wrong;
    return Step::Fails;
}

// --- steps ---

LayoutRun::Step LayoutRun::run_fixed(const LayoutOp& op) {
    const auto sets = layout_.sets(op.first, op.count);
    if (!has_begun_) taken_ = 0;
    has_begun_ = true;
    for (; taken_ < sets.size(); ++taken_) {
        if (here_.joined == end()) return Step::Fails;
        Cursor cursor = here_;
        std::uint8_t byte = 0;
        const Got got = next(cursor, byte);
        if (got == Got::Nothing) return wait(1);
        if (got == Got::Wrong || !sets[taken_].holds(byte)) return fail_at(cursor);
        here_ = cursor;
    }
    ++at_;
    return Step::Done;
}

LayoutRun::Step LayoutRun::run_number(const LayoutOp& op) {
    Cursor cursor = here_;
    NumberReader reader(op.type);
    NumberState state = NumberState::Unfinished;
    std::size_t begin = SIZE_MAX;
    while (state == NumberState::Unfinished) {
        if (cursor.joined == end()) return fail_at(cursor);
        std::uint8_t byte = 0;
        const Got got = next(cursor, byte);
        if (got == Got::Nothing) return wait(cursor.joined - here_.joined + reader.missing());
        if (got == Got::Wrong) return fail_at(cursor);
        begin = std::min(begin, cursor.raw - 1);
        state = reader.take(byte);
    }
    const std::uint32_t number = reader.number();
    if (state == NumberState::Wrong) return fail_at(cursor);
    if (number < op.least || number > op.most) {
        wrong_number_ = number;
        return fail_at(cursor);
    }
    here_ = cursor;
    ++at_;
    if (op.kind == LayoutOp::Kind::Push) return begin_braces(op, number);
    if (op.field == LayoutOp::kNone) return Step::Done;
    value_ = {std::to_string(number), begin, here_.raw};
    complete_value(op);
    return Step::Done;
}

LayoutRun::Step LayoutRun::begin_braces(const LayoutOp& op, std::uint32_t number) {
    const std::size_t length = number - std::min(op.less, number);
    const bool fits = number >= op.less && length >= op.inside && length <= end() - here_.joined;
    if (!fits) {
        wrong_number_ = number;
        return Step::Fails;
    }
    ends_[depth_] = here_.joined + length;
    ++depth_;
    return Step::Done;
}

LayoutRun::Step LayoutRun::run_pop() {
    if (here_.joined != end()) return Step::Fails;
    --depth_;
    ++at_;
    return Step::Done;
}

LayoutRun::Step LayoutRun::run_exact(const LayoutOp& op) {
    if (!has_begun_) {
        left_ = op.most;
        if (left_ > end() - here_.joined) return Step::Fails;
    }
    return take(op);
}

LayoutRun::Step LayoutRun::run_rest(const LayoutOp& op) {
    if (!has_begun_) {
        left_ = end() - here_.joined;
        if (left_ < op.least || left_ > op.most) return Step::Fails;
    }
    return take(op);
}

/// Takes `left_` bytes, many at once.
LayoutRun::Step LayoutRun::take(const LayoutOp& op) {
    if (!has_begun_) begin_value();
    has_begun_ = true;
    while (left_ > 0) {
        ++steps_;
        Cursor cursor = here_;
        const Got got = enter_frame(cursor);
        if (got == Got::Wrong) return fail_at(cursor);
        if (got == Got::Nothing || cursor.raw == seen_.size()) return wait(left_);
        std::size_t size = std::min(left_, seen_.size() - cursor.raw);
        if (layout_.frame()) size = std::min(size, cursor.left);
        here_ = cursor;
        append(op, seen_.subspan(here_.raw, size));
        here_.raw += size;
        looked_ = std::max(looked_, here_.raw);
        here_.joined += size;
        if (layout_.frame()) here_.left -= size;
        left_ -= size;
    }
    complete_value(op);
    ++at_;
    return Step::Done;
}

LayoutRun::Step LayoutRun::run_while(const LayoutOp& op) {
    if (!has_begun_) {
        taken_ = 0;
        begin_value();
    }
    has_begun_ = true;
    const ByteClass& allowed = layout_.byte_class(op);
    while (taken_ < op.most && here_.joined != end()) {
        Cursor cursor = here_;
        std::uint8_t byte = 0;
        const Got got = next(cursor, byte);
        if (got == Got::Nothing) return wait(1);
        if (got == Got::Wrong) return fail_at(cursor);
        if (!allowed.test(byte)) {
            if (taken_ < op.least) return fail_at(cursor);
            break;
        }
        append(op, seen_.subspan(cursor.raw - 1, 1));
        here_ = cursor;
        ++taken_;
    }
    if (taken_ < op.least) return Step::Fails;
    complete_value(op);
    ++at_;
    return Step::Done;
}

LayoutRun::Step LayoutRun::run_until(const LayoutOp& op) {
    if (!has_begun_) {
        taken_ = 0;
        begin_value();
    }
    has_begun_ = true;
    const auto sets = layout_.sets(op.first, op.count);
    while (true) {
        if (end() - here_.joined < sets.size()) return Step::Fails;
        Cursor behind;
        const Fit fit = compare(sets, here_, behind);
        if (fit == Fit::Unknown) return wait(1);
        if (fit == Fit::Yes && taken_ >= op.least) {
            complete_value(op);
            ++at_;
            return Step::Done;
        }
        if (fit == Fit::Yes || taken_ == op.most) return fail_at(behind);
        Cursor cursor = here_;
        std::uint8_t byte = 0;
        if (next(cursor, byte) != Got::Byte) return fail_at(cursor);
        append(op, seen_.subspan(cursor.raw - 1, 1));
        here_ = cursor;
        ++taken_;
    }
}

LayoutRun::Step LayoutRun::run_branch(const LayoutOp& op) {
    Cursor farthest = here_;
    for (const LayoutCase& it : layout_.cases(op)) {
        Fit fit = Fit::Yes;
        if (it.when == LayoutCase::When::AtEnd) {
            fit = here_.joined == end() ? Fit::Yes : Fit::No;
        } else if (it.when == LayoutCase::When::Fits) {
            Cursor behind;
            fit = compare(layout_.sets(it.first, it.count), here_, behind);
            if (behind.raw > farthest.raw) farthest = behind;
        }
        if (fit == Fit::Unknown) return wait(1);
        if (fit == Fit::No) continue;
        at_ = it.target;
        return Step::Done;
    }
    if (op.target == LayoutOp::kNone) return fail_at(farthest);
    at_ = op.target;
    return Step::Done;
}

LayoutRun::Step LayoutRun::run_close(const LayoutOp& op) {
    for (const std::uint32_t field : layout_.closed_by(op)) complete_field(field);
    ++at_;
    return Step::Done;
}

// --- fields ---

void LayoutRun::begin_value() { value_ = {"", here_.raw, here_.raw}; }

void LayoutRun::append(const LayoutOp& op, Bytes bytes) {
    if (op.field == LayoutOp::kNone) return;
    const FieldState& field = fields_[op.field];
    if (!field.is_kept || field.is_complete) return;
    const std::size_t at = static_cast<std::size_t>(bytes.data() - seen_.data());
    if (value_.text.empty()) value_.begin = at;
    value_.text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    value_.end = at + bytes.size();
}

/// Stores `value_` in the field of a step.
void LayoutRun::complete_value(const LayoutOp& op) {
    if (op.field == LayoutOp::kNone) return;
    FieldState& state = fields_[op.field];
    if (!state.is_kept || state.is_complete) return;
    const Layout::Field& field = layout_.fields()[op.field];
    if (field.form == FieldForm::Joined) {
        if (field.is_name && value_.text.empty() && !joined_.contains(op.field)) return;
        const auto [it, is_first] = joined_.try_emplace(op.field, value_);
        if (is_first) return;
        Draft& joined = it->second;
        joined.text.append(field.separator).append(value_.text);
        joined.end = value_.end;
        return;
    }
    store(op.field, value_);
    if (field.form == FieldForm::Single && !state.values.empty()) complete_field(op.field);
}

void LayoutRun::store(std::uint32_t field, const Draft& draft) {
    std::string_view text = draft.text;
    std::string folded;
    if (layout_.fields()[field].is_name) {
        folded = folded_name(text);
        if (folded.empty()) return;  // no name
        text = folded;
    }
    fields_[field].values.add({text, draft.begin, draft.end, looked_});
}

void LayoutRun::complete_field(std::uint32_t index) {
    FieldState& field = fields_[index];
    if (!field.is_kept || std::exchange(field.is_complete, true)) return;
    if (const auto joined = joined_.find(index); joined != joined_.end()) {
        store(index, joined->second);
        joined_.erase(joined);
    }
    if (field.is_wanted) --wanted_;
}

}  // namespace portsplit::core
