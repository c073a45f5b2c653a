#include "dispatch/zygote.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "handoff.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/running_zygote.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/reaper.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;

TEST_F(ZygoteTest, ExitsWhenTheDaemonIsGone) {
    EXPECT_EQ(next(), "ready");
    channel().reset();
    EXPECT_EQ(sys::describe_status(zygote().status()), "exit=0");
    EXPECT_EQ(log(), "");
}

TEST_F(ZygoteTest, ReportsAConnectionWhenItsProcessHasEnded) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(42, pair.near);
    pair.near.reset();
    ASSERT_TRUE(send_all(pair.far.get(), ".echo"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{".echo", "end"}));
    EXPECT_EQ(next(), "reaped 42");
    retire();
    EXPECT_EQ(next(), "end");
    EXPECT_EQ(log(),
              "portsplit[PID]: service=echo reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 "
              "dport=443 action=exec target=/bin/cat in=- out=- ms=N exit=0\n");
}

TEST_F(ZygoteTest, ExitsWithTheLastConnectionAfterTheDaemonsEof) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    retire();
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, loopback::kMoment), 0);
    ASSERT_TRUE(send_all(pair.far.get(), ".still served"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{".still served", "end"}));
    EXPECT_EQ(sys::describe_status(zygote().status()), "exit=0");
}

TEST_F(ZygoteTest, LogsAFailureBeforeTheConnectionLine) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    ASSERT_TRUE(send_all(pair.far.get(), "m"));
    hand_over(7, pair.near);
    EXPECT_EQ(next(), "reaped 7");
    retire();
    EXPECT_EQ(log(),
              "portsplit[PID]: cannot start /no/such/program for service missing, client "
              "192.0.2.7:50022: No such file or directory\n"
              "portsplit[PID]: service=missing reason=match src=192.0.2.7 sport=50022 "
              "dst=192.0.2.1 dport=443 action=exec target=/no/such/program in=- out=- ms=N "
              "exit=127\n");
}

// fault: F8
TEST_F(ZygoteTest, ClosesTheConnectionOfAMessageOfAnotherKind) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    handoff::Handover wrong{.id = 9};
    wrong.kind = handoff::Kind::Reaped;
    hand_over(wrong, pair.near);
    pair.near.reset();
    EXPECT_EQ(next(), "reaped 9");
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{"", "end"}));
}

// fault: F8
TEST_F(ZygoteTest, IgnoresMessagesThatAreNoConnection) {
    ASSERT_EQ(next(), "ready");
    const handoff::Handover unserved{.id = 5};
    for (const std::size_t size : {std::size_t{1}, sizeof(handoff::Kind), sizeof unserved - 1}) {
        ASSERT_TRUE(sys::send_message(channel().get(),
                                      std::as_bytes(std::span(&unserved, 1)).first(size), -1, 0));
    }
    ASSERT_TRUE(sys::send_message(channel().get(), core::as_bytes(std::string(5000, 'x')), 0, 0));
    ASSERT_TRUE(sys::send_message(channel().get(), std::as_bytes(std::span(&unserved, 1)), -1, 0));
    EXPECT_EQ(next(), "reaped 5") << "a connection without its socket";
    Pair pair = loopback::tcp_pair();
    hand_over(6, pair.near);
    pair.near.reset();
    ASSERT_TRUE(send_all(pair.far.get(), ".served"));
    EXPECT_EQ(read_reply(pair.far.get(), 7), (Reply{".served", "enough"}));
}

TEST_F(ZygoteTest, GoesOnWithTheLogThatTheDaemonSends) {
    ASSERT_EQ(next(), "ready");
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const sys::UniqueFd reader(ends[0]);
    sys::UniqueFd writer(ends[1]);
    const handoff::NewLog message;
    ASSERT_TRUE(
        sys::send_message(orders().get(), std::as_bytes(std::span(&message, 1)), writer.get(), 0));
    writer.reset();
    loopback::Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    loopback::finish(pair.far.get());
    ASSERT_EQ(next(), "reaped 1");
    retire();
    ASSERT_EQ(next(), "end");
    EXPECT_NE(loopback::read_reply(reader.get()).bytes.find("service=- reason=eof"),
              std::string::npos);
    EXPECT_EQ(log(), "") << "nothing to the old one";
}

