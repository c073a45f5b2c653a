#pragma once
// Shows text of a file in messages, printable and short, and finds the nearest right word.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace portsplit::config {

/// Returns a text for one line of a terminal: bytes that are not printable ASCII become `\XX`, and after
/// 60 characters it is cut with `...`.
std::string shown(std::string_view text);

/// Returns `KEY = VALUE`, with quotes if the value was a string of libconfig.
std::string as_written(std::string_view key, const Value& value);

/// Returns what to write to ask a value of a field: `tls.sni = VALUE`, and the group in libconfig.
std::string condition(std::string_view layout, std::string_view field, std::string_view value,
                      Spelling spelling);
/// Returns what to write to ask a whole layout: `layout = NAME`, with quotes in libconfig.
std::string whole_layout(std::string_view name, Spelling spelling);
/// Returns where the rules of a layout are written: `[layout NAME]`, or the groups in libconfig.
std::string layout_header(std::string_view name, Spelling spelling);

/// Returns a text with the quotes that the spelling of a section needs.
std::string quoted(std::string_view text, const Section& section);

/// Returns two lines: a text, cut to 36 characters before and behind a place, and a caret under that
/// place. A byte that is not printable is one dot, so that the caret is under the right one.
std::string pointed_at(std::string_view text, std::size_t place);

/// Returns `a, b or c`.
std::string alternatives(const std::vector<std::string_view>& words);

/// Returns true if two texts differ, and only in upper and lower case.
bool same_but_for_case(std::string_view a, std::string_view b);

/// Returns the candidate that differs least from `word`, ignoring upper and lower case; none if each
/// differs in more than two characters, or in more than half of its own.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace portsplit::config
