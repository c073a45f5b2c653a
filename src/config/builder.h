#pragma once
// Builds the model from the tree of a configuration. Checks everything that a configuration must have
// to be used, and reports every problem.

#include <cstddef>

#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// What the calling program does with the configuration.
enum class Need {
    Listeners,  ///< listen: a file without `bind` is an error
    Services,   ///< serve connections that are accepted elsewhere: `bind` may be missing
    Global,     ///< what stands above the services: those and `bind` may be missing
};

/// The most services that a configuration may have. libconfig reads a group of so many in about a
/// second, and the time grows with the square of their number (libconfig_scan.h).
inline constexpr std::size_t kMostServices = 10000;

struct Built {
    core::Config config;  ///< valid if no issue is an error
    Origins origins;
};

Built build(const Document& document, Need need, Issues& issues);

}  // namespace portsplit::config
