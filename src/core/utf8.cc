#include "core/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace portsplit::core {
namespace {

/// Returns the length of the character that begins here, from its first byte: more than
/// `bytes.size()` if its last bytes are missing, and 0 if the bytes cannot be UTF-8.
std::size_t character_length(Bytes bytes) {
    const std::uint8_t lead = to_number(bytes[0]);
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // The second byte is restricted for some first bytes: no overlong form, no surrogate, and
    // nothing above U+10FFFF.
    std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < std::min(length, bytes.size()); ++i) {
        const std::uint8_t byte = to_number(bytes[i]);
        if (byte < low || byte > high) return 0;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

}  // namespace

Utf8Beginning whole_characters(Bytes seen) {
    std::size_t end = 0;
    while (end < seen.size()) {
        const std::size_t length = character_length(seen.subspan(end));
        if (length == 0) return {seen.first(end), true};
        if (length > seen.size() - end) break;
        end += length;
    }
    return {seen.first(end), false};
}

}  // namespace portsplit::core
