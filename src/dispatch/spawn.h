#pragma once
// Spawning: starts a program beside the dispatcher, on two pipes or on a terminal. A program on
// the client's socket is not started here: the dispatcher becomes it (launch.h).

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/result.h"
#include "dispatch/launch.h"
#include "sys/become.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// A running program and the dispatcher's ends of its descriptors, non-blocking and close-on-exec. Its parent is a
/// keeper, a process that reads no byte: the dispatcher, which relays them, may be another user than the program, and
/// confined so that it can signal nobody.
class Program {
  public:
    Program(pid_t keeper, sys::UniqueFd pair, sys::UniqueFd input, sys::UniqueFd output);

    sys::UniqueFd input;   ///< written by the dispatcher, read by the program
    sys::UniqueFd output;  ///< written by the program, read by the dispatcher

    /// Waits until the program has ended. Call one of the two, once.
    /// @returns its status as waitpid(2) has it; that of the keeper if that was killed
    int wait();
    /// Has it ended, see `end_program`, and waits.
    int end();

  private:
    int status();

    pid_t keeper_;
    sys::UniqueFd pair_;  ///< brings the status; the keeper ends the program at its end
};

/// Starts a program and waits until execve(2) has succeeded or failed. It ends as `end_program` has it when this
/// process ends.
/// - `Stdio::Pipe`: on two pipes.
/// - `Stdio::Pty`: on a terminal of 24 lines and 80 columns in raw mode, which belongs to the program's user; `input`
///   and `output` are two descriptors of its master side (pty(7)).
/// @param err  becomes the program's descriptor 2; negative for a copy of its descriptor 1
/// @param user  as in `launch`
/// @returns what failed; no child is left then
core::Result<Program, LaunchError> spawn(const core::Exec& exec, int err,
                                         const std::optional<sys::User>& user,
                                         const std::vector<std::string>& environment);

}  // namespace portsplit::dispatch
