#include "dispatch/shared_plan.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/plan.h"
#include "core/verdict.h"
#include "exit_codes.h"
#include "support/child.h"
#include "support/log_of_lines.h"
#include "support/plans.h"
#include "support/random_config.h"
#include "support/segments.h"
#include "support/verdict_text.h"
#include "support/ways_to_write.h"
#include "sys/file.h"

namespace portsplit::dispatch {
namespace {

/// One service of each kind of pattern and action, and one that asks a layout, `count` times.
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
        core::Service named{core::Text("named" + number), {}, to(long_text, 9)};
        named.layouts = {{"hello", false, {{"name", {long_text, core::Text("*." + number)}}}}};
        config.services.push_back(std::move(named));
    }
    config.layouts = {{"hello", {{"start", "'hello ' <name name> ' ' <can+','> '\\0A'"}}}};
    return config;
}

/// Services with one string each.
core::Config small_services(std::size_t count) {
    core::Config config;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = "service" + std::to_string(10'000 + i);
        config.services.push_back(service(name, {name}, to("127.0.0.1", 8080)));
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
    EXPECT_EQ(shared->plan().ask(core::as_bytes("exec10001")).service, 4U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("ab100027")).service, 6U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("hello A.10001 x\n")).service, 5U);
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
    const auto shared = SharedPlan::build(small_services(1000));
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
    EXPECT_EQ(shared->plan().ask(core::as_bytes("exec10001")).service, 4U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("ab100027")).service, 6U);
    EXPECT_EQ(shared->plan().ask(core::as_bytes("hello A.10001 x\n")).service, 5U);
}

/// Makes streams that fit a pattern of a random configuration, or nearly.
class RandomStreams {
  public:
    RandomStreams(unsigned seed, const core::Config& config) : random_(seed) {
        for (const core::Service& service : config.services) {
            for (const core::PatternSource& pattern : service.patterns) {
                if (pattern.kind == core::PatternKind::String) parts_.emplace_back(pattern.text);
            }
        }
    }

    /// Returns a part or two, cut somewhere, perhaps with one byte changed.
    std::string next() {
        std::string stream = any_part();
        if (below(3) == 0) stream += any_part();
        if (below(2) == 0) stream.resize(below(stream.size() + 1));
        if (!stream.empty() && below(4) == 0) stream[below(stream.size())] ^= 1;
        return stream;
    }

  private:
    std::string any_part() { return parts_[below(parts_.size())]; }
    std::size_t below(std::size_t end) { return random_() % end; }

    std::mt19937 random_;
    /// The other kinds of pattern, and the layout, are a few texts, see RandomConfig; these fit them.
    std::vector<std::string> parts_{"GET /index HTTP/1.1",
                                    "ab\"x\"",
                                    {'b', '\0'},
                                    "#;{}=",
                                    {'\0', 'z'},
                                    "\x16\x03\x01__\x01",
                                    "\x3c\x4f",
                                    "\xff\xfe",
                                    "~~~",
                                    "R\x0fn\x0d"
                                    "a.example.org",
                                    "R\x08n\x01"
                                    "a\"\\"
                                    "\x01\xbb",
                                    {'R', '\x04', '"', '\\', '\0', '\x50'}};
};

// verdict_mixed_test.cc compares a shared plan with the naive rule.
TEST_F(SharedPlanApart, EqualsThePlanOutsideForRandomConfigurations) {
    std::size_t matches = 0;
    for (unsigned seed = 0; seed < 50; ++seed) {
        const core::Config config = config::RandomConfig(seed, false).make();
        const core::Plan plan(config);
        const auto here = SharedPlan::build(config);
        const auto apart = build([&] { return core::Config(config); });
        ASSERT_TRUE(here && apart) << "seed " << seed;
        ASSERT_EQ(here->plan().config(), config) << "seed " << seed;
        ASSERT_EQ(apart->plan().config(), config) << "seed " << seed;
        RandomStreams streams(seed, config);
        for (int i = 0; i < 300; ++i) {
            const std::string stream = streams.next();
            const core::Bytes seen = core::as_bytes(stream);
            for (const core::Ending ending : core::kEndings) {
                const auto expected = decide(plan, seen, ending);
                for (const core::Plan* shared : {&here->plan(), &apart->plan()}) {
                    ASSERT_EQ(decide(*shared, seen, ending), expected)
                        << "seed " << seed << ", stream " << testing::PrintToString(stream)
                        << ", ending " << static_cast<int>(ending);
                }
                if (expected && expected->reason == core::Reason::Match) ++matches;
            }
        }
    }
    EXPECT_GT(matches, 9'000U) << "of 45,000 verdicts";
}

#if !defined(__SANITIZE_ADDRESS__)  // its allocator and its shadow memory disturb both tests
/// Returns how many KiB of page tables a fork of this process has (VmPTE, proc(5)).
std::string page_tables_of_fork() {
    return loopback::text_of_child([]() -> std::string {
        const auto status = sys::read_file("/proc/self/status");
        if (!status) return "";
        const std::string_view name = "VmPTE:";
        return std::to_string(std::atoi(status->c_str() + status->find(name) + name.size()));
    });
}

TEST_F(SharedPlanApart, CostsAForkNoPageTables) {
    const auto page_tables = [&](std::size_t services) {
        const std::string text = loopback::text_of_child([&] {
            const auto shared = build([&] { return small_services(services); });
            return shared ? page_tables_of_fork() : "";
        });
        return std::atoi(text.c_str());
    };
    const int few = page_tables(1);
    const int many = page_tables(100'000);
    ASSERT_GT(few, 0);
    ASSERT_GT(many, 0);
    EXPECT_LE(many, few + 8) << "KiB; a plan on the heap costs 108 KiB more";
}

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

// fault: A3, G2
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

// arena_test.cc shows that each of these ways works before the seal.
TEST_F(SharedPlanApart, CannotBeChangedThroughProcOrItsFile) {
    const auto shared = build([] { return config_of(3); });
    ASSERT_TRUE(shared);
    auto* name = const_cast<char*>(shared->plan().service(0).name.data());
    EXPECT_EQ(loopback::text_of_child([&] { return ways_to_write(name); }), "");
    EXPECT_EQ(shared->plan().config(), config_of(3));
}

}  // namespace
}  // namespace portsplit::dispatch
