#pragma once
// What a command prints: its result on standard output, messages and issues on standard error.
// A failed write to standard error is ignored: there is no place left to report it.

#include <string_view>
#include <vector>

#include "config/issue.h"

namespace portsplit::cli {

/// Writes the result of a command to standard output.
/// @returns the exit code of the command: 0, or 71 after a message that names the errno
int print_result(std::string_view text);

/// Writes `portsplit: MESSAGE` to standard error.
void complain(std::string_view message);

/// Writes `FILE: MESSAGE` to standard error.
void complain_about(std::string_view file, std::string_view message);

/// Writes issues to standard error: each with its name in brackets, if it has one, and its excerpt.
/// @param least  `Severity::Error` leaves the warnings out
void print_issues(const std::vector<config::Issue>& issues,
                  config::Severity least = config::Severity::Warning);

}  // namespace portsplit::cli
