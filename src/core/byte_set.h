#pragma once
// Which bytes a pattern of fixed length (`string`, `hex`) allows at one place of the stream.

#include <algorithm>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace portsplit::core {

/// The bytes from `low` to `high` that have `value` in the bits of `mask`. This covers all that
/// `string` and `hex` can write: one byte, any byte, a range, and one nibble with the other free.
struct ByteSet {
    std::uint8_t low = 0x00;
    std::uint8_t high = 0xFF;
    std::uint8_t mask = 0x00;
    std::uint8_t value = 0x00;

    static constexpr ByteSet only(std::uint8_t byte) { return {byte, byte, 0x00, 0x00}; }

    constexpr bool holds(std::uint8_t byte) const {
        return byte >= low && byte <= high && (byte & mask) == value;
    }
    /// Returns the smallest byte that it holds. `parse_hex` and `only` make no empty set.
    constexpr std::uint8_t first() const {
        unsigned byte = low;
        while (byte < high && !holds(static_cast<std::uint8_t>(byte))) ++byte;
        return static_cast<std::uint8_t>(byte);
    }
    constexpr bool is_single() const { return low == high; }

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 reports the 0 of a defaulted <=>.
    auto operator<=>(const ByteSet&) const = default;
};

/// Returns true if `outer` holds every byte that `inner` holds.
constexpr bool covers(const ByteSet& outer, const ByteSet& inner) {
    if (outer == inner) return true;
    for (unsigned byte = inner.low; byte <= inner.high; ++byte) {
        const auto candidate = static_cast<std::uint8_t>(byte);
        if (inner.holds(candidate) && !outer.holds(candidate)) return false;
    }
    return true;
}

/// One set for each of the first bytes of a stream.
using ByteSets = std::vector<ByteSet>;

/// Returns true if every stream that fits `inner` fits `outer` too.
inline bool covers_all(std::span<const ByteSet> outer, std::span<const ByteSet> inner) {
    return outer.size() <= inner.size() &&
           std::equal(outer.begin(), outer.end(), inner.begin(), covers);
}

}  // namespace portsplit::core
