#pragma once
// The decision rule: which service takes a connection, and why. The same function serves
// connections, tests, and the tools that explain a decision.
//
// 1. A service answers match if one of its patterns does, else more if one might still, else no.
// 2. A service wins when it matches and every service declared before it has answered no.
// 3. When all have answered no, `fallback` wins at once; but not before the client's first byte if there is
//    a `timeout`: a client that has sent nothing may be silent, and that is what `timeout` is for.
// 4. At the deadline and at EOF, every more becomes no. Then the first service that matches wins;
//    else at the deadline `timeout`; else after some bytes and EOF `fallback`; else, after EOF
//    without a byte, the connection is closed.
// 5. A full window turns every more into no as well, and `fallback` wins if no service matches.
// 6. If the winner would be a `fallback` or `timeout` that the configuration does not have, the
//    connection is closed.
// 7. Which services are asked is settled before any byte: a service that the listener does not name, or that
//    is not for this source, answers no. A source that the listener denies is closed at once.
//
// A PROXY header is read before (core/proxy_reader.h), and is no part of the stream.

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/plan.h"

namespace portsplit::core {

enum class Reason {
    Match,     ///< a pattern of the service matches
    Fallback,  ///< no service matches
    Timeout,   ///< the deadline passed before the bytes sufficed
    Eof,       ///< the client sent EOF and no byte
    Denied,    ///< the listener does not serve this client
    Proxy,     ///< the client had to send a PROXY header and did not
    Limit,     ///< the client, its source or the service has more connections than it may
};

/// Returns the word for the log and for a program's environment: `match`, `fallback`, ...
std::string_view to_string(Reason reason);

struct Verdict {
    /// The index in the plan's configuration; without a service, close the connection.
    std::optional<std::size_t> service;
    Reason reason = Reason::Eof;
    /// The first service before the winner with a pattern that gave up, which counted as no. The
    /// log reports it.
    std::optional<std::size_t> gave_up = std::nullopt;

    bool operator==(const Verdict&) const = default;
};

/// Whether further bytes may come.
enum class Ending {
    Open,      ///< they may: without a verdict, poll again
    Eof,       ///< the client sent EOF
    Deadline,  ///< the deadline passed
};

/// Applies the rule to the bytes so far.
/// @param seen  all bytes of the stream so far, from its first; those beyond the window are ignored
/// @returns nothing if more bytes are needed: with `Ending::Open` only. A verdict with
///          `Ending::Open` holds for every continuation of the bytes and for every ending.
std::optional<Verdict> decide(const Plan& plan, Bytes seen, Ending ending);

/// The same for a stream that grows: the layouts of the plan read each byte once.
/// @param reading  of this stream; without a verdict, its `lack` is how many bytes are missing at least
std::optional<Verdict> decide(const Plan& plan, Bytes seen, Ending ending, Plan::Reading& reading);

}  // namespace portsplit::core
