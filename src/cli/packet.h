#pragma once
// One captured packet, down to the TCP segment in it. Knows nothing of streams.

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

/// Whether packets of this link type (pcap-linktype(7)) can be read.
bool is_known_link(int link_type);

/// The TCP segment in a packet; nothing if there is none: another protocol, a fragment, or a packet
/// that was cut before its TCP header.
std::optional<Segment> segment_in(int link_type, std::span<const std::byte> packet);

}  // namespace portsplit::cli
