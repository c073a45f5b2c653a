#pragma once
// A configuration as bytes for another process of the same build. Not for a file: the bytes are the
// members of the model, in the order of the key table, with a length before each text and list.

#include <optional>
#include <string>
#include <string_view>

#include "config/builder.h"
#include "core/model.h"

namespace portsplit::config {

std::string pack(const core::Config& config);

/// Reads what `pack` wrote. Every number and enumerator is one that its key allows, whatever the bytes are;
/// what a text says is not checked, so a pattern need not compile.
/// @param need  Global if the services were left out
/// @returns nothing if the bytes are anything else
std::optional<core::Config> unpack(std::string_view bytes, Need need);

}  // namespace portsplit::config
