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

/// Which issues a command prints.
enum class Print {
    Errors,        ///< no warnings
    All,           ///< errors and warnings
    AllWithNames,  ///< errors and warnings; a warning's name for --silence in brackets behind it
};

/// Writes issues to standard error, each with its excerpt; on a terminal coloured and wrapped.
void print_issues(const std::vector<config::Issue>& issues, Print print);

}  // namespace portsplit::cli
