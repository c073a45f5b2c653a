#pragma once
// How messages show text from a file: printable, short, and with the nearest right word.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace portsplit::config {

/// Returns a text made fit for one line of a terminal: bytes that are not printable ASCII as `\XX`, and
/// cut with `...` behind 60 characters.
std::string shown(std::string_view text);

/// Returns `KEY = VALUE`, with quotes if the value was a string of libconfig.
std::string as_written(std::string_view key, const Value& value);

/// Returns two lines: a text, cut to 36 characters before and behind a place, and a caret under that
/// place. A byte that is not printable is one dot, so that the caret stands right.
std::string pointed_at(std::string_view text, std::size_t place);

/// Returns `a, b or c`.
std::string alternatives(const std::vector<std::string_view>& words);

/// Returns the candidate that differs least from `word` in at most two characters, in any case; none
/// if all differ more, or by more than half of a short candidate.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace portsplit::config
