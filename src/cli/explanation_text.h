#pragma once
// How `explain` puts a decision: for people, coloured on a terminal, and as JSON for programs.

#include <optional>
#include <string>

#include "cli/capture.h"
#include "core/bytes.h"
#include "core/explanation.h"
#include "core/plan.h"
#include "core/verdict.h"

namespace portsplit::cli {

/// One decision and what it was made of.
struct Decision {
    const core::Plan& plan;
    core::Bytes seen;
    std::optional<core::Verdict> verdict;
    const Stream* stream = nullptr;  ///< where the bytes were captured, if they were
};

/// `service=NAME reason=WHY bytes=N ...`, as in the log line of a connection.
/// `bytes` is how many first bytes made it certain; `service=-` stands for none.
std::string summary(const Decision& decision);

enum class Colour { Plain, Terminal };

/// What each service and each of its patterns said, and at which byte that was certain.
std::string explanation_text(const Decision& decision, const core::Explainer& explainer,
                             Colour colour);

/// The same in one line of JSON.
std::string explanation_json(const Decision& decision, const core::Explainer& explainer);

}  // namespace portsplit::cli
