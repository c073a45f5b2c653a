#pragma once
// One side of a relay: a socket, or a program on pipes or a terminal. Hides from flow and relay which
// of the three it is: how an EOF is sent to it, and what an errno from it means.

#include <utility>

#include "sys/fd.h"

namespace portsplit::dispatch {

/// How a failed read or write ends the stream of one direction.
enum class StreamEnd {
    Eof,    ///< the usual end of this kind of side; end this direction only
    Reset,  ///< the connection is broken; the other side must not see a clean EOF
};

class Side {
  public:
    /// Each owns its descriptors, which must be non-blocking.
    static Side socket(sys::UniqueFd fd) { return Side(Kind::Socket, std::move(fd), {}); }
    /// @param output  the program's output, read by the relay
    /// @param input   the program's input, written by the relay
    static Side pipes(sys::UniqueFd output, sys::UniqueFd input) {
        return Side(Kind::Pipes, std::move(output), std::move(input));
    }
    /// @param output, input  two descriptors of the master side of one terminal (pty(7))
    static Side terminal(sys::UniqueFd output, sys::UniqueFd input) {
        return Side(Kind::Terminal, std::move(output), std::move(input));
    }

    /// Returns the descriptor to read this side's bytes from.
    int read_fd() const { return read_.get(); }
    /// Returns the descriptor to write to; -1 after `send_eof` closed a pipe.
    int write_fd() const { return kind_ == Kind::Socket ? read_.get() : write_.get(); }

    /// Sends an EOF: shutdown(2) of a socket, close(2) of a pipe, the EOF character of a terminal that
    /// is in canonical mode (termios(3)). Sends none to a terminal in raw mode, which has no EOF.
    void send_eof();

    /// Returns what the errno of a failed read or write means for its direction.
    StreamEnd stream_end_of(int code) const;

    /// True if an EOF from this side also ends the direction to it: a terminal hangs up for both.
    bool eof_ends_both() const { return kind_ == Kind::Terminal; }
    bool is_socket() const { return kind_ == Kind::Socket; }

    /// Marks the side as broken: nothing can be written to it, but bytes that arrived before may still
    /// be read (RFC 9293 3.10.7.4).
    void mark_broken() { broken_ = true; }
    bool is_broken() const { return broken_; }

    /// Makes the close of a socket send a reset. Does nothing for a program.
    void reset_on_close();

  private:
    enum class Kind { Socket, Pipes, Terminal };

    Side(Kind kind, sys::UniqueFd read, sys::UniqueFd write)
        : kind_(kind), read_(std::move(read)), write_(std::move(write)) {}

    Kind kind_;
    sys::UniqueFd read_;
    sys::UniqueFd write_;  ///< unused for a socket
    bool broken_ = false;
};

}  // namespace portsplit::dispatch
