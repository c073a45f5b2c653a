#include "core/regex_items.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/hex.h"

namespace portsplit::core {
namespace {

/// Returns true if a `+` follows another quantifier. (?x) and comments allow blanks and text
/// between the two, so any text between counts.
bool may_be_possessive(std::string_view item) {
    const std::size_t end_of_atom = item.starts_with('[')    ? item.find(']', 2)
                                    : item.starts_with('\\') ? 1
                                                             : 0;
    const std::size_t quantifier = item.find_first_of("?*+}", end_of_atom + 1);
    return quantifier != item.npos && item.find('+', quantifier + 1) != item.npos;
}

/// Returns true for `(?1)`, `(?-1)`, `(?R)`, `(?&name)`, `(?P>name)`, `\g<name>`.
bool is_recursion(std::string_view item) {
    if (item.starts_with("(?") && item.find_first_of("0123456789") <= 3) return true;
    return item.starts_with("(?R") || item.starts_with("(?&") || item.starts_with("(?P>") ||
           item.starts_with("\\g");
}

bool looks_ahead(std::string_view item) {
    if (may_be_possessive(item) || is_recursion(item)) return true;
    for (const std::string_view start : {"$", "\\z", "\\Z", "\\b", "\\B", "[[:>:]]", "\\R", "\\X",
                                         "(*", "(?=", "(?!", "(?*", "(?<*", "(?>", "(?("}) {
        if (item.starts_with(start)) return true;
    }
    return item == "(?";  // a condition that is an assertion, which is the next item
}

constexpr std::string_view kSigns = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// With this at its front, `.` is any byte.
constexpr std::string_view kDotAll = "(?s)";

/// Returns the bytes of which an item takes one: a byte that is written as itself, as a backslash and a
/// sign or as `\x16`, or `.` as any byte.
std::optional<ByteSet> one_byte(std::string_view item, bool is_dot_all) {
    constexpr std::string_view kSpecial = "\\^$.[|()?*+{";
    if (item == "." && is_dot_all) return ByteSet();
    const bool is_plain = item.size() == 1 && kSpecial.find(item[0]) == item.npos;
    const bool is_escaped =
        item.size() == 2 && item[0] == '\\' && kSigns.find(item[1]) != item.npos;
    if (is_plain || is_escaped) return ByteSet::only(static_cast<std::uint8_t>(item.back()));
    if (item.size() != 4 || !item.starts_with("\\x")) return std::nullopt;
    const auto sets = parse_hex(item.substr(2));
    if (!sets || !sets->front().is_single()) return std::nullopt;
    return sets->front();
}

}  // namespace

RegexItems::RegexItems(std::string_view expression)
    : is_dot_all_(expression.starts_with(kDotAll)) {}

void RegexItems::add(std::string_view item) {
    look_ahead_ |= looks_ahead(item);
    // Only items that certainly open a group count. So the depth may be less than it is, and an
    // alternative within a group be taken for one of the whole expression, but never the reverse.
    const bool opens = item == "(" || item.starts_with("(?:") ||
                       (item.starts_with('(') && item[1] != '?' && item[1] != '*');
    if (opens) ++depth_;
    if (item.starts_with(')')) --depth_;
    has_alternatives_ |= item.starts_with('|') && depth_ <= 0;
    const auto byte = one_byte(item, is_dot_all_);
    const bool is_front = prefix_.empty() && (item == "^" || item == kDotAll);
    is_prefix_ &= byte.has_value() || is_front;
    if (is_prefix_ && byte) prefix_.push_back(*byte);
}

std::string with_small_repeats(std::string_view expression) {
    constexpr std::string_view kDigits = "0123456789";
    std::string smaller;
    bool in_repeat = false;
    for (std::size_t at = 0; at < expression.size();) {
        const std::size_t end =
            std::min(expression.find_first_not_of(kDigits, at), expression.size());
        if (in_repeat && end > at) {
            const bool is_zero =
                expression.substr(at, end - at).find_first_not_of('0') == expression.npos;
            smaller += is_zero ? '0' : '1';
            at = end;
            continue;
        }
        // An escaped brace begins no repeat.
        const std::size_t size = expression[at] == '\\' ? 2 : 1;
        in_repeat = expression[at] == '{' || (in_repeat && expression[at] == ',');
        smaller += expression.substr(at, size);
        at += size;
    }
    return smaller;
}

}  // namespace portsplit::core
