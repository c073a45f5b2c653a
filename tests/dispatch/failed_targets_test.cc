#include "dispatch/failed_targets.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "support/moved_clock.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using Order = std::vector<std::size_t>;
using namespace std::chrono_literals;

core::Config services() {
    core::Config config;
    config.services.push_back(service("one", {"1"}, to("a", 1)));
    config.services.push_back(
        service("three", {"3"}, core::Connect{{{"a", 1}, {"b", 1}, {"c", 1}}}));
    config.services.push_back(service("program", {"p"}, program("/bin/cat")));
    config.services.push_back(service("two", {"2"}, core::Connect{{{"a", 1}, {"b", 1}}}));
    return config;
}

TEST(FailedTargets, TriesThoseThatFailedLast) {
    auto failed = FailedTargets::create(services());
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->order(1, 3), (Order{0, 1, 2}));
    failed->note_failure(1, 0);
    EXPECT_EQ(failed->order(1, 3), (Order{1, 2, 0}));
    failed->note_failure(1, 2);
    EXPECT_EQ(failed->order(1, 3), (Order{1, 0, 2}));
    failed->note_failure(1, 1);
    EXPECT_EQ(failed->order(1, 3), (Order{0, 1, 2})) << "all of them: as in the file";
    EXPECT_EQ(failed->order(3, 2), (Order{0, 1})) << "another service";
    failed->note_success(1, 1);
    EXPECT_EQ(failed->order(1, 3), (Order{1, 0, 2}));
}

const std::vector<pid_t> kOther{1};

/// Two targets, of which the first failed more than ten seconds ago.
class ProbingTest : public testing::Test {
  protected:
    ProbingTest() : failed_(*FailedTargets::create(services())) {
        failed().note_failure(3, 0);
        pass(11s);
    }
    FailedTargets& failed() { return failed_; }
    void pass(std::chrono::seconds time) { clock_.move(time); }
    bool is_first() { return failed().order(3, 2) == Order{0, 1}; }
    /// Returns true if this process may try the target after a call.
    bool may_probe(const std::vector<pid_t>& waiting = {::getpid()}) {
        failed().let_probe(waiting);
        return is_first();
    }

  private:
    MovedClock clock_;
    FailedTargets failed_;
};

TEST_F(ProbingTest, LetsTheNextSpareTryATargetAfterTenSeconds) {
    EXPECT_FALSE(is_first()) << "nobody was let";
    EXPECT_LE(failed().due(), sys::Clock::now());
    EXPECT_TRUE(may_probe({::getpid(), 1}));
    EXPECT_EQ(failed().due(), sys::Clock::time_point::max());
}

TEST_F(ProbingTest, DoesNotLetEarlier) {
    failed().note_failure(3, 0);
    pass(9s);
    EXPECT_FALSE(may_probe());
    EXPECT_GT(failed().due(), sys::Clock::now());
    pass(2s);
    EXPECT_LE(failed().due(), sys::Clock::now());
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, LetsOneAtATime) {
    EXPECT_FALSE(may_probe({1, ::getpid()}));
    pass(1000s);
    EXPECT_FALSE(may_probe()) << "the other still waits for a connection";
}

TEST_F(ProbingTest, EndsWithTheSuccess) {
    EXPECT_FALSE(may_probe(kOther));
    failed().note_success(3, 0);
    EXPECT_TRUE(is_first());
    EXPECT_TRUE(failed().is_empty());
    EXPECT_EQ(failed().due(), sys::Clock::time_point::max());
}

