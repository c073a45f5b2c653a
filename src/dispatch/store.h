#pragma once
// The bounded store between the two sides of a flow: at most 64 KiB that were read and not yet
// written. It only moves bytes; flow decides when to read and when to write.
//
// How it works
//
// A store begins with a pipe: splice(2) moves pages inside the kernel. A process that sends by write(2) on
// TCP also keeps a piece of kernel memory of 32 KiB until it ends, which an idle relay would hold for
// nothing. An empty store leaves its pipe for the other store of the relay. So a relay has one pipe
// until both directions hold bytes at the same time, and two from then on: an idle relay with one
// takes 2.6 KiB less.
//
// Memory, 64 KiB on the heap, takes the place of the pipe when none can be made (EMFILE), when a descriptor
// cannot be spliced (EINVAL for a terminal or a file opened with O_APPEND, ENOSYS, ENOMEM), or when flow asks
// for it.
//
// `read_from` must be called only while the store is empty. splice(2) fails with EAGAIN both for a pipe
// without room and for a socket without bytes; only with an empty pipe is it clear that the socket has none.

#include <cstddef>
#include <memory>

#include "core/bytes.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

struct Pipe {
    sys::UniqueFd reader;
    sys::UniqueFd writer;

    explicit operator bool() const { return static_cast<bool>(writer); }
};

class Store {
  public:
    /// @param shared  where the stores of a relay leave an empty pipe for each other. Outlives the store
    explicit Store(Pipe& shared) : shared_(shared) {}

    /// Returns how many bytes were read and not yet written.
    std::size_t size() const { return size_; }

    /// Reads from a non-blocking descriptor. The store must be empty.
    /// @returns bytes read, 0 at EOF; -1 with errno as in read(2)
    ssize_t read_from(int fd);

    /// Writes to a non-blocking descriptor. The store must not be empty.
    /// @returns bytes written; -1 with errno as in write(2), and the store is unchanged then
    ssize_t write_to(int fd);

    /// True if the last `read_from` got so few bytes that the source is probably empty, so that reading
    /// again at once would only cost a system call.
    bool source_is_drained() const { return source_is_drained_; }

    /// Stores bytes that were read already, at most 64 KiB. The store must be new.
    void hold(core::Bytes bytes);

    /// Uses memory from now on, and copies what the pipe still holds. Flow calls it for a source with
    /// urgent data: splice(2) does not pass the urgent mark (EAGAIN for ever), read(2) does.
    void switch_to_memory();

  private:
    void take_pipe();
    void give_pipe_back();

    Pipe& shared_;
    bool source_is_drained_ = false;
    Pipe pipe_;
    std::unique_ptr<std::byte[]> memory_;  ///< null while the pipe is used
    std::size_t begin_ = 0;                ///< where the stored bytes begin in `memory_`
    std::size_t size_ = 0;
};

}  // namespace portsplit::dispatch
