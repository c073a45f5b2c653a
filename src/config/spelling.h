#pragma once
// The text of a file before anybody parses it: what editors of other systems leave in it, and which
// of the two spellings it is.

#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/issue.h"

namespace portsplit::config {

/// Removes a byte order mark and the carriage returns before newlines, with a warning each. Line
/// numbers stay.
/// @returns nothing, after an error, if the text holds a NUL byte: it is no text then
std::optional<std::string> clean(std::string_view text, FileIssues issues);

/// A text with a line that is just `[name]` is classic, any other is libconfig. A text that can
/// hold no service in either spelling is what its lines look like, comments left aside.
Spelling detect_spelling(std::string_view text);

/// Calls `take(line, number)` for each line, without its newline.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        take(text.substr(0, end), number);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

/// Without the blanks (spaces and tabs) round it.
std::string_view trim(std::string_view text);

}  // namespace portsplit::config
