#pragma once
// Captured traffic (pcap(3PCAP)), reduced to what Portsplit looks at: the first bytes that each
// client sent. A stream whose first segment (SYN) was not captured has no known beginning, and is
// left out.

#include <cstddef>
#include <string>
#include <vector>

#include "core/endpoint.h"

namespace portsplit::cli {

struct Stream {
    core::Endpoint client;
    core::Endpoint server;
    std::vector<std::byte> bytes;  ///< from its first, as far as there is no gap
    bool ended = false;            ///< the client finished sending, and nothing before is missing
};

struct Capture {
    std::vector<Stream> streams;  ///< in the order of their SYNs
    std::size_t skipped = 0;      ///< TCP segments of streams without their beginning
    std::string problem;          ///< why the rest cannot be read, as a sentence; empty if all was
};

/// Reads a capture of TCP over IPv4 or IPv6, as far as it can be read: one that is still being
/// written ends within a packet.
/// @param most  how many first bytes of each stream to keep
Capture read_capture(const std::string& path, std::size_t most);

}  // namespace portsplit::cli
