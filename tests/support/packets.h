#pragma once
// Builds packets as bytes, for tests of code that reads captures.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::cli {

/// Returns a number of `size` bytes in network byte order.
inline std::string number(std::uint32_t value, int size) {
    std::string bytes;
    while (size-- > 0) bytes += static_cast<char>(value >> 8 * size & 0xFF);
    return bytes;
}

enum Flags : std::uint32_t { kFin = 0x01, kSyn = 0x02, kAck = 0x10 };

struct Tcp {
    std::uint32_t source = 50022;
    std::uint32_t destination = 443;
    std::uint32_t sequence = 1000;
    std::uint32_t flags = kAck;
    std::string payload = {};
    std::string options = {};  ///< a multiple of four bytes
};

/// Returns a TCP segment (RFC 9293 3.1); its checksum is zero.
inline std::string tcp(const Tcp& it) {
    const auto words = static_cast<std::uint32_t>(5 + it.options.size() / 4);
    return number(it.source, 2) + number(it.destination, 2) + number(it.sequence, 4) +
           number(0, 4) + number(words << 12 | it.flags, 2) + number(0xFFFF, 2) + number(0, 4) +
           it.options + it.payload;
}

/// Returns an IPv4 packet (RFC 791 3.1) from 192.0.2.7 to 192.0.2.1.
inline std::string ipv4(const std::string& payload, std::uint32_t fragment = 0,
                        std::uint32_t protocol = 6) {
    return number(0x4500, 2) + number(static_cast<std::uint32_t>(20 + payload.size()), 2) +
           number(0, 2) + number(fragment, 2) + number(0x40, 1) + number(protocol, 1) +
           number(0, 2) + number(0xC0000207, 4) + number(0xC0000201, 4) + payload;
}

/// Returns an IPv6 packet (RFC 8200 3) from 2001:db8::7 to 2001:db8::1.
inline std::string ipv6(const std::string& payload, std::uint32_t next = 6) {
    const auto address = [](std::uint32_t last) {
        return number(0x20010DB8, 4) + number(0, 4) + number(0, 4) + number(last, 4);
    };
    return number(0x60000000, 4) + number(static_cast<std::uint32_t>(payload.size()), 2) +
           number(next, 1) + number(0x40, 1) + address(7) + address(1) + payload;
}

inline std::string ethernet(const std::string& payload, std::uint32_t type = 0x0800) {
    return std::string(12, '\x02') + number(type, 2) + payload;
}

}  // namespace portsplit::cli
