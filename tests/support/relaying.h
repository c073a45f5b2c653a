#pragma once
// A relay at work in a thread of its own, and both its peers in the hands of the test.

#include <chrono>
#include <future>
#include <string>
#include <utility>

#include "dispatch/relay.h"
#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {

class Relaying {
  public:
    /// Takes the near ends; `server` may be any side whose peer the test holds.
    Relaying(loopback::Pair client, Side server,
             std::chrono::milliseconds half_closed_limit = kHalfClosedLimit)
        : client_(std::move(client.far)) {
        sys::set_blocking(client.near.get(), false);
        ended_ = std::async(
            std::launch::async, [near = Side::socket(std::move(client.near)),
                                 side = std::move(server), half_closed_limit, this]() mutable {
                const auto before = loopback::processor_time(RUSAGE_THREAD);
                const Totals totals =
                    relay(std::move(near), std::move(side), half_closed_limit, recorder_);
                spent_ = loopback::processor_time(RUSAGE_THREAD) - before;
                return totals;
            });
    }
    /// The relay ends when its client is gone.
    ~Relaying() {
        if (client_) loopback::reset(client_);
    }

    sys::UniqueFd& client() { return client_; }

    bool ended(std::chrono::milliseconds limit = loopback::kPatience) const {
        return ended_.wait_for(limit) == std::future_status::ready;
    }

    /// `IN OUT` in bytes, once both directions have ended.
    std::string totals() {
        if (!ended()) return "never ended";
        const Totals totals = ended_.get();
        return std::to_string(totals.in) + " " + std::to_string(totals.out);
    }

    /// What it cost, once it has ended.
    std::chrono::microseconds processor_time() const { return spent_; }

  private:
    sys::UniqueFd client_;
    Recorder recorder_;
    std::chrono::microseconds spent_{0};
    std::future<Totals> ended_;
};

inline Side socket_side(sys::UniqueFd fd) {
    sys::set_blocking(fd.get(), false);
    return Side::socket(std::move(fd));
}

}  // namespace portsplit::dispatch
