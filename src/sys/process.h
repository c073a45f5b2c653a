#pragma once
// Processes: starting them, what they inherit, and how they ended.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Marks every descriptor from `first` on close-on-exec, known or not (close_range(2)).
void close_on_exec_from(int first);

/// Lets no process of the same user trace this one or read its memory (PR_SET_DUMPABLE), nor its
/// forks; a program it becomes is traceable again.
void refuse_tracing();

/// Lets whoever else has work on this processor go first (sched_yield(2)).
void give_way();

/// What ps(1) calls this process; cut to 15 bytes (PR_SET_NAME).
void set_name(const char* name);

/// The orphans of this process's descendants become its children (PR_SET_CHILD_SUBREAPER).
void adopt_orphans();

/// How many children this process has, zombies included.
std::size_t count_children();

/// A child that ended, and how (the status of waitpid(2)).
struct Ended {
    pid_t pid = -1;
    int status = 0;
};

/// Takes the next child that has ended, without waiting; nothing when there is none.
std::optional<Ended> reap();

/// Waits for one child to end.
int wait_for(pid_t pid);

/// `exit=N` or `signal=NAME`.
std::string describe_status(int status);

}  // namespace portsplit::sys
