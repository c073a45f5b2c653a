#include "core/proxy_header.h"

#include <array>
#include <cstddef>

namespace portsplit::core {
namespace {

using namespace std::string_view_literals;

// Version 2, and a command: the connection was made for a client, or for the sender itself.
constexpr char kProxy = 0x21;
constexpr char kLocal = 0x20;
constexpr char kUnknown = 0x00;
constexpr char kTcp4 = 0x11;
constexpr char kTcp6 = 0x21;

bool are_v4(const ProxyEnds& ends) { return ends.client.is_v4() && ends.server.is_v4(); }

void append_u16(std::string& header, std::size_t number) {
    header += static_cast<char>(number >> 8 & 0xff);
    header += static_cast<char>(number & 0xff);
}

/// Appends the bytes of an address, 16 if `is_wide`.
void append_address(std::string& header, const IpAddress& address, bool is_wide) {
    if (is_wide && address.is_v4()) header.append("\0\0\0\0\0\0\0\0\0\0\xff\xff"sv);
    for (const std::uint8_t byte : address.bytes()) header += static_cast<char>(byte);
}

std::string text_of(const IpAddress& address, bool is_wide) {
    return (is_wide && address.is_v4() ? "::ffff:" : "") + address.text();
}

void append_tlv(std::string& header, std::uint8_t type, std::string_view value) {
    header += static_cast<char>(type);
    append_u16(header, value.size());
    header += value;
}

}  // namespace

std::string proxy_header_v1(const ProxyEnds& ends) {
    if (ends.kind != ProxyEnds::Kind::Internet) return "PROXY UNKNOWN\r\n";
    const bool is_wide = !are_v4(ends);
    return std::string(is_wide ? "PROXY TCP6 " : "PROXY TCP4 ") + text_of(ends.client, is_wide) +
           " " + text_of(ends.server, is_wide) + " " + std::to_string(ends.client_port) + " " +
           std::to_string(ends.server_port) + "\r\n";
}

std::string proxy_header_v2(const ProxyEnds& ends, std::span<const ProxyTlv> tlvs,
                            bool has_checksum) {
    std::string rest;
    char family = kUnknown;
    const bool is_told = ends.kind == ProxyEnds::Kind::Internet;
    if (is_told) {
        const bool is_wide = !are_v4(ends);
        family = is_wide ? kTcp6 : kTcp4;
        append_address(rest, ends.client, is_wide);
        append_address(rest, ends.server, is_wide);
        append_u16(rest, ends.client_port);
        append_u16(rest, ends.server_port);
    }
    for (const ProxyTlv& tlv : tlvs) append_tlv(rest, tlv.type, tlv.value);
    // The checksum is that of the header with zeros in its place.
    constexpr std::string_view kZeros = "\0\0\0\0"sv;
    if (has_checksum) append_tlv(rest, ProxyTlv::kCrc32c, kZeros);
    std::string header(kProxySignature);
    header += is_told ? kProxy : kLocal;
    header += family;
    append_u16(header, rest.size());
    header += rest;
    if (!has_checksum) return header;
    const std::uint32_t sum = crc32c(header);
    header.resize(header.size() - kZeros.size());
    append_u16(header, sum >> 16);
    append_u16(header, sum & 0xffff);
    return header;
}

std::uint32_t crc32c(std::string_view bytes) {
    constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected
    std::uint32_t sum = 0xFFFFFFFF;
    for (const char byte : bytes) {
        sum ^= static_cast<std::uint8_t>(byte);
        for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? kPolynomial : 0U);
    }
    return ~sum;
}

}  // namespace portsplit::core
