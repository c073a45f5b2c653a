#pragma once
// Patterns and services that can never decide, found by proof: every one reported is shadowed, but
// not every shadowed one is reported. core/lint.h finds more by searching for example streams.
// Called by `portsplit check` and the warnings of config/.

#include <cstddef>
#include <vector>

#include "core/model.h"

namespace portsplit::core {

/// A pattern by its place in the configuration.
struct PatternPlace {
    std::size_t service;
    std::size_t pattern;

    bool operator==(const PatternPlace&) const = default;
};

/// A pattern that never decides: every stream that fits it also fits an earlier pattern. Proved in
/// four cases: both patterns have a fixed length; an earlier expression matches the bytes that
/// begin every stream of this one; the same expression occurs twice; earlier patterns of fixed length
/// cover the beginnings of this expression.
struct Shadow {
    PatternPlace at;
    /// The earlier patterns, of the same service if it repeats itself. More than one if each of them
    /// takes only a part of the streams.
    std::vector<PatternPlace> by;

    bool operator==(const Shadow&) const = default;
};

/// Returns every shadowed pattern in the order of the configuration, each with the first pattern
/// or patterns that shadow it.
/// @param config  valid: its patterns compile
std::vector<Shadow> find_shadows(const Config& config);

/// Returns the services that can never win because each of their patterns is shadowed, as indexes
/// in ascending order.
/// @param shadows  the result of `find_shadows` for the same configuration
std::vector<std::size_t> find_shadowed_services(const Config& config,
                                                const std::vector<Shadow>& shadows);

}  // namespace portsplit::core
