#pragma once
// Single values: text to a type of the model and back, a pair of functions for each type. Their
// messages are the same for every key and both spellings.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/key_table.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::config {

/// What is wrong with a value, and what to write in its place.
struct Problem {
    std::string text;
};

/// Returns what is wrong with the kind that libconfig read a value as; empty if it fits the key.
std::string why_unfit(const Key& key, Kind kind);

/// Reads a value of a key whose member holds or collects values of type T.
template <typename T>
core::Result<T, Problem> parse(const Key& key, std::string_view text);

template <>
core::Result<core::Endpoint, Problem> parse(const Key& key, std::string_view text);
template <>
core::Result<std::chrono::milliseconds, Problem> parse(const Key& key, std::string_view text);
template <>
core::Result<std::size_t, Problem> parse(const Key& key, std::string_view text);
template <>
core::Result<core::Text, Problem> parse(const Key& key, std::string_view text);
template <>
core::Result<bool, Problem> parse(const Key& key, std::string_view text);
template <>
core::Result<core::Prefix, Problem> parse(const Key& key, std::string_view text);
// In limits.cc.
template <>
core::Result<core::Rate, Problem> parse(const Key& key, std::string_view text);
template <>
core::Result<core::Penalty, Problem> parse(const Key& key, std::string_view text);

/// Returns a number of decimal digits and nothing else; none if there is more or it does not fit.
std::optional<std::uint64_t> digits(std::string_view text);

/// Reads one of the key's words.
/// @returns its place among them
core::Result<std::size_t, Problem> parse_word(const Key& key, std::string_view text);

/// The text that `parse` reads as this value.
std::string print(const core::Endpoint& value);
std::string print(std::chrono::milliseconds value);
std::string print(std::size_t value);
std::string print(bool value);
std::string print(const core::Prefix& value);
std::string print(const core::Rate& value);
std::string print(const core::Penalty& value);
std::string print(std::string_view value);

/// Returns a pattern as the value of its key: `string` escaped, `hex` and `regex` as they are.
std::string print_pattern(const core::PatternSource& pattern);

/// Returns what is wrong with the name of a service or a listener; empty if nothing is. A name has no blank and no
/// `=`: log line and environment are split there. It has no quote: in libconfig `["a"]` is a list.
std::string why_no_name(std::string_view name);

}  // namespace portsplit::config
