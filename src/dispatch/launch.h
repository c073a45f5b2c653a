#pragma once
// Launching: the one place where this process becomes a program. The dispatcher calls it for a
// program on the client's socket, and spawn.cc in a forked child for one on pipes or a terminal.

#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/passing.h"
#include "core/verdict.h"
#include "dispatch/origin.h"
#include "dispatch/progress.h"
#include "sys/become.h"

namespace portsplit::dispatch {

/// Returns the environment that the zygote's programs begin with: PATH (`sys::kProgramPath`) only.
std::vector<std::string> clean_environment();

/// Makes the environment of a service's program. The later replaces an entry of the same name:
/// - `base`, then the variables of this process that `passenv` names, then `TERM` for a terminal;
/// - `PROTO TCPREMOTEIP TCPREMOTEPORT TCPLOCALIP TCPLOCALPORT` (UCSPI; `PROTO=TCP` for IPv6 too);
/// - `REMOTE_ADDR REMOTE_PORT` (systemd, CGI), `REMOTE_HOST` (xinetd; the address, never a name);
/// - in place of these, if the client is on a Unix-domain socket, `PROTO=IPC IPCREMOTEEUID IPCREMOTEEGID
///   IPCREMOTEPATH IPCLOCALPATH` (UCSPI), as far as they are known, paths as `sys::Address::host` has them;
/// - `PORTSPLIT_SERVICE PORTSPLIT_REASON`;
/// - `PORTSPLIT_LISTENER`, if the listener has a name;
/// - the fields that are passed on, each only if it has a value;
/// - the variables of `env` with a text.
/// A `REMOTE_HOST` in `base` that is a name stays: a super-server looked it up.
std::vector<std::string> program_environment(std::vector<std::string> base, const core::Exec& exec,
                                             const Origin& origin, const std::string& service,
                                             core::Reason reason,
                                             const std::vector<core::Passed::Variable>& fields = {},
                                             std::string_view listener = {});

/// The descriptors that become 0, 1 and 2 of a program. Each is 3 or higher, and two or all of them
/// may be the same.
struct StandardDescriptors {
    int in;
    int out;
    int err;
};

/// Returns who a program runs as; none if that is who this process is.
/// @param serving  who this process becomes before it serves; none if it is that already
std::optional<sys::User> user_of(const core::Exec& exec, const std::optional<sys::User>& serving);

/// Why a program did not start. `stage` is User, Limit, Directory or Start.
struct LaunchError {
    Stage stage;
    int code;  ///< errno
};

/// Replaces this process by the program (execve(2)), which finds a session of its own (setsid(2)) with
/// the terminal on descriptor 0, if there is one, as its controlling terminal; the limits, nice value, directory and
/// umask of the service; default signal dispositions, an empty signal mask; blocking mode on 0 and 1, and no
/// descriptor above 2.
/// @param user  becomes the user of this process, if there is one
/// @param environment  `NAME=VALUE` texts, all that the program gets
/// @returns only on failure: chdir(2), dup2(2) or execve(2) failed, and nothing was written to any
///          descriptor. All that is named above may be changed by then: the caller must exit.
LaunchError launch(const core::Exec& exec, const StandardDescriptors& descriptors,
                   const std::optional<sys::User>& user,
                   const std::vector<std::string>& environment);

/// Returns the exit code for a failed `launch`, as sh(1) has it: 127 for a program that was not found
/// (ENOENT, ENOTDIR), else 126.
int exit_code(const LaunchError& error);

}  // namespace portsplit::dispatch
