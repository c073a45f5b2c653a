#pragma once
// What a command prints: its result on standard output, what is wrong on standard error.

#include <string>
#include <string_view>

namespace portsplit::cli {

/// Writes the result of a command to standard output.
/// @returns 0; 71, after a message, when it cannot be written
int print(std::string_view text);

/// Writes `portsplit: WHAT` to standard error.
void complain(const std::string& what);

}  // namespace portsplit::cli
