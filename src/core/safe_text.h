#pragma once
// Bytes of foreign origin as text that is safe in a log line, a shell and a terminal.

#include <string>
#include <string_view>

namespace portsplit::core {

/// Returns true for a byte that such a text has as it is: `A-Z a-z 0-9 . _ ~ : / @ + -`.
bool is_safe(char c);

/// Returns the bytes with every byte that is not safe as `\XX`.
std::string safe_text(std::string_view bytes);

}  // namespace portsplit::core
