#include "sys/backoff.h"

#include <gtest/gtest.h>

#include <vector>

namespace portsplit::sys {
namespace {

using std::chrono::milliseconds;

std::vector<int> next(Backoff& backoff, std::size_t count) {
    std::vector<int> pauses(count);
    for (int& pause : pauses) pause = static_cast<int>(backoff.next().count());
    return pauses;
}

TEST(Backoff, DoublesEachPauseUpToTheLongest) {
    Backoff backoff(milliseconds(10), milliseconds(50));
    EXPECT_EQ(next(backoff, 5), (std::vector{10, 20, 40, 50, 50}));
}

TEST(Backoff, BeginsAgainAfterReset) {
    Backoff backoff(milliseconds(10), milliseconds(1000));
    next(backoff, 3);
    backoff.reset();
    EXPECT_EQ(next(backoff, 2), (std::vector{10, 20}));
}

TEST(Backoff, RepeatsOnePauseWhenBothLimitsAreEqual) {
    Backoff backoff(milliseconds(100), milliseconds(100));
    EXPECT_EQ(next(backoff, 3), (std::vector{100, 100, 100}));
}

}  // namespace
}  // namespace portsplit::sys
