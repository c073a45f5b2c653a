#include "daemon/refusals.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace portsplit::daemon {
namespace {

using std::chrono::seconds;

constexpr Refusals::Time kStart{std::chrono::hours(1)};

core::IpAddress ip(const std::string& text) { return *core::IpAddress::parse(text); }

// fault: B7, B9
TEST(Refusals, HasALineForTheFirstAndCountsTheOthersOfItsMinute) {
    Refusals refusals;
    EXPECT_EQ(refusals.due(), Refusals::Time::max());
    EXPECT_TRUE(refusals.add(Refusal::Source, ip("192.0.2.7"), kStart));
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(refusals.add(Refusal::Source, ip("192.0.2.7"), kStart + seconds(1)));
    }
    EXPECT_FALSE(refusals.add(Refusal::ServiceSource, ip("2001:db8::1"), kStart + seconds(2)));
    EXPECT_FALSE(refusals.add(Refusal::ServiceSource, ip("2001:db8::2"), kStart + seconds(2)));
    EXPECT_FALSE(refusals.add(Refusal::Penalty, std::nullopt, kStart + seconds(59)));
    EXPECT_EQ(refusals.due(), kStart + seconds(60));
    EXPECT_EQ(refusals.report(kStart + seconds(59)), std::nullopt);
    EXPECT_EQ(refusals.report(kStart + seconds(60)),
              "refused 6 more connections in the last minute: 5 by maxconn-source, 1 by penalty; "
              "most from 192.0.2.7 (3), 2001:db8::/64 (2)");
    EXPECT_EQ(refusals.total(), 7U);
}

TEST(Refusals, CountsOnWithoutALineUntilAMinuteIsQuiet) {
    Refusals refusals;
    EXPECT_TRUE(refusals.add(Refusal::Rate, ip("192.0.2.7"), kStart));
    EXPECT_FALSE(refusals.add(Refusal::Undecided, std::nullopt, kStart));
    EXPECT_EQ(refusals.report(kStart + seconds(60)),
              "refused 1 more connection in the last minute: 1 by maxundecided");
    EXPECT_FALSE(refusals.add(Refusal::Service, std::nullopt, kStart + seconds(61)));
    EXPECT_EQ(refusals.report(kStart + seconds(120)),
              "refused 1 more connection in the last minute: 1 by maxconn");
    EXPECT_EQ(refusals.report(kStart + seconds(180)), std::nullopt);
    EXPECT_EQ(refusals.due(), Refusals::Time::max());
    EXPECT_TRUE(refusals.add(Refusal::Rate, ip("192.0.2.7"), kStart + seconds(181)));
}

// An attacker chooses the addresses.
// fault: B7
TEST(Refusals, HasABoundOnTheSourcesThatItCounts) {
    Refusals refusals;
    (void)refusals.add(Refusal::Rate, std::nullopt, kStart);
    for (unsigned i = 0; i < 20'000; ++i) {
        const std::string text = "10.0." + std::to_string(i >> 8) + "." + std::to_string(i & 255);
        (void)refusals.add(Refusal::Rate, ip(text), kStart);
        (void)refusals.add(Refusal::Rate, ip("10.0.0.0"), kStart);
    }
    EXPECT_LE(refusals.sources(), Refusals::kMostSources);
    const std::string line = refusals.report(kStart + seconds(60)).value_or("");
    EXPECT_NE(line.find("refused 40000 more connections"), std::string::npos) << line;
    EXPECT_NE(line.find("most from 10.0.0.0 (20001)"), std::string::npos) << line;
}

}  // namespace
}  // namespace portsplit::daemon
