#include "core/remainder.h"

#include <cstdint>
#include <utility>

namespace portsplit::core {

Remainder::Remainder(std::span<const ByteSet> sets) { parts_.push_back(bytes_of(sets)); }

Remainder::Part Remainder::bytes_of(std::span<const ByteSet> sets) {
    Part part(sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
        for (unsigned byte = sets[i].low; byte <= sets[i].high; ++byte) {
            part[i][byte] = sets[i].holds(static_cast<std::uint8_t>(byte));
        }
    }
    return part;
}

bool Remainder::take(std::span<const ByteSet> sets) {
    const Part taken = bytes_of(sets);
    std::vector<Part> left;
    bool took = false;
    for (const Part& part : parts_) {
        if (taken.size() > part.size()) return false;
        bool meets = true;
        for (std::size_t i = 0; i < taken.size(); ++i) meets &= (part[i] & taken[i]).any();
        if (!meets) {
            left.push_back(part);
            continue;
        }
        took = true;
        // What is left of the part differs from `taken` at one place first.
        Part common = part;
        for (std::size_t i = 0; i < taken.size(); ++i) {
            Part differs = common;
            differs[i] &= ~taken[i];
            if (differs[i].any()) left.push_back(std::move(differs));
            common[i] &= taken[i];
        }
    }
    if (left.size() > kMostParts) return false;
    parts_ = std::move(left);
    return took;
}

}  // namespace portsplit::core
