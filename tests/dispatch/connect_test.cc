#include "dispatch/connect.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using loopback::Heard;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

std::uint16_t port_of(const UniqueFd& fd) { return sys::local_address(fd.get())->port(); }

/// Refuses: it was chosen by the system a moment ago and given back.
std::uint16_t closed_port() { return port_of(loopback::listener_on("127.0.0.1")); }

/// A listener whose queue is full, so that it answers nobody.
class Deaf {
  public:
    Deaf() {
        fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto any = sys::Address::from(core::Endpoint{"127.0.0.1", 0});
        EXPECT_EQ(::bind(fd_.get(), any->data(), any->size()), 0);
        EXPECT_EQ(::listen(fd_.get(), 0), 0);
        for (int i = 0; i < 3; ++i) {
            auto client = sys::start_connect(*sys::local_address(fd_.get()));
            EXPECT_TRUE(client);
            loopback::events_of(client->get(), POLLOUT, loopback::kMoment);
            queued_.push_back(std::move(*client));
        }
    }
    std::uint16_t port() const { return port_of(fd_); }

  private:
    UniqueFd fd_;
    std::vector<UniqueFd> queued_;
};

TEST(Reach, ConnectsToTheFirstTargetThatAnswers) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Recorder recorder;
    const auto server = connect_to_target(to("127.0.0.1", port_of(listener)), recorder);
    ASSERT_TRUE(server);
    const UniqueFd accepted = loopback::accepted_from(listener);
    ASSERT_TRUE(loopback::say(accepted.get(), "hello"));
    EXPECT_EQ(loopback::hear(server->get(), 5), (Heard{"hello", "enough"}));
    EXPECT_NE(::fcntl(server->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(server->get(), F_GETFD) & FD_CLOEXEC, 0);
    recorder.publish_counts(0, 0);
    EXPECT_EQ(recorder.last().target, 0);
    EXPECT_EQ(recorder.told().size(), 1U) << "nothing failed";
}

TEST(Reach, GoesOnToTheNextTargetAndTellsOfEachThatFailed) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::Connect connect{{{"127.0.0.1", closed_port()},
                                 {"127.0.0.1", closed_port()},
                                 {"127.0.0.1", port_of(listener)}}};
    Recorder recorder;
    EXPECT_TRUE(connect_to_target(connect, recorder));
    ASSERT_EQ(recorder.told().size(), 2U);
    for (std::uint32_t i = 0; i < 2; ++i) {
        EXPECT_EQ(recorder.told()[i].failure.stage, Stage::Connect);
        EXPECT_EQ(recorder.told()[i].failure.code, ECONNREFUSED);
        EXPECT_EQ(recorder.told()[i].failure.target, i);
    }
    recorder.publish_counts(0, 0);
    EXPECT_EQ(recorder.last().target, 2);
}

TEST(Reach, IsNothingWhenNoTargetAnswers) {
    Recorder recorder;
    EXPECT_FALSE(connect_to_target(to("127.0.0.1", closed_port()), recorder));
    EXPECT_EQ(recorder.last().failure.code, ECONNREFUSED);
    EXPECT_EQ(recorder.last().target, Progress::kNone);
}

TEST(Reach, FindsANameInTheHostsFile) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Recorder recorder;
    EXPECT_TRUE(connect_to_target(to("localhost", port_of(listener)), recorder))
        << "whichever of its addresses comes first";
}

TEST(Reach, TellsOfANameThatCannotBeResolved) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::Connect connect{{{"a..b", 1}, {"127.0.0.1", port_of(listener)}}};
    Recorder recorder;
    EXPECT_TRUE(connect_to_target(connect, recorder));
    ASSERT_EQ(recorder.told().size(), 2U) << "and first what is known, since a name takes its time";
    EXPECT_EQ(recorder.last().failure.stage, Stage::Resolve);
    EXPECT_NE(recorder.last().failure.code, 0);
}

TEST(Reach, GivesATargetThatDoesNotAnswerItsFiveSecondsAndNoMore) {
    const Deaf deaf;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::Connect connect{{{"127.0.0.1", deaf.port()}, {"127.0.0.1", port_of(listener)}}};
    Recorder recorder;
    const auto begin = Clock::now();
    EXPECT_TRUE(connect_to_target(connect, recorder));
    const auto taken = Clock::now() - begin;
    EXPECT_GE(taken, kTargetLimit);
    EXPECT_LT(taken, kTargetLimit + 2s);
    ASSERT_EQ(recorder.told().size(), 2U) << "and first what is known, before it waits";
    EXPECT_EQ(recorder.last().failure.code, ETIMEDOUT);
}

}  // namespace
}  // namespace portsplit::dispatch
