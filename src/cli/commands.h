#pragma once
// What `portsplit` can do. Each command prints its own result and problems, and returns the exit
// code, which is 71 when the result cannot be written.

#include <optional>
#include <string>
#include <vector>

namespace portsplit::cli {

/// Becomes `portsplitd` in the foreground with these arguments.
int run_in_foreground(const std::vector<std::string>& arguments);

/// Prints every problem of a configuration file on standard error.
/// @param inetd     it is for a super-server, which listens itself: a file without `bind` is fine
/// @param silenced  warnings not to print: NAME, or NAME:SERVICE for those of one service
/// @returns 0 when it can be served, 78 when not
int check(const std::string& file, bool inetd, const std::vector<std::string>& silenced);

/// Prints a configuration file in a spelling on standard output.
/// @param spelling  "classic" or "libconfig"; empty for the one that the file is not in
int convert(const std::string& file, const std::string& spelling);

/// What `explain` decides about: one source of bytes, or standard input.
struct Explained {
    std::optional<std::string> text = {};  ///< with `\XX` for a byte
    std::optional<std::string> hex = {};
    std::optional<std::string> capture = {};  ///< the path of a capture, for all its streams
    bool final = false;                       ///< judge as at the deadline
    bool json = false;
};

/// Prints how a configuration file decides, and why.
/// @returns 0; 64 when the bytes cannot be read, or not all of a capture, 78 when the file cannot
int explain(const std::string& file, const Explained& what);

}  // namespace portsplit::cli
