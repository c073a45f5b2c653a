#include "cli/issue_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace portsplit::cli {
namespace {

using config::Severity;

constexpr std::string_view kIndent = "    ";
/// A line is not wrapped to less: there would be a word on each.
constexpr std::size_t kNarrowest = 20;

/// Returns how many columns a text takes: SGR codes none, and each character of UTF-8 one.
std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    bool in_code = false;
    for (const char c : text) {
        if (c == '\x1b') in_code = true;
        const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
        if (!in_code && !continues) ++count;
        if (c == 'm') in_code = false;
    }
    return count;
}

/// Breaks a line at single blanks, so that none is longer than `width`, unless a word is. Every line
/// but the first is indented.
std::string wrapped(std::string_view line, std::size_t width) {
    std::string out;
    std::size_t used = 0;
    for (bool first = true; !line.empty(); first = false) {
        const std::size_t end = std::min(line.find(' ', first ? 0 : 1), line.size());
        std::string_view word = line.substr(0, end);  // with the blank before it
        line.remove_prefix(end);
        if (!first && used + columns(word) > width) {
            word.remove_prefix(1);
            out += '\n';
            out += kIndent;
            used = kIndent.size();
        }
        out += word;
        used += columns(word);
    }
    return out;
}

}  // namespace

std::string issue_text(const config::Issue& issue, bool with_name, Look look) {
    const bool is_error = issue.severity == Severity::Error;
    const std::string place = fmt::format("{}:{}:", issue.file, issue.spot.line);
    std::string line = painted(place, is_error ? kBoldRed : kBold, look.colour);
    if (!is_error) {
        line +=
            ' ' + painted(std::string(config::mark_of(issue.severity)), kBoldYellow, look.colour);
    }
    line += ' ' + issue.text;
    if (with_name && !issue.name.empty()) {
        line += ' ' + painted(fmt::format("[{}]", issue.name), kCyan, look.colour);
    }
    if (look.width >= kNarrowest) line = wrapped(line, look.width);
    return fmt::format("{}\n{}", line, issue.excerpt);
}

}  // namespace portsplit::cli
