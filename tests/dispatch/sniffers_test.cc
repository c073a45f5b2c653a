#include "dispatch/sniffers.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dispatch/sniffer.h"
#include "support/child.h"
#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

using core::Reason;
using loopback::Pair;
using sys::Clock;
using namespace std::chrono_literals;

class SilentReporter final : public Reporter {
  protected:
    sys::Result<sys::Done> send(const Progress& /*progress*/, int /*fd*/) override {
        return sys::Done{};
    }
};

core::Config config_with_regex() {
    core::Config config;
    core::Service web = service("web", {}, program("/bin/cat", {}));
    web.patterns = {{core::PatternKind::Regex, "G+ET"}};
    config.services = {web, service("ssh", {"SSH-"}, to("127.0.0.1", 1))};
    return config;
}

TEST(NeedsSniffers, WhereAProgramIsStartedAndMoreIsAskedThanFixedBytes) {
    core::Config config = config_with_regex();
    EXPECT_TRUE(needs_sniffers(core::Plan(config), false));
    config.sandbox = core::Sandbox::Off;
    EXPECT_FALSE(needs_sniffers(core::Plan(config), false));
    config.sandbox = core::Sandbox::Auto;
    config.services[0].patterns = {{core::PatternKind::String, "GET"}};
    EXPECT_FALSE(needs_sniffers(core::Plan(config), false));
    config.top.proxy_from = {{core::Prefix::Kind::Unix, 0, {}, {}}};
    EXPECT_TRUE(needs_sniffers(core::Plan(config), false));
    config = config_with_regex();
    config.services[0].patterns = {{core::PatternKind::String, "GET"}};
    config.sandbox = core::Sandbox::Off;
    EXPECT_TRUE(needs_sniffers(core::Plan(config), true)) << "root never looks";
    config.services[0].action = core::Connect{{{"127.0.0.1", 1}}};
    EXPECT_FALSE(needs_sniffers(core::Plan(config), true)) << "no program";
}

/// Sniffers, and clients.
class SniffersTest : public testing::Test {
  protected:
    SniffersTest() {
        auto started = start_sniffers(plan_, {}, log_.log());
        EXPECT_TRUE(started);
        sniffers_ = std::move(*started);
    }
    ~SniffersTest() override {
        sniffers_.channel.reset();
        if (sniffers_.pid > 0) sys::wait_for_child(sniffers_.pid);
    }

    sys::Result<Looked> look(const Pair& client, Clock::time_point deadline = Clock::now() + 20s) {
        auto sniffer = Sniffer::take(sniffers_.channel.get(), client.near.get());
        if (!sniffer) return sniffer.error();
        return sniffer->sniff(plan_, {}, deadline, reporter_);
    }
    Sniffers& sniffers() { return sniffers_; }
    const core::Plan& plan() const { return plan_; }
    Reporter& reporter() { return reporter_; }
    /// Returns a child of the parent with this name; -1 if there is none.
    pid_t child_named(const std::string& name) const {
        for (const pid_t child : loopback::children_of(sniffers_.pid)) {
            if (loopback::name_of(child) == name) return child;
        }
        return -1;
    }
    std::string log() { return log_.lines(); }

  private:
    const core::Plan plan_{config_with_regex()};
    LogOfLines log_;
    Sniffers sniffers_;
    SilentReporter reporter_;
};

TEST_F(SniffersTest, LookAtClientsAndLeaveTheirBytes) {
    for (int i = 0; i < 30; ++i) {
        Pair client = loopback::tcp_pair();
        ASSERT_TRUE(loopback::send_all(client.far.get(), i % 2 == 0 ? "GGET" : "SSH-x"));
        const auto looked = look(client);
        ASSERT_TRUE(looked) << sys::to_string(looked.error());
        EXPECT_EQ(looked->decided.verdict.service, i % 2 == 0 ? 0U : 1U);
        EXPECT_EQ(looked->decided.verdict.reason, Reason::Match);
        EXPECT_EQ(loopback::read_reply(client.near.get(), 4).bytes.substr(0, 4),
                  i % 2 == 0 ? "GGET" : "SSH-");
    }
    EXPECT_EQ(log().substr(0, 9), "sandbox: ");
}

TEST_F(SniffersTest, LookAtManyAtOnce) {
    std::vector<Pair> clients(40);
    std::vector<Sniffer> waiting;
    for (Pair& client : clients) {
        client = loopback::tcp_pair();
        auto sniffer = Sniffer::take(sniffers().channel.get(), client.near.get());
        ASSERT_TRUE(sniffer);
        waiting.push_back(*std::move(sniffer));
    }
    for (std::size_t i = clients.size(); i > 0; --i) {
        ASSERT_TRUE(loopback::send_all(clients[i - 1].far.get(), "GGET"));
        const auto looked = waiting[i - 1].sniff(plan(), {}, Clock::now() + 20s, reporter());
        ASSERT_TRUE(looked);
        EXPECT_EQ(looked->decided.verdict.service, 0U);
    }
}

