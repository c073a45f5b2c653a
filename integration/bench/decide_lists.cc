// Measures lists of client addresses with up to 100,000 prefixes: to compile one, to hand it over as bytes, and
// a look-up.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/access.h"
#include "decide.h"

namespace bench {
namespace {

using namespace portsplit::core;

constexpr std::size_t kSizes[] = {1, 1'000, 100'000};

/// A different network for each number: 192.0.2.0/24 and others of IPv4, and every fourth of IPv6.
Prefix network(std::size_t number) {
    const auto bits = static_cast<std::uint32_t>(number * 40'009U % (1U << 22));
    const auto byte = [](std::uint32_t value) { return static_cast<std::uint8_t>(value & 0xFF); };
    if (number % 4 == 3) {
        const std::uint8_t bytes[16] = {0x20, 0x01, byte(bits >> 16), byte(bits >> 8), byte(bits)};
        return {Prefix::Kind::Internet, 40, IpAddress::from_bytes(bytes)};
    }
    const std::uint8_t bytes[4] = {byte((bits >> 16) + 1), byte(bits >> 8), byte(bits), 0};
    return {Prefix::Kind::Internet, 24, IpAddress::from_bytes(bytes)};
}

/// Returns a client in a network, or beside it.
Source client_of(const Prefix& network, bool inside) {
    const auto first = network.address.first_of(network.length);
    return {inside ? *first.next() : *network.address.last_of(network.length).next(), {}, false};
}

double milliseconds_of(const auto& work) {
    std::vector<double> times;
    for (int round = 0; round < kRounds; ++round) {
        const auto begin = Clock::now();
        work();
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    std::ranges::nth_element(times, times.begin() + kRounds / 2);
    return times[kRounds / 2];
}

}  // namespace

void measure_lists(const Report& report) {
    const std::string name = "client addresses";
    for (const std::size_t size : kSizes) {
        std::vector<Prefix> prefixes;
        for (std::size_t i = 0; i < size; ++i) prefixes.push_back(network(i));
        const double compile = milliseconds_of([&] { expect(!Access(prefixes, {}).has_zones()); });
        report.add("compile", name, size, compile * 1000, "us");
        const Access access(prefixes, {});
        std::string packed;
        access.append_to(packed);
        const double take = milliseconds_of([&] {
            std::string_view rest = packed;
            expect(Access::take_from(rest).has_value());
        });
        report.add("take over", name, size, take * 1000, "us");
        std::vector<Source> clients;
        for (std::size_t i = 0; i < size; ++i) clients.push_back(client_of(prefixes[i], true));
        const double look = median_cost(
            [&](std::size_t number) { expect(access.allows(clients[scattered(number, size)])); });
        report.add("look", name, size, look, "ns");
        report.add("memory", name, size, static_cast<double>(packed.size()) / 1024, "KiB");
    }
}

}  // namespace bench
