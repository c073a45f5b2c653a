#pragma once
// Warnings about what a configuration depends on: who can write its files and programs, who can replace its
// Unix-domain sockets, and programs that are scripts.
// Opens no file: the caller passes the look-ups in Surroundings.

#include <vector>

#include "config/issue.h"
#include "config/load.h"

namespace portsplit::config {

/// Returns a warning for each configuration file and program that every user can write, for each Unix-domain
/// socket that every user can replace, or through which every user can say who the client is, and for each
/// script that gets the client's socket, in the order of their spots. Of a configuration with errors, only
/// the files are looked at.
std::vector<Issue> check_trust(const Loaded& loaded, const Surroundings& surroundings);

}  // namespace portsplit::config
