#include "dispatch/source_lines.h"

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

bool admits(SourceLines& lines, const std::string& address,
            SourceLines::About about = SourceLines::About::Unserved) {
    return lines.admit(*core::IpAddress::parse(address), about);
}

// fault: B9
TEST(SourceLines, WritesTheFirstOfASourceAndCountsTheRest) {
    SourceLines lines;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(admits(lines, "192.0.2.7")) << i;
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(admits(lines, "192.0.2.7")) << i;
    EXPECT_TRUE(admits(lines, "192.0.2.8")) << "each source has its own";
    EXPECT_THAT(lines.reports(sys::Clock::now()), ElementsAre());
}

TEST(SourceLines, ReportsTheCountsAfterAMinute) {
    SourceLines lines;
    EXPECT_EQ(lines.due(), sys::Clock::time_point::max());
    for (int i = 0; i < 8; ++i) admits(lines, "192.0.2.7");
    for (int i = 0; i < 4; ++i) admits(lines, "2001:db8::" + std::to_string(i));
    admits(lines, "192.0.2.8");
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
    EXPECT_TRUE(admits(lines, "192.0.2.7")) << "a new minute";
}

// fault: B9
TEST(SourceLines, WritesAHundredOfASourceThatIsServed) {
    SourceLines lines;
    const auto served = SourceLines::About::Served;
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(admits(lines, "192.0.2.7", served)) << i;
    for (int i = 0; i < 12; ++i) EXPECT_FALSE(admits(lines, "192.0.2.7", served)) << i;
    EXPECT_TRUE(admits(lines, "192.0.2.7")) << "each kind has its own number";
    MovedClock clock;
    clock.move(61s);
    EXPECT_THAT(
        lines.reports(sys::Clock::now()),
        ElementsAre("12 more connections from 192.0.2.7 ended; with log = all each has a line"));
    EXPECT_TRUE(admits(lines, "192.0.2.7", served)) << "a new minute";
}

TEST(SourceLines, AreLookedAtOnceASecond) {
    SourceLines lines;
    admits(lines, "192.0.2.7");
    admits(lines, "192.0.2.8");  // some microseconds later
    const auto first = lines.due();
    lines.reports(first);
    EXPECT_EQ(lines.due(), first + 1s);
}

TEST(SourceLines, WritesAllOfMoreSourcesThanItCounts) {
    SourceLines lines;
    for (std::size_t i = 0; i < SourceLines::kMostSources; ++i) {
        admits(lines, "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
    }
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(admits(lines, "192.0.2.7")) << i;
}

}  // namespace
}  // namespace portsplit::dispatch
