#pragma once
// The way back: a model as the tree that a reader would yield for it. The builder's mirror.

#include <cstddef>

#include "config/document.h"
#include "core/model.h"

namespace portsplit::config {

/// Every option that differs from its default, in the order of the table. The tree is that of no
/// file: it has no lines, and its values are of the kinds that libconfig tells apart.
Document describe(const core::Config& config);

/// How wide the keys of a section are, for a writer that aligns its values.
std::size_t longest_key(const Section& section);

}  // namespace portsplit::config
