#pragma once
// The header of the PROXY protocol that a balancer sends in front of a client's bytes. It is read out of the
// socket, so that the client's first byte is the next one.

#include <optional>

#include "core/proxy_header.h"
#include "core/proxy_reader.h"
#include "dispatch/progress.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// How the reading of a header ended.
struct HeaderRead {
    std::optional<core::ProxyEnds> ends{};  ///< of a complete header
    core::ProxyFault fault = core::ProxyFault::None;
};

/// Reads a header, and no byte behind it.
/// @param client    a connected stream socket, or the reading end of a pipe
/// @param deadline  on the monotonic clock
/// @param reporter  published to once, before the first wait
/// @returns the header or a fault; neither if the peer closed or reset the connection before its first byte;
///          SysError if poll(2), recv(2) or read(2) failed
sys::Result<HeaderRead> read_header(int client, sys::Clock::time_point deadline,
                                    Reporter& reporter);

}  // namespace portsplit::dispatch
