#pragma once
// What is strange about a valid configuration: things that load and serve, but not as their author
// may think. Finds them, each with a stream that shows it; whoever knows the file's lines words
// them.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/examples.h"
#include "core/model.h"
#include "core/plan.h"

namespace portsplit::core {

/// A pattern that never decides, because every stream that fits it fits an earlier pattern too.
/// Found where it can be proved: among patterns of fixed length; of one whose bytes are all known
/// by an earlier expression; and of an expression that stands there twice.
struct Shadow {
    std::size_t service;
    std::size_t pattern;
    std::size_t by_service;  ///< same as `service` when a service repeats itself
    std::size_t by_pattern;

    bool operator==(const Shadow&) const = default;
};

/// Every such pattern, in the order of the configuration, each with the first pattern that takes
/// all its streams.
std::vector<Shadow> find_shadows(const Config& config);

/// Indexes of the services that can never win, because each of their patterns is taken by an
/// earlier service.
std::vector<std::size_t> find_losers(const Config& config, const std::vector<Shadow>& shadows);

/// What streams of a service show. Those of fixed length are looked at for all services, and the
/// expressions of the first `kMostSearched` only.
struct Finding {
    enum class Kind {
        NeverWins,     ///< every stream found that fits the service goes to an earlier one
        Waits,         ///< the service matches, but an earlier one might still
        NeverMatches,  ///< no stream fits the pattern, as far as the search can tell
        NeverCertain,  ///< fits nothing found, but stays undecided for as long as anybody looks
        HoldsAll,      ///< has no first byte it says no to, and can stay undecided as long
    };
    Kind kind;
    std::size_t service;
    std::size_t pattern;
    std::size_t by_service;                       ///< the earlier service, where there is one
    std::string example;                          ///< the stream, or its start
    std::optional<char> repeated = std::nullopt;  ///< what it goes on with for ever

    bool operator==(const Finding&) const = default;
};

inline constexpr std::size_t kMostSearched = 500;

/// Everything the search sees, in the order of the services. Takes milliseconds for an expression.
std::vector<Finding> lint(const Plan& plan);

}  // namespace portsplit::core
