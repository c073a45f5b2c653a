#pragma once
// The classic spelling: `key = value` lines, then `[service]` sections; `#` begins a comment as the
// first character of a line. Knows lines, not what keys mean.

#include <string_view>

#include "config/document.h"
#include "config/issue.h"

namespace portsplit::config {

/// Reads cleaned text. What is no line of this spelling becomes an issue, and reading goes on.
Document read_classic(std::string_view text, FileIssues issues);

}  // namespace portsplit::config
