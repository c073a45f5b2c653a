#pragma once
// Names of hosts as they are compared: ASCII letters in small ones, and without the dot that ends a name written
// in full (RFC 1034 3.1).

#include <string>
#include <string_view>

namespace portsplit::core {

/// Returns a name as names are compared.
std::string folded_name(std::string_view name);

/// Returns why no usual client sends a name of a host in this form, and what would be right; empty if one may.
std::string why_no_host_name(std::string_view name);

}  // namespace portsplit::core
