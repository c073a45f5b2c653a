#pragma once
// The commands of `portsplit`, each in a file of its name. main.cc reads their command lines. A
// command prints its result and its messages, and returns the exit code: 71 when standard output
// cannot be written.

#include <optional>
#include <string>
#include <vector>

#include "core/model.h"

namespace portsplit::cli {

/// Executes `portsplitd` in place of this process with these arguments (execve(2)).
/// @returns 71, and only when that failed
int run_in_foreground(const std::vector<std::string>& arguments);

/// Prints every error and warning of a configuration file on standard error.
/// @param inetd     true for a file of a super-server, which needs no `bind`
/// @param silenced  warnings not to print: NAME, or NAME:SERVICE for those of one service
/// @returns 0 when the file can be served, 78 when not, 64 for an unknown NAME
int check(const std::string& file, bool inetd, const std::vector<std::string>& silenced);

/// Checks whether the targets of transparent services answer to the address of a client on this machine, and
/// prints what is missing on standard error (system_check.h). Needs root.
/// @returns 0 when all do, 71 when one does not, 78 when the file cannot be read
int check_system(const std::string& file);

/// Prints a configuration file in a spelling on standard output.
/// @param spelling  "classic" or "libconfig"; empty for the one that the file is not in
int convert(const std::string& file, const std::string& spelling);

/// The bytes that `explain` decides about, and how it prints the decision. With none of the three
/// sources the bytes come from standard input.
struct ExplainOptions {
    std::optional<std::string> text = {};  ///< with `\XX` for a byte in hex
    std::optional<std::string> hex = {};
    std::optional<std::string> capture = {};  ///< the path of a capture; all its streams
    std::string listener = core::kMain;       ///< the one that the client came to
    std::optional<std::string> source = {};   ///< the client's address, or `unix`
    bool final = false;                       ///< decide as at the deadline
    bool json = false;
};

/// Prints how a configuration file decides, and why.
/// @returns 0; 64 when the bytes, or a part of the capture, cannot be read, or there is no such listener, or the source is no address; 78
///          when the file cannot be read
int explain(const std::string& file, const ExplainOptions& options);

/// Compares the decisions of a configuration file with those that a file of cases (cases.h) expects, and
/// prints the differences.
/// @param tap  true to print every case as TAP, for programs
/// @returns 0; 1 when a case is not as expected; 78 when one of the files, or a recording, cannot be used
int test(const std::string& file, const std::string& cases_file, bool tap);

/// Has the running daemon of a configuration become the program that is installed now, and waits for the outcome.
/// @returns 0; 71 when that failed, or there is no such daemon; 78 when the file cannot be read or has no `pid`
int upgrade(const std::string& file);

}  // namespace portsplit::cli
