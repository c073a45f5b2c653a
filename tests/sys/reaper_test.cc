#include "sys/reaper.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <vector>

#include "support/child.h"
#include "support/loopback.h"
#include "support/moved_clock.h"

namespace portsplit::sys {
namespace {

using loopback::Child;

constexpr std::size_t kMany = kFewChildren + 1;

/// Children that have ended, and no test has reaped.
class ReaperTest : public testing::Test {
  protected:
    pid_t ended_child() {
        auto& child = *children_.emplace_back(std::make_unique<Child>([] { return 7; }));
        EXPECT_TRUE(child.wait_for_end());
        return child.pid();
    }
    pid_t living_child() {
        return children_.emplace_back(std::make_unique<Child>([] { return ::pause(); }))->pid();
    }
    /// Returns the pid of the next child that the reaper finds; 0 if it finds none.
    pid_t next(std::size_t children) {
        const auto ended = reaper_.next(children);
        if (!ended) return 0;
        for (auto& child : children_) {
            if (child->pid() == ended->pid) child->forget();
        }
        return ended->pid;
    }

    Reaper reaper_{std::chrono::hours(1)};
    std::vector<std::unique_ptr<Child>> children_;
};

TEST_F(ReaperTest, FindsNothingWithoutASignal) {
    ended_child();
    EXPECT_EQ(next(1), 0);
    EXPECT_EQ(next(kMany), 0);
    EXPECT_EQ(reaper_.due(), Clock::time_point::max());
}

TEST_F(ReaperTest, FindsTheChildThatTheSignalNames) {
    const pid_t child = ended_child();
    reaper_.on_signal(child);
    EXPECT_EQ(next(kMany), child);
    EXPECT_EQ(next(kMany), 0);
}

// fault: B10
TEST_F(ReaperTest, FindsAnnouncedChildrenOfWhichNoSignalCame) {
    const std::set<pid_t> all{ended_child(), ended_child(), ended_child()};
    for (const pid_t child : all) reaper_.expect(child);
    const std::set<pid_t> found{next(kMany), next(kMany), next(kMany)};
    EXPECT_EQ(found, all);
    EXPECT_EQ(next(kMany), 0);
}

TEST_F(ReaperTest, FindsAnAnnouncedChildThatEndsLater) {
    const pid_t child = living_child();
    reaper_.expect(child);
    EXPECT_EQ(next(kMany), 0);
    ::kill(child, SIGKILL);
    ASSERT_TRUE(children_[0]->wait_for_end());
    reaper_.on_signal(child);
    EXPECT_EQ(next(kMany), child);
}

TEST_F(ReaperTest, FindsEachOfFewChildrenAfterOneSignal) {
    const std::set<pid_t> all{ended_child(), ended_child(), ended_child()};
    reaper_.on_signal(*all.begin());
    const std::set<pid_t> found{next(3), next(3), next(3)};
    EXPECT_EQ(found, all);
    EXPECT_EQ(next(3), 0);
    EXPECT_EQ(reaper_.due(), Clock::time_point::max());
}

// fault: B10
TEST_F(ReaperTest, LooksAtAllOfManyChildrenOnlyAfterAPause) {
    MovedClock clock;
    reaper_.on_signal(0);
    EXPECT_EQ(next(kMany), 0);
    const pid_t unannounced = ended_child();
    reaper_.on_signal(0);
    EXPECT_EQ(next(kMany), 0);
    EXPECT_LE(reaper_.due(), Clock::now() + std::chrono::hours(1));
    clock.move(std::chrono::hours(2));
    EXPECT_EQ(next(kMany), unannounced);
    EXPECT_EQ(next(kMany), 0);
    EXPECT_EQ(reaper_.due(), Clock::time_point::max());
}

TEST_F(ReaperTest, LooksAtALivingChildABoundedNumberOfTimes) {
    const pid_t child = living_child();
    reaper_.expect(child);
    for (int i = 0; i < 1000; ++i) {
        reaper_.on_signal(0);
        EXPECT_EQ(next(kMany), 0);
    }
    ::kill(child, SIGKILL);
    ASSERT_TRUE(children_[0]->wait_for_end());
    reaper_.on_signal(0);
    EXPECT_EQ(next(kMany), 0) << "it is left to the look at all children";
    reaper_.on_signal(child);
    EXPECT_EQ(next(kMany), child);
}

}  // namespace
}  // namespace portsplit::sys
