#include "dispatch/shared_plan.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "exit_codes.h"
#include "support/child.h"
#include "support/log_of_lines.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

/// One service of each kind of pattern and action, `count` times.
core::Config config_of(std::size_t count) {
    core::Config config;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string number = std::to_string(10'000 + i);
        const core::Text long_text("a text that is too long to lie in the object: " + number);
        core::Service relay{core::Text("relay" + number), {}, to(long_text, 9)};
        relay.patterns = {{core::PatternKind::String, core::Text("relay" + number)},
                          {core::PatternKind::Regex, core::Text("[a-c]{2}" + number + "[0-9]+")}};
        config.services.push_back(std::move(relay));
        core::Service exec{core::Text("exec" + number), {}, program(long_text, {long_text})};
        exec.patterns = {{core::PatternKind::Hex, "16 03 00-04 ?? ??"},
                         {core::PatternKind::String, core::Text("exec" + number)}};
        config.services.push_back(std::move(exec));
    }
    return config;
}

TEST(SharedPlan, HoldsTheConfiguration) {
    const core::Config config = config_of(3);
    const auto shared = SharedPlan::build(config);
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->plan().config(), config);
}

// verdict_mixed_test.cc compares the verdicts of many plans.
TEST(SharedPlan, AnswersAsThePlanDoes) {
    const auto shared = SharedPlan::build(config_of(3));
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("exec10001")).service, 3U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("ab100027")).service, 4U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("ab10003")).answer, core::Answer::No);
}

#if !defined(__SANITIZE_ADDRESS__)  // its allocator reports no size
TEST(SharedPlan, KeepsNothingInPrivateMemory) {
    const core::Config config = config_of(1000);
    (void)SharedPlan::build(config_of(1));  // what is made once
    const auto before = ::mallinfo2();
    const auto shared = SharedPlan::build(config);
    ASSERT_TRUE(shared);
    const auto after = ::mallinfo2();
    EXPECT_LT(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd + 4096);
    EXPECT_GT(shared->memory().used(), 1'000'000U);
}
#endif

TEST(SharedPlan, NeedsLessThanAKilobyteForASmallService) {
    core::Config config;
    for (std::size_t i = 0; i < 1000; ++i) {
        const std::string name = "service" + std::to_string(10'000 + i);
        config.services.push_back(service(name, {name}, to("127.0.0.1", 8080)));
    }
    const auto shared = SharedPlan::build(config);
    ASSERT_TRUE(shared);
    EXPECT_LT(shared->memory().used() / 1000, 1024U) << "bytes for each service";
}

TEST(SharedPlan, FailsWhenItDoesNotFit) {
    const auto shared = SharedPlan::build(config_of(1000), 100'000);
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error().what, "the patterns need more than 0 MiB");
}

/// A plan that is compiled in a process of its own.
class SharedPlanApart : public testing::Test {
  protected:
    core::Result<SharedPlan, int> build(const SharedPlan::Read& read,
                                        std::size_t room = kPlanRoom) {
        return SharedPlan::build_apart(read, log_.log(), room);
    }
    std::string log() { return log_.lines(); }

  private:
    LogOfLines log_;
};

TEST_F(SharedPlanApart, IsThePlanOfTheConfiguration) {
    const auto shared = build([] { return config_of(3); });
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->plan().config(), config_of(3));
    EXPECT_EQ(shared->plan().ask(core::as_bytes("exec10001")).service, 3U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("ab100027")).service, 4U);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_F(SharedPlanApart, LeavesNothingInTheHeap) {
    (void)build([] { return config_of(1); });  // what is made once
    const void* const end = ::sbrk(0);
    const auto before = ::mallinfo2();
    const auto shared = build([] { return config_of(1000); });
    ASSERT_TRUE(shared);
    EXPECT_EQ(::sbrk(0), end);
    EXPECT_EQ(::mallinfo2().arena, before.arena);
}
#endif

TEST_F(SharedPlanApart, ReturnsTheExitCodeOfTheRead) {
    const auto shared = build([] { return 78; });
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error(), 78);
    EXPECT_EQ(log(), "");
}

TEST_F(SharedPlanApart, LogsHowTheProcessEndedThatCompiles) {
    const auto shared = build([]() -> core::Result<core::Config, int> {
        ::kill(::getpid(), SIGKILL);
        return 0;
    });
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error(), kExitSystem);
    EXPECT_EQ(log(),
              "cannot compile the configuration: the process that does it ended (signal=KILL)\n");
}

TEST_F(SharedPlanApart, LogsThatThePatternsDoNotFit) {
    const auto shared = build([] { return config_of(1000); }, 100'000);
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error(), kExitSystem);
    EXPECT_EQ(log(), "the patterns need more than 0 MiB: Cannot allocate memory\n");
}

TEST_F(SharedPlanApart, LogsThatAPatternDoesNotCompile) {
    for (const core::PatternKind kind : {core::PatternKind::Hex, core::PatternKind::Regex}) {
        core::Config config = config_of(1);
        config.services[0].patterns.push_back({kind, "16 0("});
        const auto shared = build([&] { return config; });
        ASSERT_FALSE(shared);
        EXPECT_EQ(shared.error(), 78);
        const std::string lines = log();
        EXPECT_TRUE(lines.starts_with("a pattern from portsplitd does not compile: ")) << lines;
    }
}

// As a compromised dispatcher would: each try in a process of its own.
TEST_F(SharedPlanApart, CannotBeChanged) {
    const auto shared = build([] { return config_of(3); });
    ASSERT_TRUE(shared);
    auto* name = const_cast<char*>(shared->plan().service(0).name.data());
    EXPECT_DEATH(*name = 'X', "");
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    void* const start = name - reinterpret_cast<std::uintptr_t>(name) % page;
    loopback::Child child([&] {
        const bool refused = ::mprotect(start, page, PROT_READ | PROT_WRITE) < 0 && errno == EACCES;
        // A copy of its own in the same place: nobody else sees it.
        const void* mine = ::mmap(start, page, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        *name = 'X';
        return refused && mine == start ? 0 : 1;
    });
    EXPECT_EQ(child.status(), 0);
    EXPECT_EQ(shared->plan().service(0).name, "relay10000");
}

}  // namespace
}  // namespace portsplit::dispatch
