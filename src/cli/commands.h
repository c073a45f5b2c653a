#pragma once
// What `portsplit` can do. Each command prints its own result and problems, and returns the exit
// code.

#include <string>
#include <vector>

namespace portsplit::cli {

/// Becomes `portsplitd` in the foreground with these arguments.
int serve(const std::vector<std::string>& arguments);

/// Prints every problem of a configuration file on standard error.
/// @param inetd  it is for a super-server, which listens itself: a file without `bind` is fine
/// @returns 0 when it can be served, 78 when not
int check(const std::string& file, bool inetd);

/// Prints a configuration file in a spelling on standard output.
/// @param spelling  "classic" or "libconfig"; empty for the one that the file is not in
int convert(const std::string& file, const std::string& spelling);

}  // namespace portsplit::cli
