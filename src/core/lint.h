#pragma once
// Warnings about a valid configuration: services and expressions that probably do not what their author
// intended. Found by a search for example streams, so each finding is true and has a stream that shows
// it, but some faults stay unfound. core/shadow.h proves its findings.
// Called by config/, which adds line numbers and the wording.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan.h"

namespace portsplit::core {

struct Finding {
    enum class Kind {
        NeverWins,     ///< every stream found that fits the service goes to an earlier one
        Waits,         ///< a stream fits the service, but an earlier service still answers more
        NeverMatches,  ///< the search found no stream that the expression matches
        NeverCertain,  ///< no stream found matches, and one stays undecided up to the window
        Shadowed,      ///< every stream found for a layout fits the patterns of its service, too
        HoldsAll,      ///< no first byte rules the expression out, and a stream can stay undecided
    };
    Kind kind;
    std::size_t service;
    /// How many patterns there are, if it is about a layout; Shadowed: the index in Service::layouts.
    std::size_t pattern;
    std::size_t by_service;                       ///< NeverWins, Waits: the earlier service
    std::string example;                          ///< the stream, or its start
    std::optional<char> repeated = std::nullopt;  ///< set if the stream repeats this byte for ever

    bool operator==(const Finding&) const = default;
};

/// Returns the name of a warning as users write and read it, such as `never-wins`.
std::string_view to_string(Finding::Kind kind);

/// How many expressions and layouts `lint` searches, each for some milliseconds. A service with one beyond this
/// number is not checked. Patterns of fixed length need no search and do not count.
inline constexpr std::size_t kMostSearched = 500;

/// Returns the findings in the order of the services. Takes milliseconds for each expression.
std::vector<Finding> lint(const Plan& plan);

}  // namespace portsplit::core
