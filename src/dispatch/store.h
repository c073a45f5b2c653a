#pragma once
// The bounded store between the two sides of a flow: at most 64 KiB that were read and not yet
// written. It only moves bytes; flow decides when to read and when to write.
//
// How it works
//
// A store has one of three modes, and changes only downwards in this list:
// - Small: 2 KiB inside the object, read(2) and write(2). A pipe costs more to make than a few bytes
//   cost to copy, and most connections never need one.
// - Pipe: entered when a read has filled the 2 KiB. splice(2) moves pages inside the kernel.
// - Memory: 64 KiB on the heap. Entered when no pipe can be made (EMFILE), when a descriptor cannot be
//   spliced (EINVAL for a file opened with O_APPEND, ENOSYS, ENOMEM), or when flow asks for it.
//
// `read_from` must be called only while the store is empty. In pipe mode splice(2) fails with EAGAIN
// both for a pipe without room and for a socket without bytes; only with an empty pipe is it clear
// that the socket has none.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "sys/fd.h"

namespace portsplit::dispatch {

class Store {
  public:
    /// Returns how many bytes were read and not yet written.
    std::size_t size() const { return size_; }

    /// Reads from a non-blocking descriptor. The store must be empty.
    /// @returns bytes read, 0 at EOF; -1 with errno as in read(2), EAGAIN also if the store is not empty
    ssize_t read_from(int fd);

    /// Writes to a non-blocking descriptor. The store must not be empty.
    /// @returns bytes written; -1 with errno as in write(2), and the store is unchanged then
    ssize_t write_to(int fd);

    /// True if the last `read_from` got fewer bytes than there was room for. The source is then empty,
    /// so reading again at once would only cost a system call. Always false in pipe mode.
    bool source_is_drained() const { return source_is_drained_; }

    /// Enters memory mode and copies what the pipe still holds. Flow calls it for a source with urgent
    /// data: splice(2) does not pass the urgent mark (EAGAIN for ever), read(2) does.
    void switch_to_memory();

  private:
    enum class Mode { Small, Pipe, Memory };

    void open_pipe();
    std::span<std::byte> buffer() {
        return mode_ == Mode::Small ? std::span<std::byte>(small_) : std::span(memory_);
    }

    Mode mode_ = Mode::Small;
    bool source_is_drained_ = false;
    bool filled_small_ = false;  ///< the last read filled `small_`, so a pipe is worth its cost
    sys::UniqueFd pipe_reader_;
    sys::UniqueFd pipe_writer_;
    std::array<std::byte, 2048> small_;
    std::vector<std::byte> memory_;
    std::size_t begin_ = 0;  ///< where the stored bytes begin in `buffer()`
    std::size_t size_ = 0;
};

}  // namespace portsplit::dispatch
