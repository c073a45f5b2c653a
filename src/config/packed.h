#pragma once
// A configuration as bytes for another process of the same build. As complete as what the writers of text
// make, but lengths stand before the parts, so reading needs no parsing.

#include <optional>
#include <string>
#include <string_view>

#include "config/builder.h"
#include "core/model.h"

namespace portsplit::config {

std::string pack(const core::Config& config);

/// Reads what `pack` wrote, with every check of a text.
/// @param need  Global if the services were left out
/// @returns nothing if the bytes are anything else, or a configuration with errors
std::optional<core::Config> unpack(std::string_view bytes, Need need);

}  // namespace portsplit::config
