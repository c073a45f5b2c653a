#include "config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "config/endpoint.h"
#include "config/escape.h"
#include "config/meant.h"
#include "config/prefix.h"
#include "config/spelling.h"
#include "config/wording.h"
#include "core/passed_fields.h"
#include "core/resource_limit.h"

namespace portsplit::config {
namespace {

using core::Endpoint;
using std::chrono::milliseconds;
using namespace std::string_view_literals;

/// execve(2): one argument has at most MAX_ARG_STRLEN bytes with its NUL, 32 pages.
constexpr std::size_t kLongestArgument = 131071;
/// limits.h PATH_MAX, without the NUL.
constexpr std::size_t kLongestPath = 4095;
constexpr std::size_t kLongestServiceName = 64;

constexpr std::string_view kDigits = "0123456789";

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), is_control);
}

bool fits(Kind kind, Type type) {
    const bool is_number = type == Type::Number || type == Type::Seconds;
    switch (kind) {
        case Kind::Bare:
            return true;
        case Kind::String:
            return !is_number;
        case Kind::Integer:
            return is_number || type == Type::UserName || type == Type::GroupName ||
                   type == Type::Rate || type == Type::Nice;
        case Kind::Float:
            return is_number;
        case Kind::Boolean:
            return type == Type::YesNo;
        case Kind::Group:
        case Kind::List:
            break;
    }
    return false;
}

/// Checks what is required of every text but an argument.
std::optional<Problem> check_text(std::string_view text, std::size_t longest) {
    if (text.empty()) return Problem{"empty; write a value or delete the line"};
    if (has_control(text)) return Problem{"a control character; write printable text"};
    if (text.size() > longest) {
        return Problem{fmt::format("{} bytes; at most {} are possible", text.size(), longest)};
    }
    return std::nullopt;
}

Problem no_number_of_seconds(std::size_t smallest, std::size_t largest, std::string_view text) {
    const std::string range =
        fmt::format("not a number of seconds from {} to {}", smallest, largest);
    const auto meant = seconds_in(text);
    if (!meant) return {fmt::format("{}, such as {}.5", range, smallest)};
    const std::string_view unit = trim(text.substr(text.find_first_not_of(kDigits)));
    if (unit.starts_with(',')) return {fmt::format("{}; write {}", range, *meant)};
    return {fmt::format("{}; write {}, without {}", range, *meant, unit)};
}

/// Returns the fraction of a number of seconds in milliseconds; none if it is finer.
std::optional<std::uint64_t> thousandths(std::string_view fraction) {
    std::string padded(fraction.substr(0, 3));
    if (fraction.find_first_not_of('0', 3) < fraction.size()) return std::nullopt;
    padded.resize(3, '0');
    return digits(padded);
}

}  // namespace

