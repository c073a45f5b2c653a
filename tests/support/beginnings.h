#pragma once
// What the known beginnings of an expression say about a stream, one set after the other. For tests
// and fuzz targets that compare it with the answer of the expression.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/regex.h"

namespace portsplit::core::naive {

/// Returns the answer that follows from the beginnings alone: no if the stream differs from all, more
/// if it is shorter than one that it fits; nothing if the expression must be asked.
inline std::optional<Answer> answer_of(const Beginnings& beginnings, std::string_view seen) {
    if (beginnings.empty()) return std::nullopt;
    bool is_within = false;
    for (const ByteSets& sets : beginnings) {
        const std::size_t known = std::min(sets.size(), seen.size());
        bool fits = true;
        for (std::size_t i = 0; i < known; ++i) {
            fits &= sets[i].holds(static_cast<std::uint8_t>(seen[i]));
        }
        if (fits && known == sets.size()) return std::nullopt;
        is_within |= fits;
    }
    return is_within ? Answer::More : Answer::No;
}

}  // namespace portsplit::core::naive
