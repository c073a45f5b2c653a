#pragma once
// The texts of --help, set by hand for 80 columns.

#include <string>

namespace portsplit::cli {

/// Returns the help of a command; that of the program itself for `portsplit`.
std::string help_of(const std::string& command);

}  // namespace portsplit::cli
