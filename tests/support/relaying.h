#pragma once
// For the tests of relay, flow and store: a relay that runs in a thread, while the test plays both of
// its peers.

#include <chrono>
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

}  // namespace portsplit::dispatch
