#include "dispatch/side.h"

#include <sys/socket.h>
#include <termios.h>

#include <cerrno>

#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

/// Writes the EOF character (termios(3) VEOF) to a terminal in canonical mode. In raw mode it would
/// arrive as an ordinary byte.
void type_eof(int terminal) {
    termios settings{};
    if (::tcgetattr(terminal, &settings) < 0 || (settings.c_lflag & ICANON) == 0) return;
    [[maybe_unused]] const ssize_t put = ::write(terminal, &settings.c_cc[VEOF], 1);
}

}  // namespace

void Side::send_eof() {
    switch (kind_) {
        case Kind::Socket:
            ::shutdown(read_.get(), SHUT_WR);
            return;
        case Kind::Pipes:
            write_.reset();
            return;
        case Kind::Terminal:
            type_eof(write_.get());
            return;
    }
}

StreamEnd Side::stream_end_of(int code) const {
    // EPIPE: the program closed its input. EIO: its terminal hung up (pty(7)).
    if (kind_ != Kind::Socket && (code == EPIPE || code == EIO)) return StreamEnd::Eof;
    return StreamEnd::Reset;
}

void Side::reset_on_close() {
    if (kind_ == Kind::Socket) sys::reset_on_close(read_.get());
}

}  // namespace portsplit::dispatch
