#include "core/proxy_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

namespace portsplit::core {
namespace {

using Kind = ProxyEnds::Kind;

// Version 1.
constexpr std::size_t kLongestLine = 107;
constexpr std::string_view kShortestLine = "PROXY UNKNOWN\r\n";
constexpr std::string_view kTcp4 = "PROXY TCP4 ";
constexpr std::string_view kTcp6 = "PROXY TCP6 ";
constexpr std::string_view kUnknown = "PROXY UNKNOWN";

// Version 2: places in a header.
constexpr std::size_t kCommandAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kLengthAt = 14;
constexpr std::size_t kRestAt = 16;

constexpr std::uint8_t kLocalCommand = 0;
constexpr std::uint8_t kProxyCommand = 1;

/// What a family of version 2 has in front of the additional values.
struct Family {
    std::uint8_t byte;
    Kind kind;
    std::size_t address_size;  ///< of each of the two
    std::size_t port_size;
    std::size_t size() const { return 2 * (address_size + port_size); }
};
constexpr std::array kFamilies{
    Family{0x00, Kind::Unknown, 0, 0},
    Family{0x11, Kind::Internet, 4, 2},
    Family{0x21, Kind::Internet, 16, 2},
    Family{0x31, Kind::Unix, ProxyEnds::kLongestPath, 0},
};

/// Returns the family of a stream; null for any other byte.
const Family* find_family(std::uint8_t byte) {
    const auto found = std::ranges::find(kFamilies, byte, &Family::byte);
    return found == kFamilies.end() ? nullptr : &*found;
}

std::uint8_t byte_at(std::string_view bytes, std::size_t place) {
    return static_cast<std::uint8_t>(bytes[place]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t place) {
    return static_cast<std::uint16_t>(byte_at(bytes, place) << 8 | byte_at(bytes, place + 1));
}

bool begins_alike(std::string_view a, std::string_view b) {
    const std::size_t size = std::min(a.size(), b.size());
    return a.substr(0, size) == b.substr(0, size);
}

/// Takes the text in front of the next blank, and the blank.
std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

/// Reads a port without zeros in front.
std::optional<std::uint16_t> read_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool is_whole = error == std::errc() && end == text.data() + text.size();
    if (!is_whole || (text.front() == '0' && text.size() > 1)) return std::nullopt;
    return port;
}

IpAddress address_at(std::string_view bytes, std::size_t place, std::size_t size) {
    std::array<std::uint8_t, 16> address{};
    for (std::size_t i = 0; i < size; ++i) address[i] = byte_at(bytes, place + i);
    return IpAddress::from_bytes(std::span(address).first(size));
}

/// Returns the path in a place for one: up to a NUL, but an abstract one begins with one.
std::string path_at(std::string_view bytes, std::size_t place) {
    std::string_view path = bytes.substr(place, ProxyEnds::kLongestPath);
    path = path.substr(0, path.find('\0', 1));
    const bool is_given = path.size() > 1 || path.front() != '\0';
    return std::string(is_given ? path : "");
}

/// Returns the ends in a whole header of version 2.
ProxyEnds ends_in(std::string_view header, const Family& family) {
    ProxyEnds ends;
    const std::size_t server_at = kRestAt + family.address_size;
    const std::size_t ports_at = server_at + family.address_size;
    ends.kind = family.kind;
    if (family.kind == Kind::Internet) {
        ends.client = address_at(header, kRestAt, family.address_size);
        ends.server = address_at(header, server_at, family.address_size);
        ends.client_port = u16_at(header, ports_at);
        ends.server_port = u16_at(header, ports_at + family.port_size);
    } else if (family.kind == Kind::Unix) {
        ends.client_path = path_at(header, kRestAt);
        ends.server_path = path_at(header, server_at);
    }
    return ends;
}

/// Returns true if the checksum at a place of a header is that of the header with zeros in its place.
bool is_sum_of(std::string_view header, std::size_t place) {
    constexpr std::size_t kSize = 4;
    const std::uint32_t sum =
        static_cast<std::uint32_t>(u16_at(header, place)) << 16 | u16_at(header, place + 2);
    std::string zeroed(header);
    zeroed.replace(place, kSize, kSize, '\0');
    return crc32c(zeroed) == sum;
}

/// Returns what is wrong with the additional values of a whole header: they must fill it, and one of them may be
/// a checksum. Bytes that do not fill it as values have no checksum.
/// @param place  where they begin
ProxyFault fault_of_values(std::string_view header, std::size_t place) {
    constexpr std::size_t kHead = 3;  // a type and a length
    std::optional<std::size_t> sum_at;
    bool is_sum_bad = false;
    while (place < header.size()) {
        if (header.size() - place < kHead) return ProxyFault::Tlv;
        const std::size_t size = u16_at(header, place + 1);
        const std::size_t value_at = place + kHead;
        if (size > header.size() - value_at) return ProxyFault::Tlv;
        if (byte_at(header, place) == ProxyTlv::kCrc32c) {
            is_sum_bad |= size != 4 || sum_at;
            sum_at = value_at;
        }
        place = value_at + size;
    }
    is_sum_bad = is_sum_bad || (sum_at && !is_sum_of(header, *sum_at));
    return is_sum_bad ? ProxyFault::Checksum : ProxyFault::None;
}

}  // namespace

std::string_view to_string(ProxyFault fault) {
    switch (fault) {
        case ProxyFault::None:
            return "nothing";
        case ProxyFault::Signature:
            return "the connection begins with something else";
        case ProxyFault::Line:
            return "its line of version 1 is malformed";
        case ProxyFault::LongLine:
            return "its line of version 1 does not end within 107 bytes";
        case ProxyFault::Version:
            return "its version is neither 1 nor 2";
        case ProxyFault::Command:
            return "its command is neither LOCAL nor PROXY";
        case ProxyFault::Family:
            return "its address family is neither TCP nor a Unix-domain stream";
        case ProxyFault::Length:
            return "it is shorter than its addresses";
        case ProxyFault::Tlv:
            return "an additional value in it is longer than the rest of it";
        case ProxyFault::Checksum:
            return "its checksum is wrong";
        case ProxyFault::Ended:
            return "the connection ended within it";
        case ProxyFault::Late:
            return "it did not come within the timeout";
    }
    return "";
}

std::size_t ProxyReader::take(Bytes bytes) {
    std::size_t taken = 0;
    while (state_ == State::Reading && taken < bytes.size()) {
        const std::size_t count = std::min(lack(), bytes.size() - taken);
        header_.append(reinterpret_cast<const char*>(bytes.data()) + taken, count);
        taken += count;
        look();
    }
    return taken;
}

std::size_t ProxyReader::lack() const {
    if (state_ != State::Reading) return 0;
    if (header_.empty()) return kShortestLine.size();
    if (!is_v1()) return (header_.size() < kRestAt ? kRestAt : whole_size_v2()) - header_.size();
    if (header_.size() < kShortestLine.size()) return kShortestLine.size() - header_.size();
    // No byte behind the longest line is read, however the stream is cut.
    return std::min<std::size_t>(header_.back() == '\r' ? 1 : 2, kLongestLine - header_.size());
}

std::size_t ProxyReader::whole_size_v2() const { return kRestAt + u16_at(header_, kLengthAt); }

void ProxyReader::refuse(ProxyFault fault) {
    state_ = State::Bad;
    fault_ = fault;
}

void ProxyReader::refuse_if(ProxyFault fault) {
    if (fault != ProxyFault::None) refuse(fault);
}

void ProxyReader::look() {
    if (is_v1()) {
        look_v1();
    } else {
        look_v2();
    }
}

void ProxyReader::look_v1() {
    if (!begins_alike(header_, kTcp4.substr(0, kTcp4.find(' ') + 1))) {
        return refuse(ProxyFault::Signature);
    }
    const bool may_be_line = begins_alike(header_, kTcp4) || begins_alike(header_, kTcp6) ||
                             begins_alike(header_, kUnknown);
    if (!may_be_line) return refuse(ProxyFault::Line);
    const std::string_view header = header_;
    const std::size_t end = header.find("\r\n");
    if (end != header.npos) return read_line(header.substr(0, end));
    // A line break of another kind.
    const std::size_t carriage_return = header.find('\r');
    const bool has_break = header.find('\n') != header.npos ||
                           (carriage_return != header.npos && carriage_return + 1 != header.size());
    if (has_break) return refuse(ProxyFault::Line);
    if (header.size() >= kLongestLine) refuse(ProxyFault::LongLine);
}

void ProxyReader::read_line(std::string_view line) {
    if (line.size() + 2 > kLongestLine) return refuse(ProxyFault::LongLine);
    if (line.find_first_of("\r\n") != line.npos) return refuse(ProxyFault::Line);
    state_ = State::Complete;
    if (line.starts_with(kUnknown)) {
        const bool ends_there = line.size() == kUnknown.size() || line[kUnknown.size()] == ' ';
        if (!ends_there) refuse(ProxyFault::Line);
        return;
    }
    const bool is_v4 = line.starts_with(kTcp4);
    line.remove_prefix(kTcp4.size());
    const std::string_view client = take_word(line);
    const std::string_view server = take_word(line);
    const auto client_port = read_port(take_word(line));
    const auto server_port = read_port(line);
    const auto read = [&](std::string_view text) {
        const bool is_written_as_v4 = text.find(':') == text.npos;
        return is_written_as_v4 == is_v4 ? IpAddress::parse(text) : std::nullopt;
    };
    const auto client_address = read(client);
    const auto server_address = read(server);
    if (!client_address || !server_address || !client_port || !server_port) {
        return refuse(ProxyFault::Line);
    }
    ends_ = {Kind::Internet, *client_address, *server_address, *client_port, *server_port, {}, {}};
}

void ProxyReader::look_v2() {
    const std::string_view header = header_;
    if (!begins_alike(header, kProxySignature)) return refuse(ProxyFault::Signature);
    if (header.size() > kCommandAt) {
        const std::uint8_t byte = byte_at(header, kCommandAt);
        if (byte >> 4 != 2) return refuse(ProxyFault::Version);
        if ((byte & 0xF) > kProxyCommand) return refuse(ProxyFault::Command);
    }
    if (header.size() <= kFamilyAt) return;
    const bool is_local = (byte_at(header, kCommandAt) & 0xF) == kLocalCommand;
    const Family* family = find_family(byte_at(header, kFamilyAt));
    if (family == nullptr && !is_local) return refuse(ProxyFault::Family);
    if (header.size() < kRestAt) return;
    const bool has_room = family != nullptr && u16_at(header, kLengthAt) >= family->size();
    if (!has_room && !is_local) return refuse(ProxyFault::Length);
    if (header.size() < whole_size_v2()) return;
    state_ = State::Complete;
    if (is_local) ends_.kind = Kind::Local;
    if (!has_room) return;
    if (!is_local) ends_ = ends_in(header, *family);
    const ProxyFault fault = fault_of_values(header, kRestAt + family->size());
    // What LOCAL and a family that is not known have in the place of addresses and values means nothing, unless it
    // is a checksum.
    const bool has_addresses = !is_local && family->kind != Kind::Unknown;
    if (fault == ProxyFault::Checksum || has_addresses) refuse_if(fault);
}

}  // namespace portsplit::core
