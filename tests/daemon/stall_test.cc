#include "daemon/stall.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace portsplit::daemon {
namespace {

using std::chrono::milliseconds;
using sys::Clock;
using Step = Stall::Step;

constexpr Clock::time_point kStart{std::chrono::hours(1)};

Clock::time_point after(int ms) { return kStart + milliseconds(ms); }

/// Looks whenever a look is due, until `end` milliseconds after the start.
/// @returns the steps, each with the moment of its look
std::string steps_until(Stall& stall, int end, std::size_t waiting) {
    std::string steps;
    while (stall.due() <= after(end)) {
        const auto now = stall.due();
        const Step step = stall.look(now, waiting);
        if (step == Step::None) continue;
        steps += step == Step::Ask ? "ask " : "kill ";
        steps +=
            std::to_string(std::chrono::duration_cast<milliseconds>(now - kStart).count()) + " ";
        if (step == Step::Kill) break;
    }
    return steps;
}

TEST(Stall, HasNothingToLookAtBeforeAConnection) {
    EXPECT_EQ(Stall().due(), Clock::time_point::max());
}

TEST(Stall, LooksOnceAfterAConnectionThatWasTaken) {
    Stall stall;
    stall.on_handed_over(kStart);
    EXPECT_EQ(stall.due(), after(500));
    EXPECT_EQ(stall.look(after(500), 0), Step::None);
    EXPECT_EQ(stall.due(), Clock::time_point::max());
}

TEST(Stall, AsksAfterASecondAndKillsTwoSecondsLater) {
    Stall stall;
    stall.on_handed_over(kStart);
    EXPECT_EQ(steps_until(stall, 10'000, 1), "ask 1000 kill 3000 ");
}

TEST(Stall, AsksAgainAfterAnAnswer) {
    Stall stall;
    stall.on_handed_over(kStart);
    EXPECT_EQ(steps_until(stall, 1000, 1), "ask 1000 ");
    stall.on_answer(after(1100));
    EXPECT_EQ(steps_until(stall, 2500, 1), "ask 2500 ");
}

TEST(Stall, IsPatientWhileSomeAreTaken) {
    Stall stall;
    for (int ms = 0; ms < 10'000; ms += 400) {
        stall.on_handed_over(after(ms));
        // One waits always, but not the same.
        EXPECT_EQ(steps_until(stall, ms, 1), "") << ms;
    }
}

TEST(Stall, CountsFromTheFirstConnectionAfterAPause) {
    Stall stall;
    stall.on_handed_over(kStart);
    EXPECT_EQ(stall.look(after(500), 0), Step::None);
    stall.on_handed_over(after(60'000));
    EXPECT_EQ(steps_until(stall, 70'000, 1), "ask 61000 kill 63000 ");
}

TEST(Stall, IsNotDeceivedByConnectionsThatCome) {
    Stall stall;
    std::size_t waiting = 0;
    std::string steps;
    for (int ms = 0; ms <= 3000; ms += 100) {
        stall.on_handed_over(after(ms));
        steps += steps_until(stall, ms, ++waiting);
    }
    EXPECT_EQ(steps, "ask 1000 kill 3000 ");
}

}  // namespace
}  // namespace portsplit::daemon
