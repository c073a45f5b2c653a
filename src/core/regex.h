#pragma once
// Regular expressions over the first bytes of a stream. This header hides PCRE2; regex.cc explains
// how it is used.

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/byte_set.h"
#include "core/pattern.h"
#include "core/result.h"
#include "core/utf8.h"

struct pcre2_real_code_8;  // PCRE2's name for pcre2_code

namespace portsplit::core {

/// Sequences of byte sets.
using Beginnings = std::vector<ByteSets>;

/// A compiled expression. Made by `compile_regex`, which says what it answers.
class Regex final : public Pattern {
  public:
    struct Free {
        void operator()(pcre2_real_code_8* code) const;
    };
    using Code = std::unique_ptr<pcre2_real_code_8, Free>;

    Regex(Code code, bool needs_search, bool has_line_end, bool is_utf)
        : code_(std::move(code)),
          needs_search_(needs_search),
          has_line_end_(has_line_end),
          is_utf_(is_utf) {}

    Answer answer(Bytes seen) const override;

    /// PCRE2 computes the shortest length in its start-up optimizations only, which are off.
    std::size_t shortest_match() const override { return 0; }

  private:
    int simulate(const Utf8Beginning& subject) const;
    int search(const Utf8Beginning& subject) const;

    Code code_;
    bool needs_search_;
    bool has_line_end_;  ///< true if the text contains `\R`, which need not be an item
    bool is_utf_;
};

/// Compiles an expression. It reads bytes, or characters of UTF-8 if it begins with (*UTF). It is
/// anchored at the first byte of the stream, and `.` is any byte but LF.
///
/// The answer is match if PCRE2 finds a match that begins at the first byte, wherever it ends: a
/// `.*` at the end of an expression therefore changes nothing.
/// - An expression that cannot look ahead answers match at the first byte that completes one of its
///   ways to match, and no at the first byte after which none is left.
/// - An expression that can look ahead answers more for as long as PCRE2 would inspect a byte after
///   the last one seen, because bytes still to come may undo its match. Such are expressions with
///   `$`, `\b`, `\R`, `\X`, a lookahead, a verb, a condition, an atomic group or a possessive
///   repeat. Back-references, recursion and `\K` count as looking ahead.
/// - `GaveUp` if the search reaches one of the limits below; it would reach it for every
///   continuation.
/// - After (*UTF), the text ends at the first byte that cannot be UTF-8.
/// @param beginnings  if given, receives how the streams begin that the expression matches: each as
///                    one of these. For a stream that differs from all of them the answer is no;
///                    while a stream is shorter than one that it fits, the answer is more. Stays
///                    empty if nothing is known.
/// The memory of the compiled code comes from the MemoryScope.
/// @returns the pattern; or the message of PCRE2, and the byte of `text` at which it found the fault
Result<Regex, PatternProblem> compile_regex(std::string_view text,
                                            Beginnings* beginnings = nullptr);

/// An expression that has to match a whole value, such as that of a field.
class WholeRegex {
  public:
    /// The memory of the compiled code comes from the MemoryScope.
    /// @returns the expression; or the message of PCRE2, and the byte of `text` at which it found the fault
    static Result<WholeRegex, PatternProblem> compile(std::string_view text);

    /// Returns match or no; `GaveUp` if the search reaches one of the limits below.
    Answer answer(std::string_view value) const;

  private:
    explicit WholeRegex(Regex::Code code) : code_(std::move(code)) {}

    Regex::Code code_;
};

/// How often one search may backtrack (pcre2_set_match_limit(3)): about 1 ms for `(a+)+$`.
inline constexpr unsigned kRegexMatchLimit = 30'000;
/// How many KiB of memory one search may use (pcre2_set_heap_limit(3)).
inline constexpr unsigned kRegexHeapLimit = 512;

}  // namespace portsplit::core
