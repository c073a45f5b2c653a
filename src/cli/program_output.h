#pragma once
// What a program of the system prints, for checks of this machine.

#include <string>
#include <vector>

#include "sys/error.h"

namespace portsplit::cli {

/// Runs a program until its end and returns what it has written to standard output. Its standard input is empty
/// and its messages are dropped.
/// @param arguments  the name of the program (sys/program.h finds it) and its arguments
/// @returns code ENOENT if there is no such program, EIO if its exit code is not 0
sys::Result<std::string> output_of(const std::vector<std::string>& arguments);

}  // namespace portsplit::cli
