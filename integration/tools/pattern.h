#pragma once
// A stream of bytes that both ends of a test compute from the offset alone. So the receiver notices the
// first byte that is lost, added, changed or out of order.

#include <cstddef>
#include <cstdint>
#include <span>

namespace integration {

/// Returns the byte at an offset of the stream (splitmix64 over words of eight bytes).
inline std::byte pattern_at(std::uint64_t offset) {
    std::uint64_t word = (offset / 8 + 1) * 0x9e3779b97f4a7c15U;
    word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
    word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
    word ^= word >> 31U;
    return static_cast<std::byte>(word >> (offset % 8 * 8));
}

inline void fill_with_pattern(std::span<std::byte> bytes, std::uint64_t offset) {
    for (std::byte& byte : bytes) byte = pattern_at(offset++);
}

/// @returns how many of the first bytes are those of the stream from this offset
inline std::size_t count_of_pattern(std::span<const std::byte> bytes, std::uint64_t offset) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != pattern_at(offset + i)) return i;
    }
    return bytes.size();
}

}  // namespace integration
