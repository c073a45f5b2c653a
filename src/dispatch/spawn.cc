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

/// Both sides of a program's descriptors before it is started.
struct Plumbing {
    UniqueFd our_to, our_from;
    UniqueFd its_in, its_out;
};

Result<Plumbing> make_pipes() {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    Plumbing plumbing;
    plumbing.its_in.reset(in[0]);
    plumbing.our_to.reset(in[1]);
    if (::pipe2(out, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    plumbing.our_from.reset(out[0]);
    plumbing.its_out.reset(out[1]);
    return plumbing;
}

/// Bytes pass as they are: no echo, no translation, no signal from a control character.
void make_raw(int terminal) {
    termios settings{};
    if (::tcgetattr(terminal, &settings) < 0) return;
    ::cfmakeraw(&settings);
    ::tcsetattr(terminal, TCSANOW, &settings);
}

Result<Plumbing> make_terminal() {
    Plumbing plumbing;
    constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    plumbing.our_to.reset(::posix_openpt(kFlags));
    const int ours = plumbing.our_to.get();
    char name[PATH_MAX];
    if (ours < 0 || ::grantpt(ours) < 0 || ::unlockpt(ours) < 0 ||
        ::ptsname_r(ours, name, sizeof name) != 0) {
        return SysError{errno, "cannot make a terminal"};
    }
    plumbing.its_in.reset(::open(name, kFlags));
    if (!plumbing.its_in) return SysError{errno, "cannot open the terminal " + std::string(name)};
    make_raw(plumbing.its_in.get());
    plumbing.our_from.reset(::fcntl(ours, F_DUPFD_CLOEXEC, 3));
    plumbing.its_out.reset(::fcntl(plumbing.its_in.get(), F_DUPFD_CLOEXEC, 3));
    if (!plumbing.our_from || !plumbing.its_out) return SysError{errno, "cannot copy a terminal"};
    return plumbing;
}

/// In the child. Tells through `trouble` why it could not start.
[[noreturn]] void run(const core::Exec& exec, const Plumbing& plumbing, int err,
                      const std::vector<std::string>& environment, int trouble) {
    if (exec.stdio == core::Stdio::Pty) {
        ::setsid();
        ::ioctl(plumbing.its_in.get(), TIOCSCTTY, 0);
    }
    const int out = plumbing.its_out.get();
    const SysError error =
        launch(exec, {plumbing.its_in.get(), out, err >= 0 ? err : out}, environment);
    const ssize_t told = ::write(trouble, &error.code, sizeof error.code);
    ::_exit(told < 0 ? EXIT_FAILURE : exit_code(error));
}

}  // namespace

Result<Program> spawn(const core::Exec& exec, int err,
                      const std::vector<std::string>& environment) {
    auto plumbing = exec.stdio == core::Stdio::Pty ? make_terminal() : make_pipes();
    if (!plumbing) return plumbing.error();

    // Closed without a word by a successful exec.
    int trouble[2];
    if (::pipe2(trouble, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    UniqueFd trouble_read(trouble[0]);
    UniqueFd trouble_write(trouble[1]);

    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork for " + exec.program};
    if (pid == 0) run(exec, *plumbing, err, environment, trouble_write.get());

    trouble_write.reset();
    int code = 0;
    const ssize_t got = sys::retry([&] { return ::read(trouble_read.get(), &code, sizeof code); });
    if (got == sizeof code) {
        sys::wait_for(pid);
        return SysError{code, "cannot execute " + exec.program};
    }
    Program program{pid, std::move(plumbing->our_to), std::move(plumbing->our_from)};
    sys::set_blocking(program.to.get(), false);
    sys::set_blocking(program.from.get(), false);
    return program;
}

}  // namespace portsplit::dispatch
