#pragma once
// Processes: what a child inherits, the properties of this process, and how children end.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Marks every descriptor from `first` on close-on-exec (close_range(2)), also those that this
/// process inherited and has no variable for.
void close_on_exec_from(int first);

/// Makes a descriptor close-on-exec, or keeps it open over execve(2).
void set_close_on_exec(int fd, bool closes);

/// Closes every descriptor from 3 on but these; negative ones are ignored.
void close_all_but(std::vector<int> kept);

/// The same without allocating; sorts the numbers. Slow before Linux 5.9, which has no close_range(2).
void close_all_but(std::span<int> kept);

/// Returns how many descriptors this process may have (RLIMIT_NOFILE).
std::size_t descriptor_limit();
/// Sets that limit, at most to the hard one.
void set_descriptor_limit(std::size_t descriptors);

/// Stops processes of the same user from tracing this process and from reading its memory and
/// descriptors (PR_SET_DUMPABLE). Forks inherit that; execve(2) ends it.
void refuse_tracing();

/// Keeps this process and its forks from getting rights by execve(2), for ever (prctl(2) PR_SET_NO_NEW_PRIVS).
Result<Done> refuse_new_privileges();

/// Keeps this process from forking, and from having descriptors from this number on (setrlimit(2)). A process of
/// root may fork all the same.
void limit_to(unsigned descriptors);

/// Lets other processes on this processor run first (sched_yield(2)).
void yield();

/// Sets how long this thread may run before another one on its processor has its turn (sched_setattr(2),
/// sched_runtime; the kernel's least is 0.1 ms).
/// @returns false if the kernel does not take the value, as before Linux 6.12
bool set_time_slice(std::chrono::nanoseconds slice);

/// Sets the name of this process in ps(1), cut to 15 bytes (PR_SET_NAME).
void set_name(const char* name);

/// Makes this process the parent of descendants whose parent ends (PR_SET_CHILD_SUBREAPER).
void adopt_orphans();

/// Returns true if a process is a child of another (proc(5) stat); false if that cannot be read.
bool is_child_of(pid_t process, pid_t parent);

/// Returns the number of children of this process, zombies included; 0 if /proc cannot be read.
std::size_t count_children();

/// A child that ended.
struct Ended {
    pid_t pid = -1;
    int status = 0;  ///< as waitpid(2) returns it
};

/// Reaps one child that has ended (waitpid(2) WNOHANG). Never waits; returns nothing if none has.
std::optional<Ended> reap();

/// Returns a child that a signal has stopped (waitid(2) WSTOPPED), once for each time it was; none if there is
/// none. Looks at all children.
std::optional<pid_t> next_stopped();

/// Waits until this child ends, reaps it and returns its status (waitpid(2)).
int wait_for_child(pid_t pid);

/// Returns `exit=N` or `signal=NAME` for a status of waitpid(2).
std::string describe_status(int status);

}  // namespace portsplit::sys
