#pragma once
// Regular expressions over the first bytes of a stream. The only file of this room that knows
// PCRE2, which computes and does nothing else.

#include <memory>
#include <string>

#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

/// Compiles an expression: bytes, not characters, unless it begins with (*UTF); anchored at the
/// first byte; `.` is any byte but a newline, which is LF.
///
/// It matches a stream when PCRE2 finds a match that begins at the first byte; where the match ends
/// does not matter, so a trailing `.*` says nothing. There are two ways to find out:
/// - An expression that cannot look ahead is simulated, all its ways to match at the same time
///   (pcre2_dfa_match(3)). `Match` at the first byte at which one of them has matched, `No` at the
///   first at which none is left: so nothing that follows can change either.
/// - Any other, and one with too many ways at the same time, is searched, one way after the other
///   (pcre2partial(3)). `Match` and `No` when PCRE2 comes to its result without reaching the last
///   byte seen; `More` when it reaches that. `GaveUp` when it costs more than the limits below
///   allow before that, so it would give up whatever follows.
///
/// An expression with `$`, `\b`, `\R`, `\X`, a lookahead, a verb, a condition, an atomic group or a
/// possessive repeat can look ahead: what follows may undo its match. One with a back-reference,
/// recursion or `\K` counts as one that can. After (*UTF), what is no UTF-8 ends the text.
Result<std::unique_ptr<const Pattern>, PatternProblem> compile_regex(const std::string& text);

// Not compiled to machine code: that takes memory which is writable and executable, which the units
// forbid, and saves 0.2 us of the 200 that a connection costs.

/// How often PCRE2 may backtrack in one search, and how much memory in KiB that may take.
inline constexpr unsigned kRegexMatchLimit = 30'000;
inline constexpr unsigned kRegexHeapLimit = 512;

}  // namespace portsplit::core