std::optional<std::uint64_t> digits(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

std::string why_unfit(const Key& key, Kind kind) {
    if (fits(kind, key.takes.type)) return {};
    if (kind == Kind::Group) return "a group; write the service inside services : { ... };";
    if (kind == Kind::List) return "a list inside a list; write its values in the outer one";
    if (key.takes.type == Type::Number || key.takes.type == Type::Seconds) {
        return "not a number; write one without quotes";
    }
    return "not a string; write it in double quotes";
}

template <>
core::Result<Endpoint, Problem> parse(const Key& key, std::string_view text) {
    if (const auto problem = check_text(text, kLongestHost + "[]:65535"sv.size())) return *problem;
    return read_endpoint(key, text);
}

std::string print(const Endpoint& value) { return core::to_string(value); }

template <>
core::Result<milliseconds, Problem> parse(const Key& key, std::string_view text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = point < text.size() ? text.substr(point + 1) : ""sv;
    const bool only_digits = whole.find_first_not_of(kDigits) == whole.npos &&
                             fraction.find_first_not_of(kDigits) == fraction.npos;
    const std::optional<std::uint64_t> seconds = whole.empty() ? 0 : digits(whole);
    const auto fraction_ms = thousandths(fraction);
    if (only_digits && !fraction_ms) {
        return Problem{"finer than a millisecond; write at most three digits after the point"};
    }
    const std::size_t smallest = key.takes.smallest;
    const std::size_t largest = key.takes.largest;
    const bool is_number = only_digits && !text.empty() && text != "." && seconds;
    if (!is_number || *seconds < smallest || *seconds > largest ||
        (*seconds == largest && *fraction_ms > 0)) {
        return no_number_of_seconds(smallest, largest, text);
    }
    return milliseconds(*seconds * 1000 + *fraction_ms);
}

std::string print(milliseconds value) {
    std::string text = fmt::format("{}.{:03}", value.count() / 1000, value.count() % 1000);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

template <>
core::Result<std::size_t, Problem> parse(const Key& key, std::string_view text) {
    const std::optional<std::uint64_t> number = digits(text);
    if (!number || *number < key.takes.smallest || *number > key.takes.largest) {
        return Problem{
            fmt::format("not a whole number from {} to {}", key.takes.smallest, key.takes.largest)};
    }
    return static_cast<std::size_t>(*number);
}

std::string print(std::size_t value) { return std::to_string(value); }

std::optional<Problem> check_variable(std::string_view text) {
    if (const auto passed = core::split_field_variable(text)) {
        if (!core::may_carry_field(passed->first)) {
            return Problem{
                fmt::format("{} must not come from a client: programs find code by it, or take it "
                            "for the word of "
                            "Portsplit; choose another name, such as SITE",
                            passed->first)};
        }
        if (!passed->first.empty() && core::split_field(passed->second)) return std::nullopt;
        return Problem{"neither NAME=VALUE nor a name and a field, such as SITE tls.sni"};
    }
    if (text.find('=') != text.npos && !text.starts_with('=')) return std::nullopt;
    return Problem{"no variable; write NAME=VALUE, or NAME LAYOUT.FIELD for a field"};
}

/// Returns what is wrong with a limit of a program.
Problem no_resource_limit(std::string_view text) {
    const std::string_view word = text.substr(0, text.find_first_of(" \t:="));
    const std::vector<std::string_view> words(std::begin(core::kResourceWords),
                                              std::end(core::kResourceWords));
    if (std::ranges::find(words, word) == words.end()) {
        const auto meant = nearest(word, words);
        return {fmt::format("{}: no resource; write {}", shown(word),
                            meant ? std::string(*meant) : alternatives(words))};
    }
    return {
        fmt::format("not NAME SOFT or NAME SOFT:HARD; write one such as {0} 1024 or {0} "
                    "1024:unlimited, in which HARD is not below SOFT",
                    word)};
}

/// Returns what is wrong with a text of a form of its own; nothing for a text of another type.
std::optional<Problem> check_form(const Key& key, std::string_view text) {
    const auto& words = key.takes.words;
    switch (key.takes.type) {
        case Type::Octal:
            if (text.size() <= 4 && text.find_first_not_of("01234567") == text.npos &&
                (text.size() < 4 || text.starts_with('0'))) {
                return std::nullopt;
            }
            return Problem{"not an octal number from 0 to 0777, such as 022"};
        case Type::Variable:
            return check_variable(text);
        case Type::ProxyTlv:
            if (core::split_tlv(text)) return std::nullopt;
            return Problem{
                "unknown; write crc32c, unique-id, or a type and a field: authority tls.sni, alpn "
                "tls.alpn, or a number from 0xE0 to 0xF7 in place of the word"};
        case Type::VariableName:
            if (text.find_first_of("= ") == text.npos) return std::nullopt;
            return Problem{"not the name of a variable; write NAME alone, or use env"};
        case Type::Limit:
            if (core::resource_limit_in(text)) return std::nullopt;
            return no_resource_limit(text);
        case Type::Nice:
            if (core::nice_in(text)) return std::nullopt;
            return Problem{"not a nice value from -20 to 19"};
        case Type::LogItem:
            if (core::split_field(text) || std::ranges::find(words, text) != words.end())
                return std::nullopt;
            if (text.find_first_of(" \t,") != text.npos)
                return Problem{"more than one word; write each as a value of its own"};
            return Problem{fmt::format("unknown; write {}, or a field such as tls.sni",
                                       alternatives({words.begin(), words.end()}))};
        default:
            return std::nullopt;
    }
}

template <>
core::Result<core::Text, Problem> parse(const Key& key, std::string_view text) {
    if (key.takes.type == Type::Text) {
        if (text.size() <= kLongestArgument) return core::Text(text);
        return Problem{
            fmt::format("{} bytes; at most {} are possible", text.size(), kLongestArgument)};
    }
    const std::size_t longest = key.takes.type == Type::Variable ? kLongestArgument : kLongestPath;
    if (const auto problem = check_text(text, longest)) return *problem;
    if (const auto problem = check_form(key, text)) return *problem;
    const bool is_path = key.takes.type == Type::Path || key.takes.type == Type::Folder;
    if (is_path && !text.starts_with('/')) {
        return Problem{"not an absolute path; begin it with /"};
    }
    if (key.takes.type == Type::Program && !text.starts_with('/') && text.find('/') != text.npos) {
        return Problem{"neither an absolute path nor a bare name; begin it with /"};
    }
    const bool is_name = key.takes.type == Type::UserName || key.takes.type == Type::GroupName;
    if (is_name && text.find_first_of(" :") != text.npos) {
        return Problem{"neither a name nor a number; write it without blanks and colons"};
    }
    return core::Text(text);
}

std::string print(std::string_view value) { return std::string(value); }

template <>
core::Result<core::Prefix, Problem> parse(const Key& /*key*/, std::string_view text) {
    if (const auto problem = check_text(text, kLongestHost)) return *problem;
    return read_prefix(trim(text));
}

core::Result<std::size_t, Problem> parse_word(const Key& key, std::string_view text) {
    const auto& words = key.takes.words;
    const auto found = std::find(words.begin(), words.end(), text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    return Problem{fmt::format("unknown; write {}", alternatives({words.begin(), words.end()}))};
}

template <>
core::Result<bool, Problem> parse(const Key& /*key*/, std::string_view text) {
    if (text == "yes" || text == "true") return true;
    if (text == "no" || text == "false") return false;
    return Problem{"neither yes nor no; write one of them"};
}

std::string print(bool value) { return value ? "yes" : "no"; }

std::string print_pattern(const core::PatternSource& pattern) {
    const bool is_string = pattern.kind == core::PatternKind::String;
    return is_string ? escape(pattern.text) : std::string(pattern.text);
}

std::string why_no_name(std::string_view name) {
    if (name.empty()) return "no name; give it one";
    if (name == "-") return "- means no service in the log; choose another name";
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '=' && c != ']' && c != '"';
    });
    if (!printable) return "a name is printable ASCII without blanks, =, ] and \"";
    if (name.size() > kLongestServiceName) {
        return fmt::format("a name has at most {} characters", kLongestServiceName);
    }
    return {};
}

}  // namespace portsplit::config