TEST_F(ZygoteTest, UsesNoProcessorTimeAfterTheDaemonHasLeftTheOrders) {
    ASSERT_EQ(next(), "ready");
    orders().reset();
    const auto before = processor_time();
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, std::chrono::milliseconds(300)), 0);
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(50));
}

// fault: F5
TEST_F(ZygoteTest, ReportsADispatcherThatWasKilled) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    // The dispatcher has become the program.
    ASSERT_TRUE(send_all(pair.far.get(), "."));
    ASSERT_EQ(read_reply(pair.far.get(), 1), (Reply{".", "enough"}));
    ASSERT_EQ(::kill(child_named("cat"), SIGKILL), 0);
    EXPECT_EQ(next(), "reaped 1");
    retire();
    EXPECT_TRUE(log().ends_with("ms=N signal=KILL\n"));
}

// The zygote gets one SIGCHLD, which names one of them, just after it looked at all its children.
// fault: B10
TEST_F(ZygoteTest, ReportsEachOfManyProgramsThatWereKilledAtOnce) {
    ASSERT_EQ(next(), "ready");
    std::vector<Pair> pairs;
    std::set<std::string> expected;
    for (std::uint64_t id = 1; id <= 2 * sys::kFewChildren; ++id) {
        Pair& pair = pairs.emplace_back(loopback::tcp_pair());
        hand_over(id, pair.near);
        pair.near.reset();
        ASSERT_TRUE(send_all(pair.far.get(), "."));
        ASSERT_EQ(read_reply(pair.far.get(), 1), (Reply{".", "enough"}));
        expected.insert("reaped " + std::to_string(id));
    }
    std::set<std::string> found;
    // After so many signals the reaper does not look at the others by their pids any more.
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(::kill(child_named("cat"), SIGKILL), 0);
        found.insert(next());
    }
    ASSERT_EQ(::kill(zygote().pid(), SIGSTOP), 0);
    loopback::wait_for_state(zygote().pid(), 'T');
    for (const pid_t child : loopback::children_of(zygote().pid())) {
        if (loopback::name_of(child) == "cat") ::kill(child, SIGKILL);
    }
    ASSERT_EQ(::kill(zygote().pid(), SIGCONT), 0);
    while (found.size() < expected.size()) {
        const std::string message = next();
        ASSERT_TRUE(message.starts_with("reaped ")) << message << ", after " << found.size();
        found.insert(message);
    }
    EXPECT_EQ(found, expected);
}

/// A zygote whose channel has room for a few messages only.
class NarrowChannelTest : public ZygoteTest {
  protected:
    static void narrow() {
        const int least = 1;  // socket(7): the kernel takes its minimum instead
        ::setsockopt(handoff::kChannelFd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    }
    NarrowChannelTest() : ZygoteTest(&serve, &narrow) {}
};

// fault: B10
TEST_F(NarrowChannelTest, SendsEveryReapedToADaemonThatWasStopped) {
    ASSERT_EQ(next(), "ready");
    // Each message ends one spare, so the test sends only as fast as the zygote forks, until the
    // zygote's channel is full.
    constexpr std::uint64_t kMessages = 60;
    for (std::uint64_t id = 1; id <= kMessages; ++id) {
        handoff::Handover wrong{.id = id};
        wrong.kind = handoff::Kind::Ready;
        const auto bytes = std::as_bytes(std::span(&wrong, 1));
        ASSERT_TRUE(sys::send_message(channel().get(), bytes, -1, 0)) << id;
    }
    // One send fails after a second (sys/channel.h); the daemon reads after that.
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, std::chrono::milliseconds(1500)), 0);
    std::set<std::string> messages;
    for (std::uint64_t id = 1; id <= kMessages; ++id) messages.insert(next());
    EXPECT_EQ(messages.size(), kMessages);
    EXPECT_FALSE(messages.contains("silence"));
}

}  // namespace
}  // namespace portsplit::dispatch
