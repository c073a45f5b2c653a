#pragma once
// Signals: dispositions and mask, and signals that arrive through a descriptor (signalfd(2)). No
// program of this project installs a handler.

#include <signal.h>
#include <sys/types.h>

#include <initializer_list>
#include <optional>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Ignores these signals, in this process and its forks, sets every other to its default disposition, and unblocks
/// all. At the start of a program: ignored signals and the mask come through execve(2). The order matters: a signal
/// that is ignored may be pending, and would end the process if it were unblocked before.
void reset_signals(std::initializer_list<int> ignored = {});

/// Sets these signals to their default disposition and unblocks all, which is the state that a
/// program expects at its start. For the path of each connection: one system call for each signal,
/// where `reset_signals` makes 64.
/// @param ignored  every signal that `reset_signals` ignored
void restore_signals(std::initializer_list<int> ignored);

/// Unblocks all signals.
void unblock_signals();

/// Blocks these signals and delivers them through a descriptor instead (signalfd(2)), non-blocking
/// and close-on-exec.
Result<UniqueFd> signals_by_fd(std::initializer_list<int> signals);

/// A signal that was delivered.
struct Signal {
    int number = 0;
    pid_t sender = 0;      ///< of SIGCHLD: a child that ended or was stopped; 0 if it is not known
    bool stopped = false;  ///< of SIGCHLD: true if it was stopped
};

/// Reads the next signal from a descriptor of `signals_by_fd`. Never waits; returns nothing if no
/// signal is pending.
std::optional<Signal> next_signal(int fd);

/// Returns the name of a signal without SIG, such as "KILL"; "unknown" for another number.
const char* signal_name(int signal);

}  // namespace portsplit::sys
