#include "daemon/generation.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/zygotes.h"

namespace portsplit::daemon {
namespace {

namespace fs = std::filesystem;

/// One generation, with a fake zygote.
class GenerationTest : public testing::Test {
  protected:
    ~GenerationTest() override {
        generation_.reset();  // closes the channel: the zygote exits
        expect_no_child_left();
    }

    /// Starts a generation, in place of the one before, and waits until its zygote is ready.
    void start(const Launchpad& launchpad = fake_zygote("ready"), const Facts& facts = {}) {
        auto started = Generation::start(launchpad, echo_memory().get(), "", facts, log_.log());
        ASSERT_TRUE(started);
        EXPECT_FALSE(started->is_ready());
        generation_.emplace(*std::move(started));
        ASSERT_TRUE(loopback::comes_true([&] {
            generation_->receive(accounts_);
            return generation_->is_ready();
        }));
    }
    Generation& generation() { return *generation_; }
    Accounts& accounts() { return accounts_; }

    /// Reads messages until there are so many connections, or for `limit`.
    bool becomes(std::size_t connections, std::chrono::milliseconds limit = loopback::kPatience) {
        return loopback::comes_true(
            [&] {
                generation_->receive(accounts_);
                return generation_->connections() == connections;
            },
            limit);
    }

    static Delivery delivery() {
        return {{.id = 1}, sys::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))};
    }

  private:
    LogOfLines log_;
    Accounts accounts_;
    std::optional<Generation> generation_;
};

TEST_F(GenerationTest, ReturnsEagainWhenTheChannelIsFull) {
    start();
    const Delivery one = delivery();
    sys::Result<sys::Done> handed = sys::Done{};
    std::size_t sent = 0;
    while ((handed = generation().hand_over(one, Generation::Wait::Never)) && sent < 1'000'000) {
        ++sent;
    }
    ASSERT_FALSE(handed);
    EXPECT_EQ(handed.error().code, EAGAIN);
    EXPECT_EQ(generation().connections(), sent)
        << "the connection that was not handed over does not count";
    EXPECT_EQ(generation().take_back().size(), sent);
    EXPECT_EQ(generation().connections(), 0U);
}

TEST_F(GenerationTest, ReturnsEpipeAfterItRetired) {
    start();
    generation().retire();
    const auto handed = generation().hand_over(delivery(), Generation::Wait::Never);
    ASSERT_FALSE(handed);
    EXPECT_EQ(handed.error().code, EPIPE);
    EXPECT_EQ(generation().connections(), 0U);
}

// fault: F8
TEST_F(GenerationTest, IgnoresMessagesThatAreNotInTheContract) {
    start(fake_zygote("nonsense"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(generation().hand_over(delivery(), Generation::Wait::Never));
    }
    EXPECT_TRUE(becomes(2));
    EXPECT_FALSE(becomes(1, loopback::kMoment)) << "after a message shorter than a Kind";
}

TEST_F(GenerationTest, AnswersQuestions) {
    core::Config config;
    accounts().ledger.use(config, {{"ssh", 1, 0}});
    ASSERT_EQ(accounts().ledger.open(1, 0, std::nullopt, {}), Refusal::None);
    ASSERT_EQ(accounts().ledger.open(2, 0, std::nullopt, {}), Refusal::None);
    ASSERT_EQ(accounts().ledger.choose(2, "ssh"), Refusal::None);
    Facts facts;
    facts.services = {{"ssh", 1, 0}};
    start(fake_zygote("asking"), facts);
    for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(generation().hand_over(delivery(), Generation::Wait::Never));
    }
    EXPECT_TRUE(becomes(2)) << "one for the service that does not exist, three for the full one";
    EXPECT_EQ(accounts().refusals.total(), 1U);
}

TEST_F(GenerationTest, KillsChildrenOfTheZygoteForIt) {
    start(fake_zygote("killing"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(generation().hand_over(delivery(), Generation::Wait::Never));
    }
    // If this test's own process were killed, nothing would come after this.
    EXPECT_TRUE(becomes(0));
}

/// What a descriptor of a process leads to; empty if it has none of that number.
std::string target_of(pid_t pid, const std::string& number) {
    std::error_code error;
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + number, error).string();
}

TEST_F(GenerationTest, StartsAZygoteWithTheDescriptorsOfTheContractAlone) {
    const sys::UniqueFd inheritable(
        ::open("/dev/zero", O_RDONLY));  // as a careless parent leaves it
    const sys::UniqueFd far_up(::fcntl(inheritable.get(), F_DUPFD, 200));
    start();
    const pid_t zygote = generation().pid();
    std::set<std::string> numbers;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(zygote) + "/fd")) {
        numbers.insert(entry.path().filename().string());
    }
    EXPECT_EQ(numbers, (std::set<std::string>{"0", "1", "2", "3", "4", "5"}));
    EXPECT_EQ(target_of(zygote, "0"), "/dev/null");
    EXPECT_EQ(target_of(zygote, "1"), "/dev/null");
    EXPECT_EQ(target_of(zygote, "3").substr(0, 7), "socket:");
    EXPECT_EQ(target_of(zygote, "4"), "/memfd:portsplit.conf (deleted)");
}

// The numbers that the contract names are taken in the daemon.
TEST_F(GenerationTest, StartsAZygoteWhenTheProgramIsOpenAsADescriptorOfTheContract) {
    for (const int number : {handoff::kChannelFd, handoff::kConfigurationFd, handoff::kOrdersFd}) {
        const sys::UniqueFd before(::fcntl(number, F_DUPFD_CLOEXEC, 100));
        Launchpad launchpad = fake_zygote("ready");
        if (launchpad.program.get() != number) {
            ASSERT_EQ(::dup3(launchpad.program.get(), number, O_CLOEXEC), number);
            launchpad.program.reset(number);
        }
        start(launchpad);
        // Puts back what GoogleTest may have open there.
        if (before) ::dup2(before.get(), launchpad.program.release());
    }
}

TEST_F(GenerationTest, StartsAZygoteInASessionOfItsOwn) {
    start();
    EXPECT_EQ(::getsid(generation().pid()), generation().pid());
}

/// Returns how a zygote ends that gets these bytes as its configuration: the end of waitpid(2) and its log.
std::pair<int, std::string> end_of_zygote(const std::string& packed) {
    LogOfLines log;
    auto memory = sys::new_memory("portsplit.conf");
    EXPECT_TRUE(sys::write_all(memory->get(), packed));
    auto started = Generation::start(real_zygote(), memory->get(), "", {}, log.log());
    EXPECT_TRUE(started);
    const int status = sys::wait_for_child(started->pid());
    return {WEXITSTATUS(status), log.lines()};
}

TEST(Zygote, RefusesBytesThatAreNoConfiguration) {
    const auto [code, log] = end_of_zygote("rubbish");
    EXPECT_EQ(code, 78);
    EXPECT_EQ(log, "test.conf: what portsplitd handed over is not a configuration\n");
}

TEST(Zygote, RefusesAPatternThatDoesNotCompile) {
    core::Config config;
    config.services.emplace_back().patterns = {{core::PatternKind::Regex, "("}};
    const auto [code, log] = end_of_zygote(config::pack(config));
    EXPECT_EQ(code, 78);
    EXPECT_TRUE(log.starts_with("a pattern from portsplitd does not compile: missing ")) << log;
}

}  // namespace
}  // namespace portsplit::daemon
