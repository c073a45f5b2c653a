#pragma once
// Streams that show what a pattern does: found by asking it, not by reading it. A search, so what
// it finds is true and what it does not find may exist all the same.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/pattern.h"

namespace portsplit::core {

/// A stream that goes on with the same byte for as long as anybody looks.
struct Endless {
    std::string start;
    char repeated = 0;
};

struct Examples {
    std::vector<std::string> matches;  ///< streams at the very byte that makes them match
    std::optional<Endless> undecided;  ///< one that is `More` up to the window
    bool says_no = false;              ///< some first byte is `No`
    bool is_all = true;                ///< nothing was left out for looking like what was looked at
};

/// @param window  how many first bytes are looked at
/// @param most    how many matches to look for
Examples find_examples(const PatternSource& source, std::size_t window, std::size_t most);

}  // namespace portsplit::core
