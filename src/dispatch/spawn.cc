#include "dispatch/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <span>
#include <utility>
#include <vector>

#include "dispatch/outlived.h"
#include "sys/capability.h"
#include "sys/channel.h"
#include "sys/poll_set.h"
#include "sys/process.h"
#include "sys/signals.h"
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

/// Opens files as a user, while it exists (setfsuid(2)). The kernel makes capabilities for files effective at the way
/// back to root (capabilities(7)), so that is undone.
class FileUser {
  public:
    explicit FileUser(const std::optional<sys::User>& user) : is_other_(user.has_value()) {
        if (!is_other_) return;
        rights_ = sys::used_capabilities();
        ::setfsuid(user->uid);
    }
    FileUser(const FileUser&) = delete;
    FileUser& operator=(const FileUser&) = delete;
    ~FileUser() {
        if (!is_other_) return;
        ::setfsuid(::geteuid());
        (void)sys::use_only(rights_);
    }

  private:
    bool is_other_;
    std::vector<sys::Capability> rights_{};
};

/// @param user  whose the terminal is (pty(7): who opens it); none for this one
Result<Plumbing, LaunchError> make_terminal(const std::optional<sys::User>& user) {
    Plumbing plumbing;
    constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    const FileUser opened_by(user);
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

/// Becomes the program. After a failure it writes that to `errors` and exits.
[[noreturn]] void run(const core::Exec& exec, const Plumbing& plumbing, int err,
                      const std::optional<sys::User>& user,
                      const std::vector<std::string>& environment, int errors) {
    const int out = plumbing.child_output.get();
    const LaunchError error =
        launch(exec, {plumbing.child_input.get(), out, err >= 0 ? err : out}, user, environment);
    const ssize_t put = ::write(errors, &error, sizeof error);
    ::_exit(put < 0 ? EXIT_FAILURE : exit_code(error));
}

/// In the keeper: waits until the dispatcher wants the program to end or has ended itself; or, once the dispatcher has
/// sent a byte, until the program has ended. It is not reaped before, because its process group is signalled by its pid.
/// @returns its status
int keep(pid_t program, std::chrono::milliseconds grace, int pair, int signals) {
    bool waits = false;
    while (true) {
        std::array<pollfd, 2> entries{{
            {.fd = pair, .events = POLLIN, .revents = 0},
            {.fd = waits ? signals : -1, .events = POLLIN, .revents = 0},
        }};
        const int ready = sys::retry([&] { return ::poll(entries.data(), entries.size(), -1); });
        if (ready < 0) sys::pause_after_failed_poll();
        if (entries[0].revents != 0) {
            std::byte byte{};
            const auto received = sys::receive_message(pair, std::span(&byte, 1));
            if (sys::is_closed(received)) return end_program(program, grace);
            if (received) waits = true;
            if (!received) sys::pause_after_failed_poll();
        }
        while (sys::next_signal(signals)) continue;
        if (!waits) continue;
        if (const auto ended = sys::reap(); ended && ended->pid == program) return ended->status;
    }
}

/// The life of the keeper: starts the program, waits, and says how it ended.
[[noreturn]] void be_keeper(const core::Exec& exec, Plumbing plumbing, int err,
                            const std::optional<sys::User>& user,
                            const std::vector<std::string>& environment, UniqueFd errors,
                            const UniqueFd& pair) {
    const auto give_up = [&](int code) {
        const LaunchError error = failed(code);
        (void)!::write(errors.get(), &error, sizeof error);
        ::_exit(EXIT_FAILURE);
    };
    // A group of its own: signals to that of the dispatcher do not reach it.
    ::setpgid(0, 0);
    sys::set_name("portsplit-keep");
    const auto signals = sys::signals_by_fd({SIGCHLD});
    if (!signals) give_up(signals.error().code);
    const pid_t program = ::fork();
    if (program < 0) give_up(errno);
    if (program == 0) {
        sys::unblock_signals();
        run(exec, plumbing, err, user, environment, errors.get());
    }
    sys::close_all_but({pair.get(), signals->get()});
    const int status = keep(program, exec.grace, pair.get(), signals->get());
    (void)sys::send_message(pair.get(), std::as_bytes(std::span(&status, 1)), -1, MSG_DONTWAIT);
    ::_exit(0);
}

}  // namespace

Program::Program(pid_t keeper, UniqueFd pair, UniqueFd its_input, UniqueFd its_output)
    : input(std::move(its_input)),
      output(std::move(its_output)),
      keeper_(keeper),
      pair_(std::move(pair)) {}

int Program::wait() {
    const std::byte byte{1};
    (void)sys::send_message(pair_.get(), std::span(&byte, 1), -1, 0);
    return status();
}

int Program::status() {
    int status = 0;
    const auto received = sys::receive_message(
        pair_.get(), std::as_writable_bytes(std::span(&status, 1)), sys::Wait::ForMessage);
    const int of_keeper = sys::wait_for_child(keeper_);
    return received && received->size == sizeof status ? status : of_keeper;
}

int Program::end() {
    ::shutdown(pair_.get(), SHUT_WR);
    return status();
}

Result<Program, LaunchError> spawn(const core::Exec& exec, int err,
                                   const std::optional<sys::User>& user,
                                   const std::vector<std::string>& environment) {
    auto plumbing = exec.stdio == core::Stdio::Pty ? make_terminal(user) : make_pipes();
    if (!plumbing) return plumbing.error();
    auto pair = sys::channel_pair();
    if (!pair) return failed(pair.error().code);

    // A pipe for a failure of the child. A successful exec closes it (O_CLOEXEC): the read returns 0.
    int errors[2];
    if (::pipe2(errors, O_CLOEXEC) < 0) return failed(errno);
    UniqueFd error_reader(errors[0]);
    UniqueFd error_writer(errors[1]);

    const pid_t keeper = ::fork();
    if (keeper < 0) return failed(errno);
    if (keeper == 0) {
        pair->first.reset();
        be_keeper(exec, *std::move(plumbing), err, user, environment, std::move(error_writer),
                  pair->second);
    }

    error_writer.reset();
    pair->second.reset();
    LaunchError error{};
    const ssize_t got =
        sys::retry([&] { return ::read(error_reader.get(), &error, sizeof error); });
    if (got == sizeof error) {
        pair->first.reset();  // the keeper ends with it
        sys::wait_for_child(keeper);
        return error;
    }
    Program program(keeper, std::move(pair->first), std::move(plumbing->input),
                    std::move(plumbing->output));
    sys::set_blocking(program.input.get(), false);
    sys::set_blocking(program.output.get(), false);
    return program;
}

}  // namespace portsplit::dispatch
