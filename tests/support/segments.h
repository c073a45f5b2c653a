#pragma once
// A stream that arrives in segments, for tests that the verdict does not depend on them.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "core/verdict.h"

namespace portsplit::core {

inline constexpr Ending kEndings[] = {Ending::Open, Ending::Eof, Ending::Deadline};

/// Decides after each segment, as a dispatcher does, and returns the first verdict.
/// @param lengths  of the stream so far, at the end of each segment but the last
inline std::optional<Verdict> decide_in_segments(const Plan& plan, std::string_view stream,
                                                 const std::vector<std::size_t>& lengths,
                                                 Ending ending) {
    for (const std::size_t length : lengths) {
        const auto verdict = decide(plan, as_bytes(stream.substr(0, length)), Ending::Open);
        if (verdict) return verdict;
    }
    return decide(plan, as_bytes(stream), ending);
}

/// Returns every way to cut a stream of this size into two segments or more.
inline std::vector<std::vector<std::size_t>> all_cuts(std::size_t size) {
    std::vector<std::vector<std::size_t>> all;
    for (std::size_t bits = 1; bits < std::size_t{1} << (size - 1); ++bits) {
        auto& lengths = all.emplace_back();
        for (std::size_t length = 1; length < size; ++length) {
            if ((bits >> (length - 1) & 1) != 0) lengths.push_back(length);
        }
    }
    return all;
}

}  // namespace portsplit::core
