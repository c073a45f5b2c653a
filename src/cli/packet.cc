#include "cli/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/dlt.h>

#include <algorithm>
#include <array>
#include <string>

namespace portsplit::cli {
namespace {

using Packet = std::span<const std::byte>;

constexpr std::uint16_t kIpv4 = 0x0800;  // Ethernet types (IEEE 802)
constexpr std::uint16_t kIpv6 = 0x86DD;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint16_t kServiceVlan = 0x88A8;

/// Reads a packet from its front. A read beyond its end gives the bytes that are there, and from then
/// on `is_whole` returns false.
class Reader {
  public:
    explicit Reader(Packet packet) : rest_(packet) {}

    /// Takes up to `size` bytes.
    Packet take(std::size_t size) {
        whole_ &= size <= rest_.size();
        const Packet taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    /// Takes a number in network byte order.
    std::uint32_t number(std::size_t size) {
        std::uint32_t value = 0;
        for (const std::byte byte : take(size)) {
            value = value << 8 | std::to_integer<std::uint32_t>(byte);
        }
        return value;
    }
    /// Drops what is behind the next `size` bytes.
    void keep(std::size_t size) { rest_ = rest_.first(std::min(size, rest_.size())); }

    bool is_whole() const { return whole_; }
    Packet rest() const { return rest_; }

  private:
    Packet rest_;
    bool whole_ = true;
};

/// Skips the header of the link layer and returns the type of what follows, as an Ethernet type.
std::uint32_t pass_link_header(int link_type, Reader& reader) {
    const auto by_version = [&] {
        const Packet rest = reader.rest();
        return !rest.empty() && std::to_integer<int>(rest[0]) >> 4 == 6 ? kIpv6 : kIpv4;
    };
    switch (link_type) {
        case DLT_EN10MB: {
            reader.take(12);
            std::uint32_t type = reader.number(2);
            while (type == kVlan || type == kServiceVlan) {
                reader.take(2);
                type = reader.number(2);
            }
            return type;
        }
        case DLT_LINUX_SLL:
            reader.take(14);
            return reader.number(2);
        case DLT_LINUX_SLL2: {
            const std::uint32_t type = reader.number(2);
            reader.take(18);
            return type;
        }
        case DLT_NULL:
        case DLT_LOOP:
            reader.take(4);
            return by_version();
        default:
            return by_version();
    }
}

std::string host_of(int family, Packet address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) return "";
    return text.data();
}

/// Skips an IPv4 header (RFC 791 3.1) and drops what lies behind the packet: Ethernet pads frames
/// of less than 60 bytes. Returns false if no TCP segment follows.
bool pass_ipv4_header(Reader& reader, Segment& segment) {
    const std::size_t header = 4 * std::size_t{reader.number(1) & 0x0F};
    reader.take(1);
    const std::size_t total = reader.number(2);
    reader.take(2);
    const bool is_fragment = (reader.number(2) & 0x3FFF) != 0;
    reader.take(1);
    const std::uint32_t protocol = reader.number(1);
    reader.take(2);
    const Packet source = reader.take(4);
    const Packet destination = reader.take(4);
    if (!reader.is_whole() || header < 20 || is_fragment || protocol != IPPROTO_TCP) return false;
    reader.take(header - 20);
    // The total is zero in a packet that was captured before the network card cut it in segments.
    if (total > header) reader.keep(total - header);
    segment.source.host = host_of(AF_INET, source);
    segment.destination.host = host_of(AF_INET, destination);
    return true;
}

/// Skips an IPv6 header and its extension headers (RFC 8200 3 and 4). Returns false if no TCP
/// segment follows.
bool pass_ipv6_header(Reader& reader, Segment& segment) {
    reader.take(4);
    const std::size_t length = reader.number(2);
    std::uint32_t next = reader.number(1);
    reader.take(1);
    const Packet source = reader.take(16);
    const Packet destination = reader.take(16);
    if (!reader.is_whole()) return false;
    if (length > 0) reader.keep(length);
    while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
        next = reader.number(1);
        reader.take(reader.number(1) * 8 + 6);
        if (!reader.is_whole()) return false;
    }
    segment.source.host = host_of(AF_INET6, source);
    segment.destination.host = host_of(AF_INET6, destination);
    return next == IPPROTO_TCP;
}

}  // namespace

bool is_known_link(int link_type) {
    constexpr std::array kKnown{DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL,
                                DLT_LOOP,   DLT_RAW,       DLT_IPV4,       DLT_IPV6};
    return std::find(kKnown.begin(), kKnown.end(), link_type) != kKnown.end();
}

std::optional<Segment> segment_in(int link_type, Packet packet) {
    Reader reader(packet);
    Segment segment;
    const std::uint32_t type = pass_link_header(link_type, reader);
    const bool is_tcp = type == kIpv4   ? pass_ipv4_header(reader, segment)
                        : type == kIpv6 ? pass_ipv6_header(reader, segment)
                                        : false;
    if (!is_tcp) return std::nullopt;
    segment.source.port = static_cast<std::uint16_t>(reader.number(2));
    segment.destination.port = static_cast<std::uint16_t>(reader.number(2));
    segment.sequence = reader.number(4);
    reader.take(4);
    const std::size_t header = 4 * std::size_t{reader.number(1) >> 4};
    const std::uint32_t flags = reader.number(1);
    reader.take(6);
    if (!reader.is_whole() || header < 20) return std::nullopt;
    reader.take(header - 20);
    segment.fin = (flags & 0x01) != 0;
    segment.syn = (flags & 0x02) != 0;
    segment.ack = (flags & 0x10) != 0;
    segment.payload = reader.rest();
    return segment;
}

}  // namespace portsplit::cli
