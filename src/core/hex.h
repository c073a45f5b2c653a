#pragma once
// Reads the notation of `hex` patterns. core/plan.h matches the result like a `string`.

#include <string_view>

#include "core/byte_set.h"
#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

/// Reads text such as `16 03 00-04 ?? 3? ?8`. A byte is two hexadecimal digits, and `?` stands for
/// any digit. Two bytes with `-` and no blank between them are a range. Other blanks are optional.
/// @returns one set for each byte, at least one; or the fault and its place in the text
Result<ByteSets, PatternProblem> parse_hex(std::string_view text);

}  // namespace portsplit::core
