#pragma once
// Advice on `include = NAME` where NAME is a protocol that the pattern library has no entry for: by another
// name, or for a reason. Called by include.cc.

#include <string>
#include <string_view>

namespace portsplit::config {

/// Returns what to write for a protocol, or why it has no entry; empty if the name is not known.
std::string advice_on_protocol(std::string_view name);

}  // namespace portsplit::config
