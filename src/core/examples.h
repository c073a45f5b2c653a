#pragma once
// Streams that show what a pattern does, found by trying: the answers to many streams, not the text
// of the pattern, lead the search. What it finds is true; what it does not find may still exist.
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
    std::vector<std::string>
        matches;  ///< shortest first; each ends with the byte that completes it
    std::optional<RepeatingStream> undecided;  ///< one that is answered `More` up to the window
    bool rules_out_a_byte = false;  ///< true if some first byte is answered `No` or `GaveUp`
    bool is_complete = true;        ///< true if the search skipped no stream
};

/// @param source  must compile, aborts otherwise; and not match before the first byte
/// @param window  how many first bytes are looked at
/// @param most    how many matches to look for, at least 1
Examples find_examples(const PatternSource& source, std::size_t window, std::size_t most);

}  // namespace portsplit::core
