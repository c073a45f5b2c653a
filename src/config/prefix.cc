#include "config/prefix.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>

#include "config/spelling.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

using core::IpAddress;
using core::Prefix;
using core::Zone;

/// The bits of an IPv4-mapped address before those of the IPv4 address.
constexpr std::size_t kMappedBits = 96;
/// The bits that all addresses of a link begin with (RFC 4291 2.4).
constexpr std::size_t kLinkBits = 10;

constexpr const char* kExample =
    "write an address such as 192.0.2.7, or a prefix such as 192.0.2.0/24 or 2001:db8::/32";

/// A text in its parts: ADDRESS, ADDRESS/LENGTH, ADDRESS%ZONE/LENGTH.
struct Parts {
    std::string_view address;
    std::optional<std::string_view> zone{};
    std::optional<std::string_view> length{};
};

Parts parts_of(std::string_view text) {
    Parts parts{text};
    if (const auto slash = text.find('/'); slash != text.npos) {
        parts.address = text.substr(0, slash);
        parts.length = text.substr(slash + 1);
    }
    if (const auto percent = parts.address.find('%'); percent != text.npos) {
        parts.zone = parts.address.substr(percent + 1);
        parts.address = parts.address.substr(0, percent);
    }
    return parts;
}

std::optional<std::size_t> number_in(std::string_view text, std::size_t most) {
    std::size_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    if (text.empty() || !is_whole || number > most) return std::nullopt;
    return number;
}

/// Returns the length of a prefix that a netmask stands for, such as 24 for 255.255.255.0.
std::optional<std::size_t> length_of_mask(std::string_view text) {
    const auto mask = IpAddress::parse(text);
    if (!mask || !mask->is_v4()) return std::nullopt;
    std::uint32_t bits = 0;
    for (const std::uint8_t byte : mask->bytes()) bits = bits << 8 | byte;
    const auto length = static_cast<std::size_t>(std::countl_one(bits));
    if (std::popcount(bits) != static_cast<int>(length)) return std::nullopt;
    return length;
}

/// Returns the prefix of one to three numbers of an IPv4 address, as in hosts_access(5): 192.0.2 or `192.0.2.`
/// or 192.0.2.*.
/// @param length  that is written behind it
std::optional<std::string> prefix_of_part(std::string_view text,
                                          std::optional<std::string_view> length) {
    if (text.ends_with('*')) text.remove_suffix(1);
    if (text.ends_with('.')) text.remove_suffix(1);
    std::string whole(text);
    const auto dots = static_cast<std::size_t>(std::ranges::count(text, '.'));
    if (text.empty() || dots > 2) return std::nullopt;
    for (std::size_t i = dots; i < 3; ++i) whole += ".0";
    if (!IpAddress::parse(whole)) return std::nullopt;
    const auto bits = length ? number_in(*length, 32) : std::nullopt;
    return fmt::format("{}/{}", whole, bits.value_or((dots + 1) * 8));
}

/// Returns what is wrong with a text that has something behind a value; none if it has not.
std::optional<Problem> several(std::string_view text) {
    if (text.starts_with(';')) return Problem{"only # begins a comment"};
    const std::size_t end = text.find_first_of(" \t,;");
    if (end == text.npos || !read_prefix(text.substr(0, end))) return std::nullopt;
    const std::string_view rest = trim(text.substr(end));
    if (rest.starts_with(';') || rest.starts_with('#')) {
        return Problem{fmt::format("a comment needs a line of its own, and begins with #; write {}",
                                   text.substr(0, end))};
    }
    return Problem{"more than one value; write each as a value of its own"};
}

Problem no_address(std::string_view text, const Parts& parts) {
    if (const auto problem = several(text)) return *problem;
    if (same_but_for_case(text, "unix") || text.starts_with("unix:") || text.starts_with('/')) {
        return {"write unix, for all clients of Unix-domain sockets"};
    }
    for (const char* word : {"all", "any", "*", "0"}) {
        if (!parts.length && (text == word || same_but_for_case(text, word))) {
            return {"not a prefix; write 0.0.0.0/0 for all of IPv4, and ::/0 for all of IPv6"};
        }
    }
    if (same_but_for_case(text, "localhost") || text == "localhost") {
        return {"a name; write 127.0.0.0/8 and ::1"};
    }
    const std::string_view address = parts.address;
    if (address.starts_with('[') && address.find(']') != address.npos) {
        return {"write the address without brackets and without a port"};
    }
    if (const auto colon = address.rfind(':');
        colon != address.npos && IpAddress::parse(address.substr(0, colon))) {
        return {fmt::format("an address with a port; write {}", address.substr(0, colon))};
    }
    if (const auto meant = prefix_of_part(address, parts.length)) {
        return {fmt::format("not a whole address; write {}", *meant)};
    }
    if (const auto dash = address.find('-');
        dash != address.npos && IpAddress::parse(address.substr(0, dash))) {
        return {"a range; write the prefixes that it is made of, such as 192.0.2.0/24"};
    }
    const bool is_name = address.find(':') == address.npos &&
                         std::ranges::any_of(address, [](char c) { return c >= 'a' && c <= 'z'; });
    if (is_name) {
        return {fmt::format("a name, and no name is looked up for a client; {}", kExample)};
    }
    return {fmt::format("neither an address nor a prefix; {}", kExample)};
}

