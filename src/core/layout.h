#pragma once
// A layout: how the first bytes of a protocol lie, compiled to a flat program. layout_text.h reads the rules,
// layout_run.h reads streams with it. Immutable, and in the memory of the plan.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_set.h"
#include "core/layout_text.h"
#include "core/memory.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::core {

/// What is wrong or strange about a layout.
struct LayoutProblem {
    std::size_t rule = 0;  ///< index in the source
    std::string text;      ///< for users, without the rule
    /// The byte of the rule's text at which it is, from 0; none if it is about the whole rule.
    std::optional<std::size_t> place;
};

/// One step of a program. Only the members that a kind names have a meaning.
struct LayoutOp {
    enum class Kind : std::uint8_t {
        Fixed,   ///< bytes of the sets `first`, `count`
        Number,  ///< reads a number: `type`, `least`, `most`, `field`
        Push,    ///< reads a number and begins braces of that length less `less`: also `inside`
        Pop,     ///< ends the innermost braces: nothing may be left in them
        Exact,   ///< takes `most` bytes: `field`
        While,   ///< takes bytes of the class `first` while they come: `least`, `most`, `field`
        Until,   ///< takes bytes up to the sets `first`, `count`: `least`, `most`, `field`
        Rest,    ///< takes what is left of the braces: `least`, `most`, `field`
        Branch,  ///< goes to the first of the cases `first`, `count` that holds, else to `target`
        Jump,    ///< goes to `target`
        Close,   ///< completes the fields `first`, `count`
        End,     ///< the stream fits the layout
    };
    static constexpr std::uint32_t kNone = UINT32_MAX;

    Kind kind = Kind::End;
    NumberType type = NumberType::U8;
    std::uint16_t rule = 0;   ///< index in the source
    std::uint32_t place = 0;  ///< in the text of the rule
    std::uint32_t field = kNone;
    std::uint32_t less = 0;
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    std::uint32_t inside = 0;  ///< the fewest bytes that what stands in the braces needs
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t target = kNone;  ///< `kNone` in a branch: the stream does not fit
};

/// One case of a branch.
struct LayoutCase {
    enum class When : std::uint8_t {
        Fits,   ///< the next bytes fit the sets `first`, `count`
        AtEnd,  ///< nothing is left of the braces
        Always,
    };
    When when = When::Always;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t target = 0;
};

class Layout {
  public:
    /// The most braces in each other.
    static constexpr std::size_t kDeepest = 16;
    /// The most bytes ahead that a branch compares.
    static constexpr std::size_t kFarthest = 64;

    struct Field {
        Text name;
        FieldForm form = FieldForm::Single;
        Text separator;
        bool is_name = false;
        std::optional<NumberType> number{};
        /// The fewest and most bytes of a value, or of a member.
        NumberRange size{};
        /// The bytes that a value can have; all for a number.
        ByteClass bytes{};
    };

    /// The head of each frame: sets of fixed bytes, and in it a number, which tells how many bytes follow.
    struct Frame {
        List<ByteSet> head;
        LayoutNumber number{};
        std::uint32_t number_at = 0;
        std::uint32_t rule = 0;  ///< index in the source
    };

    /// Compiles a layout. All memory that it keeps comes from the MemoryScope.
    /// @param warnings  if given, receives what is strange about it
    /// @returns the layout, or everything that is wrong with it
    static Result<Layout, std::vector<LayoutProblem>> compile(
        const LayoutSource& source, std::vector<LayoutProblem>* warnings = nullptr);

    std::span<const LayoutOp> ops() const { return ops_; }
    std::span<const ByteSet> sets(std::uint32_t first, std::uint32_t count) const {
        return std::span(sets_).subspan(first, count);
    }
    std::span<const LayoutCase> cases(const LayoutOp& op) const {
        return std::span(cases_).subspan(op.first, op.count);
    }
    std::span<const std::uint32_t> closed_by(const LayoutOp& op) const {
        return std::span(closes_).subspan(op.first, op.count);
    }
    const ByteClass& byte_class(const LayoutOp& op) const { return classes_[op.first]; }
    std::span<const Field> fields() const { return fields_; }
    const std::optional<Frame>& frame() const { return frame_; }
    /// Returns the index of a field; none if there is none of this name.
    std::optional<std::size_t> find_field(std::string_view name) const;

  private:
    friend class LayoutCompiler;

    List<LayoutOp> ops_;
    List<ByteSet> sets_;
    List<LayoutCase> cases_;
    List<ByteClass> classes_;
    List<std::uint32_t> closes_;
    List<Field> fields_;
    std::optional<Frame> frame_;
};

}  // namespace portsplit::core
