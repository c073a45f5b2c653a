#pragma once
// What a pattern of fixed length allows at one place of the stream.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace portsplit::core {

/// The bytes from `low` to `high` that have `value` in the bits of `mask`. Says all that `string`
/// and `hex` can: one byte, any byte, a range, one nibble.
struct ByteSet {
    std::uint8_t low = 0x00;
    std::uint8_t high = 0xFF;
    std::uint8_t mask = 0x00;
    std::uint8_t value = 0x00;

    static constexpr ByteSet only(std::uint8_t byte) { return {byte, byte, 0x00, 0x00}; }

    constexpr bool holds(std::uint8_t byte) const {
        return byte >= low && byte <= high && (byte & mask) == value;
    }
    constexpr bool is_single() const { return low == high; }

    auto operator<=>(const ByteSet&) const = default;
};

/// Whether every byte of `inner` is one of `outer`.
constexpr bool covers(const ByteSet& outer, const ByteSet& inner) {
    for (unsigned byte = inner.low; byte <= inner.high; ++byte) {
        const auto candidate = static_cast<std::uint8_t>(byte);
        if (inner.holds(candidate) && !outer.holds(candidate)) return false;
    }
    return true;
}

/// One set for each of the first bytes of a stream.
using ByteSets = std::vector<ByteSet>;

inline std::uint8_t to_number(std::byte byte) { return std::to_integer<std::uint8_t>(byte); }

}  // namespace portsplit::core
