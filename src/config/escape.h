#pragma once
// Bytes as text: `\XX` is a byte in hex. The notation of `string`, of `--text` and of messages.

#include <string>
#include <string_view>

namespace portsplit::config {

/// The bytes that a text with `\XX` escapes stands for. A backslash without two hex digits behind it
/// stays a backslash.
struct Unescaped {
    std::string bytes;
    /// The first such backslash and what is behind it, `\z` or `\x16`; empty: none.
    std::string stray;
};
Unescaped unescape(std::string_view text);

/// Returns printable ASCII as it is, every other byte and the backslash as `\XX`.
std::string escape(std::string_view bytes);

}  // namespace portsplit::config
