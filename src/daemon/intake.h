#pragma once
// The way of a connection through the daemon: accept, queue, hand over to the current generation.
// Counts against `maxconn`. Owns the queue; ListeningSockets and Generations belong to the Daemon.
//
// How it works. A connection is accepted only while the queue is empty and `maxconn` allows one
// more; other clients wait in the kernel's accept queue. So the queue holds connections only
//  - while no zygote lives or its channel is full,
//  - above `maxconn`, from the accept queue of a socket that closes,
//  - that a dead zygote had not taken.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/model.h"
#include "core/verdict.h"
#include "daemon/accept.h"
#include "daemon/accounts.h"
#include "daemon/facts.h"
#include "daemon/generations.h"
#include "daemon/sockets.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/poll_set.h"

namespace portsplit::daemon {

class Intake {
  public:
    Intake(Generations& generations, Accounts& accounts, sys::Log& log)
        : generations_(generations), accounts_(accounts), log_(log) {}

    /// Sets what applies to the connections that are accepted from now on.
    /// @param facts  of the configuration that is in force
    void use(std::shared_ptr<const Facts> facts);

    /// Sets `maxconn`; 0 is no limit. Connections above a new limit go on.
    void limit_connections(std::size_t maxconn) { maxconn_ = maxconn; }
    std::size_t connection_limit() const { return maxconn_; }
    bool is_at_limit() const { return !has_room(); }
    /// Logs that `maxconn` is reached, and who holds the most connections, at most once a minute; and how many
    /// connections were refused in the last one.
    void report_limits();

    /// Adds to the set the descriptors and the moment at which a connection can next be accepted or
    /// handed over.
    void watch(sys::PollSet& set, const std::vector<ListeningSocket>& sockets);

    /// Accepts from the sockets that the wait found ready. Call after each `watch`, with the
    /// current sockets: a socket that was not watched is left out.
    void accept_ready(const sys::PollSet& set, const std::vector<ListeningSocket>& sockets);

    /// Gives the clients of the old configuration to the current generation, before the next one takes over:
    /// those in the queue, and the rest of the sockets that close. Those that it cannot take wait for the
    /// next generation; they are closed if that has no listener of the same name.
    void change_configuration(const core::Config& before, const core::Config& next,
                              const std::vector<ListeningSocket>& closing);

    /// Queues connections that a dead zygote had not taken.
    void put_back(std::vector<Delivery> untaken);

    /// Hands over from the queue as many as `maxconn` and the channel allow.
    void hand_over();

    /// Hands over the whole queue and the rest of the sockets, even above `maxconn`, and waits for room in the
    /// channel. For the end of the daemon: closes what cannot be handed over.
    void stop(const std::vector<ListeningSocket>& closing);

    bool has_queue() const { return !queue_.empty(); }

    // For an upgrade (state.h).
    void append_to(StateWriter& state) const;
    /// Call `use` before.
    void take_from(StateReader& state);

  private:
    struct Watched {
        int fd;
        sys::PollSet::Handle handle;
    };

    bool has_room() const;
    bool can_accept() const { return queue_.empty() && has_room(); }
    void accept_batch(const ListeningSocket& socket);
    void accept_rest(const std::vector<ListeningSocket>& closing);
    void pause_accepting(const ListeningSocket& socket, int code);
    void take(Delivery accepted);
    bool gives_up(const sys::SysError& error);
    Refusal enter(std::uint64_t id, const sys::Arrival& arrival);
    void refuse(const sys::Arrival& arrival, Refusal why);
    void report_denied(const sys::Arrival& arrival);
    std::string line_of(const sys::Arrival& arrival, core::Reason reason) const;
    bool has_lines() const;
    void drop(const Delivery& delivery) { accounts_.ledger.forget(delivery.message.id); }

    Generations& generations_;
    Accounts& accounts_;
    sys::Log& log_;
    std::shared_ptr<const Facts> facts_;  ///< null before the first configuration
    std::size_t maxconn_ = core::Config{}.maxconn;
    std::deque<Delivery> queue_;
    bool channel_full_ = false;  ///< true after EAGAIN: poll for room. Else retry after a pause
    /// When the first connection of the queue could not be sent for the first time.
    std::optional<sys::Clock::time_point> failing_since_{};
    sys::Clock::time_point report_at_{};  ///< `report_limit` is silent before
    sys::Clock::time_point accept_at_{};  ///< no accept before; set by `pause_accepting`
    std::vector<Watched> watched_;
    std::uint64_t next_id_ = 1;
};

}  // namespace portsplit::daemon
