#pragma once
// One direction of a relay: bytes from one side to the other through a bounded store in between. A
// few bytes pass through a little memory; where more come at once, the kernel moves their pages
// through a pipe (splice(2)), or they are copied where that cannot be had.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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
    /// @returns as read(2) and write(2): bytes moved, 0 for an end of stream (taking only), or -1 and
    ///          errno. EAGAIN from `take` means that nothing waits there or that the store is full.
    ssize_t take(int from);
    ssize_t give(int to);

    /// Whether the last `take` left nothing behind, as far as it can tell.
    bool took_all() const { return took_all_; }

    /// No longer moves pages: splice(2) cannot pass the mark of an urgent byte, where read(2) can.
    void use_memory();

  private:
    /// A pipe costs more to make than a few bytes cost to copy, so it waits until they are many.
    enum class Means { FewBytes, Pipe, Memory };

    void open_pipe();
    std::span<std::byte> memory() {
        return means_ == Means::FewBytes ? std::span<std::byte>(few_) : std::span(memory_);
    }

    Means means_ = Means::FewBytes;
    bool took_all_ = false;
    bool many_ = false;       ///< the last bytes taken filled `few_`
    sys::UniqueFd pipe_out_;  ///< the end that bytes come out of
    sys::UniqueFd pipe_in_;
    std::array<std::byte, 2048> few_;
    std::vector<std::byte> memory_;
    std::size_t begin_ = 0;  ///< in `memory()`; the held bytes follow it
    std::size_t held_ = 0;
};

class Flow {
  public:
    Flow(Side& from, Side& to) : from_(from), to_(to) {}

    /// What poll(2) has said of `from`.
    enum class Said {
        Nothing,
        Readable,
        Ended,  ///< all that comes is there
    };

    /// Moves what can be moved now, and marks a side that broke. What a broken side had sent before
    /// still goes through; its end is not carried as a clean one.
    void pump(Said said);

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

    Step fill(Said said);
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
