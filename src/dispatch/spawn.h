#pragma once
// A program that runs beside its dispatcher, on two pipes or on a terminal, instead of taking its
// place on the socket.

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/model.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// A started program, and our ends of its descriptors.
struct Program {
    pid_t pid = -1;
    sys::UniqueFd to;    ///< what is written here, it reads; for a terminal the same as `from`
    sys::UniqueFd from;  ///< what it writes, is read here
};

/// Starts a program on pipes (`Stdio::Pipe`) or as the leader of a session of its own on a raw
/// terminal (`Stdio::Pty`), and waits until it runs.
/// @param err  where its descriptor 2 leads; negative for the same place as its descriptor 1
/// @returns our ends, non-blocking; the error of whatever could not be made or started
sys::Result<Program> spawn(const core::Exec& exec, int err,
                           const std::vector<std::string>& environment);

}  // namespace portsplit::dispatch
