#include "sys/clock.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>
#include <string>

namespace portsplit::sys {
namespace {

using namespace std::chrono_literals;

TEST(PollTimeout, ReturnsNoLimitWithoutADeadline) {
    EXPECT_EQ(poll_timeout(Clock::time_point::max()), -1);
}

TEST(PollTimeout, ReturnsZeroAfterTheDeadline) {
    EXPECT_EQ(poll_timeout(Clock::now()), 0);
    EXPECT_EQ(poll_timeout(Clock::now() - 1h), 0);
    EXPECT_EQ(poll_timeout(Clock::time_point()), 0);
}

TEST(PollTimeout, RoundsUpToTheDeadline) {
    const auto deadline = Clock::now() + 100us;
    const int timeout = poll_timeout(deadline);
    EXPECT_TRUE(timeout == 1 || Clock::now() >= deadline) << timeout;
    EXPECT_LE(poll_timeout(Clock::now() + 5s), 5000);
    EXPECT_GT(poll_timeout(Clock::now() + 5s), 4000);
}

TEST(PollTimeout, FitsAnIntWhenTheDeadlineIsFarAway) {
    EXPECT_EQ(poll_timeout(Clock::now() + 24h * 365), 1'000'000'000);
}

TEST(LocalTime, WritesATimeInAForm) {
    EXPECT_EQ(local_time("%s %%", 1'764'413'455), "1764413455 %");
}

TEST(LocalTime, ReturnsNothingForWhatCannotBeWritten) {
    EXPECT_EQ(local_time("%Y", std::numeric_limits<std::time_t>::max()), "");
    EXPECT_EQ(local_time(std::string(64, 'x').c_str(), 0), "");
}

}  // namespace
}  // namespace portsplit::sys
