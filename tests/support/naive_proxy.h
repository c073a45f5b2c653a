#pragma once
// A second reader of PROXY headers, written from proxy-protocol.txt alone: it has the whole stream at once, and
// the grammar of version 1 is an expression. The oracle for core::ProxyReader.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "core/proxy_header.h"

namespace portsplit::core {

struct NaiveHeader {
    std::size_t size = 0;
    core::ProxyEnds ends;

    bool operator==(const NaiveHeader&) const = default;
};

namespace naive_proxy {

inline std::size_t number_at(std::string_view bytes, std::size_t place, std::size_t size) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < size; ++i) {
        number = number * 256 + static_cast<unsigned char>(bytes[place + i]);
    }
    return number;
}

inline core::IpAddress address_at(std::string_view bytes, std::size_t place, std::size_t size) {
    std::array<std::uint8_t, 16> address{};
    for (std::size_t i = 0; i < size; ++i) {
        address[i] = static_cast<std::uint8_t>(bytes[place + i]);
    }
    return core::IpAddress::from_bytes(std::span(address).first(size));
}

inline std::string path_at(std::string_view bytes, std::size_t place) {
    std::string path(bytes.substr(place, 108));
    const bool is_abstract = path[0] == '\0';
    if (is_abstract) path.erase(0, 1);
    path = path.c_str();
    if (is_abstract && !path.empty()) path.insert(path.begin(), '\0');
    return path;
}

inline std::optional<NaiveHeader> read_v1(std::string_view stream) {
    static const std::regex kUnknown("PROXY UNKNOWN( [^\r\n]*)?");
    static const std::regex kTcp(
        "PROXY TCP([46]) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) (0|[1-9][0-9]{0,4}) "
        "(0|[1-9][0-9]{0,4})");
    const std::size_t end = stream.substr(0, 107).find("\r\n");
    if (end == stream.npos) return std::nullopt;
    const std::string line(stream.substr(0, end));
    std::smatch part;
    if (std::regex_match(line, part, kUnknown)) return NaiveHeader{end + 2, {}};
    if (!std::regex_match(line, part, kTcp)) return std::nullopt;
    const auto client = core::IpAddress::parse(part[2].str());
    const auto server = core::IpAddress::parse(part[3].str());
    const auto fits = [&](const std::string& text) {
        return (text.find(':') == text.npos) == (part[1] == "4");
    };
    const unsigned long client_port = std::stoul(part[4]);
    const unsigned long server_port = std::stoul(part[5]);
    if (!client || !server || !fits(part[2]) || !fits(part[3]) || client_port > 65535 ||
        server_port > 65535) {
        return std::nullopt;
    }
    return NaiveHeader{end + 2,
                       {core::ProxyEnds::Kind::Internet,
                        *client,
                        *server,
                        static_cast<std::uint16_t>(client_port),
                        static_cast<std::uint16_t>(server_port),
                        {},
                        {}}};
}

/// Returns whether the values of a header fill it, and if so, whether a checksum in them is wrong.
struct Values {
    bool fill = true;
    bool have_wrong_sum = false;
};

inline Values look_at_values(std::string_view header, std::size_t at) {
    Values found;
    std::vector<std::size_t> sums;
    while (at < header.size()) {
        if (header.size() - at < 3 || number_at(header, at + 1, 2) > header.size() - at - 3) {
            return {.fill = false, .have_wrong_sum = false};
        }
        const std::size_t size = number_at(header, at + 1, 2);
        if (number_at(header, at, 1) == 3) {
            if (size != 4 || !sums.empty()) found.have_wrong_sum = true;
            sums.push_back(at + 3);
        }
        at += 3 + size;
    }
    if (found.have_wrong_sum || sums.empty()) return found;
    std::string zeroed(header);
    for (std::size_t i = 0; i < 4; ++i) zeroed[sums[0] + i] = '\0';
    found.have_wrong_sum = core::crc32c(zeroed) != number_at(header, sums[0], 4);
    return found;
}

inline std::optional<NaiveHeader> read_v2(std::string_view stream) {
    using core::ProxyEnds;
    if (stream.size() < 16) return std::nullopt;
    const std::size_t command = number_at(stream, 12, 1);
    const std::size_t family = number_at(stream, 13, 1);
    const std::size_t end = 16 + number_at(stream, 14, 2);
    if (stream.size() < end || (command != 0x20 && command != 0x21)) return std::nullopt;
    const std::string_view whole = stream.substr(0, end);
    std::size_t addresses = 0;
    bool is_known = true;
    switch (family) {
        case 0x00:
            break;
        case 0x11:
            addresses = 12;
            break;
        case 0x21:
            addresses = 36;
            break;
        case 0x31:
            addresses = 216;
            break;
        default:
            is_known = false;
    }
    const bool has_room = is_known && end >= 16 + addresses;
    NaiveHeader header{end, {}};
    // What has no addresses is not looked at, but for a checksum.
    if (command == 0x20 || family == 0x00) {
        if (command == 0x20) header.ends.kind = ProxyEnds::Kind::Local;
        const bool is_wrong = has_room && look_at_values(whole, 16 + addresses).have_wrong_sum;
        return is_wrong ? std::nullopt : std::optional(header);
    }
    if (!has_room) return std::nullopt;
    if (family == 0x11 || family == 0x21) {
        const std::size_t size = family == 0x11 ? 4 : 16;
        header.ends.kind = ProxyEnds::Kind::Internet;
        header.ends.client = address_at(stream, 16, size);
        header.ends.server = address_at(stream, 16 + size, size);
        header.ends.client_port = static_cast<std::uint16_t>(number_at(stream, 16 + 2 * size, 2));
        header.ends.server_port = static_cast<std::uint16_t>(number_at(stream, 18 + 2 * size, 2));
    } else if (family == 0x31) {
        header.ends.kind = ProxyEnds::Kind::Unix;
        header.ends.client_path = path_at(stream, 16);
        header.ends.server_path = path_at(stream, 124);
    }
    const Values values = look_at_values(whole, 16 + addresses);
    if (!values.fill || values.have_wrong_sum) return std::nullopt;
    return header;
}

}  // namespace naive_proxy

/// Returns the header at the beginning of a stream; none if it is not valid, or not there as a whole.
inline std::optional<NaiveHeader> read_naively(std::string_view stream) {
    if (stream.starts_with("PROXY ")) return naive_proxy::read_v1(stream);
    if (stream.starts_with(core::kProxySignature)) return naive_proxy::read_v2(stream);
    return std::nullopt;
}

}  // namespace portsplit::core
