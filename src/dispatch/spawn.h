#pragma once
// Spawning: starts a program as a child of the dispatcher, on two pipes or on a terminal. A program on
// the client's socket is not started here: the dispatcher becomes it (launch.h).

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/model.h"
#include "core/result.h"
#include "dispatch/launch.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// A running program and the dispatcher's ends of its descriptors, non-blocking and close-on-exec.
struct Program {
    pid_t pid = -1;        ///< the caller must wait for it
    sys::UniqueFd input;   ///< written by the dispatcher, read by the program
    sys::UniqueFd output;  ///< written by the program, read by the dispatcher
};

/// Starts a program and waits until execve(2) has succeeded or failed.
/// - `Stdio::Pipe`: on two pipes.
/// - `Stdio::Pty`: on a terminal of 24 lines and 80 columns in raw mode; `input` and `output` are two
///   descriptors of its master side (pty(7)).
/// @param err  becomes the program's descriptor 2; negative for a copy of its descriptor 1
/// @returns what failed; no child is left then
core::Result<Program, LaunchError> spawn(const core::Exec& exec, int err,
                                         const std::vector<std::string>& environment);

}  // namespace portsplit::dispatch
