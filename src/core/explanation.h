#pragma once
// The account of a decision: what every service and every pattern said of the bytes, and at which
// byte that became certain. For people; what decides connections is core/verdict.h.

#include <cstddef>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/pattern.h"
#include "core/plan.h"
#include "core/verdict.h"

namespace portsplit::core {

/// An answer, and the number of first bytes that made it final: it was `More` for fewer. For `More`
/// itself, all that were seen.
struct Certainty {
    Answer answer = Answer::No;
    std::size_t bytes = 0;

    bool operator==(const Certainty&) const = default;
};

struct ServiceExplanation {
    Certainty service;
    std::vector<Certainty> patterns;  ///< in the order of the service's own
};

/// What each service said, in the order of the configuration; those beyond the window are ignored.
std::vector<ServiceExplanation> explain(const Plan& plan, Bytes seen);

/// How many of the bytes the verdict took.
/// @returns the smallest number for which `decide` says the same whatever follows; all that were
///          looked at when only the ending decided, or nothing is decided
std::size_t bytes_needed(const Plan& plan, Bytes seen);

}  // namespace portsplit::core
