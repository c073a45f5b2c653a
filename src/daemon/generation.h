#pragma once
// One generation as the daemon sees it: a zygote, the channel to it, and how many connections it
// and its dispatchers hold. The set of all generations is Generations.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/ip_address.h"
#include "daemon/delivery.h"
#include "daemon/stall.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/user.h"

namespace portsplit::daemon {

/// What every zygote of a daemon is started with.
struct Launchpad {
    sys::UniqueFd program;  ///< portsplit-dispatch, open from the start of the daemon (O_PATH)
    std::string log;        ///< as `--log` takes it
    std::string file;       ///< the name of the configuration file, for messages
};

class Generation {
  public:
    /// Forks a zygote and hands it a configuration. The zygote takes connections once `is_ready`.
    /// If the child cannot become the zygote, it logs the reason and exits with kExitSystem.
    /// @param packed  sealed memory with the configuration (config/packed.h); borrowed
    /// @param listeners  as handoff.h has them (kListenersVariable)
    /// @param user  the user of the zygote and its dispatchers; without one they keep the daemon's
    /// @returns SysError if socketpair(2) or fork(2) failed
    static sys::Result<Generation> start(const Launchpad& launchpad, int packed,
                                         const std::string& listeners,
                                         const std::optional<sys::User>& user, sys::Log& log);

    pid_t pid() const { return pid_; }
    /// Returns true once the zygote has sent Ready.
    bool is_ready() const { return ready_; }
    /// Connections handed over and not yet reported as Reaped.
    std::size_t connections() const { return connections_; }

    /// The descriptor to poll for messages (POLLIN) and for room (POLLOUT).
    int channel() const { return channel_.get(); }

    /// Reads every message in the channel. Messages that are not in handoff.h are ignored.
    void receive();

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

    /// Adds the number of connections that each source holds (core::IpAddress::source).
    void count_sources(std::map<std::string, std::size_t>& sources) const;

    /// Shuts the channel for connections: the zygote exits after its last connection.
    void retire();

  private:
    Generation(pid_t pid, sys::UniqueFd channel, sys::UniqueFd zygote_end,
               sys::UniqueFd log_channel)
        : pid_(pid),
          channel_(std::move(channel)),
          zygote_end_(std::move(zygote_end)),
          log_channel_(std::move(log_channel)) {}

    std::size_t waiting() const;

    pid_t pid_;
    sys::UniqueFd channel_;
    sys::UniqueFd zygote_end_;  ///< our copy of the zygote's end, which `take_back` reads
    sys::UniqueFd log_channel_;
    Stall stall_;
    bool ready_ = false;
    std::size_t connections_ = 0;
    std::unordered_map<std::uint64_t, core::IpAddress> clients_;  ///< by the ids of connections
};

}  // namespace portsplit::daemon
