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

TEST(FailedTargets, ForgetsAfterTenSeconds) {
    auto failed = FailedTargets::create(services());
    ASSERT_TRUE(failed);
    failed->note_failure(3, 0);
    EXPECT_EQ(failed->order(3, 2), (Order{1, 0}));
    MovedClock clock;
    clock.move(9s);
    EXPECT_EQ(failed->order(3, 2), (Order{1, 0}));
    clock.move(2s);
    EXPECT_EQ(failed->order(3, 2), (Order{0, 1}));
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
