#pragma once
// Reads a stream with a layout: which fields came, and whether the stream fits. Goes on where it stopped, and
// looks at no byte twice but those that a branch compares. The result depends on the bytes alone, never on how
// they were cut.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/field_values.h"
#include "core/layout.h"

namespace portsplit::core {

class LayoutRun {
  public:
    enum class State {
        Reading,  ///< more bytes are needed
        Stopped,  ///< every wanted field is complete; the rest is not looked at
        Fits,     ///< the layout's end was reached
        Failed,   ///< the stream does not fit
    };

    struct FieldState {
        bool is_kept = false;      ///< its values are kept
        bool is_wanted = false;    ///< kept, and the run does not stop before it is complete
        bool is_complete = false;  ///< no further value comes
        FieldValues values;        ///< one at most, except for a list
    };

    /// Where a stream failed.
    struct Failure {
        std::size_t rule = 0;   ///< index in the source
        std::size_t place = 0;  ///< in the text of the rule
        /// If a number was read there: one out of `range`, or the length of braces that do not fit.
        std::optional<std::uint32_t> number{};
        NumberRange range{};
        bool is_left_over = false;  ///< bytes are left in the braces
    };

    /// @param layout  must outlive this
    explicit LayoutRun(const Layout& layout);

    /// Makes a field wanted.
    void want(std::size_t field);
    /// Makes the values of a field kept, as far as the run comes.
    void keep(std::size_t field) { fields_[field].is_kept = true; }
    /// Makes the end of the layout wanted: the run does not stop before it.
    void want_end() { wants_end_ = true; }

    /// Reads on.
    /// @param seen  all bytes of the stream so far, from its first
    void advance(Bytes seen);
    /// Reads on to the end of the layout or of the bytes, whatever is wanted: for the fields that are kept.
    void read_out(Bytes seen);

    State state() const { return state_; }
    const FieldState& field(std::size_t index) const { return fields_[index]; }
    /// How many bytes of the stream had to come for the state, if it is `Fits` or `Failed`.
    std::size_t certain() const { return looked_; }
    Failure failure() const;
    /// How many bytes are missing at least before the state or a field can change. 0 unless reading.
    std::size_t lack() const { return state_ == State::Reading ? lack_ : 0; }
    /// How many times a byte was looked at, for tests.
    std::size_t steps() const { return steps_; }

  private:
    static constexpr std::size_t kNoEnd = SIZE_MAX;

    /// A value that is not complete.
    struct Draft {
        std::string text;
        std::size_t begin = 0;  ///< as in FieldValue
        std::size_t end = 0;
    };
    /// A place in the stream.
    struct Cursor {
        std::size_t raw = 0;     ///< bytes of the stream before it
        std::size_t joined = 0;  ///< the same without the heads of frames
        std::size_t left = 0;    ///< of the frame
    };
    enum class Got { Byte, Nothing, Wrong };
    enum class Fit { Yes, No, Unknown };
    /// What became of a step.
    enum class Step { Done, Waits, Fails };

    Step run(const LayoutOp& op);
    Step run_fixed(const LayoutOp& op);
    Step run_number(const LayoutOp& op);
    Step run_pop();
    Step run_exact(const LayoutOp& op);
    Step run_while(const LayoutOp& op);
    Step run_until(const LayoutOp& op);
    Step run_rest(const LayoutOp& op);
    Step run_branch(const LayoutOp& op);
    Step run_close(const LayoutOp& op);

    Step take(const LayoutOp& op);
    Step begin_braces(const LayoutOp& op, std::uint32_t number);
    Step wait(std::size_t bytes);
    Step fail_at(const Cursor& wrong);

    std::size_t end() const { return depth_ == 0 ? kNoEnd : ends_[depth_ - 1]; }
    Got enter_frame(Cursor& cursor);
    Got wrong_frame(const Cursor& cursor, std::optional<std::uint32_t> number = {});
    Got next(Cursor& cursor, std::uint8_t& byte);
    Fit compare(std::span<const ByteSet> sets, Cursor cursor, Cursor& behind);
    void begin_value();
    void append(const LayoutOp& op, Bytes bytes);
    void complete_value(const LayoutOp& op);
    void store(std::uint32_t field, const Draft& draft);
    void complete_field(std::uint32_t field);

    const Layout& layout_;
    std::vector<FieldState> fields_;
    std::map<std::uint32_t, Draft> joined_;  ///< by field
    std::size_t wanted_ = 0;                 ///< wanted fields that are not complete
    bool wants_end_ = false;

    Bytes seen_;
    State state_ = State::Reading;
    std::size_t at_ = 0;  ///< index of the step
    Cursor here_;
    /// The bytes that were looked at, those ahead of `here_` included. No step looks further than it has to,
    /// so with one byte less, this step would wait.
    std::size_t looked_ = 0;
    std::array<std::size_t, Layout::kDeepest>
        ends_{};  ///< of the open braces, without heads of frames
    std::size_t depth_ = 0;
    std::size_t lack_ = 1;
    std::size_t steps_ = 0;

    std::optional<std::uint32_t> wrong_number_;  ///< that made the stream fail
    /// The last head of a frame that was wrong: where it was seen, and its number if that was wrong.
    std::size_t wrong_frame_ = SIZE_MAX;
    std::optional<std::uint32_t> wrong_frame_number_;

    // Of a step that waits.
    bool has_begun_ = false;
    std::size_t left_ = 0;   ///< bytes that it still takes
    std::size_t taken_ = 0;  ///< bytes that it took
    Draft value_;
};

}  // namespace portsplit::core
