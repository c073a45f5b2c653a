#include "dispatch/overdue.h"

#include <gtest/gtest.h>

#include <chrono>

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using namespace std::chrono_literals;

/// A process that serves a connection, and its row in a table.
class OverdueTest : public testing::Test {
  protected:
    /// @param since  how long ago its connection was accepted
    void add(std::chrono::milliseconds since, std::chrono::milliseconds timeout,
             bool decided = false) {
        ConnectionRecord record{.id = 7, .arrival = {.accepted = Clock::now() - since}};
        record.progress.decided = decided ? 1 : 0;
        connections_.add(kPid, record);
        overdue_.add(kPid, record, timeout);
    }
    bool is_due() { return !overdue_.take_due(connections_).empty(); }
    Overdue& overdue() { return overdue_; }
    Connections& connections() { return connections_; }
    static constexpr pid_t kPid = 4711;

  private:
    Connections connections_;
    Overdue overdue_;
};

// fault: C15
TEST_F(OverdueTest, NamesAfterTheDeadlineAndASecond) {
    add(3100ms, 2s);
    EXPECT_LE(overdue().due(), Clock::now());
    EXPECT_TRUE(is_due());
    EXPECT_EQ(overdue().due(), Clock::time_point::max());
}

TEST_F(OverdueTest, TakesTheDeadlineOfAConnectionInAHurry) {
    for (const auto timeout : {0s, 60s}) {
        ConnectionRecord record{.id = 7,
                                .arrival = {.accepted = Clock::now() - 2100ms, .hurry = 1000ms}};
        connections().add(kPid, record);
        overdue().add(kPid, record, timeout);
        EXPECT_TRUE(is_due());
    }
}

TEST_F(OverdueTest, NamesNoneBefore) {
    add(0s, 60s);
    EXPECT_GT(overdue().due(), Clock::now() + 50s);
    EXPECT_FALSE(is_due());
}

TEST_F(OverdueTest, NamesNoneThatHasDecided) {
    add(3100ms, 2s, true);
    EXPECT_FALSE(is_due());
}

TEST_F(OverdueTest, NamesNoneWithoutADeadline) {
    add(1h, 0s);
    EXPECT_EQ(overdue().due(), Clock::time_point::max());
    EXPECT_FALSE(is_due());
}

TEST_F(OverdueTest, NamesNoneThatServesAnotherConnection) {
    add(3100ms, 2s);
    connections().add(kPid, {.id = 8, .arrival = {.accepted = Clock::now()}});
    EXPECT_FALSE(is_due());
}

}  // namespace
}  // namespace portsplit::dispatch
