#include "dispatch/overdue.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "support/child.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using sys::Clock;
using namespace std::chrono_literals;

int wait_for_ever() {
    while (true) ::pause();
}

/// A child that waits, and its row in a table.
class OverdueTest : public testing::Test {
  protected:
    /// @param since  how long ago its connection was accepted
    void add(std::chrono::milliseconds since, std::chrono::milliseconds timeout,
             bool decided = false) {
        ConnectionRecord record{.id = 7, .arrival = {.accepted = Clock::now() - since}};
        record.progress.decided = decided ? 1 : 0;
        connections_.add(child_.pid(), record);
        overdue_.add(child_.pid(), record, timeout);
    }
    bool is_killed() {
        overdue_.step(connections_);
        ::kill(child_.pid(), SIGTERM);
        const int status = child_.status();
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    Overdue& overdue() { return overdue_; }
    Connections& connections() { return connections_; }
    pid_t pid() const { return child_.pid(); }

  private:
    Child child_{&wait_for_ever};
    Connections connections_;
    Overdue overdue_;
};

TEST_F(OverdueTest, KillsAfterTheDeadlineAndASecond) {
    add(3100ms, 2s);
    EXPECT_LE(overdue().due(), Clock::now());
    EXPECT_TRUE(is_killed());
    EXPECT_EQ(overdue().due(), Clock::time_point::max());
}

TEST_F(OverdueTest, KillsNoneBefore) {
    add(0s, 60s);
    EXPECT_GT(overdue().due(), Clock::now() + 50s);
    EXPECT_FALSE(is_killed());
}

TEST_F(OverdueTest, KillsNoneThatHasDecided) {
    add(3100ms, 2s, true);
    EXPECT_FALSE(is_killed());
}

TEST_F(OverdueTest, KillsNoneWithoutADeadline) {
    add(1h, 0s);
    EXPECT_EQ(overdue().due(), Clock::time_point::max());
    EXPECT_FALSE(is_killed());
}

TEST_F(OverdueTest, KillsNoneThatServesAnotherConnection) {
    add(3100ms, 2s);
    connections().add(pid(), {.id = 8, .arrival = {.accepted = Clock::now()}});
    EXPECT_FALSE(is_killed());
}

}  // namespace
}  // namespace portsplit::dispatch
