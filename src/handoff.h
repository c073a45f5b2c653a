#pragma once
// The whole contract between portsplitd (the daemon) and portsplit-dispatch (the zygote of a
// generation): descriptor numbers, command line and messages. Both programs come from one build, so
// messages cross as they lie in memory; the version on the command line refuses another build.
//
// The daemon execs the zygote with one end of a channel and the configuration in sealed memory. The
// zygote sends `Ready` once the plan is compiled. Its spare dispatchers inherit its end of the
// channel. The daemon sends one `Handover` for each client, with the client's socket attached; the
// kernel gives it to one spare. The zygote sends one `Reaped` for each when the process that served it
// has ended. When the daemon ends its side of the channel, the zygote serves no new connection, and
// exits with its last one. When the daemon opens its log file anew, it sends `NewLog`. When nobody
// takes its connections it sends `Ask`, and the zygote answers with `Here`. With `Kill` the zygote asks
// the daemon to end a child. A message that is none of these ends at most the connection it belongs to.
//
// The daemon counts whose connections there are. The zygote tells it with `Decided` which ones have a service.
// With `Question` it asks whether a connection may go on, and gets an `Answer`. With `End` the daemon has an
// undecided connection ended, because there are too many.

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "sys/arrival.h"

namespace portsplit::handoff {

/// Incremented whenever a message, a descriptor, the command line or the variable below changes.
inline constexpr std::uint32_t kVersion = 11;

// Descriptors the zygote starts with, besides 0 and 1 (/dev/null) and 2 (standard error).
/// The channel: SOCK_SEQPACKET, messages both ways.
inline constexpr int kChannelFd = 3;
/// Sealed memory: the configuration (config/packed.h). Its offset is shared by all zygotes.
inline constexpr int kConfigurationFd = 4;
/// The orders: SOCK_SEQPACKET, `NewLog`, `Ask`, `Answer` and `End` to the zygote alone. Its spares do not inherit it.
inline constexpr int kOrdersFd = 5;

// The zygote's command line: `portsplit-dispatch --zygote VERSION LOG FILE`. LOG is `syslog`, or
// `stderr` for any other log of the daemon, which is then the zygote's descriptor 2. FILE is the
// configuration's name, for messages.
inline constexpr const char* kZygoteOption = "--zygote";

/// A variable in the zygote's environment: the addresses that the daemon listens on, passed sockets included,
/// separated by blanks, as `bind` takes them.
inline constexpr const char* kListenersVariable = "PORTSPLIT_LISTENERS";

enum class Kind : std::uint32_t {
    Ready = 1,
    Handover = 2,
    Reaped = 3,
    NewLog = 4,
    Ask = 5,
    Here = 6,
    Kill = 7,
    Decided = 8,
    Question = 9,
    Answer = 10,
    End = 11,
};

/// Zygote to daemon: the plan is compiled; send connections.
struct Ready {
    Kind kind = Kind::Ready;
};

/// Daemon to a spare, with the client's socket attached.
struct Handover {
    Kind kind = Kind::Handover;
    std::uint64_t id = 0;  ///< unique within one daemon, and never 0
    sys::Arrival arrival{};
};

/// Zygote to daemon: the process that served this connection has ended; its slot is free.
struct Reaped {
    /// What kept it from a service, or from its end.
    enum class Cause : std::uint32_t {
        None,
        Undecided,  ///< see core::Penalty
        Crash,
    };
    Kind kind = Kind::Reaped;
    Cause cause = Cause::None;
    std::uint64_t id = 0;
    std::uint32_t penalty = 0;  ///< of its service, in seconds
};

/// Daemon to zygote with the orders, with the new file of the log attached: the daemon opened it anew.
struct NewLog {
    Kind kind = Kind::NewLog;
};

/// Daemon to zygote with the orders: nobody takes connections. The zygote sees to its spares.
struct Ask {
    Kind kind = Kind::Ask;
};

/// Zygote to daemon: the answer to `Ask`.
struct Here {
    Kind kind = Kind::Here;
};

/// Zygote to daemon: end this child of the zygote, which was stopped, or is to be ended. The zygote cannot: its
/// filter of system calls has no kill(2), because its dispatchers have the same filter.
struct Kill {
    Kind kind = Kind::Kill;
    pid_t child = 0;
};

/// Zygote to daemon: these connections have a service. Some time may pass before it says so.
struct Decided {
    static constexpr std::size_t kMost = 24;

    Kind kind = Kind::Decided;
    std::uint32_t count = 0;
    std::array<std::uint64_t, kMost> ids{};
};

/// Zygote to daemon: may this connection have a service with limits, or may the client come that a PROXY header
/// names? The zygote gets one `Answer` for each question.
struct Question {
    static constexpr std::int32_t kNone = -1;

    Kind kind = Kind::Question;
    std::int32_t service = kNone;  ///< index in core::service_budgets; kNone for a client
    std::uint64_t id = 0;
    sys::Address client{};
};

/// Daemon to zygote with the orders.
struct Answer {
    Kind kind = Kind::Answer;
    std::uint32_t refusal = 0;  ///< a core::Refusal; 0 if it may go on
    std::uint64_t id = 0;
};

/// Daemon to zygote with the orders: end this connection, unless a service was chosen for it meanwhile. If one
/// was, the zygote sends `Decided`.
struct End {
    Kind kind = Kind::End;
    std::uint64_t id = 0;
};

}  // namespace portsplit::handoff