/// @param least, most  the lengths that are possible
Problem no_length(std::string_view text, const Parts& parts, std::size_t least, std::size_t most) {
    if (const auto problem = several(text)) return *problem;
    if (parts.length->empty())
        return {fmt::format("no number behind the /; write {}/{}", parts.address, most)};
    if (const auto percent = parts.length->find('%'); percent != parts.length->npos) {
        return {fmt::format("the interface comes before the /; write {}{}/{}", parts.address,
                            parts.length->substr(percent), parts.length->substr(0, percent))};
    }
    if (const auto number = number_in(*parts.length, 32); number && least > 0) {
        return {fmt::format("the address is that of IPv4; write {}/{}",
                            IpAddress::parse(parts.address)->text(), *number)};
    }
    if (const auto meant = length_of_mask(*parts.length); meant && most == 32) {
        return {fmt::format("a netmask; write {}/{}", parts.address, *meant)};
    }
    return {fmt::format("{} is not the length of a prefix; write a number of bits from {} to {}",
                        shown(*parts.length), least, most)};
}

}  // namespace

core::Result<Prefix, Problem> read_prefix(std::string_view text) {
    if (text == "unix") return Prefix{Prefix::Kind::Unix, 0, {}, {}};
    if (text == kNone) return Prefix{Prefix::Kind::None, 0, {}, {}};
    const Parts parts = parts_of(text);
    const auto address = IpAddress::parse(parts.address);
    if (!address) return no_address(text, parts);
    const std::size_t bits = address->bytes().size() * 8;
    const bool is_mapped = address->is_v4() && parts.address.find(':') != text.npos;
    const std::size_t before = is_mapped ? kMappedBits : 0;
    std::size_t length = bits;
    if (parts.length) {
        const auto number = number_in(*parts.length, before + bits);
        if (!number || *number < before) return no_length(text, parts, before, before + bits);
        length = *number - before;
    }
    const bool is_of_link = !address->is_v4() && length >= kLinkBits &&
                            address->first_of(kLinkBits) == IpAddress::parse("fe80::");
    if (parts.zone && !is_of_link) {
        return Problem{
            "only addresses of a link, those in fe80::/10, belong to an interface; write it "
            "without "
            "the %"};
    }
    if (parts.zone && !parts.zone->empty() &&
        parts.zone->find_first_not_of("0123456789") == parts.zone->npos) {
        return Problem{"the number of an interface; write its name, such as eth0"};
    }
    if (parts.zone && (parts.zone->empty() || parts.zone->size() > Zone::kLongest)) {
        return Problem{fmt::format("no interface behind the %; a name has 1 to {} characters",
                                   Zone::kLongest)};
    }
    return Prefix{Prefix::Kind::Internet, static_cast<std::uint8_t>(length),
                  address->first_of(length), Zone(parts.zone.value_or(""))};
}

core::Result<core::Source, Problem> read_source(std::string_view text) {
    const Parts parts = parts_of(text);
    const auto prefix = read_prefix(text);
    if (prefix && prefix->kind == Prefix::Kind::Unix) return core::Source{{}, {}, true};
    const bool is_one = IpAddress::parse(parts.address) && !parts.length;
    if (!is_one) return Problem{"not one address; write one such as 192.0.2.7, or unix"};
    if (!prefix) return prefix.error();
    return core::Source{prefix->address, prefix->zone, false};
}

std::optional<std::string> prefix_without_rest(std::string_view text) {
    const auto prefix = read_prefix(text);
    const auto address = IpAddress::parse(parts_of(text).address);
    if (!prefix || !address || prefix->address == *address) return std::nullopt;
    return print(*prefix);
}

std::string print(const Prefix& value) {
    if (value.kind == Prefix::Kind::Unix) return "unix";
    if (value.kind == Prefix::Kind::None) return std::string(kNone);
    std::string text = value.address.text();
    if (!value.zone.empty()) text += fmt::format("%{}", value.zone.name());
    if (value.length < value.address.bytes().size() * 8) text += fmt::format("/{}", value.length);
    return text;
}

}  // namespace portsplit::config
