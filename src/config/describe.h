#pragma once
// Makes the tree of a model, as a reader makes it from the text. For both writers.

#include <cstddef>

#include "config/document.h"
#include "core/model.h"

namespace portsplit::config {

/// Returns a tree with every key whose value is not its default, in the order of the table. Its spots
/// are unset; its values have the kinds of libconfig.
Document describe(const core::Config& config);

/// Returns the length of the longest key in a section, which both writers align values by.
std::size_t longest_key(const Section& section);

}  // namespace portsplit::config
