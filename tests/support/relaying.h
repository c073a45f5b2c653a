#pragma once
// For the tests of relay, flow and store: a relay that runs in a thread, while the test plays both of
// its peers.

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <future>
#include <string>
#include <utility>

#include "dispatch/relay.h"
#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {

/// A TCP connection whose near end is non-blocking, as the dispatcher makes it for a relay.
inline loopback::Pair relayed_pair() {
    loopback::Pair pair = loopback::tcp_pair();
    sys::set_blocking(pair.near.get(), false);
    return pair;
}

inline Side socket_side(sys::UniqueFd fd) {
    sys::set_blocking(fd.get(), false);
    return Side::socket(std::move(fd));
}

/// A relay in a thread of its own.
class Relaying {
  public:
    /// Takes the near end of `client`. `server` may be any side whose peer the test holds.
    Relaying(loopback::Pair client, Side server, const RelayLimits& limits = {})
        : client_(std::move(client.far)) {
        sys::set_blocking(client.near.get(), false);
        ended_ = std::async(std::launch::async, [near = Side::socket(std::move(client.near)),
                                                 side = std::move(server), limits, this]() mutable {
            return relay(std::move(near), std::move(side), limits, recorder_);
        });
    }
    /// Resets the client, which ends the relay.
    ~Relaying() {
        if (client_) loopback::reset(client_);
    }

    sys::UniqueFd& client() { return client_; }

    /// Waits at most `limit` and returns true if the relay has ended.
    bool ends_within(std::chrono::milliseconds limit = loopback::kPatience) const {
        return ended_.wait_for(limit) == std::future_status::ready;
    }

    /// Waits for the end and returns `IN OUT`, in bytes.
    std::string totals() {
        if (!ends_within()) return "never ended";
        const Totals totals = ended_.get();
        return std::to_string(totals.in) + " " + std::to_string(totals.out);
    }

  private:
    sys::UniqueFd client_;
    Recorder recorder_;
    std::future<Totals> ended_;
};

/// The suite of the relay. Its tests are in several files.
class Relay : public testing::Test {
  protected:
    Relay() { ::signal(SIGPIPE, SIG_IGN); }  // as in the program
};

/// A relay between two TCP connections.
struct Sockets {
    explicit Sockets(const RelayLimits& limits = {}) : Sockets(loopback::tcp_pair(), limits) {}
    Sockets(loopback::Pair pair, const RelayLimits& limits)
        : server(std::move(pair.far)),
          relaying(loopback::tcp_pair(), socket_side(std::move(pair.near)), limits) {}

    sys::UniqueFd& client() { return relaying.client(); }

    sys::UniqueFd server;
    Relaying relaying;
};

/// Sends until the buffers of all sockets up to the reader are full.
/// @returns how many bytes they took
inline std::size_t fill_buffers(int fd) {
    const std::string junk(65536, 'j');
    std::size_t sent = 0;
    while (loopback::events_of(fd, POLLOUT, loopback::kMoment) != 0) {
        const ssize_t put = ::send(fd, junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) sent += static_cast<std::size_t>(put);
    }
    return sent;
}

/// Returns the processor time that this process uses while the relay goes on for 150 ms. A busy loop
/// uses most of it.
inline std::chrono::microseconds idle_cost(const Relaying& relaying) {
    const auto before = loopback::processor_time(RUSAGE_SELF);
    EXPECT_FALSE(relaying.ends_within(std::chrono::milliseconds(150)));
    return loopback::processor_time(RUSAGE_SELF) - before;
}
inline constexpr std::chrono::microseconds kIdle = std::chrono::milliseconds(30);

}  // namespace portsplit::dispatch
