#pragma once
// Standard output, which a command's result has not reached before all of it is written.

#include <string_view>

namespace portsplit::cli {

/// Writes the result of a command to standard output.
/// @returns 0; 71, after a message, when it cannot be written
int print(std::string_view text);

}  // namespace portsplit::cli
