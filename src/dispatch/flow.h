#pragma once
// One direction of a relay: bytes from one side to the other through a bounded store in between,
// which is a pipe that the kernel moves pages through (splice(2)), or plain memory where that
// cannot be had.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dispatch/side.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// The bounded store. `take` is called only while it is empty, so it holds at most what one take
/// brings: 64 KiB.
class Store {
  public:
    std::size_t held() const { return held_; }

    /// Moves bytes from a descriptor in, or out to one, without waiting.
    /// @returns as read(2) and write(2): bytes moved, 0 for an end of stream (taking only), or -1
    /// and
    ///          errno. EAGAIN from `take` means that nothing waits there or that the store is full.
    ssize_t take(int from);
    ssize_t give(int to);

    /// No longer moves pages: splice(2) cannot pass the mark of an urgent byte, where read(2) can.
    void use_memory();

  private:
    enum class Means { None, Pipe, Memory };

    void open();

    Means means_ = Means::None;
    sys::UniqueFd pipe_out_;  ///< the end that bytes come out of
    sys::UniqueFd pipe_in_;
    std::vector<std::byte> memory_;
    std::size_t begin_ = 0;  ///< in `memory_`; the held bytes follow it
    std::size_t held_ = 0;
};

class Flow {
  public:
    Flow(Side& from, Side& to) : from_(from), to_(to) {}

    /// Moves what can be moved now, and marks a side that broke. What a broken side had sent before
    /// still goes through; its end is not carried as a clean one.
    /// @param readable  poll(2) has said that `from` has something to read
    void pump(bool readable);

    bool done() const { return done_; }
    /// Done because `to` takes no more, before `from` had ended.
    bool cut_short() const { return cut_short_; }
    /// Gives up this direction, e.g. because the other one ended both.
    void cut();

    bool wants_read() const { return !done_ && !ended_ && store_.held() == 0; }
    bool wants_write() const { return !done_ && store_.held() > 0; }
    std::uint64_t moved() const { return moved_; }

    Side& from() const { return from_; }
    Side& to() const { return to_; }

  private:
    enum class Step { Moved, Waits };

    Step fill(bool readable);
    Step drain();

    Side& from_;
    Side& to_;
    Store store_;
    bool ended_ = false;  ///< `from` has ended; what is stored still goes out
    bool done_ = false;
    bool cut_short_ = false;
    std::uint64_t moved_ = 0;
};

}  // namespace portsplit::dispatch
