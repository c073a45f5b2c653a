#pragma once
// How messages show what a file said: printable, short, and with the nearest right word.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace portsplit::config {

/// Text from a file fit for one line of a terminal: what is not printable ASCII as `\XX`, and a
/// long one cut with `...`.
std::string shown(std::string_view text);

/// `KEY = VALUE`, the value as its spelling writes it.
std::string as_written(std::string_view key, const Value& value);

/// Two lines: a text, cut to the neighbourhood of one place where it is long, and a caret under the
/// place. What is not printable is shown as one dot, so that the caret stands right.
std::string pointed_at(std::string_view text, std::size_t place);

/// `a, b or c`.
std::string alternatives(const std::vector<std::string_view>& words);

/// The candidate that `word` is most likely a misspelling of, whatever its case; none if nothing is
/// near enough.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace portsplit::config
