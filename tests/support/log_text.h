#pragma once
// Log lines without what differs from run to run.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace portsplit {

/// Replaces the number after each `before` by `word`.
inline std::string mask_numbers(std::string text, std::string_view before,
                                std::string_view word = "N") {
    for (std::size_t at = 0; (at = text.find(before, at)) != std::string::npos;) {
        at += before.size();
        const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
        text.replace(at, end - at, word);
    }
    return text;
}

/// Removes `portsplit[PID]: ` from every line.
inline std::string without_pids(std::string text) {
    for (std::size_t at = 0; (at = text.find("portsplit[", at)) != std::string::npos;) {
        text.erase(at, text.find(": ", at) + 2 - at);
    }
    return text;
}

}  // namespace portsplit
