#include "dispatch/zygote.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/spares.h"
#include "handoff.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/channel.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using loopback::hear;
using loopback::Heard;
using loopback::Pair;
using loopback::say;
using sys::UniqueFd;

/// The text with each number behind `before` replaced by a word.
std::string masked(std::string text, const std::string& before, const std::string& word) {
    for (std::size_t at = 0; (at = text.find(before, at)) != std::string::npos;) {
        at += before.size();
        const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
        text.replace(at, end - at, word);
    }
    return text;
}

/// A zygote and the listener's end of its channel.
class ZygoteTest : public testing::Test {
  protected:
    ZygoteTest() {
        auto channel = sys::channel_pair();
        int log[2] = {-1, -1};
        EXPECT_TRUE(channel);
        EXPECT_EQ(::pipe2(log, O_CLOEXEC), 0);
        log_.reset(log[0]);
        UniqueFd log_to(log[1]);
        channel_ = std::move(channel->first);
        zygote_ = std::make_unique<Child>([&] {
            channel_.reset();
            log_.reset();
            sys::reset_signals();
            sys::ignore_signal(SIGPIPE);
            sys::ignore_signal(SIGHUP);
            // Out of the way of the number that the contract names.
            UniqueFd log_fd(::fcntl(log_to.get(), F_DUPFD_CLOEXEC, 10));
            ::dup2(channel->second.get(), handoff::kChannelFd);
            sys::close_on_exec_from(handoff::kChannelFd);
            sys::Log log_there = sys::Log::to_descriptor(std::move(log_fd));
            const core::Plan plan =
                plan_of({service("echo", {"."}, program("/bin/cat")),
                         service("missing", {"m"}, program("/no/such/program"))});
            return run_zygote(plan, log_there);
        });
    }

    UniqueFd& channel() { return channel_; }
    Child& zygote() { return *zygote_; }

    /// The next message: `ready`, `reaped ID`, or what else it is.
    std::string next() {
        if (loopback::events_of(channel_.get(), POLLIN) == 0) return "silence";
        std::array<std::byte, 256> buffer{};
        const auto received = sys::receive_message(channel_.get(), buffer);
        if (!received) return sys::to_string(received.error());
        if (received->size == 0) return "end";
        handoff::Reaped message;
        if (received->size == sizeof(handoff::Ready)) {
            handoff::Ready ready;
            std::memcpy(&ready, buffer.data(), sizeof ready);
            return ready.kind == handoff::Kind::Ready ? "ready" : "?";
        }
        if (received->size != sizeof message) return "?";
        std::memcpy(&message, buffer.data(), sizeof message);
        return "reaped " + std::to_string(message.id);
    }

    /// Hands a connection over as the listener does.
    void hand_over(handoff::Connection message, const UniqueFd& client) {
        message.ends.peer = *sys::Address::from(core::Endpoint{"192.0.2.7", 50022});
        message.ends.local = *sys::Address::from(core::Endpoint{"192.0.2.1", 443});
        message.accepted = sys::Clock::now();
        ASSERT_TRUE(sys::send_message(channel_.get(), std::as_bytes(std::span(&message, 1)),
                                      client.get(), 0));
    }
    void hand_over(std::uint64_t id, const UniqueFd& client) {
        hand_over(handoff::Connection{.id = id}, client);
    }

    /// The log once the zygote has ended, without what differs from run to run.
    std::string log() {
        return masked(masked(hear(log_.get()).bytes, "portsplit[", "PID"), " ms=", "N");
    }

    /// The first child of the zygote that is called so; -1 for none.
    pid_t child_named(const std::string& name) {
        for (const pid_t child : loopback::children_of(zygote().pid())) {
            if (loopback::name_of(child) == name) return child;
        }
        return -1;
    }

    /// Ends the listener's side.
    void retire() { ::shutdown(channel_.get(), SHUT_WR); }

  private:
    UniqueFd channel_;
    UniqueFd log_;
    std::unique_ptr<Child> zygote_;
};

TEST_F(ZygoteTest, IsReadyAndEndsWithItsListener) {
    EXPECT_EQ(next(), "ready");
    channel().reset();
    EXPECT_EQ(sys::describe_status(zygote().status()), "exit=0");
    EXPECT_EQ(log(), "");
}

