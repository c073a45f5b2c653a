#pragma once
// Connected sockets on this machine, and bounded waits on descriptors: no test sleeps, and none
// waits longer than `kPatience` for what does not come.

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/socket.h"

namespace portsplit::loopback {

/// Far more than anything here takes, so that a machine under load fails no test.
inline constexpr std::chrono::seconds kPatience{20};
/// How long a test looks on to see that nothing happens.
inline constexpr std::chrono::milliseconds kMoment{100};

/// Two ends of one connection.
struct Pair {
    sys::UniqueFd near;  ///< the end under test
    sys::UniqueFd far;   ///< the end of the peer, which the test plays
};

/// Evaluates a condition again and again, until it is true or `limit` is over.
/// @returns the condition's last value
template <typename Condition>
bool comes_true(Condition condition, std::chrono::milliseconds limit = kPatience) {
    const auto until = sys::Clock::now() + limit;
    while (!condition()) {
        if (sys::Clock::now() >= until) return false;
        ::poll(nullptr, 0, 1);
    }
    return true;
}

/// What poll(2) reports within the time given; 0 for nothing.
inline short events_of(int fd, short wanted, std::chrono::milliseconds limit = kPatience) {
    pollfd entry{.fd = fd, .events = wanted, .revents = 0};
    const auto until = sys::Clock::now() + limit;
    sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); });
    return entry.revents;
}

/// A listening socket on a port that the system chose.
inline sys::UniqueFd listener_on(const std::string& host) {
    auto listener = sys::listen_on(*sys::Address::from({core::Text(host), 0}));
    return listener ? std::move(*listener) : sys::UniqueFd();
}

inline std::uint16_t port_of(const sys::UniqueFd& socket) {
    return sys::local_address(socket.get())->port();
}

/// Returns a port on which no socket listens: the kernel chose it for a socket that is closed again.
inline std::uint16_t closed_port() { return port_of(listener_on("127.0.0.1")); }

/// A listener with a full accept queue: the kernel drops each SYN, so a connection is never answered.
class FullListener {
  public:
    FullListener() {
        const sys::Address any = *sys::Address::from({"127.0.0.1", 0});
        fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::bind(fd_.get(), any.data(), any.size()) < 0 || ::listen(fd_.get(), 0) < 0) return;
        bool is_full = false;
        for (int i = 0; i < 10 && !is_full; ++i) {
            auto client = sys::start_connect(address());
            if (!client) return;
            is_full = events_of(client->get(), POLLOUT, kMoment) == 0;
            queued_.push_back(std::move(*client));
        }
    }
    sys::Address address() const { return *sys::local_address(fd_.get()); }
    std::uint16_t port() const { return address().port(); }
    /// Empties the queue.
    void make_room() {
        queued_.clear();
        while (events_of(fd_.get(), POLLIN, kMoment) != 0) {
            accepted_.emplace_back(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        }
    }

  private:
    sys::UniqueFd fd_;
    std::vector<sys::UniqueFd> queued_;
    std::vector<sys::UniqueFd> accepted_;
};

/// Accepts the next connection; returns no descriptor if none comes.
inline sys::UniqueFd accepted_from(const sys::UniqueFd& listener) {
    if (events_of(listener.get(), POLLIN) == 0) return sys::UniqueFd();
    return sys::UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

/// A TCP connection; `near` is the accepted end, blocking as accept(2) gives it, and so is `far`.
inline Pair tcp_pair(const std::string& host = "127.0.0.1") {
    const sys::UniqueFd listener = listener_on(host);
    const sys::Address address = *sys::local_address(listener.get());
    Pair pair;
    pair.far.reset(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(pair.far.get(), address.data(), address.size()) < 0) return {};
    pair.near = accepted_from(listener);
    sys::set_no_delay(pair.far.get());
    return pair;
}

inline Pair unix_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return {};
    return {sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
}

/// Sends the text; waits at most `kPatience` for space. Returns false if not all of it was sent.
inline bool send_all(int fd, std::string_view text, int flags = 0) {
    flags |= MSG_NOSIGNAL | MSG_DONTWAIT;
    while (!text.empty()) {
        const ssize_t put = sys::retry([&] { return ::send(fd, text.data(), text.size(), flags); });
        if (put < 0 && errno == EAGAIN && events_of(fd, POLLOUT) != 0) continue;
        if (put < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

/// Ends one direction, after the last byte.
inline void finish(int fd) { ::shutdown(fd, SHUT_WR); }

/// Closes with a reset.
inline void reset(sys::UniqueFd& fd) {
    sys::reset_on_close(fd.get());
    fd.reset();
}

/// The bytes that were read, and why no more: "end", "reset", "silence" for the whole limit, "enough"
/// bytes, or the text of an errno.
struct Reply {
    std::string bytes;
    std::string end;

    bool operator==(const Reply&) const = default;
};

inline void PrintTo(const Reply& reply, std::ostream* out) {
    const bool long_one = reply.bytes.size() > 200;
    *out << (long_one ? std::to_string(reply.bytes.size()) + " bytes" : '"' + reply.bytes + '"')
         << ", then " << reply.end;
}

/// Reads until EOF, a reset, `enough` bytes, or silence.
inline Reply read_reply(int fd, std::size_t enough = std::string::npos,
                        std::chrono::milliseconds limit = kPatience) {
    Reply reply;
    std::string buffer(65536, '\0');
    while (reply.bytes.size() < enough) {
        if (events_of(fd, POLLIN, limit) == 0) {
            reply.end = "silence";
            return reply;
        }
        const std::size_t most = std::min(buffer.size(), enough - reply.bytes.size());
        const ssize_t got = sys::retry([&] { return ::read(fd, buffer.data(), most); });
        if (got <= 0) {
            reply.end = got == 0 ? "end" : errno == ECONNRESET ? "reset" : sys::error_text(errno);
            return reply;
        }
        reply.bytes.append(buffer, 0, static_cast<std::size_t>(got));
    }
    reply.end = "enough";
    return reply;
}

/// Processor time, of this thread (RUSAGE_THREAD) or of the whole process (RUSAGE_SELF).
inline std::chrono::microseconds processor_time(int whose) {
    rusage usage{};
    ::getrusage(static_cast<__rusage_who_t>(whose), &usage);
    const auto of = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace portsplit::loopback
