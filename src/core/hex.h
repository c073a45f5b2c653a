#pragma once
// The notation of `hex` patterns. Not the matching: what is read here matches like any other
// pattern of fixed length.

#include <string_view>

#include "core/byte_set.h"
#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

/// Reads `16 03 00-04 ?? 3? ?8`: a byte is two hexadecimal digits, either of which may be `?` for
/// any; two bytes with `-` between them are a range. Blanks separate, and are needed round a range
/// only.
/// @returns one set for each byte, at least one; or what is wrong and where in the text
Result<ByteSets, PatternProblem> parse_hex(std::string_view text);

}  // namespace portsplit::core
