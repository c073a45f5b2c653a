#include "config/packed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "support/example_config.h"
#include "support/random_config.h"

namespace portsplit::config {
namespace {

TEST(Packed, IsReadAsTheSameConfiguration) {
    EXPECT_EQ(unpack(pack(example()), Need::Services), example());
}

TEST(Packed, IsReadAsTheSameConfigurationOfAnyContent) {
    for (unsigned seed = 0; seed < 1000; ++seed) {
        const core::Config config = RandomConfig(seed, false).make();
        ASSERT_EQ(unpack(pack(config), Need::Services), config) << "seed " << seed;
    }
}

TEST(Packed, MayHaveNoServicesWhereNoneAreNeeded) {
    core::Config config = example();
    config.services.clear();
    EXPECT_EQ(unpack(pack(config), Need::Global), config);
    EXPECT_FALSE(unpack(pack(config), Need::Services));
}

TEST(Packed, IsRefusedWhenItIsCut) {
    const std::string packed = pack(example());
    for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_FALSE(unpack(std::string_view(packed).substr(0, size), Need::Services)) << size;
    }
}

/// Returns true if a configuration is read from its bytes as it is.
bool is_read(const core::Config& config) { return unpack(pack(config), Need::Global) == config; }

// A member at the end of its range is read; one beyond it is refused.
TEST(Packed, IsRefusedWithANumberThatItsKeyDoesNotAllow) {
    core::Config config;
    config.window = core::kLargestWindow;
    config.top.timeout = std::chrono::hours(24);
    EXPECT_TRUE(is_read(config));
    ++config.top.timeout;
    EXPECT_FALSE(is_read(config));
    config.top.timeout = -std::chrono::milliseconds(1);
    EXPECT_FALSE(is_read(config));
    config.top.timeout = {};
    EXPECT_TRUE(is_read(config));
    ++config.window;
    EXPECT_FALSE(is_read(config));
    config.window = 0;
    EXPECT_FALSE(is_read(config));
}

TEST(Packed, IsRefusedWithAnEnumeratorThatDoesNotExist) {
    core::Config config;
    core::Service& service = config.services.emplace_back();
    core::Exec& exec = std::get<core::Exec>(service.action);
    exec.stderr_to = core::StderrTo::Client;
    service.patterns = {{core::PatternKind::Regex, "a"}};
    EXPECT_TRUE(is_read(config));
    exec.stderr_to = static_cast<core::StderrTo>(3);
    EXPECT_FALSE(is_read(config));
    exec.stderr_to = core::StderrTo::Client;
    service.patterns[0].kind = static_cast<core::PatternKind>(3);
    EXPECT_FALSE(is_read(config));
}

TEST(Packed, IsRefusedWithALimitThatItsKeyDoesNotAllow) {
    core::Config config;
    core::Listener& listener = config.listeners.emplace_back();
    EXPECT_TRUE(is_read(config));
    listener.maxconn_source = 0;
    listener.maxundecided = 1'000'000;
    listener.rate_source = {1'000'000, 3600};
    EXPECT_TRUE(is_read(config));
    ++*listener.maxundecided;
    EXPECT_FALSE(is_read(config));
    listener.maxundecided.reset();
    for (const core::Rate rate : {core::Rate{1'000'001, 1}, {1, 3601}, {1, 0}, {0, 0}}) {
        listener.rate_source = rate;
        EXPECT_FALSE(is_read(config)) << rate.count << '/' << rate.seconds;
    }
    listener.rate_source = {};
    core::Service& service = config.services.emplace_back();
    service.maxconn = service.maxconn_source = 1'000'000;
    EXPECT_TRUE(is_read(config));
    ++service.maxconn_source;
    EXPECT_FALSE(is_read(config));
}

TEST(Packed, IsRefusedWithALimitThatIsNeitherThereNorNot) {
    core::Config config;
    std::string packed = pack(config);
    config.top.maxundecided = 0;
    const std::string with_limit = pack(config);
    const auto [at, unused] = std::mismatch(packed.begin(), packed.end(), with_limit.begin());
    *at = 2;
    EXPECT_FALSE(unpack(packed, Need::Global));
}

TEST(Packed, IsRefusedWithAPenaltyThatItsListDoesNotTake) {
    using Cause = core::Penalty::Cause;
    struct Case {
        core::Penalty penalty;
        bool in_listener;
        bool in_service;
    };
    const Case cases[] = {
        {{Cause::Undecided, 0, 600}, true, false}, {{Cause::Crash, 0, 0}, true, false},
        {{Cause::Rate, 0, 1}, true, false},        {{Cause::Exit, 255, 600}, false, true},
        {{Cause::Signal, 0, 600}, false, true},    {{Cause::Crash, 0, 601}, false, false},
        {{Cause::Signal, 0, 601}, false, false},   {{Cause::Crash, 1, 5}, false, false},
        {{Cause::Signal, 1, 5}, false, false},     {{Cause(5), 0, 5}, false, false},
        {{Cause(255), 0, 5}, false, false},
    };
    for (const Case& c : cases) {
        core::Config listening;
        listening.listeners.emplace_back().penalty = {c.penalty};
        EXPECT_EQ(is_read(listening), c.in_listener) << static_cast<int>(c.penalty.cause);
        core::Config serving;
        serving.services.emplace_back().penalty = {c.penalty};
        EXPECT_EQ(is_read(serving), c.in_service) << static_cast<int>(c.penalty.cause);
    }
}

/// Returns the only place where two packed forms differ.
std::size_t difference(const std::string& a, const std::string& b) {
    const auto [at, unused] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<std::size_t>(at - a.begin());
}

TEST(Packed, IsRefusedWithAnActionOrAPortThatDoesNotExist) {
    core::Config config;
    core::Service& service = config.services.emplace_back();
    std::string packed = pack(config);
    service.action = core::Connect();
    const std::size_t action = difference(packed, pack(config));
    packed[action] = 2;
    EXPECT_FALSE(unpack(packed, Need::Global));

    service.action = core::Connect{{{"host", 65535}}};
    packed = pack(config);
    EXPECT_TRUE(is_read(config));
    service.action = core::Connect{{{"host", 65534}}};
    const std::size_t port = difference(packed, pack(config));
    packed.at(port + 2) = 1;  // the third byte of the port
    EXPECT_FALSE(unpack(packed, Need::Global));
}

TEST(Packed, MayHaveAPatternThatDoesNotCompile) {
    core::Config config;
    core::Service& service = config.services.emplace_back();
    service.patterns = {{core::PatternKind::Hex, "0"}, {core::PatternKind::Regex, "("}};
    EXPECT_TRUE(is_read(config));
}

TEST(Packed, IsRefusedWithBytesBehindIt) {
    EXPECT_FALSE(unpack(pack(example()) + '\0', Need::Services));
}

// Whatever the bytes are: a configuration or nothing, and no access outside of them.
// fault: F8
TEST(Packed, IsRefusedOrValidWithAnyByteChanged) {
    const std::string packed = pack(example());
    for (std::size_t at = 0; at < packed.size(); ++at) {
        for (const char byte : {'\0', '\x01', '\x7f', '\xff'}) {
            std::string changed = packed;
            changed[at] = byte;
            const auto config = unpack(changed, Need::Services);
            if (config) {
                EXPECT_EQ(unpack(pack(*config), Need::Services), config) << at;
            }
        }
    }
}

TEST(Packed, ReservesNoMoreThanTheBytesCanHold) {
    // The global section begins with the number of addresses to listen on: 2^64 - 1.
    const std::string packed(8, '\xff');
    EXPECT_FALSE(unpack(packed, Need::Services));
}

}  // namespace
}  // namespace portsplit::config
