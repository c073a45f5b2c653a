// How it works
//
// The bytes of a header are taken from the socket as they come; what is behind it stays. So poll(2) sleeps until
// the next byte, and nothing of dispatch/sniff is needed. A socket is peeked at to see how many of its bytes are
// the header's. A pipe cannot be peeked at: no more bytes are read than the header has at least.

#include "dispatch/proxy_in.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

#include "dispatch/await.h"

namespace portsplit::dispatch {
namespace {

using core::ProxyFault;
using core::ProxyReader;
using sys::Clock;

/// What a read found.
enum class Found {
    Bytes,
    Nothing,  ///< none has come yet
    Eof,      ///< or a reset
};

/// Takes what has come of a header.
class Taker {
  public:
    explicit Taker(int fd, ProxyReader& reader) : fd_(fd), reader_(reader) {}

    sys::Result<Found> take() {
        const ssize_t got = sys::retry(
            [&] { return ::recv(fd_, buffer_.data(), buffer_.size(), MSG_PEEK | MSG_DONTWAIT); });
        if (got < 0 && errno == ENOTSOCK) return take_from_pipe();
        const auto found = found_by(got);
        if (!found || *found != Found::Bytes) return found;
        const std::size_t taken = reader_.take(bytes(got));
        const ssize_t read =
            sys::retry([&] { return ::recv(fd_, buffer_.data(), taken, MSG_DONTWAIT); });
        // They are there; but if the kernel gives fewer, the rest would reach the program.
        if (read == static_cast<ssize_t>(taken)) return Found::Bytes;
        return sys::SysError{read < 0 ? errno : EIO, "cannot take a PROXY header"};
    }

  private:
    sys::Result<Found> take_from_pipe() {
        pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
        if (sys::retry([&] { return ::poll(&entry, 1, 0); }) == 0) return Found::Nothing;
        const std::size_t wanted = std::min(reader_.lack(), buffer_.size());
        const ssize_t got = sys::retry([&] { return ::read(fd_, buffer_.data(), wanted); });
        const auto found = found_by(got);
        if (found && *found == Found::Bytes) reader_.take(bytes(got));
        return found;
    }

    static sys::Result<Found> found_by(ssize_t got) {
        if (got > 0) return Found::Bytes;
        if (got == 0 || errno == ECONNRESET) return Found::Eof;
        if (errno == EAGAIN) return Found::Nothing;
        return sys::SysError{errno, "cannot read a PROXY header"};
    }

    core::Bytes bytes(ssize_t count) const {
        return std::span(buffer_).first(static_cast<std::size_t>(count));
    }

    int fd_;
    ProxyReader& reader_;
    std::array<std::byte, 1024> buffer_;
};

/// Waits for input, or for the deadline.
/// @returns false if the client is gone
sys::Result<bool> wait(int fd, const Reporter& reporter, Clock::time_point deadline) {
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    if (await(entry, reporter, deadline) < 0) {
        return sys::SysError{errno, "cannot wait for a PROXY header"};
    }
    return (entry.revents & POLLERR) == 0;
}

}  // namespace

sys::Result<HeaderRead> read_header(int client, Clock::time_point deadline, Reporter& reporter) {
    HeaderRead read;
    ProxyReader reader;
    Taker taker(client, reader);
    while (true) {
        const auto found = taker.take();
        if (!found) return found.error();
        if (reader.state() == ProxyReader::State::Complete) read.ends = reader.ends();
        if (reader.state() != ProxyReader::State::Reading) {
            read.fault = reader.fault();
            return read;
        }
        if (*found == Found::Eof) {
            if (reader.size() > 0) read.fault = ProxyFault::Ended;
            return read;
        }
        // A peer that never stops sending must not go on beyond the deadline.
        if (Clock::now() >= deadline) {
            read.fault = ProxyFault::Late;
            return read;
        }
        if (*found == Found::Bytes) continue;
        reporter.about_to_block();
        const auto is_there = wait(client, reporter, deadline);
        if (!is_there) return is_there.error();
        if (!*is_there) return read;
    }
}

}  // namespace portsplit::dispatch
