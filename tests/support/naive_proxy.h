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

#include "core/proxy_header.h"

namespace portsplit::testing {

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

inline std::optional<NaiveHeader> read_v2(std::string_view stream) {
    using core::ProxyEnds;
    if (stream.size() < 16) return std::nullopt;
    const std::size_t command = number_at(stream, 12, 1);
    const std::size_t family = number_at(stream, 13, 1);
    const std::size_t end = 16 + number_at(stream, 14, 2);
    if (stream.size() < end || (command != 0x20 && command != 0x21)) return std::nullopt;
    std::size_t values = 16;
    NaiveHeader header{end, {}};
    if (family == 0x11 || family == 0x21) {
        const std::size_t size = family == 0x11 ? 4 : 16;
        values += 2 * size + 4;
        if (values > end) return std::nullopt;
        header.ends.kind = ProxyEnds::Kind::Internet;
        header.ends.client = address_at(stream, 16, size);
        header.ends.server = address_at(stream, 16 + size, size);
        header.ends.client_port = static_cast<std::uint16_t>(number_at(stream, values - 4, 2));
        header.ends.server_port = static_cast<std::uint16_t>(number_at(stream, values - 2, 2));
    } else if (family == 0x31) {
        values += 216;
        if (values > end) return std::nullopt;
        header.ends.kind = ProxyEnds::Kind::Unix;
        header.ends.client_path = path_at(stream, 16);
        header.ends.server_path = path_at(stream, 124);
    } else if (family != 0) {
        return std::nullopt;
    }
    if (command == 0x20) {
        header.ends = {};
        header.ends.kind = ProxyEnds::Kind::Local;
    }
    while (values < end) {
        if (end - values < 3) return std::nullopt;
        const std::size_t size = number_at(stream, values + 1, 2);
        if (end - values - 3 < size) return std::nullopt;
        if (number_at(stream, values, 1) == 3) {
            std::string zeroed(stream.substr(0, end));
            for (std::size_t i = 0; i < size; ++i) zeroed[values + 3 + i] = '\0';
            if (size != 4 || core::crc32c(zeroed) != number_at(stream, values + 3, 4)) {
                return std::nullopt;
            }
        }
        values += 3 + size;
    }
    return header;
}

}  // namespace naive_proxy

/// Returns the header at the beginning of a stream; none if it is not valid, or not there as a whole.
inline std::optional<NaiveHeader> read_naively(std::string_view stream) {
    if (stream.starts_with("PROXY ")) return naive_proxy::read_v1(stream);
    if (stream.starts_with(core::kProxySignature)) return naive_proxy::read_v2(stream);
    return std::nullopt;
}

}  // namespace portsplit::testing
