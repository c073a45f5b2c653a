#pragma once
// An error or a warning of a configuration as text, on one line or wrapped for a terminal. Prints nothing.

#include <string>

#include "cli/terminal.h"
#include "config/issue.h"

namespace portsplit::cli {

/// Returns `FILE:LINE: text`, or `FILE:LINE: warning: text`, and the excerpt below it, with newlines.
/// @param with_name  true to put the name of a warning in brackets behind it
std::string issue_text(const config::Issue& issue, bool with_name, Look look);

}  // namespace portsplit::cli
