#pragma once
// The command line of portsplitd, read with getopt_long(3) for main.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "sys/log.h"

namespace portsplit::daemon {

/// Descriptors that a program gets which takes over from this one (upgrade.h).
struct TakeOver {
    int state = -1;
    int text = -1;  ///< of the configuration in use
    int log = -1;   ///< -1 for syslog
};

struct Options {
    std::string name = "portsplitd";  ///< argv[0]
    std::string file;                 ///< the configuration file
    std::string log = sys::kStderr;   ///< as sys::open_log takes it
    /// The descriptor for the addresses, or -1. Closed by the Daemon once it has written to it.
    int ready_fd = -1;
    std::chrono::seconds idle_exit{0};  ///< exit after so long without a connection; 0: never
    std::optional<TakeOver> take_over{};
};

/// Options to serve with, or the exit code of a program that has nothing to serve.
struct CommandLine {
    Options options;
    bool serve = false;
    int exit_code = 0;  ///< valid if not `serve`
    std::string
        can_take{};  ///< not empty: the version of a state, which the program is asked about
};

/// Reads the command line. Prints help or the version to standard output, or what is wrong with the
/// line to standard error; then the program must end with `exit_code`.
CommandLine read_command_line(int argc, char** argv);

/// Returns the arguments, argv[0] too, of a program that takes over.
std::vector<std::string> arguments_to_take_over(const Options& options,
                                                const TakeOver& descriptors);

}  // namespace portsplit::daemon
