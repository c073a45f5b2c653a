#pragma once
// How a client came. The daemon notes it at accept(2); it goes with the client's socket to the
// dispatcher, and into the record of the connection.

#include <cstdint>

#include "sys/address.h"
#include "sys/clock.h"

namespace portsplit::sys {

/// Trivially copyable, so that a message to another process can contain it.
struct Arrival {
    Clock::time_point accepted{};  ///< when accept(2) returned; the deadline counts from here
    Ends ends{};
    std::uint32_t listener = 0;  ///< that accepted it: index in core::listeners_of
};

}  // namespace portsplit::sys
