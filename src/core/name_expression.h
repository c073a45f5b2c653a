#pragma once
// Expressions that are asked of a name, such as the name of a server, and that no name fits. Only for
// warnings.

#include <string>
#include <string_view>

namespace portsplit::core {

/// Returns why an expression fits no name, which is compared in small letters, without a dot at its end, and
/// as a whole; empty if it may fit one. Returns nothing about expressions with `|` or options.
std::string why_no_name_fits(std::string_view expression);

}  // namespace portsplit::core
