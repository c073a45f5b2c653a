#include "sys/poll_set.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/loopback.h"
#include "sys/channel.h"

namespace portsplit::sys {
namespace {

using std::chrono::milliseconds;

class PollSetTest : public testing::Test {
  protected:
    PollSetTest() {
        auto one = channel_pair();
        auto other = channel_pair();
        if (!one || !other) throw std::runtime_error("no channel");
        quiet_ = std::move(*one);
        ready_ = std::move(*other);
        (void)send_message(ready_.second.get(), core::as_bytes("x"), -1, 0);
    }

    std::pair<UniqueFd, UniqueFd> quiet_;
    std::pair<UniqueFd, UniqueFd> ready_;
};

TEST_F(PollSetTest, ReturnsTheEventsOfEachHandle) {
    PollSet set;
    const auto quiet = set.add(quiet_.first.get(), POLLIN);
    const auto ready = set.add(ready_.first.get(), POLLIN);
    const auto writable = set.add(quiet_.second.get(), POLLOUT);
    const auto count = set.wait();
    ASSERT_TRUE(count);
    EXPECT_EQ(*count, 2);
    EXPECT_EQ(set.revents(quiet), 0);
    EXPECT_EQ(set.revents(ready), POLLIN);
    EXPECT_EQ(set.revents(writable), POLLOUT);
}

TEST_F(PollSetTest, WakesAtTheEarliestMoment) {
    PollSet set;
    const auto quiet = set.add(quiet_.first.get(), POLLIN);
    const auto begin = Clock::now();
    set.wake_at(begin + std::chrono::minutes(5));
    set.wake_at(begin + milliseconds(20));
    set.wake_at(begin + std::chrono::minutes(2));
    const auto count = set.wait();
    ASSERT_TRUE(count);
    EXPECT_EQ(*count, 0);
    EXPECT_EQ(set.revents(quiet), 0);
    EXPECT_GE(Clock::now(), begin + milliseconds(20));
    EXPECT_LT(Clock::now(), begin + std::chrono::minutes(1));
}

TEST_F(PollSetTest, ReturnsAtOnceWhenTheMomentHasPassed) {
    PollSet set;
    set.add(quiet_.first.get(), POLLIN);
    set.wake_at(Clock::now() - milliseconds(1));
    const auto count = set.wait();
    ASSERT_TRUE(count);
    EXPECT_EQ(*count, 0);
}

TEST(PollSet, FailsWithEintrWhenASignalInterrupts) {
    EXPECT_EQ(loopback::text_of_child([] {
                  struct sigaction action {};
                  action.sa_handler = [](int) {};
                  ::sigaction(SIGALRM, &action, nullptr);
                  // Again and again: the first one may come before poll(2).
                  const itimerval often{{0, 10'000}, {0, 10'000}};
                  ::setitimer(ITIMER_REAL, &often, nullptr);
                  int ends[2] = {-1, -1};
                  if (::pipe(ends) < 0) return std::string("no pipe");
                  PollSet set;
                  const auto handle = set.add(ends[0], POLLIN);
                  set.wake_at(Clock::now() + loopback::kPatience);
                  const auto count = set.wait();
                  if (count) return "returned " + std::to_string(*count);
                  return to_string(count.error()) + ", " + std::to_string(set.revents(handle));
              }),
              "cannot wait for descriptors: Interrupted system call, 0");
}

}  // namespace
}  // namespace portsplit::sys
