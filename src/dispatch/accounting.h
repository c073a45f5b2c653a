#pragma once
// What the zygote tells the daemon of its connections before they end, for the daemon's budgets: which have a
// service, and the questions of dispatchers. For the zygote.
//
// How it works. A dispatcher cannot get a message of the zygote: they share one channel, which only the zygote
// reads. So where a question is possible, each spare gets a pipe for the answer when it is forked. That a
// connection has a service is told some time later, many at once: most end before.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/plan.h"
#include "dispatch/connections.h"
#include "dispatch/progress.h"
#include "dispatch/record.h"
#include "handoff.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

class Accounting {
  public:
    /// How long the daemon counts a connection as undecided that has a service, at most.
    static constexpr std::chrono::milliseconds kDelay{100};

    /// @param plan  borrowed; must outlive this
    explicit Accounting(const core::Plan& plan);

    // The pipes for answers. Where no question is possible there are none.

    /// Makes the pipe of the next spare. Without one, its questions are answered with yes.
    sys::Result<sys::Done> prepare();
    /// Keeps the writing end of that pipe, for the spare that was forked.
    /// @returns the reading end, which the spare has
    sys::UniqueFd keep(pid_t spare);
    /// In the spare: closes all ends but its own.
    /// @returns the reading end; none if no question is possible
    sys::UniqueFd take();

    // The connections.

    /// Notes what a dispatcher has published.
    /// @param progress  one for which `is_valid` holds
    /// @returns the question for the daemon, if the dispatcher waits for an answer
    std::optional<handoff::Question> note(pid_t pid, ConnectionRecord& record,
                                          const Progress& progress);
    /// Returns true if a connection still counts as undecided.
    bool may_end(pid_t pid, ConnectionRecord& record);
    /// Gives the daemon's answer to the dispatcher that waits for it.
    void answer(const handoff::Answer& answer);
    /// The daemon is gone: answers with yes.
    void answer_all();
    /// Forgets a process that ended.
    void forget(pid_t pid);

    /// Returns when to call `take_decided`; the maximum if there is nothing to tell.
    sys::Clock::time_point due() const { return due_; }
    /// Returns the news, if it is time.
    std::vector<handoff::Decided> take_decided(Connections& connections);

    /// Returns what the daemon is told of a connection that has ended.
    /// @param status  as waitpid(2) gives it
    handoff::Reaped reaped(const ConnectionRecord& record, int status) const;

  private:
    struct News {
        pid_t pid;
        std::uint64_t id;
    };

    void decide(pid_t pid, ConnectionRecord& record);

    const core::Plan& plan_;
    const bool may_ask_;
    const std::vector<std::size_t> limited_;  ///< the services with limits
    sys::UniqueFd next_read_;
    sys::UniqueFd next_write_;
    std::unordered_map<pid_t, sys::UniqueFd> pipes_;
    std::unordered_map<std::uint64_t, pid_t> asked_;  ///< by the ids of connections
    UnforkedMemory memory_;
    std::pmr::vector<News> news_{&memory_};  ///< of connections that have a service
    sys::Clock::time_point due_ = sys::Clock::time_point::max();
};

/// Returns true if a connection with this progress does not count as undecided.
bool is_decided(const Progress& progress);

}  // namespace portsplit::dispatch
