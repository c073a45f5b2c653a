#include "config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "config/escape.h"
#include "config/meant.h"
#include "config/placeholder.h"
#include "config/prefix.h"
#include "config/spelling.h"
#include "config/wording.h"
#include "core/ip_address.h"
#include "core/passed_fields.h"

namespace portsplit::config {
namespace {

using core::Endpoint;
using std::chrono::milliseconds;
using namespace std::string_view_literals;

/// execve(2): one argument has at most MAX_ARG_STRLEN bytes with its NUL, 32 pages.
constexpr std::size_t kLongestArgument = 131071;
/// limits.h PATH_MAX, without the NUL.
constexpr std::size_t kLongestPath = 4095;
/// RFC 1035 2.3.4.
constexpr std::size_t kLongestHost = 253;
constexpr std::size_t kLongestServiceName = 64;
/// unix(7) sun_path, with a NUL behind it as some programs need.
constexpr std::size_t kLongestSocketPath = 107;

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), is_control);
}

/// Returns a number of decimal digits and nothing else; none if there is more or it does not fit.
std::optional<std::uint64_t> digits(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
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
                   type == Type::Rate;
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

Problem no_port(const Key& key) {
    const bool listens = key.takes.type == Type::Bind;
    return {fmt::format("no port; write {}, such as {}", internet_placeholder(key),
                        listens ? "0.0.0.0:443, [::]:443 or *:443" : "127.0.0.1:8443")};
}

/// Returns true for what inet_aton(3) takes as an address: parts in decimal, octal or hex. Other programs
/// would read it so; core::IpAddress does not.
bool is_number_with_points(std::string_view host) {
    while (true) {
        const std::size_t end = std::min(host.find('.'), host.size());
        const std::string_view part = host.substr(0, end);
        const bool is_hex = part.starts_with("0x") || part.starts_with("0X");
        const bool is_number = is_hex ? part.find_first_not_of(kHexDigits, 2) == part.npos
                                      : part.find_first_not_of(kDigits) == part.npos;
        if (!is_number) return false;
        if (end == host.size()) return true;
        host.remove_prefix(end + 1);
    }
}

bool is_file_mode(std::string_view text) {
    const bool is_octal = text.find_first_not_of("01234567") == text.npos;
    return is_octal && (text.size() == 3 || (text.size() == 4 && text.front() == '0'));
}

bool is_host_name(std::string_view host) {
    constexpr std::string_view kAllowed =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.";
    return !is_number_with_points(host) && host.find_first_not_of(kAllowed) == host.npos &&
           !host.starts_with('.') && host.find(".."sv) == host.npos && !host.starts_with('-');
}

/// Reads an IPv6 address of a link and its interface.
core::Result<core::Text, Problem> read_zoned(std::string_view host) {
    const std::size_t percent = host.find('%');
    const std::string_view zone = host.substr(percent + 1);
    const auto address = core::IpAddress::parse(host.substr(0, percent));
    if (!address || !address->is_of_link()) {
        return Problem{
            "only an address of a link has an interface behind it; write one such as "
            "[fe80::1%eth0]:443"};
    }
    const bool is_name = !zone.empty() && zone.size() <= core::Zone::kLongest &&
                         zone.find_first_of("/% ") == zone.npos;
    if (!is_name) return Problem{"no name of an interface behind the %; see: ip link"};
    return core::Text(address->text() + "%" + std::string(zone));
}

/// Returns the host as the model has it: an address in its one form, a name as written.
core::Result<core::Text, Problem> read_host(const Key& key, std::string_view host, bool bracketed) {
    if (bracketed && host.find('%') != host.npos) return read_zoned(host);
    const auto address = core::IpAddress::parse(host);
    if (bracketed && (!address || host.find(':') == host.npos)) {
        return Problem{"not an IPv6 address in the brackets; write one such as [::1]:443"};
    }
    if (address && address->is_of_link()) {
        return Problem{
            fmt::format("an address of a link needs its interface; write one such as [{}%eth0]:443",
                        address->text())};
    }
    if (address) return core::Text(address->text());
    if (key.takes.type == Type::Bind) {
        if (host == "*") return core::Text(host);
        return Problem{
            "not an address in numbers; write one such as 0.0.0.0:443 or [::]:443, or *:443 for "
            "every address"};
    }
    if (is_host_name(host) && host.size() <= kLongestHost) return core::Text(host);
    return Problem{"neither a host name nor an address; write one such as 127.0.0.1:8443"};
}

/// Returns what is wrong with the text of an address that has a slash, which no host and no port has.
Problem not_internet(const Key& key, std::string_view text) {
    if (text.find("://") != text.npos) {
        return {fmt::format("a URL; write {}, such as 127.0.0.1:8443", internet_placeholder(key))};
    }
    if (text.starts_with('/')) return {fmt::format("a path; write unix:{}", text)};
    return {fmt::format("neither an address nor a Unix-domain socket; write {}", placeholder(key))};
}

/// Returns what is wrong with an option of a Unix-domain socket.
Problem bad_option(const Key& key, std::string_view option) {
    if (key.takes.type == Type::Target) {
        return {
            fmt::format("{}: a target has no options, and no path here has a comma; write "
                        "unix:PATH",
                        shown(option))};
    }
    return {
        fmt::format("{}: none of the options, or given twice; write unix:PATH and then "
                    "mode=0660, user=NAME or group=NAME, with commas between them",
                    shown(option))};
}

/// Reads what is behind `unix:`.
core::Result<Endpoint, Problem> read_unix(const Key& key, std::string_view text) {
    const core::UnixSocket socket = core::read_unix_socket(text);
    const bool has_options = !socket.mode.empty() || !socket.user.empty() || !socket.group.empty();
    if (!socket.rest.empty()) return bad_option(key, socket.rest);
    if (has_options && key.takes.type == Type::Target) {
        return bad_option(key, text.substr(socket.path.size() + 1));
    }
    if (socket.path.empty()) return Problem{"no path; write one such as unix:/run/portsplit.sock"};
    if (socket.path.size() < 2 || (!socket.path.starts_with('/') && !socket.is_abstract())) {
        return Problem{
            fmt::format("{} is no absolute path; write one such as unix:/run/{}, or "
                        "unix:@NAME for an abstract name",
                        shown(socket.path), "portsplit.sock")};
    }
    const std::string closed = std::string(socket.path) + "/";
    if (!socket.is_abstract() &&
        (closed.find("//") != closed.npos || closed.find("/./") != closed.npos ||
         closed.find("/../") != closed.npos)) {
        return Problem{"a path with // or . or .. in it, or / at its end; write it without"};
    }
    if (socket.path.find(' ') != socket.path.npos) {
        return Problem{"a blank in the path of a socket; choose one without"};
    }
    if (socket.path.size() > kLongestSocketPath) {
        return Problem{fmt::format("a path of {} bytes; a socket has at most {}",
                                   socket.path.size(), kLongestSocketPath)};
    }
    if (has_options && socket.is_abstract()) {
        return Problem{"an abstract name has no mode and no owner; write a path for them"};
    }
    if (!socket.mode.empty() && !is_file_mode(socket.mode)) {
        return Problem{
            fmt::format("mode={}: not three or four octal digits up to 0777; write one "
                        "such as mode=0660",
                        shown(socket.mode))};
    }
    return Endpoint{core::Text(Endpoint::kUnix).append(text), 0};
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
    if (text.starts_with(Endpoint::kUnix))
        return read_unix(key, text.substr(Endpoint::kUnix.size()));
    if (text.find('/') != text.npos) return not_internet(key, text);
    // At the last colon: Portsplit 1.0 took `:::8998` and `::1:22`.
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos || text.ends_with(']')) return no_port(key);
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    if (port_text.empty()) return no_port(key);

    const std::uint64_t smallest = key.takes.type == Type::Bind ? 0 : 1;
    const std::optional<std::uint64_t> port = digits(port_text);
    if (!port || *port < smallest || *port > 65535) {
        const auto named = port_named(port_text);
        return Problem{fmt::format("{} is not a port; write {}", shown(port_text),
                                   named ? fmt::format("{}, the number of {}", *named, port_text)
                                         : "a number from 1 to 65535")};
    }
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    auto read = read_host(key, host, bracketed);
    if (!read) return read.error();
    return Endpoint{*std::move(read), static_cast<std::uint16_t>(*port)};
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
