// How it works
//
// `pump` fills the empty store from the source and drains it to the sink, in turns, until one of the
// two would block or 16 rounds are over. Then relay polls: for input while the store is empty, for
// output while it is not.
//
// An EOF passes in three steps: read(2) returns 0 (`ended_`), the store is drained, `send_eof`
// (`done_`). So the sink sees it behind the last byte. The other direction is not touched.
//
// A reset: the kernel still returns the bytes that arrived before it, then ECONNRESET once. poll(2)
// may have reported it first (POLLERR); relay then marks the side as broken, and for a broken source
// EAGAIN means that its bytes are used up. The flow ends as for an EOF, but sends none: relay carries
// the reset when both flows are done.

#include "dispatch/flow.h"

#include <cerrno>

namespace portsplit::dispatch {
namespace {

/// How often one direction moves bytes before the other direction has its turn.
constexpr int kRounds = 16;

}  // namespace

void Flow::pump(SourceState state) {
    for (int round = 0; round < kRounds && !done_; ++round) {
        const Step filled = ended_ || store_.size() > 0 ? Step::Blocked : fill(state);
        const Step drained = drain();
        if (filled == Step::Blocked && drained == Step::Blocked) return;
        // Saves a read that would fail with EAGAIN. At EOF that read returns 0, so it is made.
        if (store_.source_is_drained() && store_.size() == 0 && !ended_ &&
            state != SourceState::AtEof) {
            return;
        }
        // poll(2) reported the first bytes only; a later EAGAIN is an ordinary one.
        if (state == SourceState::Readable) state = SourceState::Unknown;
    }
}

/// Reads once. The store must be empty.
Flow::Step Flow::fill(SourceState state) {
    ssize_t got = store_.read_from(source_.read_fd());
    if (got < 0 && errno == EAGAIN && state != SourceState::Unknown) {
        // Readable, but not for splice(2): an urgent mark. poll(2) would return at once, for ever.
        store_.switch_to_memory();
        got = store_.read_from(source_.read_fd());
    }
    if (got > 0) return Step::Moved;
    if (got < 0 && errno == EAGAIN && !source_.is_broken()) return Step::Blocked;
    if (got < 0 && source_.stream_end_of(errno) == StreamEnd::Reset) source_.mark_broken();
    ended_ = true;
    return Step::Moved;
}

/// Writes once, then sends the EOF if that was the last of the stream.
Flow::Step Flow::drain() {
    if (store_.size() == 0 && !ended_) return Step::Blocked;
    if (store_.size() > 0) {
        const ssize_t put = store_.write_to(sink_.write_fd());
        if (put < 0 && errno == EAGAIN) return Step::Blocked;
        if (put < 0) {
            if (sink_.stream_end_of(errno) == StreamEnd::Reset) sink_.mark_broken();
            stop();
            return Step::Moved;
        }
        bytes_moved_ += static_cast<std::uint64_t>(put);
    }
    if (ended_ && store_.size() == 0) {
        if (!source_.is_broken()) sink_.send_eof();
        done_ = true;
    }
    return Step::Moved;
}

void Flow::stop() {
    if (done_) return;
    stopped_before_eof_ = !ended_;
    done_ = true;
    sink_.send_eof();
}

}  // namespace portsplit::dispatch