TEST_F(ZygoteTest, ServesAConnectionAndSaysWhenItsProcessIsGone) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(42, pair.near);
    pair.near.reset();
    ASSERT_TRUE(say(pair.far.get(), ".echo"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(hear(pair.far.get()), (Heard{".echo", "end"}));
    EXPECT_EQ(next(), "reaped 42");
    retire();
    EXPECT_EQ(next(), "end");
    EXPECT_EQ(log(),
              "portsplit[PID]: service=echo reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 "
              "dport=443 action=exec target=/bin/cat in=- out=- ms=N exit=0\n");
}

TEST_F(ZygoteTest, EndsWithItsLastConnection) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    retire();
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, loopback::kMoment), 0);
    ASSERT_TRUE(say(pair.far.get(), ".still served"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(hear(pair.far.get()), (Heard{".still served", "end"}));
    EXPECT_EQ(sys::describe_status(zygote().status()), "exit=0");
}

TEST_F(ZygoteTest, LogsWhatFailedBeforeTheLineOfTheConnection) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    ASSERT_TRUE(say(pair.far.get(), "m"));
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

TEST_F(ZygoteTest, EndsTheConnectionOfAMessageThatItDoesNotKnow) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    handoff::Connection wrong{.id = 9};
    wrong.kind = handoff::Kind::Reaped;
    hand_over(wrong, pair.near);
    pair.near.reset();
    EXPECT_EQ(next(), "reaped 9");
    EXPECT_EQ(hear(pair.far.get()), (Heard{"", "end"}));
}

TEST_F(ZygoteTest, SurvivesEveryOtherMessage) {
    ASSERT_EQ(next(), "ready");
    const handoff::Connection nobody{.id = 5};
    for (const std::size_t size : {std::size_t{1}, sizeof(handoff::Kind), sizeof nobody - 1}) {
        ASSERT_TRUE(sys::send_message(channel().get(),
                                      std::as_bytes(std::span(&nobody, 1)).first(size), -1, 0));
    }
    ASSERT_TRUE(sys::send_message(channel().get(), core::as_bytes(std::string(5000, 'x')), 0, 0));
    ASSERT_TRUE(sys::send_message(channel().get(), std::as_bytes(std::span(&nobody, 1)), -1, 0));
    EXPECT_EQ(next(), "reaped 5") << "a connection without its socket";
    Pair pair = loopback::tcp_pair();
    hand_over(6, pair.near);
    pair.near.reset();
    ASSERT_TRUE(say(pair.far.get(), ".served"));
    EXPECT_EQ(hear(pair.far.get(), 7), (Heard{".served", "enough"}));
}

TEST_F(ZygoteTest, SurvivesTheDeathOfADispatcher) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    // Its program's process is the dispatcher's own.
    ASSERT_TRUE(say(pair.far.get(), "."));
    ASSERT_EQ(hear(pair.far.get(), 1), (Heard{".", "enough"}));
    ASSERT_EQ(::kill(child_named("cat"), SIGKILL), 0);
    EXPECT_EQ(next(), "reaped 1");
    retire();
    EXPECT_TRUE(log().ends_with("ms=N signal=KILL\n"));
}

TEST_F(ZygoteTest, KeepsAFewSparesReadyHoweverManyHaveSilentClients) {
    ASSERT_EQ(next(), "ready");
    std::vector<Pair> pairs;
    for (std::uint64_t id = 1; id <= 3 * kSpares; ++id) {
        pairs.push_back(loopback::tcp_pair());
        hand_over(id, pairs.back().near);
        pairs.back().near.reset();
    }
    Pair& last = pairs.back();
    ASSERT_TRUE(say(last.far.get(), ".last"));
    EXPECT_EQ(hear(last.far.get(), 5), (Heard{".last", "enough"}));
}

TEST_F(ZygoteTest, ReplacesSparesThatWereKilled) {
    ASSERT_EQ(next(), "ready");
    while (child_named("portsplit-spare") == -1) continue;
    for (const pid_t child : loopback::children_of(zygote().pid())) {
        ::kill(child, SIGKILL);
        loopback::wait_for_state(child, 'Z');
    }
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    ASSERT_TRUE(say(pair.far.get(), ".served"));
    EXPECT_EQ(hear(pair.far.get(), 7), (Heard{".served", "enough"}));
}

TEST_F(ZygoteTest, LeavesADispatcherNothingThatOthersUse) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    // Its client is silent: it looks for bytes.
    while (child_named("portsplit-dispa") == -1) continue;
    const std::string place = "/proc/" + std::to_string(child_named("portsplit-dispa"));
    EXPECT_EQ(sys::read_file(place + "/maps")->find("rw-s"), std::string::npos) << "memory";
    char target[64] = {};
    const std::string channel = place + "/fd/" + std::to_string(handoff::kChannelFd);
    EXPECT_EQ(::readlink(channel.c_str(), target, sizeof target), -1) << target;
    EXPECT_EQ(::getpgid(child_named("portsplit-dispa")), child_named("portsplit-dispa"));
}

}  // namespace
}  // namespace portsplit::dispatch
