#pragma once
// The header of the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt, 2.1 and 2.2): text or
// bytes in front of a stream that say who the client is and where it connected to.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/ip_address.h"

namespace portsplit::core {

/// An additional value of version 2 (2.2.1 to 2.2.7).
struct ProxyTlv {
    static constexpr std::uint8_t kAlpn = 0x01;
    static constexpr std::uint8_t kAuthority = 0x02;
    static constexpr std::uint8_t kCrc32c = 0x03;
    static constexpr std::uint8_t kUniqueId = 0x05;
    // The types that anybody may use, and those for experiments.
    static constexpr std::uint8_t kFirstCustom = 0xE0;
    static constexpr std::uint8_t kLastCustom = 0xEF;
    static constexpr std::uint8_t kFirstExperiment = 0xF0;
    static constexpr std::uint8_t kLastExperiment = 0xF7;

    std::uint8_t type = 0;
    std::string value;

    bool operator==(const ProxyTlv&) const = default;
};

/// The two ends of a connection. If an address is not known, a header says so and has none.
struct ProxyEnds {
    std::optional<IpAddress> client;
    std::optional<IpAddress> server;
    std::uint16_t client_port = 0;
    std::uint16_t server_port = 0;
};

/// Returns a header of version 1. If one address is IPv6, an IPv4 one is written as an IPv4-mapped one.
std::string proxy_header_v1(const ProxyEnds& ends);

/// Returns a header of version 2.
/// @param tlvs  in all at most 60,000 bytes
/// @param has_checksum  whether it has a checksum of itself (2.2.3)
std::string proxy_header_v2(const ProxyEnds& ends, std::span<const ProxyTlv> tlvs,
                            bool has_checksum);

/// Returns the checksum of RFC 4960 appendix B.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace portsplit::core
