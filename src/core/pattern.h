#pragma once
// Patterns compiled for use: each answers for the first bytes of a stream whether it fits. Pure and
// immutable, so one set serves every connection of a generation.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "core/byte_set.h"
#include "core/bytes.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::core {

/// What a pattern, or a service, says of the bytes seen so far.
enum class Answer {
    No,      ///< no continuation can match
    GaveUp,  ///< to find out would cost too much: counts as `No`, for every continuation
    More,    ///< some continuation matches and some does not
    Match,   ///< every continuation matches
};

/// One test of a stream's first bytes. All answers but `More` are final: more bytes never change
/// them, and `More` is never said where no continuation could match.
class Pattern {
  public:
    virtual ~Pattern() = default;

    /// @param seen  all bytes of the stream so far, from its first
    virtual Answer answer(Bytes seen) const = 0;

    /// How many first bytes a match needs at least, where that is known, or 0. A pattern of fixed
    /// length never needs more.
    virtual std::size_t shortest_match() const = 0;
};

/// What is wrong with a pattern's text, and at which byte of it.
struct PatternProblem {
    std::string text;
    std::size_t place = 0;
};

/// Compiles one pattern.
Result<std::unique_ptr<const Pattern>, PatternProblem> compile(const PatternSource& source);

/// What a pattern of fixed length allows at each place; nothing for one that is not.
/// @param source  compiles
std::optional<ByteSets> byte_sets(const PatternSource& source);

}  // namespace portsplit::core
