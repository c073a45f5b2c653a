#pragma once
// Spare dispatchers: processes that the zygote forks before there is a connection for them, so that
// none has to wait for its process to be made. Each waits at a place in memory shared with the
// zygote, and takes its connection straight into it: the kernel writes the message there in the
// call that takes it (recvmsg(2)), so whatever becomes of the process, the zygote knows whether it
// had a connection and which one. It gives that memory up before it looks at a client's byte.

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "handoff.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// How many wait at most. Measured with short connections: half as many leave some to wait for a
/// fork, twice as many serve no more.
inline constexpr std::size_t kSpares = 8;

class Spares {
  public:
    /// What became of a spare's place.
    enum class State : std::uint32_t {
        Vacant,
        Waiting,        ///< for a connection
        Taken,          ///< the process has its connection and reads here no more
        Misunderstood,  ///< it took a message that is no connection
        Dismissed,      ///< the daemon has ended its side: nothing comes any more
    };

    struct Place {
        std::atomic<State> state;
        handoff::Connection message;  ///< the id is 0 until it is taken
    };

    static sys::Result<Spares> create();
    Spares(Spares&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Spares& operator=(Spares&&) = delete;
    ~Spares() { give_up(); }

    // For the zygote.

    /// How many places have a process that waits, or has just stopped waiting.
    std::size_t count() const;
    /// A place for a new spare; null when all are in use.
    Place* vacancy();
    void settle(Place& place, pid_t pid) { pids_[index_of(place)] = pid; }

    /// A process that left its place, with the connection it took; nothing when there is none.
    struct Departure {
        pid_t pid;
        handoff::Connection message;
    };
    std::optional<Departure> next_departure();

    /// A process that ended without leaving its place.
    struct Ended {
        State state;
        handoff::Connection message;  ///< the id is 0 when it had taken none
    };
    std::optional<Ended> on_end(pid_t pid);

    // For a spare.

    /// Waits for a connection.
    /// @returns the client's socket; nothing when there is none, and the place says why, unless the
    /// system could not receive
    std::optional<sys::UniqueFd> take(Place& place, int channel);
    /// Gives the shared memory up.
    void give_up();

  private:
    explicit Spares(Place* places) : places_(places) {}
    std::size_t index_of(const Place& place) const {
        return static_cast<std::size_t>(&place - places_);
    }

    Place* places_;
    std::array<pid_t, kSpares> pids_{};  ///< the zygote's own; 0 for none
};

}  // namespace portsplit::dispatch
