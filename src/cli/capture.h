#pragma once
// A file of captured traffic (pcap(3PCAP)), reduced to the first bytes that each client sent: that
// is all that a decision depends on. Without the first segment of a stream (its SYN) the beginning
// is unknown, so such a stream is left out. For `portsplit explain --pcap`.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.h"

namespace portsplit::cli {

/// The bytes of one client, put in order by sequence number.
struct Stream {
    core::Endpoint client;
    core::Endpoint server;
    std::vector<std::byte> bytes;  ///< from the first byte to the first gap
    bool ended = false;            ///< true if the client sent FIN and no byte before it is missing
};

struct Capture {
    std::vector<Stream> streams;  ///< in the order of their SYNs
    std::size_t skipped = 0;      ///< TCP segments of streams without their beginning
    std::string problem;          ///< why the rest cannot be read; empty if all was read
};

/// Returns true if the first bytes of a file are those of a capture.
bool is_capture(std::string_view bytes);

/// Reads a capture of TCP over IPv4 or IPv6. Returns what comes before an error too: a file that is
/// still being written ends within a packet.
/// @param most  how many first bytes of each stream to keep; the rest is dropped
Capture read_capture(const std::string& path, std::size_t most);

}  // namespace portsplit::cli
