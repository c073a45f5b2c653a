#include "dispatch/eof_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "support/moved_clock.h"

namespace portsplit::dispatch {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

core::IpAddress ip(const std::string& text) { return *core::IpAddress::parse(text); }

// fault: B9
TEST(EofLines, WritesTheFirstOfASourceAndCountsTheRest) {
    EofLines lines;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(lines.admit(ip("192.0.2.7"))) << i;
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(lines.admit(ip("192.0.2.7"))) << i;
    EXPECT_TRUE(lines.admit(ip("192.0.2.8"))) << "each source has its own";
    EXPECT_THAT(lines.reports(sys::Clock::now()), ElementsAre());
}

TEST(EofLines, ReportsTheCountsAfterAMinute) {
    EofLines lines;
    EXPECT_EQ(lines.due(), sys::Clock::time_point::max());
    for (int i = 0; i < 8; ++i) lines.admit(ip("192.0.2.7"));
    for (int i = 0; i < 4; ++i) lines.admit(ip("2001:db8::" + std::to_string(i)));
    lines.admit(ip("192.0.2.8"));
    EXPECT_LE(lines.due(), sys::Clock::now() + 1min);
    MovedClock clock;
    clock.move(61s);
    auto reports = lines.reports(sys::Clock::now());
    std::sort(reports.begin(), reports.end());
    EXPECT_THAT(
        reports,
        ElementsAre("1 more connections from 2001:db8::/64 ended before a service was chosen",
                    "5 more connections from 192.0.2.7 ended before a service was chosen"));
    EXPECT_EQ(lines.due(), sys::Clock::time_point::max());
    EXPECT_TRUE(lines.admit(ip("192.0.2.7"))) << "a new minute";
}

TEST(EofLines, WritesAllOfMoreSourcesThanItCounts) {
    EofLines lines;
    for (std::size_t i = 0; i < EofLines::kMostSources; ++i) {
        lines.admit(ip("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)));
    }
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(lines.admit(ip("192.0.2.7"))) << i;
}

}  // namespace
}  // namespace portsplit::dispatch
