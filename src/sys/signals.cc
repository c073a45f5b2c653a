#include "sys/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace portsplit::sys {
namespace {

void set_disposition(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);  // fails for SIGKILL and SIGSTOP only
}

}  // namespace

void reset_signals(std::initializer_list<int> ignored) {
    for (int signal = 1; signal < NSIG; ++signal) {
        const bool ignores = std::ranges::find(ignored, signal) != ignored.end();
        set_disposition(signal, ignores ? SIG_IGN : SIG_DFL);
    }
    unblock_signals();
}

void unblock_signals() {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void restore_signals(std::initializer_list<int> ignored) {
    for (const int signal : ignored) set_disposition(signal, SIG_DFL);
    unblock_signals();
}

Result<UniqueFd> signals_by_fd(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    UniqueFd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd) return SysError{errno, "cannot create a signal descriptor"};
    return fd;
}

std::optional<Signal> next_signal(int fd) {
    signalfd_siginfo info{};
    const ssize_t got = retry([&] { return ::read(fd, &info, sizeof info); });
    if (got != sizeof info) return std::nullopt;
    const bool stopped = info.ssi_signo == SIGCHLD && info.ssi_code == CLD_STOPPED;
    return Signal{static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid), stopped};
}

const char* signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name != nullptr ? name : "unknown";
}

}  // namespace portsplit::sys