TEST_F(ProbingTest, BeginsAgainWithAFailure) {
    EXPECT_TRUE(may_probe());
    failed().note_failure(3, 0);
    EXPECT_FALSE(is_first());
    EXPECT_FALSE(may_probe());
    pass(11s);
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, GoesToTheNextWhenAProberHasReachedAnotherTargetOrEnded) {
    EXPECT_FALSE(may_probe(kOther));
    failed().withdraw(1);
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, GoesToTheNextWhenAProberHasAnotherService) {
    EXPECT_FALSE(may_probe(kOther));
    failed().note_chosen(1, 1, 5s);
    EXPECT_LE(failed().due(), sys::Clock::now());
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, GoesToTheNextWhenAConnectionIsUndecidedTooLong) {
    EXPECT_FALSE(may_probe(kOther));
    failed().note_taken(1, 3s);
    pass(3s);
    EXPECT_FALSE(may_probe()) << "it may have decided just now";
    EXPECT_GT(failed().due(), sys::Clock::now());
    pass(2s);
    EXPECT_LE(failed().due(), sys::Clock::now());
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, GoesToTheNextWhenAConnectionReachesNoTargetInItsTime) {
    EXPECT_FALSE(may_probe(kOther));
    failed().note_taken(1, 3s);
    failed().note_chosen(1, 3, 20s);
    pass(19s);
    failed().note_chosen(1, 3, 20s);  // what it says again gives no more time
    EXPECT_FALSE(may_probe());
    pass(3s);
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, WaitsForASpareWithoutATime) {
    EXPECT_FALSE(may_probe({}));
    EXPECT_EQ(failed().due(), sys::Clock::time_point::max());
    EXPECT_TRUE(may_probe());
}

TEST_F(ProbingTest, GivesAProcessOneTargetOfAService) {
    failed().note_failure(1, 0);
    failed().note_failure(1, 1);
    pass(11s);
    EXPECT_TRUE(may_probe());
    EXPECT_EQ(failed().order(1, 3), (Order{0, 2, 1}));
    failed().note_success(1, 0);
    EXPECT_TRUE(may_probe());
    EXPECT_EQ(failed().order(1, 3), (Order{0, 1, 2}));
}

TEST(FailedTargets, TellAWaitingConnectionOfAFailure) {
    auto failed = FailedTargets::create(services());
    ASSERT_TRUE(failed);
    failed->note_failure(3, 1);
    MovedClock clock;
    clock.move(1s);
    const TargetChoice choice{&*failed, 3};
    const auto first = choice.watch(0);
    const auto second = choice.watch(1);
    EXPECT_TRUE(first.is_on());
    EXPECT_FALSE(first.has_failed());
    EXPECT_FALSE(second.has_failed()) << "it was known before";
    failed->note_failure(3, 0);
    failed->note_failure(3, 1);
    EXPECT_TRUE(first.has_failed());
    EXPECT_TRUE(second.has_failed());
    failed->note_success(3, 0);
    EXPECT_FALSE(first.has_failed());
    EXPECT_FALSE((TargetChoice{&*failed, 0}.watch(0).is_on())) << "it has one target";
    EXPECT_FALSE(TargetChoice().watch(0).is_on());
}

TEST(FailedTargets, KnowsNothingOfServicesWithOneTarget) {
    auto failed = FailedTargets::create(services());
    ASSERT_TRUE(failed);
    failed->note_failure(0, 0);
    failed->note_failure(2, 0);
    failed->note_failure(3, 2);
    failed->note_failure(9, 0);
    EXPECT_EQ(failed->order(0, 1), Order{}) << "it has one target";
    EXPECT_EQ(failed->order(1, 3), (Order{0, 1, 2})) << "not that of the service before";
    EXPECT_EQ(failed->order(3, 2), (Order{0, 1}));
    EXPECT_EQ(FailedTargets().order(1, 3), Order{});
}

TEST(FailedTargets, AreReadInAForkAndNotWritten) {
    auto failed = FailedTargets::create(services());
    ASSERT_TRUE(failed);
    const pid_t reader = ::fork();
    if (reader == 0) {
        while (failed->order(1, 3) != Order{1, 2, 0}) ::usleep(1000);
        ::_exit(0);
    }
    failed->note_failure(1, 0);
    int status = 0;
    ::waitpid(reader, &status, 0);
    EXPECT_EQ(status, 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
        ::signal(SIGSEGV, SIG_DFL);  // of a sanitizer
        failed->note_failure(1, 1);  // the memory is not there
        ::_exit(0);
    }
    ::waitpid(writer, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(failed->order(1, 3), (Order{1, 2, 0}));
}

}  // namespace
}  // namespace portsplit::dispatch
