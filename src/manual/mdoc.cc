#include "manual/mdoc.h"

#include <fmt/core.h>

#include <algorithm>

namespace portsplit::manual {

std::string escaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\') {
            escaped += "\\e";
        } else if (c == '-' || c == '\'' || c == '^' || c == '`' || c == '~') {
            escaped += fmt::format("\\[u{:04X}]", static_cast<unsigned>(c));
        } else {
            escaped += c;
        }
    }
    return escaped;
}

std::string sentences(std::string_view text) {
    std::string lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(". "), text.size() - 1) + 1;
        lines += escaped(text.substr(0, end)) + '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace portsplit::manual
