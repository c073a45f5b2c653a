#pragma once
// Bytes from the network, and text as bytes. Assumes no encoding and no NUL at the end.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace portsplit::core {

/// Bytes that the caller owns. A function that receives them keeps no pointer to them.
using Bytes = std::span<const std::byte>;

/// Returns the bytes of a text without copying. The text must outlive the result.
inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::uint8_t to_number(std::byte byte) { return std::to_integer<std::uint8_t>(byte); }

}  // namespace portsplit::core
