#pragma once
// The command line of portsplitd.

#include <chrono>
#include <string>

#include "sys/log.h"

namespace portsplit::daemon {

struct Options {
    std::string file;
    std::string log = sys::kStderr;
    int ready_fd = -1;
    std::chrono::seconds idle_exit{0};  ///< end after so long without a connection; 0 for never
};

/// What a command line asks for: options to serve with, or an answer that ends the program.
struct CommandLine {
    Options options;
    bool serve = false;
    int exit_code = 0;  ///< when not serving
};

/// Reads it; prints help, the version, or what is wrong with it.
CommandLine read_command_line(int argc, char** argv);

}  // namespace portsplit::daemon
