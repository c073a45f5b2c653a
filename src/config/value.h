#pragma once
// Single values: text to a type of the model and back, one pair for each type. What is wrong with a
// text is said here once, whichever key and spelling it stood in.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/key_table.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::config {

/// What is wrong with a value and what would be right.
struct Problem {
    std::string text;
};

/// What is wrong with the type that a value was spelled in; empty if nothing is.
std::string why_unfit(const Option& option, Kind kind);

/// Reads a value of that option. T is what its field holds or collects; patterns are `unescape`d.
template <typename T>
core::Result<T, Problem> parse(const Option& option, std::string_view text);

/// The text that `parse` reads as this value.
template <typename T>
std::string print(const Option& option, const T& value);

template <>
core::Result<core::Endpoint, Problem> parse(const Option& option, std::string_view text);
template <>
core::Result<std::chrono::milliseconds, Problem> parse(const Option& option, std::string_view text);
template <>
core::Result<std::size_t, Problem> parse(const Option& option, std::string_view text);
template <>
core::Result<std::string, Problem> parse(const Option& option, std::string_view text);
template <>
core::Result<core::Stdio, Problem> parse(const Option& option, std::string_view text);
template <>
core::Result<core::StderrTo, Problem> parse(const Option& option, std::string_view text);

template <>
std::string print(const Option& option, const core::Endpoint& value);
template <>
std::string print(const Option& option, const std::chrono::milliseconds& value);
template <>
std::string print(const Option& option, const std::size_t& value);
template <>
std::string print(const Option& option, const std::string& value);
template <>
std::string print(const Option& option, const core::Stdio& value);
template <>
std::string print(const Option& option, const core::StderrTo& value);

/// The bytes that a text with `\XX` escapes stands for; a backslash that is no escape is itself.
struct Unescaped {
    std::string bytes;
    std::string stray;  ///< the first backslash that is no escape, with what follows it
};
Unescaped unescape(std::string_view text);

/// Printable ASCII as it is, every other byte and the backslash as `\XX`.
std::string escape(std::string_view bytes);

/// A pattern as the value of its key: `string` escaped, the other notations as they are.
std::string print_pattern(const core::PatternSource& pattern);

/// What is wrong with the name of a service; empty if nothing is. It goes into the log line and an
/// environment variable, whose readers split at blanks and `=`; a quote is left to libconfig, where
/// `["a"]` may be a line.
std::string why_no_service_name(std::string_view name);

}  // namespace portsplit::config
