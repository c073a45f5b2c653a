#include "config/spelling.h"

#include <algorithm>

namespace portsplit::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

int line_of(std::string_view text, std::size_t position) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(position);
    return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

/// A line with a quote is a list of libconfig, such as `[ "a" ]`, and no section.
bool is_section(std::string_view line, int /*number*/) {
    line = trim(line);
    return line.size() >= 2 && line.front() == '[' && line.find(']') == line.size() - 1 &&
           line.find('"') == std::string_view::npos;
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view text, FileIssues issues) {
    if (!text.starts_with(kByteOrderMark)) return text;
    issues.warning(1, "a byte order mark, which is ignored; save the file as plain UTF-8",
                   "byte-order-mark");
    return text.substr(kByteOrderMark.size());
}

std::optional<std::string> clean(std::string_view text, FileIssues issues) {
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        issues.error(
            line_of(text, nul),
            "a NUL byte: this is not a text file; in a pattern write \\00 in string or 00 in hex");
        return std::nullopt;
    }
    text = without_byte_order_mark(text, issues);
    std::size_t cr = text.find("\r\n");
    if (cr != text.npos) {
        issues.warning(line_of(text, cr),
                       "lines end in CR LF; each CR is ignored; save the file with LF alone",
                       "cr-lf");
    }
    std::string cleaned;
    cleaned.reserve(text.size());
    for (; cr != text.npos; cr = text.find("\r\n")) {
        cleaned += text.substr(0, cr);
        text.remove_prefix(cr + 1);
    }
    return cleaned += text;
}

Spelling detect_spelling(std::string_view text) {
    if (any_line(text, is_section)) return Spelling::Classic;
    // A service in libconfig has a brace. Comments are left out: they may have any character.
    const bool could_be_libconfig = any_line(text, [](std::string_view line, int) {
        return !line.starts_with('#') && line.find_first_of("{;\"") != std::string_view::npos;
    });
    return could_be_libconfig ? Spelling::Libconfig : Spelling::Classic;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace portsplit::config
