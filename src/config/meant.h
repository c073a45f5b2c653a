#pragma once
// What was meant by a value that is written in the way of another format: quotes, a comment or a semicolon
// behind it, 0x16, \x16, a unit of time, the name of a port. Such a value is either an error or valid
// but never meant. Pure text; section.cc and value.cc word the messages.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::config {

/// What other formats allow around a value. The classic spelling takes all of it as the value.
enum class Habit {
    Comment,    ///< `VALUE # text`
    Semicolon,  ///< `VALUE;`
    Quotes,     ///< `"VALUE"` or `'VALUE'`
};

/// A value of the classic spelling without these habits.
struct Meant {
    std::string text;
    /// In the order in which they were removed, from the end; not empty.
    std::vector<Habit> habits;
    std::string comment = {};  ///< with its #
    char quote = '\0';         ///< for Quotes
};

/// Returns a value without its habits; none if it has none.
std::optional<Meant> without_habits(std::string_view value);

/// Returns what each habit is called in an error, such as `a comment needs a line of its own`.
std::string_view rule_of(Habit habit);

/// Returns which rule the value of a key breaks, and what to write, if the value can be read without its
/// habits; else nothing.
std::string broken_rule(std::string_view key, std::string_view value,
                        const std::function<bool(const std::string&)>& can_read);

/// Returns the text for `hex` if a `string` looks like bytes in hex: `0x16`, `0x16, 0x03`, `16 03 01`.
std::optional<std::string> hex_in(std::string_view text);

/// Returns what to write for a backslash that begins no escape, such as `\16` for `\x16`.
/// @param stray  the backslash and what is behind it, as Unescaped has it
/// @param backslash  how the spelling writes one backslash
std::string advice_for_stray(std::string_view stray, std::string_view backslash);

/// Returns the warning about such a backslash where it stays as it is, with advice.
std::string warning_of_stray(std::string_view stray);

/// Returns the number of seconds in a text with a unit, such as `0.5` for `500ms`; none if it has none.
std::optional<std::string> seconds_in(std::string_view text);

/// Returns the field of a layout that a key of other programs means, such as `tls.sni` for `servername`; none
/// if the key is not among the common ones.
std::optional<std::string_view> field_named(std::string_view key);

/// Returns the number of a port that IANA has given this name; none if it is not among the common ones.
std::optional<std::uint16_t> port_named(std::string_view name);

}  // namespace portsplit::config
