#pragma once
// Signals: their state at birth, for programs, and their arrival through a descriptor. No handler
// of ours ever runs.

#include <signal.h>

#include <initializer_list>
#include <optional>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Puts every signal's disposition to its default and unblocks all, whatever was inherited
/// (ignored dispositions and the mask survive execve(2)).
void reset_signals();

/// Ignores a signal in this process and its forks.
void ignore_signal(int signal);

/// Puts back to default what `ignore_signal` was called for, and unblocks all: the state in which a
/// program expects to start. Cheaper than `reset_signals`, for the path of every connection.
void restore_signals(std::initializer_list<int> ignored);

/// Empties this process's mask of blocked signals.
void unblock_signals();

/// Blocks these signals and delivers them through a descriptor instead (signalfd(2)), non-blocking
/// and close-on-exec.
Result<UniqueFd> signals_by_fd(std::initializer_list<int> signals);

/// The next signal waiting in such a descriptor; nothing when there is none.
std::optional<int> next_signal(const UniqueFd& fd);

/// The name of a signal without SIG, e.g. "KILL".
const char* signal_name(int signal);

}  // namespace portsplit::sys
