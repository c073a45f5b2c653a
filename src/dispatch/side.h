#pragma once
// One side of a relay: a socket, or a program behind pipes or a terminal. Says how an end of stream
// is carried to it and what its errors mean, so that the relay need not know which it is.

#include <utility>

#include "sys/fd.h"

namespace portsplit::dispatch {

/// What an error of read or write means for one direction of bytes.
enum class Break {
    End,    ///< nothing more can pass this way, and that is how it ends here
    Reset,  ///< the connection is broken: it must not look like a clean end to the other side
};

class Side {
  public:
    static Side socket(sys::UniqueFd fd) { return Side(Kind::Socket, std::move(fd), {}); }
    static Side pipes(sys::UniqueFd from, sys::UniqueFd to) {
        return Side(Kind::Pipes, std::move(from), std::move(to));
    }
    static Side terminal(sys::UniqueFd from, sys::UniqueFd to) {
        return Side(Kind::Terminal, std::move(from), std::move(to));
    }

    int from() const { return from_.get(); }  ///< where its bytes are read; -1 when ended
    int to() const { return kind_ == Kind::Socket ? from_.get() : to_.get(); }

    /// Carries an end of stream to this side: shutdown(2) of a socket, a closed pipe, the
    /// end-of-file character of a terminal that edits lines (a raw one knows no end).
    void end_writing();
    /// False once an end of stream could not be carried to this side: a raw terminal knows none.
    bool knows_its_end() const { return knows_its_end_; }

    /// What a failed read from, or write to, this side means.
    Break meaning_of(int code) const;

    /// Whether an end of what it writes is the end of what it reads: a terminal that hung up.
    bool ends_whole() const { return kind_ == Kind::Terminal; }
    bool is_socket() const { return kind_ == Kind::Socket; }

    /// A broken side takes nothing more, but what it sent before may still wait to be read
    /// (RFC 9293 3.10.7.4).
    void mark_broken() { broken_ = true; }
    bool broken() const { return broken_; }

    /// Makes the close at the end a reset, where this side is a socket.
    void reset_on_close();

  private:
    enum class Kind { Socket, Pipes, Terminal };

    Side(Kind kind, sys::UniqueFd from, sys::UniqueFd to)
        : kind_(kind), from_(std::move(from)), to_(std::move(to)) {}

    Kind kind_;
    sys::UniqueFd from_;
    sys::UniqueFd to_;
    bool knows_its_end_ = true;
    bool broken_ = false;
};

}  // namespace portsplit::dispatch
