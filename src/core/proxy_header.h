#pragma once
// The header of the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt, 2.1 and 2.2): text or
// bytes in front of a stream that say who the client is and where it connected to.

#include <cstddef>
#include <cstdint>
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

/// What a header says of the two ends of a connection.
struct ProxyEnds {
    enum class Kind : std::uint8_t {
        Unknown,   ///< the sender does not know them
        Local,     ///< there is no client: the sender checks its target
        Internet,  ///< addresses and ports
        Unix,      ///< paths of Unix-domain sockets
    };
    /// The longest path, without a NUL (unix(7) sun_path).
    static constexpr std::size_t kLongestPath = 108;

    Kind kind = Kind::Unknown;
    IpAddress client{};
    IpAddress server{};
    std::uint16_t client_port = 0;
    std::uint16_t server_port = 0;
    // Of Unix: an abstract one begins with a NUL; empty for a socket without one.
    std::string client_path{};
    std::string server_path{};

    bool operator==(const ProxyEnds&) const = default;
};

/// Returns a header of version 1. If one address is IPv6, an IPv4 one is written as an IPv4-mapped one. Only
/// addresses of the internet can be written; any other kind is unknown.
std::string proxy_header_v1(const ProxyEnds& ends);

/// Returns a header of version 2. Only addresses of the internet are in it. For any other kind it is LOCAL, as
/// HAProxy sends it: HAProxy and Apache's mod_remoteip close a connection of an unknown family, or of paths.
/// @param tlvs  in all at most 60,000 bytes
/// @param has_checksum  whether it has a checksum of itself (2.2.3)
std::string proxy_header_v2(const ProxyEnds& ends, std::span<const ProxyTlv> tlvs,
                            bool has_checksum);

/// The first bytes of every header of version 2.
inline constexpr std::string_view kProxySignature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// Returns the checksum of RFC 4960 appendix B.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace portsplit::core
