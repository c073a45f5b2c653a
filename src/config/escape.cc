#include "config/escape.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

#include "core/hex.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";

/// Returns the backslash that a text begins with and what is behind it: `\x16`, or one character.
std::string_view stray_at(std::string_view text) {
    const bool is_x = text.size() >= 4 && (text[1] == 'x' || text[1] == 'X');
    const bool is_hex = is_x && text.substr(2, 2).find_first_not_of(kHexDigits) == text.npos;
    return text.substr(0, is_hex ? 4 : 2);
}

}  // namespace

Unescaped unescape(std::string_view text) {
    Unescaped result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (const auto byte = core::escaped_byte(text.substr(i))) {
            result.bytes += static_cast<char>(*byte);
            i += 2;
            continue;
        }
        if (text[i] == '\\' && result.stray.empty()) result.stray = stray_at(text.substr(i));
        result.bytes += text[i];
    }
    return result;
}

std::string escape(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte >= 0x20 && byte < 0x7f && c != '\\';
        if (plain) {
            text += c;
        } else {
            fmt::format_to(std::back_inserter(text), "\\{:02X}", byte);
        }
    }
    return text;
}

}  // namespace portsplit::config
