#pragma once
// What is strange about a valid configuration: things that load and serve, but not as their author
// may think. Finds them; whoever knows the file's lines words them.

#include <cstddef>
#include <vector>

#include "core/model.h"

namespace portsplit::core {

/// A pattern that never decides, because every stream that fits it fits an earlier pattern too.
struct Shadow {
    std::size_t service;
    std::size_t pattern;
    std::size_t by_service;  ///< same as `service` when a service repeats itself
    std::size_t by_pattern;

    bool operator==(const Shadow&) const = default;
};

/// Every pattern taken by an earlier one, in the order of the configuration, each with the first
/// pattern that takes it.
std::vector<Shadow> find_shadows(const Config& config);

/// Indexes of the services that can never win, because each of their patterns is taken by an
/// earlier service.
std::vector<std::size_t> find_losers(const Config& config, const std::vector<Shadow>& shadows);

}  // namespace portsplit::core
