#pragma once
// The output of `portsplit explain`: for people, coloured on a terminal, and as JSON for programs.

#include <optional>
#include <string>
#include <vector>

#include "cli/capture.h"
#include "cli/introduction.h"
#include "cli/terminal.h"
#include "core/bytes.h"
#include "core/explanation.h"
#include "core/plan.h"
#include "core/verdict.h"

namespace portsplit::cli {

/// A decision and the bytes it is about. Borrows the plan and the bytes.
struct Decision {
    const core::Plan& plan;
    core::Bytes seen;
    std::optional<core::Verdict> verdict;  ///< nothing while undecided
    core::Entrance entrance = {};          ///< the way by which the client came
    const Stream* stream = nullptr;        ///< of a capture; null for bytes from elsewhere
    /// Set if the connection must begin with a PROXY header. `seen` is what follows a complete one.
    std::optional<Introduction> introduction = std::nullopt;
};

/// Decides with the code that serves connections.
/// @param bytes   the first bytes of a connection, from its PROXY header if it has one
/// @param ending  how the stream ends after them
Decision decide(const core::Plan& plan, core::Bytes bytes, core::Ending ending,
                const core::Entrance& entrance, const Stream* stream = nullptr);

/// Returns the name of the service; `-` if no service takes the connection.
std::string name_of(const Decision& decision);

/// Returns what the layouts read that a service asks for this client.
/// @param explainer  of the plan of the decision
std::vector<core::LayoutExplanation> layouts_of(const Decision& decision,
                                                const core::Explainer& explainer);

/// Returns `service=NAME reason=WHY bytes=N ...`, as in the log line of a connection, without a
/// newline. `bytes` is the number of first bytes after which the decision is certain;
/// `service=-` means that no service takes the connection.
std::string summary(const Decision& decision);

/// Returns the answer of each service and of each of its patterns, and the byte at which it is
/// certain: a line for each, with newlines.
/// @param explainer  of the plan of the decision
std::string explanation_text(const Decision& decision, const core::Explainer& explainer,
                             Colour colour);

/// Returns the same as JSON, one object on one line without a newline.
std::string explanation_json(const Decision& decision, const core::Explainer& explainer);

}  // namespace portsplit::cli
