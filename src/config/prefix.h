#pragma once
// Prefixes of addresses: text to the model and back, and advice on what other programs write.

#include <optional>
#include <string>
#include <string_view>

#include "config/value.h"
#include "core/result.h"
#include "core/source.h"

namespace portsplit::config {

/// The word for nobody.
inline constexpr std::string_view kNone = "none";

/// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `fe80::%eth0/64` (RFC 4007 11.7), `unix` or `none`. An
/// IPv4-mapped prefix becomes that of IPv4. Bits behind the prefix become 0.
core::Result<core::Prefix, Problem> read_prefix(std::string_view text);

/// Reads where one client comes from: `192.0.2.1`, `fe80::1%eth0` or `unix`.
core::Result<core::Source, Problem> read_source(std::string_view text);

/// Returns the prefix that is meant by a text with bits behind the prefix that are not 0; none if it has none.
std::optional<std::string> prefix_without_rest(std::string_view text);

}  // namespace portsplit::config
