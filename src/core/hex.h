#pragma once
// Bytes in hex: the notation of `hex` patterns, and `\XX` in texts. core/plan.h matches the first like a
// `string`.

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/byte_set.h"
#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

/// Reads text such as `16 03 00-04 ?? 3? ?8`. A byte is two hexadecimal digits, and `?` stands for
/// any digit. Two bytes with `-` and no blank between them are a range. Other blanks are optional.
/// @returns one set for each byte, at least one; or the fault and its place in the text
Result<ByteSets, PatternProblem> parse_hex(std::string_view text);

/// Returns the byte that a text begins with as `\XX`; none if it begins with anything else.
std::optional<std::uint8_t> escaped_byte(std::string_view text);

}  // namespace portsplit::core
