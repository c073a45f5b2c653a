#pragma once
// The text of a file before it is parsed: removes what editors of other systems put into it, and
// finds which of the two spellings it is.

#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/issue.h"

namespace portsplit::config {

/// Returns a text without a byte order mark at its front. Issues: a warning if it has one.
std::string_view without_byte_order_mark(std::string_view text, FileIssues issues);

/// Removes a byte order mark, and each carriage return before a newline, with one warning for either.
/// Line numbers stay the same.
/// @returns nothing, after an error, if the text holds a NUL byte
std::optional<std::string> clean(std::string_view text, FileIssues issues);

/// Returns Classic for a text with a line that is just `[name]`, Libconfig for one without such a line
/// that has a brace, semicolon or quote outside of comments, and Classic for the rest.
Spelling detect_spelling(std::string_view text);

/// Calls `test(line, number)` for each line, without its newline, until it returns true.
/// @returns false if it never did
template <typename Test>
bool any_line(std::string_view text, Test test) {
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        if (test(text.substr(0, end), number)) return true;
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return false;
}

/// Calls `take(line, number)` for each line, without its newline.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
    any_line(text, [&](std::string_view line, int number) {
        take(line, number);
        return false;
    });
}

/// Returns the text without the spaces and tabs at its ends.
std::string_view trim(std::string_view text);

}  // namespace portsplit::config
