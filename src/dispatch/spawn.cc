#include "dispatch/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <climits>

#include "sys/process.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using core::Result;
using sys::UniqueFd;

LaunchError failed(int code) { return {Stage::Start, code}; }
LaunchError no_terminal(int code) { return {Stage::Terminal, code}; }

/// The descriptors of both processes, before the fork.
struct Plumbing {
    UniqueFd input, output;              ///< the dispatcher's ends, as in `Program`
    UniqueFd child_input, child_output;  ///< become the program's descriptors 0 and 1
};

Result<Plumbing, LaunchError> make_pipes() {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) < 0) return failed(errno);
    Plumbing plumbing;
    plumbing.child_input.reset(in[0]);
    plumbing.input.reset(in[1]);
    if (::pipe2(out, O_CLOEXEC) < 0) return failed(errno);
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

Result<Plumbing, LaunchError> make_terminal() {
    Plumbing plumbing;
    constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    plumbing.input.reset(::posix_openpt(kFlags));
    const int ours = plumbing.input.get();
    char name[PATH_MAX];
    if (ours < 0 || ::grantpt(ours) < 0 || ::unlockpt(ours) < 0 ||
        ::ptsname_r(ours, name, sizeof name) != 0) {
        return no_terminal(errno);
    }
    plumbing.child_input.reset(::open(name, kFlags));
    if (!plumbing.child_input) return no_terminal(errno);
    const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(ours, TIOCSWINSZ, &size);
    make_raw(plumbing.child_input.get());
    plumbing.output.reset(::fcntl(ours, F_DUPFD_CLOEXEC, 3));
    plumbing.child_output.reset(::fcntl(plumbing.child_input.get(), F_DUPFD_CLOEXEC, 3));
    if (!plumbing.output || !plumbing.child_output) return no_terminal(errno);
    return plumbing;
}

/// Runs in the child: becomes the program. After a failure it writes that to `errors` and exits.
[[noreturn]] void run(const core::Exec& exec, const Plumbing& plumbing, int err,
                      const std::vector<std::string>& environment, int errors) {
    const int out = plumbing.child_output.get();
    const LaunchError error =
        launch(exec, {plumbing.child_input.get(), out, err >= 0 ? err : out}, environment);
    const ssize_t put = ::write(errors, &error, sizeof error);
    ::_exit(put < 0 ? EXIT_FAILURE : exit_code(error));
}

}  // namespace

Result<Program, LaunchError> spawn(const core::Exec& exec, int err,
                                   const std::vector<std::string>& environment) {
    auto plumbing = exec.stdio == core::Stdio::Pty ? make_terminal() : make_pipes();
    if (!plumbing) return plumbing.error();

    // A pipe for the child's failure. A successful exec closes it (O_CLOEXEC): the read returns 0.
    int errors[2];
    if (::pipe2(errors, O_CLOEXEC) < 0) return failed(errno);
    UniqueFd error_reader(errors[0]);
    UniqueFd error_writer(errors[1]);

    const pid_t pid = ::fork();
    if (pid < 0) return failed(errno);
    if (pid == 0) run(exec, *plumbing, err, environment, error_writer.get());

    error_writer.reset();
    LaunchError error{};
    const ssize_t got =
        sys::retry([&] { return ::read(error_reader.get(), &error, sizeof error); });
    if (got == sizeof error) {
        sys::wait_for_child(pid);
        return error;
    }
    Program program{pid, std::move(plumbing->input), std::move(plumbing->output)};
    sys::set_blocking(program.input.get(), false);
    sys::set_blocking(program.output.get(), false);
    return program;
}

}  // namespace portsplit::dispatch
