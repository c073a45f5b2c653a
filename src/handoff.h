#pragma once
// The whole contract between portsplitd (the daemon) and portsplit-dispatch (the zygote of a
// generation): descriptor numbers, command line and messages. Both programs come from one build, so
// messages cross as they lie in memory; the version on the command line refuses another build.
//
// The daemon execs the zygote with a channel and the text of its configuration. The zygote
// answers `Ready` once the plan is compiled. Its spare dispatchers, which share its end of the
// channel until they have a connection, receive one `Connection` for each client, the client's
// socket riding along; the zygote answers each with one `Reaped` when the process that served it is
// gone. When the daemon ends its side of the channel, nothing more is taken, and the zygote ends
// with its last connection. A message that is not one of these ends at most the connection it
// belongs to.

#include <cstdint>

#include "sys/address.h"
#include "sys/clock.h"

namespace portsplit::handoff {

/// Changes with every change of this file.
inline constexpr std::uint32_t kVersion = 3;

// Descriptors the zygote starts with, besides 0 and 1 (/dev/null) and 2 (standard error).
/// SOCK_SEQPACKET; messages both ways.
inline constexpr int kChannelFd = 3;
/// Sealed memory: the configuration in libconfig spelling.
inline constexpr int kConfigurationFd = 4;

// The zygote's command line: `portsplit-dispatch --zygote VERSION LOG FILE`. LOG is `syslog`, or
// `stderr` for whatever else the daemon's log is; FILE is the configuration's name, for messages.
inline constexpr const char* kZygoteOption = "--zygote";

enum class Kind : std::uint32_t { Ready = 1, Connection = 2, Reaped = 3 };

/// Zygote to daemon: the plan stands, connections may come.
struct Ready {
    Kind kind = Kind::Ready;
};

/// Daemon to zygote, with the client's socket.
struct Connection {
    Kind kind = Kind::Connection;
    std::uint64_t id = 0;  ///< never used twice by one daemon, and never 0
    sys::Clock::time_point accepted{};
    sys::Ends ends{};
};

/// Zygote to daemon: the process that served this connection is gone, its slot is free.
struct Reaped {
    Kind kind = Kind::Reaped;
    std::uint64_t id = 0;
};

}  // namespace portsplit::handoff
