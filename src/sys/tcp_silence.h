#pragma once
// What the kernel knows of a TCP connection that another process has open (sock_diag(7)).

#include <chrono>
#include <optional>

#include "sys/address.h"

namespace portsplit::sys {

/// Returns how long ago the last byte came from the peer of a TCP connection; since it was made, if none came.
/// @param ends  of the connection, which is in the network namespace of this process
/// @returns nothing if the kernel has no such connection, or does not tell
std::optional<std::chrono::milliseconds> silence_of(const Ends& ends);

}  // namespace portsplit::sys
