#pragma once
// The relay: bytes both ways between a client and what serves it, until both ways have ended. Reads
// none of them.

#include <chrono>
#include <cstdint>

#include "dispatch/progress.h"
#include "dispatch/side.h"

namespace portsplit::dispatch {

/// How long a relay whose one direction has ended waits for a byte in the other.
inline constexpr std::chrono::seconds kHalfClosedLimit{60};
inline constexpr std::chrono::milliseconds kForEver{-1};

struct Totals {
    std::uint64_t in = 0;   ///< bytes from the client
    std::uint64_t out = 0;  ///< bytes to the client
};

/// Relays until both directions have ended, then closes both sides. An end of stream is carried
/// after the last byte before it, and only its own way; a reset is carried as a reset, after what
/// came before it; a side that does not read costs a bounded store, and no CPU. A stream that is
/// cut after `half_closed_limit` ends in a reset too. Both sides are non-blocking.
/// @param half_closed_limit  once one direction has ended, how long the other may be silent;
///                           `kForEver` where the other side is sure to end some day
/// @param reporter  published to once the bytes that the client had sent are on their way: the client
///                  waits for those, and only the log waits for the message
Totals relay(Side client, Side server, std::chrono::milliseconds half_closed_limit,
             Reporter& reporter);

}  // namespace portsplit::dispatch
