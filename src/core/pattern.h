#pragma once
// One pattern, compiled: an answer for the first bytes of a stream. Pure and immutable, so a
// pattern can be shared by threads and forked processes. Connections use it for expressions only:
// core/plan.h holds all patterns of fixed length in one tree. Explanations, examples, warnings and
// tests use it for every kind of pattern.

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "core/byte_set.h"
#include "core/bytes.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::core {

/// The answer of a pattern, or of a service, for the bytes seen so far. All but `More` are final:
/// no further byte changes them. Compare with == only, the order has no meaning.
enum class Answer {
    No,      ///< no continuation can match
    GaveUp,  ///< the matcher reached its limits: counts as `No`, but is reported in the log
    More,    ///< some continuation matches and some other does not: read more bytes
    Match,   ///< every continuation matches
};

/// Returns the word for users: `no`, `gave up`, `more`, `match`.
std::string_view to_string(Answer answer);

/// Returns true if a later service may win: for `No` and `GaveUp`.
constexpr bool counts_as_no(Answer answer) {
    return answer == Answer::No || answer == Answer::GaveUp;
}

class Pattern {
  public:
    virtual ~Pattern() = default;

    /// Returns the answer for the bytes so far: `More` only if some continuation can still match.
    /// @param seen  all bytes of the stream so far, from its first
    virtual Answer answer(Bytes seen) const = 0;

    /// Returns how many bytes a match needs at least, or 0 if that is not known. For a pattern of
    /// fixed length this is its length.
    virtual std::size_t shortest_match() const = 0;
};

/// Why a pattern does not compile.
struct PatternProblem {
    std::string text;       ///< for users, without the pattern
    std::size_t place = 0;  ///< the byte of the pattern's text at which the fault was found, from 0
};

/// Thrown for a pattern that does not compile where all are valid, if the configuration was checked.
struct InvalidPattern : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Returns what was compiled of a valid pattern; throws InvalidPattern if it is not valid.
template <typename T>
T valid(Result<T, PatternProblem> compiled) {
    if (!compiled) throw InvalidPattern(compiled.error().text);
    return *std::move(compiled);
}

/// Compiles one pattern of any kind.
Result<std::unique_ptr<const Pattern>, PatternProblem> compile(const PatternSource& source);

/// Returns the bytes allowed at each place, or nothing for an expression: its length is not fixed.
/// @param source  must compile; throws InvalidPattern otherwise
std::optional<ByteSets> byte_sets(const PatternSource& source);

}  // namespace portsplit::core
