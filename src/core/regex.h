#pragma once
// Regular expressions over the first bytes of a stream. This header hides PCRE2; regex.cc explains
// how it is used.

#include <memory>
#include <string>

#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

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
/// @returns the pattern; or the message of PCRE2, and the byte of `text` at which it found the fault
Result<std::unique_ptr<const Pattern>, PatternProblem> compile_regex(const std::string& text);

/// How often one search may backtrack (pcre2_set_match_limit(3)): about 1 ms for `(a+)+$`.
inline constexpr unsigned kRegexMatchLimit = 30'000;
/// How many KiB of memory one search may use (pcre2_set_heap_limit(3)).
inline constexpr unsigned kRegexHeapLimit = 512;

}  // namespace portsplit::core
