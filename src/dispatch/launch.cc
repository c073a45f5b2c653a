#include "dispatch/launch.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "exit_codes.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

void set(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
    const std::string prefix = std::string(name) + "=";
    std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(prefix); });
    environment.push_back(prefix + std::string(value));
}

}  // namespace

std::vector<std::string> clean_environment() { return {std::string("PATH=") + sys::kProgramPath}; }

std::vector<std::string> program_environment(std::vector<std::string> base, const sys::Ends& ends,
                                             const std::string& service, core::Reason reason) {
    set(base, "PORTSPLIT_SERVICE", service);
    set(base, "PORTSPLIT_REASON", core::to_string(reason));
    if (!ends.peer.is_internet()) return base;
    const std::string remote = ends.peer.host();
    const std::string remote_port = std::to_string(ends.peer.port());
    set(base, "PROTO", "TCP");
    set(base, "TCPREMOTEIP", remote);
    set(base, "TCPREMOTEPORT", remote_port);
    set(base, "TCPLOCALIP", ends.local.host());
    set(base, "TCPLOCALPORT", std::to_string(ends.local.port()));
    set(base, "REMOTE_ADDR", remote);
    set(base, "REMOTE_PORT", remote_port);
    set(base, "REMOTE_HOST", remote);
    return base;
}

sys::SysError launch(const core::Exec& exec, const StandardDescriptors& descriptors,
                     const std::vector<std::string>& environment) {
    sys::restore_signals({SIGPIPE, SIGHUP});
    ::umask(022);

    sys::set_blocking(descriptors.in, true);
    sys::set_blocking(descriptors.out, true);
    // None of the three is below 3, so no dup2 overwrites a descriptor that a later one copies.
    if (::dup2(descriptors.in, STDIN_FILENO) < 0 || ::dup2(descriptors.out, STDOUT_FILENO) < 0 ||
        ::dup2(descriptors.err, STDERR_FILENO) < 0) {
        return {errno, "cannot set the descriptors of " + std::string(exec.program)};
    }
    sys::close_on_exec_from(STDERR_FILENO + 1);

    std::vector<std::string> arguments = {std::string(exec.program)};
    arguments.insert(arguments.end(), exec.arguments.begin(), exec.arguments.end());
    return sys::execute(sys::find_program(std::string(exec.program)), arguments, environment);
}

int exit_code(const sys::SysError& error) {
    return error.code == ENOENT || error.code == ENOTDIR ? kExitNotFound : kExitNotExecutable;
}

}  // namespace portsplit::dispatch
