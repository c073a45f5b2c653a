#pragma once
// The outcome for one connection, and the rule that finds it. The same function serves live
// traffic, the tests and every tool that explains a decision.

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/plan.h"

namespace portsplit::core {

enum class Reason {
    Match,     ///< a service's pattern fits the bytes
    Fallback,  ///< the bytes fit none
    Timeout,   ///< the deadline passed with too few bytes to tell
    Eof,       ///< the client ended without a byte: nothing runs
};

/// The word for a reason in the log and in a program's environment.
std::string_view to_string(Reason reason);

/// Which service takes the connection and why. No service: the connection is closed.
struct Verdict {
    std::optional<std::size_t> service;  ///< index in the plan's configuration
    Reason reason = Reason::Eof;
    /// A service asked on the way whose pattern gave up, which counted as no.
    std::optional<std::size_t> gave_up = std::nullopt;

    bool operator==(const Verdict&) const = default;
};

/// What is known about bytes still to come.
enum class Ending {
    Open,         ///< there may be more
    EndOfStream,  ///< the client has finished sending
    Deadline,     ///< nobody waits for more
};

/// Applies the decision rule to the bytes so far. Services are asked in the order of the
/// configuration; one wins when it matches and every earlier one has said no.
/// @param seen  all bytes of the stream so far, from its first; those beyond the window are ignored,
///              and a full window decides as if nothing more could come
/// @returns nothing while it is undecided, which is possible only with `Ending::Open`. A verdict
///          given with `Ending::Open` is given for every continuation of the bytes too.
std::optional<Verdict> decide(const Plan& plan, Bytes seen, Ending ending);

}  // namespace portsplit::core
