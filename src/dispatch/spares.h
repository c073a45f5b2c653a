#pragma once
// Spare dispatchers: processes that the zygote forks before there is a connection for them, so that a
// connection does not wait for fork(2).
//
// How it works. Each spare has a place in memory that it shares with the zygote. It waits in
// recvmsg(2), and the kernel writes the daemon's message straight into that place. So even if the
// spare is killed within that call, the zygote can read whether it had received a connection, and
// which. A place is used in this order:
//   zygote  `clear_place`; fork; `settle` notes the pid
//   spare   `take` waits and returns the client; the spare stores `Taken` and calls `unmap`
//   zygote  `next_departure` frees the place and returns the connection
// If the spare ends before it stored `Taken`, `on_end` frees the place instead. The spare unmaps the
// memory before it looks at a client's byte, so a compromised dispatcher cannot write there.

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "handoff.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// The largest number of spares. In the bench, 4 or 16 instead of 8 made no difference above noise.
inline constexpr std::size_t kSpares = 8;

class Spares {
  public:
    enum class State : std::uint32_t {
        Vacant,         ///< never used
        Waiting,        ///< the spare waits for a connection, or has just received one
        Taken,          ///< the spare has its connection, and does not use the place any more
        Misunderstood,  ///< the spare received a message that is not a connection
        Clientless,     ///< the spare received a connection without its socket
        Dismissed,      ///< the spare saw that the daemon ended its side of the channel
    };

    struct Place {
        std::atomic<State> state;
        handoff::Handover message;  ///< its id is 0 until a message is received
    };

    /// Maps the shared memory.
    static sys::Result<Spares> create();
    Spares(Spares&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Spares& operator=(Spares&&) = delete;
    ~Spares() { unmap(); }

    // For the zygote.

    /// Returns the number of places with a spare that has not departed or ended.
    std::size_t count() const;

    /// Clears a free place for a new spare. Returns null if all `kSpares` are in use.
    Place* clear_place();

    /// Notes the pid of the spare that was forked for this place.
    void settle(Place& place, pid_t pid) {
        pids_[index_of(place)] = pid;
        ages_[index_of(place)] = ++settled_;
    }

    /// Returns the spares, the oldest first: the kernel gives the next connection to the one that waits longest.
    std::vector<pid_t> waiting() const;

    /// A spare that stored `Taken`, and the connection that it received.
    struct Departure {
        pid_t pid;
        handoff::Handover message;
    };
    /// Frees the place of a spare that stored `Taken`, and returns it; nothing if there is none.
    std::optional<Departure> next_departure();

    /// A spare that ended before it departed.
    struct Lost {
        State state;
        handoff::Handover message;  ///< its id is 0 if the spare received no connection
    };
    /// Frees the place of a process that ended; returns nothing if it had none.
    std::optional<Lost> on_end(pid_t pid);
    /// Logs why a spare took no connection from a message.
    /// @param state  `Misunderstood` or `Clientless`
    static void log_refusal(State state, sys::Log& log);

    // For a spare.

    /// Waits for a connection, which is written into the place.
    /// @param listeners  how many the plan has: a connection of another is refused
    /// @returns the client's socket; nothing if none comes, with the reason in the place's state:
    ///          `Waiting` means that recvmsg(2) failed
    std::optional<sys::UniqueFd> take(Place& place, int channel, std::size_t listeners);

    /// Unmaps the shared memory. No other function may be called after that.
    void unmap();

  private:
    explicit Spares(Place* places) : places_(places) {}
    std::size_t index_of(const Place& place) const {
        return static_cast<std::size_t>(&place - places_);
    }

    Place* places_;
    std::array<pid_t, kSpares> pids_{};          ///< 0 for a free place; in the zygote's own memory
    std::array<std::uint64_t, kSpares> ages_{};  ///< in the order of their forks
    std::uint64_t settled_ = 0;
};

}  // namespace portsplit::dispatch
