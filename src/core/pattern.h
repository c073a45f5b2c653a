#pragma once
// Patterns compiled for use: each answers for the first bytes of a stream whether it fits. Pure and
// immutable, so one set serves every connection of a generation.

#include <cstddef>
#include <memory>
#include <string>

#include "core/bytes.h"
#include "core/model.h"

namespace portsplit::core {

/// What a pattern, or a service, says of the bytes seen so far.
enum class Answer {
    No,     ///< no continuation can match
    More,   ///< some continuation matches and some does not
    Match,  ///< every continuation matches
};

/// One test of a stream's first bytes. `Match` and `No` are final: more bytes never change them,
/// and `More` is never said where no continuation could match.
class Pattern {
  public:
    virtual ~Pattern() = default;

    /// @param seen  all bytes of the stream so far, from its first
    virtual Answer answer(Bytes seen) const = 0;

    /// How many first bytes it may need before it answers `Match` or `No`, whatever they are.
    virtual std::size_t longest() const = 0;
};

/// Compiles one pattern of a valid configuration.
std::unique_ptr<const Pattern> compile(const PatternSource& source);

}  // namespace portsplit::core
