#pragma once
// Reads FILE and all that it includes, for portsplitd, portsplit-dispatch and portsplit. config/ opens
// no file and sys/ reads no configuration; this connects the two. It does not check the model.

#include <string>
#include <vector>

#include "config/load.h"
#include "sys/error.h"
#include "sys/log.h"

namespace portsplit {

/// Reads a configuration file and the files that it includes.
/// @param installed_patterns  where the library of patterns is installed, as a path from the folder
///                            of this program; a program as built has it in ../share
/// @returns the model or its problems, an include that cannot be read among them; SysError if FILE
///          itself cannot be read
sys::Result<config::Loaded> load_file(const std::string& path, config::Need need,
                                      const std::string& installed_patterns);

/// Writes issues to the log, each at the level of its severity.
/// @param least  Error leaves the warnings out, Warning logs everything
void log_issues(const std::vector<config::Issue>& issues, config::Severity least, sys::Log& log);

}  // namespace portsplit
