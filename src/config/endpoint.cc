#include "config/endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "config/meant.h"
#include "config/placeholder.h"
#include "config/wording.h"
#include "core/ip_address.h"

namespace portsplit::config {
namespace {

using core::Endpoint;
using namespace std::string_view_literals;

/// unix(7) sun_path, with a NUL behind it as some programs need.
constexpr std::size_t kLongestSocketPath = 107;

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";

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

}  // namespace

core::Result<Endpoint, Problem> read_endpoint(const Key& key, std::string_view text) {
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

}  // namespace portsplit::config
