#pragma once
// The one way in for a configuration file: FILE and all that it includes, to a model or its
// problems. For portsplitd, portsplit-dispatch and portsplit. config/ opens no file and sys/ knows
// no configuration, so this stands between them.

#include <string>
#include <vector>

#include "config/load.h"
#include "sys/error.h"
#include "sys/log.h"

namespace portsplit {

/// Reads a configuration file and what it includes.
/// @param installed_patterns  where the library of patterns is installed, as a path from the folder
///                            of this program; a program as built has it in ../share
/// @returns the model or its problems; SysError when the file itself cannot be read
sys::Result<config::Loaded> load_file(const std::string& path, config::Need need,
                                      const std::string& installed_patterns);

/// Writes issues to the log, each at the level of its severity.
/// @param least  `Severity::Error` leaves the warnings out
void log_issues(const std::vector<config::Issue>& issues, config::Severity least, sys::Log& log);

}  // namespace portsplit
