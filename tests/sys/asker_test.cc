#include "sys/asker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "support/child.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::sys {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong = loopback::kPatience;

/// A process that answers each SIGUSR2.
loopback::Child answering(const std::string& text) {
    return loopback::Child([text] {
        const auto signals = signals_by_fd({SIGUSR2});
        if (!signals || loopback::events_of(signals->get(), POLLIN) == 0) return 1;
        const auto signal = next_signal(signals->get());
        answer(signal ? signal->sender : 0, text);
        return 0;
    });
}

class AskerTest : public testing::Test {
  protected:
    // Blocked in the child from the fork on, so that the signal does not end it.
    AskerTest() { signals_ = *signals_by_fd({SIGUSR2}); }
    ~AskerTest() override { unblock_signals(); }

  private:
    UniqueFd signals_;
};

TEST_F(AskerTest, GetsTheAnswerOfTheProcessThatItAsks) {
    auto child = answering("all is well");
    const auto asker = Asker::open();
    ASSERT_TRUE(asker);
    ASSERT_TRUE(asker->ask(child.pid(), SIGUSR2));
    EXPECT_EQ(asker->wait(child.pid(), kLong), "all is well");
    EXPECT_EQ(child.status(), 0);
}

TEST_F(AskerTest, GetsNoMoreThanTheLongestAnswer) {
    auto child = answering(std::string(5000, 'x'));
    const auto asker = Asker::open();
    ASSERT_TRUE(asker->ask(child.pid(), SIGUSR2));
    EXPECT_EQ(asker->wait(child.pid(), kLong), std::string(kLongestAnswer, 'x'));
    EXPECT_EQ(child.status(), 0);
}

TEST_F(AskerTest, IgnoresTheAnswersOfOthers) {
    const auto asker = Asker::open();
    ASSERT_TRUE(asker);
    const pid_t self = ::getpid();
    loopback::Child other([self] {
        answer(self, "forged");
        return 0;
    });
    EXPECT_EQ(other.status(), 0);
    EXPECT_EQ(asker->wait(self, milliseconds(50)), std::nullopt);
    answer(self, "own");
    EXPECT_EQ(asker->wait(self, kLong), "own");
}

TEST_F(AskerTest, SaysWhyItCannotAsk) {
    const auto asker = Asker::open();
    ASSERT_TRUE(asker);
    // The largest that a pid can be is 2 to the power of 22 (proc(5) pid_max).
    const auto asked = asker->ask(1 << 23, SIGUSR2);
    ASSERT_FALSE(asked);
    EXPECT_EQ(to_string(asked.error()),
              "cannot send a signal to the process 8388608: No such process");
    EXPECT_FALSE(Asker::open()) << "one for each process";
}

TEST_F(AskerTest, DoesNothingForAProcessThatWaitsForNoAnswer) { answer(1 << 23, "text"); }

}  // namespace
}  // namespace portsplit::sys
