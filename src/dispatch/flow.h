#pragma once
// One direction of a relay: reads bytes from the source side, holds them in a bounded store and
// writes them to the sink side. Relay owns two flows and the wait for their descriptors.

#include <cstdint>

#include "dispatch/side.h"
#include "dispatch/store.h"

namespace portsplit::dispatch {

/// What poll(2) reported of a source.
enum class SourceState {
    Unknown,   ///< nothing: a read may fail with EAGAIN
    Readable,  ///< bytes or an error are there
    AtEof,     ///< POLLRDHUP: the EOF has arrived, behind any bytes still unread
};

class Flow {
  public:
    /// Borrows both sides, and the place where the flows of a relay share a pipe.
    Flow(Side& source, Side& sink, Pipe& shared) : source_(source), sink_(sink), store_(shared) {}

    /// Adds bytes of the source that were read before the flow began, at most 64 KiB. Call it once, first.
    void hold(core::Bytes bytes) { store_.hold(bytes); }

    /// Moves bytes without waiting, at most 16 times 64 KiB, then the EOF if all bytes before it were
    /// written. Marks a side that failed as broken. Bytes that a broken source sent
    /// earlier are still moved; no EOF is sent after them.
    void pump(SourceState state);

    /// True when this direction moves no more bytes: after the EOF, a failed write, or `stop`.
    bool is_done() const { return done_; }
    /// True if the flow became done before the source had ended.
    bool stopped_before_eof() const { return stopped_before_eof_; }
    /// Drops what is stored, sends the EOF to the sink and makes the flow done.
    void stop();

    bool wants_read() const { return !done_ && !ended_ && store_.size() == 0; }
    bool wants_write() const { return !done_ && store_.size() > 0; }
    /// Returns how many bytes were written to the sink.
    std::uint64_t bytes_moved() const { return bytes_moved_; }

    Side& source() const { return source_; }
    Side& sink() const { return sink_; }

  private:
    enum class Step { Moved, Blocked };

    Step fill(SourceState state);
    Step drain();

    Side& source_;
    Side& sink_;
    Store store_;
    bool ended_ = false;  ///< the source has ended; stored bytes are still to be written
    bool done_ = false;
    bool stopped_before_eof_ = false;
    std::uint64_t bytes_moved_ = 0;
};

}  // namespace portsplit::dispatch
