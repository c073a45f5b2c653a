#pragma once
// From the tree of a file to the model: everything a configuration must be to be used is checked
// here, and every problem is collected.

#include <cstddef>

#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// What the asking program will do with the configuration.
enum class Need {
    Listeners,  ///< listen: a file without `bind` is an error
    Services,   ///< serve connections that somebody else accepts
};

/// The most services that a configuration may have. libconfig compares the name of each member of a
/// group with all before it, which takes it about a second for so many.
inline constexpr std::size_t kMostServices = 10000;

struct Built {
    core::Config config;  ///< valid if no issue is an error
    Origins origins;
};

Built build(const Document& document, Need need, Issues& issues);

}  // namespace portsplit::config
