#pragma once
// Bytes as they came from the network, and the one way to see text as bytes. Not text: nothing here
// assumes an encoding or a terminating NUL.

#include <cstddef>
#include <span>
#include <string_view>

namespace portsplit::core {

/// Bytes somebody else owns; never stored beyond the call they are passed to.
using Bytes = std::span<const std::byte>;

/// The bytes of a text, without copying. The text must outlive the result.
inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace portsplit::core
