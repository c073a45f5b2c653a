#pragma once
// Example streams for a pattern, found by trying. The streams are built from pieces of the pattern's
// text and some sample bytes; the pattern's answers decide which are followed. An example found is
// true, but a search that finds none does not prove that there is none.
// Called by core/lint.h and by config/ for its warnings.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"

namespace portsplit::core {

/// A start, then one byte repeated for ever.
struct RepeatingStream {
    std::string start;
    char repeated = 0;
};

struct Examples {
    /// Shortest first; each ends with the byte that completes it.
    std::vector<std::string> matches;
    std::optional<RepeatingStream> undecided;  ///< one that is answered `More` up to the window
    bool rules_out_a_byte = false;  ///< true if some first byte is answered `No` or `GaveUp`
    bool is_complete = true;        ///< true if the search skipped no stream
};

/// Searches example streams for a pattern.
/// @param source  must compile (throws InvalidPattern otherwise); if it matches the empty stream, the
///                matches have one byte
/// @param window  how many first bytes are looked at
/// @param most    how many matches to look for, at least 1
Examples find_examples(const PatternSource& source, std::size_t window, std::size_t most);

}  // namespace portsplit::core
