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
/// does not matter, so a trailing `.*` says nothing. Its answers, by partial matching
/// (pcre2partial(3)):
/// - `Match` and `No` when PCRE2 came to its result without reaching the last byte seen; and
///   `Match` too when an expression that cannot look ahead has matched.
/// - `More` otherwise: PCRE2 reached the last byte and might go on.
/// - `GaveUp` when a search costs more than the limits below allow. PCRE2 had not reached the last
///   byte then, so it would give up whatever follows.
/// An expression with `$`, `\b`, `\R`, `\X`, a lookahead, a verb, a condition, an atomic group or a
/// possessive repeat can look ahead: what follows may undo its match.
///
Result<std::unique_ptr<const Pattern>, PatternProblem> compile_regex(const std::string& text);

/// How often PCRE2 may backtrack in one search, and how much memory in KiB that may take.
inline constexpr unsigned kRegexMatchLimit = 30'000;
inline constexpr unsigned kRegexHeapLimit = 512;

}  // namespace portsplit::core
