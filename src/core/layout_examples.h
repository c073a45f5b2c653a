#pragma once
// Example streams for what a service asks of a layout, found by trying: streams are made from the rules and the
// values, by chance, and those that do not fit are dropped. An example found is true, but a search that finds
// none does not prove that there is none. The counterpart of core/examples.h for layouts. Called by core/lint.h.

#include <cstddef>
#include <string>
#include <vector>

#include "core/model.h"

namespace portsplit::core {

/// Returns different streams that decide for a pattern and fit all of the layout, as far as it can be read without
/// more bytes.
/// @param source  compiles (throws InvalidPattern otherwise)
/// @param pattern  its fields and values are valid (throws InvalidPattern otherwise)
/// @param window  the longest stream
/// @param most  how many to look for
std::vector<std::string> find_layout_examples(const LayoutSource& source,
                                              const LayoutPattern& pattern, std::size_t window,
                                              std::size_t most);

}  // namespace portsplit::core
