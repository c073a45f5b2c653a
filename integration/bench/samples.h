#pragma once
// Many measured durations and the figures that are printed of them.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

class Samples {
  public:
    void add(Clock::duration duration) { durations_.push_back(duration); }

    std::size_t count() const { return durations_.size(); }

    std::size_t longer_than(Clock::duration limit) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            durations_, [&](Clock::duration duration) { return duration > limit; }));
    }

    /// Prints median, 99th and 99.9th percentile and maximum in microseconds as members of a JSON object.
    void print() {
        if (durations_.empty()) return;
        std::ranges::sort(durations_);
        std::printf(",\"median_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f", at(0.5),
                    at(0.99), at(0.999), at(1.0));
    }

  private:
    double at(double share) const {
        const auto last = static_cast<double>(durations_.size() - 1);
        return 1e6 * seconds(durations_[static_cast<std::size_t>(share * last)]);
    }

    std::vector<Clock::duration> durations_;
};

}  // namespace bench
