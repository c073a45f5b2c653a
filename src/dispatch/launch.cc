#include "dispatch/launch.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit_codes.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace portsplit::dispatch {

sys::SysError launch(const core::Exec& exec, const StandardDescriptors& descriptors,
                     const std::vector<std::string>& environment) {
    sys::restore_signals({SIGPIPE, SIGHUP});
    ::umask(022);

    sys::set_blocking(descriptors.in, true);
    sys::set_blocking(descriptors.out, true);
    // In this order, since none of the three is below 3: nothing is overwritten before it is used.
    if (::dup2(descriptors.in, STDIN_FILENO) < 0 || ::dup2(descriptors.out, STDOUT_FILENO) < 0 ||
        ::dup2(descriptors.err, STDERR_FILENO) < 0) {
        return {errno, "cannot set the descriptors of " + exec.program};
    }
    sys::close_on_exec_from(STDERR_FILENO + 1);

    std::vector<std::string> arguments = {exec.program};
    arguments.insert(arguments.end(), exec.arguments.begin(), exec.arguments.end());
    return sys::execute(sys::find_program(exec.program), arguments, environment);
}

int exit_code(const sys::SysError& error) {
    return error.code == ENOENT || error.code == ENOTDIR ? kExitNotFound : kExitNotExecutable;
}

}  // namespace portsplit::dispatch
