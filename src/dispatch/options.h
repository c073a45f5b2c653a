#pragma once
// The command line of portsplit-dispatch.

#include <string>

#include "core/model.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// What the program serves.
enum class Serve {
    Nothing,     ///< the command line was answered or refused: exit
    Generation,  ///< as the zygote that portsplitd starts; the command line is in handoff.h
    Connection,  ///< --inetd: the connection on descriptor 0
};

struct Options {
    std::string file;
    std::string log = sys::kSyslog;
    std::string listener = core::kMain;  ///< of a connection
    std::string version;                 ///< of the contract in handoff.h, as the daemon wrote it
};

/// Options to serve with, or the exit code of a program that has nothing to serve.
struct CommandLine {
    Options options;
    Serve serve = Serve::Nothing;
    int exit_code = 0;  ///< for Serve::Nothing
};

/// Reads the command line. Prints help or the version; reports what is wrong to standard error, or
/// to syslog if standard error is the client's socket, as under inetd.
CommandLine read_command_line(int argc, char** argv);

}  // namespace portsplit::dispatch
