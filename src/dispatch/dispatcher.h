#pragma once
// The dispatcher: serves one connection from its first byte to its end. Looks at the first bytes,
// decides by the plan, and becomes a program or relays. The zygote calls it in a fork, inetd in the
// process that a super-server started.

#include "dispatch/progress.h"
#include "dispatch/setting.h"
#include "sys/arrival.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// The client of one connection: a stream socket, or two pipes.
struct Client {
    sys::UniqueFd fd;
    sys::Arrival arrival;
    sys::UniqueFd output = {};  ///< the pipe to write to; then `fd` is the one to read from
};

/// Serves one connection. Does not return if the service executes a program on the socket: this
/// process becomes the program.
/// @returns the exit code of the dispatcher: 0; kExitTemporary if peeking failed or no target
///          answered; 126 or 127 if the program could not be started
int serve(Client client, const Setting& setting, Reporter& reporter);

}  // namespace portsplit::dispatch
