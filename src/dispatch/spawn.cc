#include "dispatch/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <climits>

#include "dispatch/launch.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Result;
using sys::SysError;
using sys::UniqueFd;

/// The descriptors of both processes, before the fork.
struct Plumbing {
    UniqueFd input, output;              ///< the dispatcher's ends, as in `Program`
    UniqueFd child_input, child_output;  ///< become the program's descriptors 0 and 1
};

Result<Plumbing> make_pipes() {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    Plumbing plumbing;
    plumbing.child_input.reset(in[0]);
    plumbing.input.reset(in[1]);
    if (::pipe2(out, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    plumbing.output.reset(out[0]);
    plumbing.child_output.reset(out[1]);
    return plumbing;
}

/// Makes a terminal pass every byte unchanged: no echo, no translation, no signal from a control
/// character (termios(3) cfmakeraw).
void make_raw(int terminal) {
    termios settings{};
    if (::tcgetattr(terminal, &settings) < 0) return;
    ::cfmakeraw(&settings);
    ::tcsetattr(terminal, TCSANOW, &settings);
}

Result<Plumbing> make_terminal() {
    Plumbing plumbing;
    constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    plumbing.input.reset(::posix_openpt(kFlags));
    const int ours = plumbing.input.get();
    char name[PATH_MAX];
    if (ours < 0 || ::grantpt(ours) < 0 || ::unlockpt(ours) < 0 ||
        ::ptsname_r(ours, name, sizeof name) != 0) {
        return SysError{errno, "cannot make a terminal"};
    }
    plumbing.child_input.reset(::open(name, kFlags));
    if (!plumbing.child_input)
        return SysError{errno, "cannot open the terminal " + std::string(name)};
    make_raw(plumbing.child_input.get());
    plumbing.output.reset(::fcntl(ours, F_DUPFD_CLOEXEC, 3));
    plumbing.child_output.reset(::fcntl(plumbing.child_input.get(), F_DUPFD_CLOEXEC, 3));
    if (!plumbing.output || !plumbing.child_output)
        return SysError{errno, "cannot copy a terminal"};
    return plumbing;
}

/// Runs in the child: becomes the program. After a failure it writes the errno to `errors` and exits.
[[noreturn]] void run(const core::Exec& exec, const Plumbing& plumbing, int err,
                      const std::vector<std::string>& environment, int errors) {
    if (exec.stdio == core::Stdio::Pty) {
        ::setsid();
        ::ioctl(plumbing.child_input.get(), TIOCSCTTY, 0);
    }
    const int out = plumbing.child_output.get();
    const SysError error =
        launch(exec, {plumbing.child_input.get(), out, err >= 0 ? err : out}, environment);
    const ssize_t put = ::write(errors, &error.code, sizeof error.code);
    ::_exit(put < 0 ? EXIT_FAILURE : exit_code(error));
}

}  // namespace

Result<Program> spawn(const core::Exec& exec, int err,
                      const std::vector<std::string>& environment) {
    auto plumbing = exec.stdio == core::Stdio::Pty ? make_terminal() : make_pipes();
    if (!plumbing) return plumbing.error();

    // A pipe for the child's errno. A successful exec closes it (O_CLOEXEC): the read returns 0.
    int errors[2];
    if (::pipe2(errors, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    UniqueFd error_reader(errors[0]);
    UniqueFd error_writer(errors[1]);

    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork for " + std::string(exec.program)};
    if (pid == 0) run(exec, *plumbing, err, environment, error_writer.get());

    error_writer.reset();
    int code = 0;
    const ssize_t got = sys::retry([&] { return ::read(error_reader.get(), &code, sizeof code); });
    if (got == sizeof code) {
        sys::wait_for_child(pid);
        return SysError{code, "cannot execute " + std::string(exec.program)};
    }
    Program program{pid, std::move(plumbing->input), std::move(plumbing->output)};
    sys::set_blocking(program.input.get(), false);
    sys::set_blocking(program.output.get(), false);
    return program;
}

}  // namespace portsplit::dispatch
