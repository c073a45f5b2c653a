#pragma once
// The command line of portsplitd, read with getopt_long(3) for main.

#include <chrono>
#include <string>

#include "sys/log.h"

namespace portsplit::daemon {

struct Options {
    std::string file;                ///< the configuration file
    std::string log = sys::kStderr;  ///< as sys::open_log takes it
    /// The descriptor for the addresses, or -1. Closed by the Daemon once it has written to it.
    int ready_fd = -1;
    std::chrono::seconds idle_exit{0};  ///< exit after so long without a connection; 0: never
};

/// Options to serve with, or the exit code of a program that has nothing to serve.
struct CommandLine {
    Options options;
    bool serve = false;
    int exit_code = 0;  ///< valid if not `serve`
};

/// Reads the command line. Prints help or the version to standard output, or what is wrong with the
/// line to standard error; then the program must end with `exit_code`.
CommandLine read_command_line(int argc, char** argv);

}  // namespace portsplit::daemon
