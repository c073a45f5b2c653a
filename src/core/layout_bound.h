#pragma once
// How long a stream of a layout can be. Only for warnings: a run needs no bound.

#include <cstddef>
#include <optional>

#include "core/layout.h"

namespace portsplit::core {

/// Returns the most bytes of a stream from its first byte to the end of the layout; none if a part repeats
/// outside of braces, or if the layout has frames.
std::optional<std::size_t> longest_stream(const Layout& layout);

}  // namespace portsplit::core
