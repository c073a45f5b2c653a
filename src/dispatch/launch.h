#pragma once
// Launching: the one place where this process becomes a program. The dispatcher calls it for a
// program on the client's socket, and spawn.cc in a forked child for one on pipes or a terminal.

#include <string>
#include <vector>

#include "core/model.h"
#include "core/verdict.h"
#include "sys/address.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// Returns the environment that the zygote's programs begin with: PATH (`sys::kProgramPath`) only.
std::vector<std::string> clean_environment();

/// Adds the variables that super-servers set to `base`, replacing entries of the same name:
/// - `PROTO TCPREMOTEIP TCPREMOTEPORT TCPLOCALIP TCPLOCALPORT` (UCSPI; `PROTO=TCP` for IPv6 too);
/// - `REMOTE_ADDR REMOTE_PORT` (systemd, CGI), `REMOTE_HOST` (xinetd; the address, never a name);
/// - `PORTSPLIT_SERVICE PORTSPLIT_REASON`, which alone are set if the peer is a Unix-domain socket.
std::vector<std::string> program_environment(std::vector<std::string> base, const sys::Ends& ends,
                                             const std::string& service, core::Reason reason);

/// The descriptors that become 0, 1 and 2 of a program. Each is 3 or higher, and two or all of them
/// may be the same.
struct StandardDescriptors {
    int in;
    int out;
    int err;
};

/// Replaces this process by the program (execve(2)), which finds default signal dispositions, an
/// empty signal mask, umask 022, blocking mode on 0 and 1, and no descriptor above 2.
/// @param environment  `NAME=VALUE` texts, all that the program gets
/// @returns only on failure: dup2(2) or execve(2) failed, and nothing was written to any descriptor.
///          Descriptors 0 to 2, signals and umask are changed by then: the caller must exit.
sys::SysError launch(const core::Exec& exec, const StandardDescriptors& descriptors,
                     const std::vector<std::string>& environment);

/// Returns the exit code for a failed `launch`, as sh(1) has it: 127 for ENOENT and ENOTDIR, else
/// 126.
int exit_code(const sys::SysError& error);

}  // namespace portsplit::dispatch
