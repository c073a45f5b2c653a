#include "daemon/restart_schedule.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace portsplit::daemon {
namespace {

using std::chrono::milliseconds;
using Milliseconds = std::vector<milliseconds::rep>;

/// A zygote's deaths, on a clock that only the test moves.
class RestartScheduleTest : public testing::Test {
  protected:
    /// Returns the pause after the death of a zygote that lived for `life`.
    milliseconds::rep pause_after_life(milliseconds life) {
        schedule_.on_ready(now_);
        now_ += life;
        return pause_after_failed_start();
    }
    milliseconds::rep pause_after_failed_start() {
        schedule_.on_death(now_);
        const auto pause = std::chrono::duration_cast<milliseconds>(schedule_.due() - now_);
        now_ = schedule_.due();
        return pause.count();
    }

    template <typename Death>
    Milliseconds pauses(int deaths, Death death) {
        Milliseconds all;
        for (int i = 0; i < deaths; ++i) all.push_back(death());
        return all;
    }

  private:
    RestartSchedule schedule_;
    sys::Clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(RestartScheduleTest, DoublesThePauseWhenZygotesDieSoonAfterAGoodStart) {
    EXPECT_EQ(pauses(10, [&] { return pause_after_life(milliseconds(9999)); }),
              (Milliseconds{0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}));
}

TEST_F(RestartScheduleTest, ReplacesAZygoteAtOnceAfterALongLife) {
    EXPECT_EQ(pauses(4, [&] { return pause_after_life(kLongLife); }), (Milliseconds{0, 0, 0, 0}));
}

TEST_F(RestartScheduleTest, BeginsAgainWithTheFirstPauseAfterALongLife) {
    for (int i = 0; i < 5; ++i) pause_after_life(milliseconds(1));
    EXPECT_EQ(pause_after_life(kLongLife), 0);
    EXPECT_EQ(pauses(3, [&] { return pause_after_life(milliseconds(1)); }),
              (Milliseconds{100, 200, 400}));
}

// fault: B5
TEST_F(RestartScheduleTest, DoublesThePauseWhenStartsFailAfterALongLife) {
    EXPECT_EQ(pause_after_life(kLongLife), 0);
    EXPECT_EQ(pauses(4, [&] { return pause_after_failed_start(); }),
              (Milliseconds{100, 200, 400, 800}));
}

}  // namespace
}  // namespace portsplit::daemon
