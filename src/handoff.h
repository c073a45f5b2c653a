#pragma once
// The whole contract between portsplitd (the daemon) and portsplit-dispatch (the zygote of a
// generation): descriptor numbers, environment, messages and exit codes. Both programs come from
// one build; the version catches those that do not.
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

namespace portsplit::handoff {

/// Changes with every change of this file.
inline constexpr std::uint32_t kVersion = 2;

// Descriptors the zygote starts with, besides 0 and 1 (/dev/null) and 2 (standard error).
inline constexpr int kChannelFd = 3;  ///< SOCK_SEQPACKET; messages both ways
/// Sealed memory: the configuration in libconfig spelling.
inline constexpr int kConfigurationFd = 4;

// The zygote's command line: `portsplit-dispatch --zygote VERSION LOG FILE`. LOG is `syslog`, or
// `stderr` for whatever else the daemon's log is; FILE is the configuration's name, for messages.
inline constexpr const char* kZygoteOption = "--zygote";

enum class Kind : std::uint32_t { Ready = 1, Connection = 2, Reaped = 3 };

struct Header {
    std::uint32_t version = kVersion;
    Kind kind;
};

/// Zygote to daemon: the plan stands, connections may come.
struct Ready {
    Header header{.kind = Kind::Ready};
};

/// Daemon to zygote, with the client's socket.
struct Connection {
    Header header{.kind = Kind::Connection};
    std::uint64_t id = 0;                   ///< never used twice by one daemon, and never 0
    std::int64_t accepted_nanoseconds = 0;  ///< on the monotonic clock
    sys::Address peer;
    sys::Address local;
};

/// Zygote to daemon: the process that served this connection is gone, its slot is free.
struct Reaped {
    Header header{.kind = Kind::Reaped};
    std::uint64_t id = 0;
};

// How the programs end (sysexits(3)), and how a dispatcher does.
inline constexpr int kExitUnused = 99;  ///< a spare dispatcher that no connection came to
inline constexpr int kExitUsage = 64;
inline constexpr int kExitSystem = 71;
inline constexpr int kExitConfiguration = 78;
inline constexpr int kExitTemporary = 111;  ///< no target could be reached, or a resource is short
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

}  // namespace portsplit::handoff
