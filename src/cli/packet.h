#pragma once
// The TCP segment in one captured packet. Pure: streams are put together in capture.cc.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/endpoint.h"

namespace portsplit::cli {

/// One TCP segment (RFC 9293 3.1). `payload` points into the packet.
struct Segment {
    core::Endpoint source;
    core::Endpoint destination;
    std::uint32_t sequence = 0;
    bool syn = false;
    bool ack = false;
    bool fin = false;
    std::span<const std::byte> payload;
};

/// Returns true if `segment_in` can read packets of this link type (pcap-linktype(7)).
bool is_known_link(int link_type);

/// Returns the TCP segment in a packet; nothing for another protocol, for a fragment, and for a
/// packet that ends within its headers.
std::optional<Segment> segment_in(int link_type, std::span<const std::byte> packet);

}  // namespace portsplit::cli