TEST_F(SniffersTest, DecideAtTheDeadline) {
    const Pair client = loopback::tcp_pair();
    const auto looked = look(client, Clock::now() + 50ms);
    ASSERT_TRUE(looked);
    EXPECT_EQ(looked->decided.verdict.reason, Reason::Timeout);
    EXPECT_EQ(looked->decided.verdict.service, std::nullopt);
}

// The deadline counts from accept, and a client may have waited until a zygote came.
TEST_F(SniffersTest, DecideOnWhatHasComeIfTheDeadlineIsLongOver) {
    const Pair client = loopback::tcp_pair();
    ASSERT_TRUE(loopback::send_all(client.far.get(), "GGET"));
    const auto looked = look(client, Clock::now() - 20s);
    ASSERT_TRUE(looked) << sys::to_string(looked.error());
    EXPECT_EQ(looked->decided.verdict.service, 0U);
    EXPECT_EQ(looked->decided.verdict.reason, Reason::Match);
}

/// Returns true while a process waits for more bytes of a socket than it has seen.
bool is_looked_at(int fd) {
    int low_water = 0;
    socklen_t size = sizeof low_water;
    ::getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, &size);
    return low_water > 1;
}

TEST_F(SniffersTest, LetAClientGoOnceNobodyWaitsForTheAnswer) {
    Pair client = loopback::tcp_pair();
    ASSERT_TRUE(loopback::send_all(client.far.get(), "GG"));
    {
        const loopback::Child asking([&] {
            auto own = *Sniffer::take(sniffers().channel.get(), client.near.get());
            (void)own.sniff(plan(), {}, Clock::time_point::max(), reporter());
            return 0;
        });
        ASSERT_TRUE(loopback::comes_true([&] { return is_looked_at(client.near.get()); }));
        ::kill(asking.pid(), SIGKILL);
    }
    client.near.reset();
    // Bytes that nobody has read are in it.
    EXPECT_EQ(loopback::read_reply(client.far.get()).end, "reset");
}

TEST_F(SniffersTest, AnswerEchildIfOneIsKilled) {
    const Pair client = loopback::tcp_pair();
    auto sniffer = Sniffer::take(sniffers().channel.get(), client.near.get());
    ASSERT_TRUE(sniffer);
    ASSERT_TRUE(loopback::comes_true([&] { return child_named("portsplit-look") > 0; }));
    ::kill(child_named("portsplit-look"), SIGKILL);
    const auto looked = sniffer->sniff(plan(), {}, Clock::now() + 20s, reporter());
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, ECHILD);
    ASSERT_TRUE(loopback::send_all(client.far.get(), "GGET"));
    EXPECT_TRUE(look(client)) << "others go on";
}

TEST_F(SniffersTest, AnswerEchildIfTheirParentIsGone) {
    const Pair client = loopback::tcp_pair();
    ::kill(sniffers().pid, SIGSTOP);  // it forks no more
    loopback::wait_for_state(sniffers().pid, 'T');
    for (const pid_t child : loopback::children_of(sniffers().pid)) {
        ::kill(child, SIGKILL);
        loopback::wait_for_state(child, 'Z');
    }
    ::kill(sniffers().pid, SIGKILL);
    loopback::wait_for_state(sniffers().pid, 'Z');
    const auto looked = look(client);
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, ECHILD);
}

TEST_F(SniffersTest, ReplaceSparesThatAreKilled) {
    const Pair client = loopback::tcp_pair();
    for (int i = 0; i < 20; ++i) {
        const pid_t spare = child_named("portsplit-spare");
        if (spare <= 0) continue;
        ::kill(spare, SIGKILL);
        // Until it has ended, it may still take a client.
        ASSERT_TRUE(loopback::comes_true([&] { return ::kill(spare, 0) < 0; }));
    }
    ASSERT_TRUE(loopback::send_all(client.far.get(), "GGET"));
    const auto looked = look(client);
    EXPECT_TRUE(looked) << sys::to_string(looked.error());
}

TEST_F(SniffersTest, EndWithTheLastDispatcher) {
    Sniffers& all = sniffers();
    sys::UniqueFd copy(::dup(all.channel.get()));
    all.channel.reset();
    EXPECT_FALSE(loopback::comes_true([&] { return loopback::state_of(all.pid) == 'Z'; },
                                      loopback::kMoment));
    copy.reset();
    EXPECT_TRUE(loopback::comes_true([&] { return loopback::state_of(all.pid) == 'Z'; }));
}

TEST(SnifferFork, LooksForOneProcessAndIsNoChildOfIt) {
    const core::Plan plan(config_with_regex());
    SilentReporter reporter;
    Pair client = loopback::tcp_pair();
    ASSERT_TRUE(loopback::send_all(client.far.get(), "GGET"));
    auto sniffer = Sniffer::fork(plan, client.near.get());
    ASSERT_TRUE(sniffer);
    EXPECT_EQ(sys::count_children(), 0U);
    const auto looked = sniffer->sniff(plan, {}, Clock::now() + 20s, reporter);
    ASSERT_TRUE(looked);
    EXPECT_EQ(looked->decided.verdict.service, 0U);
}

}  // namespace
}  // namespace portsplit::dispatch
