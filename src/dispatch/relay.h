#pragma once
// The relay: moves bytes both ways between a client and a target, which is a socket or a program. It
// does not look at the bytes. The dispatcher calls it once, as the last thing of a connection.

#include <chrono>
#include <cstdint>

#include "core/bytes.h"
#include "dispatch/progress.h"
#include "dispatch/side.h"

namespace portsplit::dispatch {

inline constexpr std::chrono::milliseconds kNoLimit{-1};

/// The limits of a relay. The reason for each is in relay.cc. The times are without a byte moving.
struct RelayLimits {
    /// After so many bytes, both directions together, the relay takes shorter turns.
    std::uint64_t long_stream{std::uint64_t{64} << 20};
    /// The time slice from then on.
    std::chrono::nanoseconds short_slice{std::chrono::microseconds(100)};
    /// While both directions are open.
    std::chrono::milliseconds idle = kNoLimit;
    /// After one direction has ended.
    std::chrono::milliseconds half_closed = kNoLimit;
    /// For bytes that were sent before a reset to leave this machine.
    std::chrono::milliseconds before_reset{std::chrono::seconds(1)};
    /// For more input of a client that still sends, before its socket is closed.
    std::chrono::milliseconds linger_silence{std::chrono::seconds(1)};
    /// The same in all, however much the client sends.
    std::chrono::milliseconds linger_total{std::chrono::seconds(5)};
    /// True if the client has said too little: its next byte is published.
    bool publish_heard = false;
};

struct Totals {
    std::uint64_t in = 0;   ///< bytes from the client
    std::uint64_t out = 0;  ///< bytes to the client
    bool cut = false;       ///< true if the client's connection broke, or a limit was over
};

/// Relays until both directions have ended, then closes both sides. Both must be non-blocking.
/// - An EOF is sent on after the last byte before it; the other direction goes on.
/// - A reset is sent on as a reset, after the bytes that came before it.
/// - A side that does not read costs 64 KiB at most, and no processor time.
/// - A relay that moves no byte for `idle` or `half_closed` is closed with a reset.
/// @param reporter  published to before the first wait, but after the client's first bytes were
///                  written to the target: the client waits for those bytes. The message also wakes
///                  the zygote (see progress.h).
/// @param ahead     the client's first bytes, which were read before; at most 64 KiB
/// @returns how many bytes were written to each side
Totals relay(Side client, Side target, const RelayLimits& limits, Reporter& reporter,
             core::Bytes ahead = {});

}  // namespace portsplit::dispatch
