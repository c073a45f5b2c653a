#include "dispatch/side.h"

#include <sys/socket.h>
#include <termios.h>

#include <cerrno>

#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

/// Types the end-of-file character where the program on the terminal made it edit lines
/// (termios(3) ICANON); to a raw one it would be a byte like any other.
/// @returns whether that was so
bool type_end_of_file(int terminal) {
    termios settings{};
    if (::tcgetattr(terminal, &settings) < 0 || (settings.c_lflag & ICANON) == 0) return false;
    return ::write(terminal, &settings.c_cc[VEOF], 1) == 1;
}

}  // namespace

void Side::end_writing() {
    switch (kind_) {
        case Kind::Socket:
            ::shutdown(from_.get(), SHUT_WR);
            return;
        case Kind::Pipes:
            to_.reset();
            return;
        case Kind::Terminal:
            knows_its_end_ = type_end_of_file(to_.get());
            return;
    }
}

Break Side::meaning_of(int code) const {
    // A program that stopped reading (EPIPE), or whose terminal is hung up (EIO), has just ended.
    if (kind_ != Kind::Socket && (code == EPIPE || code == EIO)) return Break::End;
    return Break::Reset;
}

void Side::reset_on_close() {
    if (kind_ == Kind::Socket) sys::reset_on_close(from_.get());
}

}  // namespace portsplit::dispatch
