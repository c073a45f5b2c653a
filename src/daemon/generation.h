#pragma once
// One generation as the daemon sees it: a zygote, the channel to it, and how many connections are
// with it.

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"
#include "handoff.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/user.h"

namespace portsplit::daemon {

/// What every generation of a daemon is started with.
struct Launchpad {
    sys::UniqueFd program;  ///< portsplit-dispatch, held open since the start
    std::string log;        ///< as `--log` takes it
    std::string file;       ///< the name of the configuration file, for messages
};

/// A connection on its way to a dispatcher.
struct Delivery {
    handoff::Connection message;
    sys::UniqueFd client;
};

class Generation {
  public:
    /// Starts a zygote with this configuration. It can take connections once `ready`.
    /// @param user  who it and its dispatchers run as; nothing for no change
    static sys::Result<Generation> start(const Launchpad& launchpad, const core::Config& config,
                                         const std::optional<sys::User>& user, sys::Log& log);

    pid_t pid() const { return pid_; }
    bool ready() const { return ready_; }
    std::size_t connections() const { return connections_; }

    /// What to poll for messages.
    int channel() const { return channel_.get(); }

    /// Takes the messages that wait.
    void receive();

    enum class Wait { Never, ForRoom };

    /// Hands a connection over; the caller's descriptor stays its own.
    /// @returns EAGAIN when there is no room
    sys::Result<sys::Done> hand_over(const Delivery& delivery, Wait wait);

    /// After the zygote has died: the connections it had not taken yet.
    std::vector<Delivery> take_back();

    /// Tells the zygote that nothing more comes: it ends with its last connection.
    void retire();

  private:
    Generation(pid_t pid, sys::UniqueFd channel, sys::UniqueFd its_end)
        : pid_(pid), channel_(std::move(channel)), its_end_(std::move(its_end)) {}

    pid_t pid_;
    sys::UniqueFd channel_;
    sys::UniqueFd its_end_;  ///< kept, so that what the zygote leaves unread is not lost with it
    bool ready_ = false;
    std::size_t connections_ = 0;
};

}  // namespace portsplit::daemon
