#pragma once
// What the parts of `decide` share: the cost of a call, the memory in use, and the report.

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline constexpr int kRounds = 9;
inline constexpr auto kRoundLength = std::chrono::milliseconds(10);

/// Returns a number that looks random but is always the same for the same argument.
inline std::uint32_t scrambled(std::size_t number) {
    return static_cast<std::uint32_t>(number) * 2'654'435'761U;
}

/// Returns services in an order without locality, so that the caches help neither side.
inline std::size_t scattered(std::size_t number, std::size_t services) {
    return scrambled(number) % services;
}

/// Returns the median over rounds of the time of one call, in nanoseconds.
/// @param call  gets the number of the call
template <typename Call>
double median_cost(const Call& call) {
    std::vector<double> costs;
    std::size_t number = 0;
    for (int round = 0; round < kRounds; ++round) {
        const auto begin = Clock::now();
        auto now = begin;
        std::size_t calls = 0;
        for (std::size_t batch = 1; now - begin < kRoundLength; batch *= 2) {
            for (std::size_t i = 0; i < batch; ++i) call(number++);
            calls += batch;
            now = Clock::now();
        }
        const std::chrono::duration<double, std::nano> all = now - begin;
        costs.push_back(all.count() / static_cast<double>(calls));
    }
    std::ranges::nth_element(costs, costs.begin() + kRounds / 2);
    return costs[kRounds / 2];
}

/// Returns the bytes allocated with malloc, small and large (mallinfo2 in mallinfo(3)).
inline std::size_t heap_in_use() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// Returns the bytes that a copy of the value takes from the heap.
template <typename Value>
std::size_t heap_of_copy(const Value& value) {
    const std::size_t before = heap_in_use();
    const Value copy = value;
    return heap_in_use() - before;
}

/// Counts wrong results, which also keeps the compiler from removing the calls.
inline std::size_t unexpected = 0;

inline void expect(bool holds) { unexpected += holds ? 0 : 1; }

class Report {
  public:
    explicit Report(bool as_table) : as_table_(as_table) {
        if (as_table_) {
            std::printf("%-28s %9s %14s %s\n", "workload", "services", "figure", "unit");
        }
    }

    void add(const std::string& figure, const std::string& workload, std::size_t services,
             double value, const char* unit) const {
        if (as_table_) {
            std::printf("%-28s %9zu %14.1f %s (%s)\n", workload.c_str(), services, value, unit,
                        figure.c_str());
        } else {
            std::printf(R"({"figure":"%s","workload":"%s","services":%zu,"value":%.1f,"unit":"%s"})"
                        "\n",
                        figure.c_str(), workload.c_str(), services, value, unit);
        }
    }

  private:
    bool as_table_;
};

/// Measures lists of client addresses, with up to 100,000 prefixes.
void measure_lists(const Report& report);

/// Measures decisions about a TLS client's server name, with up to 100,000 names.
void measure_names(const Report& report);

}  // namespace bench
