#include "config/spelling.h"

#include <algorithm>

namespace portsplit::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlanks = " \t";

int line_of(std::string_view text, std::size_t position) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(position);
    return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

/// A line with a quote is a list of libconfig, such as `[ "a" ]`, and no section.
bool is_section(std::string_view line) {
    line = trim(line);
    return line.size() >= 2 && line.front() == '[' && line.find(']') == line.size() - 1 &&
           line.find('"') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> clean(std::string_view text, FileIssues issues) {
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        issues.error(
            line_of(text, nul),
            "a NUL byte: this is not a text file; in a pattern write \\00 in string or 00 in hex");
        return std::nullopt;
    }
    if (text.starts_with(kByteOrderMark)) {
        issues.warning(1, "a byte order mark, which is ignored; save the file as plain UTF-8");
        text.remove_prefix(kByteOrderMark.size());
    }
    std::string cleaned;
    cleaned.reserve(text.size());
    bool warned = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') {
            cleaned += text[i];
        } else if (!warned) {
            warned = true;
            issues.warning(line_of(text, i),
                           "lines end in CR LF; each CR is ignored; save the file with LF alone");
        }
    }
    return cleaned;
}

Spelling detect_spelling(std::string_view text) {
    bool has_section = false;
    for_each_line(text, [&](std::string_view line, int) { has_section |= is_section(line); });
    if (has_section) return Spelling::Classic;
    // A service in libconfig has a brace. Comments are left out: they may have any character.
    bool could_be_libconfig = false;
    for_each_line(text, [&](std::string_view line, int) {
        could_be_libconfig |=
            !line.starts_with('#') && line.find_first_of("{;\"") != std::string_view::npos;
    });
    return could_be_libconfig ? Spelling::Libconfig : Spelling::Classic;
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace portsplit::config
