#pragma once
// One generation as the daemon sees it: a zygote, the channel to it, and how many connections it
// and its dispatchers hold. The set of all generations is Generations.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "daemon/accounts.h"
#include "daemon/delivery.h"
#include "daemon/facts.h"
#include "daemon/stall.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::daemon {

class StateReader;
class StateWriter;

/// What every zygote of a daemon is started with.
struct Launchpad {
    sys::UniqueFd program;  ///< portsplit-dispatch, open from the start of the daemon (O_PATH)
    std::string log;        ///< as `--log` takes it
    std::string file;       ///< the name of the configuration file, for messages
    /// The oom_score_adj of a zygote (sys/oom.h), if it is not that of the daemon.
    std::optional<int> oom_score_adjust = std::nullopt;
};

class Generation {
  public:
    /// Forks a zygote and hands it a configuration. The zygote takes connections once `is_ready`.
    /// If the child cannot become the zygote, it logs the reason and exits with kExitSystem.
    /// @param packed  sealed memory with the configuration (config/packed.h); borrowed
    /// @param listeners  as handoff.h has them (kListenersVariable)
    /// @param facts  the services with limits; the variables that programs get; the user of the zygote and its
    ///               dispatchers: without one they keep the daemon's
    /// @returns SysError if socketpair(2) or fork(2) failed
    static sys::Result<Generation> start(const Launchpad& launchpad, int packed,
                                         const std::string& listeners, const Facts& facts,
                                         sys::Log& log);

    pid_t pid() const { return pid_; }
    /// Returns true once the zygote has sent Ready.
    bool is_ready() const { return ready_; }
    /// Connections handed over and not yet reported as Reaped.
    std::size_t connections() const { return connections_; }

    /// The descriptor to poll for messages (POLLIN) and for room (POLLOUT).
    int channel() const { return channel_.get(); }

    /// Reads every message in the channel, and keeps the accounts. Messages that are not in handoff.h are ignored.
    void receive(Accounts& accounts);

    enum class Wait {
        Never,    ///< return EAGAIN at once when the channel is full
        ForRoom,  ///< wait for room, at most a second
    };

    /// Sends a connection to the next free dispatcher; the caller keeps its own descriptor.
    /// @returns EAGAIN when the channel is full; EPIPE after `retire`
    sys::Result<sys::Done> hand_over(const Delivery& delivery, Wait wait);

    /// Reads the connections that no dispatcher had taken when the zygote died, oldest first.
    std::vector<Delivery> take_back();

    /// Sends the zygote another descriptor for its log. Lost if its channel is full.
    void change_log(int log);

    /// Returns when to call `see_to_stall`.
    sys::Clock::time_point stall_due() const { return stall_.due(); }
    /// Looks whether somebody takes the connections that were handed over. If not, asks the zygote to see to
    /// its spares, and kills it if it does not answer: then it has been stopped.
    void see_to_stall(sys::Log& log);

    /// Returns how many of its dispatchers have crashed.
    std::uint64_t crashes() const { return crashes_; }

    /// Has a connection ended, if it is one of these and no service was chosen for it. Lost if the zygote has
    /// many orders to read.
    void end(std::uint64_t id);

    /// The connections that are handed over and not yet Reaped.
    const std::unordered_set<std::uint64_t>& ids() const { return ids_; }

    /// Shuts the channel for connections: the zygote exits after its last connection.
    void retire();

    // For an upgrade (state.h).
    void append_to(StateWriter& state) const;
    static Generation take_from(StateReader& state);

  private:
    Generation(pid_t pid, sys::UniqueFd channel, sys::UniqueFd zygote_end, sys::UniqueFd orders,
               std::vector<core::ServiceBudget> services)
        : pid_(pid),
          channel_(std::move(channel)),
          zygote_end_(std::move(zygote_end)),
          orders_(std::move(orders)),
          services_(std::move(services)) {}

    void on_message(core::Bytes message, Accounts& accounts);
    void on_kill(const handoff::Kill& order) const;
    void on_reaped(const handoff::Reaped& reaped, Ledger& ledger);
    void on_question(const handoff::Question& question, Accounts& accounts);
    template <typename Message>
    void order(const Message& message, int fd = -1);

    std::size_t waiting() const;

    pid_t pid_;
    sys::UniqueFd channel_;
    sys::UniqueFd zygote_end_;  ///< our copy of the zygote's end, which `take_back` reads
    sys::UniqueFd orders_;
    Stall stall_;
    bool ready_ = false;
    std::size_t connections_ = 0;
    std::uint64_t crashes_ = 0;
    std::unordered_set<std::uint64_t> ids_;
    std::vector<core::ServiceBudget> services_;  ///< those with limits
};

}  // namespace portsplit::daemon
