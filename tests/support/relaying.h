#pragma once
// For the tests of relay, flow and store: a relay that runs in a thread, while the test plays both of
// its peers; and what these tests need of sockets and descriptors.

#include <fcntl.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <iterator>
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

/// Returns how many descriptors this process has open.
inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// Lowers RLIMIT_NOFILE so that this process cannot open another descriptor; for child processes.
inline void use_up_descriptors() {
    const sys::UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto limit = static_cast<rlim_t>(next.get());
    const rlimit limits{.rlim_cur = limit, .rlim_max = limit};
    ::setrlimit(RLIMIT_NOFILE, &limits);
}

/// A relay in a thread of its own.
class Relaying {
  public:
    /// Takes the near end of `client`. `server` may be any side whose peer the test holds.
    Relaying(loopback::Pair client, Side server, const RelayLimits& limits = kSocketRelay)
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

    /// Returns true if the relay has ended, or does within the limit.
    bool ended(std::chrono::milliseconds limit = loopback::kPatience) const {
        return ended_.wait_for(limit) == std::future_status::ready;
    }

    /// Waits for the end and returns `IN OUT`, in bytes.
    std::string totals() {
        if (!ended()) return "never ended";
        const Totals totals = ended_.get();
        return std::to_string(totals.in) + " " + std::to_string(totals.out);
    }

  private:
    sys::UniqueFd client_;
    Recorder recorder_;
    std::future<Totals> ended_;
};

}  // namespace portsplit::dispatch
