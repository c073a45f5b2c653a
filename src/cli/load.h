#pragma once
// The configuration file of a command, with the library of patterns that belongs to this program.

#include <optional>
#include <string>

#include "config/load.h"

namespace portsplit::cli {

/// Reads a configuration file and the files it includes. Prints no issues: each command selects
/// those it prints.
/// @returns nothing, after a message, if the file cannot be read; the command then exits with 78
std::optional<config::Loaded> load_or_complain(const std::string& file, config::Need need);

}  // namespace portsplit::cli
