#pragma once
// The served connections: those that a dispatcher, or the program that it became, has. For the zygote, which
// learns of them from its spares, from the messages of dispatchers and from the ends of processes. Writes their
// log lines, keeps which targets fail, ends programs that outlive their client, and tells the daemon what it
// has to know of them.
//
// The memory of the connections is not inherited by forks (connections.h). A fork uses no more of this object
// than `failed_targets`.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "core/plan.h"
#include "dispatch/accounting.h"
#include "dispatch/connections.h"
#include "dispatch/daemon_channel.h"
#include "dispatch/failed_targets.h"
#include "dispatch/outlived.h"
#include "dispatch/overdue.h"
#include "dispatch/progress.h"
#include "dispatch/progress_message.h"
#include "dispatch/record.h"
#include "dispatch/spares.h"
#include "dispatch/stderr_pipes.h"
#include "handoff.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::dispatch {

class Served {
  public:
    /// @param plan, log, daemon, accounting  borrowed; must outlive this
    Served(const core::Plan& plan, sys::Log& log, const DaemonChannel& daemon,
           Accounting& accounting, FailedTargets failed_targets, Outlived outlived,
           StderrPipes stderr_pipes);

    bool empty() const { return connections_.empty(); }
    std::size_t size() const { return connections_.size(); }
    /// Returns true if this process serves a connection.
    bool has(pid_t pid) { return connections_.find(pid) != nullptr; }

    /// Adds the connection that a dispatcher has taken.
    void add(pid_t pid, const handoff::Handover& message);
    /// Uses a message of a dispatcher, unless it is not valid or its sender serves no connection.
    /// @param fd  that came with the message: the client's socket, or what the program writes to its descriptor 2
    /// @returns true if the dispatcher announced its end (`is_last`) for the first time
    bool note(pid_t pid, const Message& message, sys::UniqueFd fd);
    /// Notes that a process was stopped. A dispatcher has the time until it is overdue.
    /// @returns false if it serves no connection
    bool note_stopped(pid_t pid);
    /// Ends a connection that counts as undecided too long, unless a service was chosen meanwhile. All
    /// messages of its dispatcher must be read before.
    /// @returns the process that will end now; -1 for none
    pid_t end(std::uint64_t id);
    /// Lets spares try targets that are tried last otherwise (failed_targets.h).
    void let_probe(const Spares& spares);
    /// Forgets a spare that ended without a connection.
    void forget_spare(pid_t pid) {
        failed_targets_.withdraw(pid);
        accounting_.forget(pid);  // its pipe for answers
    }
    /// Logs a connection whose process ended, and reports its slot as free. Does nothing if the process served
    /// none.
    /// @param status  as waitpid(2) gives it
    void finish(pid_t pid, int status);

    /// Readable when the connection of a program broke: call `step` then.
    int fd() const { return outlived_.fd(); }
    /// Returns when to call `let_probe`, `end_overdue` and `step`.
    sys::Clock::time_point due() const;
    /// Ends dispatchers that were stopped before their verdict, and are overdue.
    void end_overdue();
    /// Tells the daemon which connections have a service, logs the counts of lines that were not written, and
    /// ends programs whose client is gone: what of this is due.
    /// @param broken  true if `fd` is readable
    void step(bool broken);
    /// Logs all counts, and what programs have written so far, at the end of the zygote.
    void report_all() {
        connection_log_.report_all();
        stderr_pipes_.finish();
    }
    /// What programs write to their standard error.
    StderrPipes& stderr_pipes() { return stderr_pipes_; }

    // For forks.

    const FailedTargets& failed_targets() const { return failed_targets_; }

  private:
    void note_target(pid_t pid, const Progress& progress);
    void watch(pid_t pid, const Progress& progress, sys::UniqueFd client);
    void read_stderr(pid_t pid, ConnectionRecord& record, sys::UniqueFd pipe);
    void log_crash(const ConnectionRecord& record, int status);

    const core::Plan& plan_;
    sys::Log& log_;
    const DaemonChannel& daemon_;
    Accounting& accounting_;
    FailedTargets failed_targets_;
    Outlived outlived_;
    StderrPipes stderr_pipes_;
    ConnectionLog connection_log_;
    Connections connections_;
    Overdue overdue_;
    std::uint64_t crashes_ = 0;
};

}  // namespace portsplit::dispatch
