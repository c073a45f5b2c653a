#include "dispatch/connect.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "dispatch/failed_targets.h"
#include "support/descriptors.h"
#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

/// Connects to the targets in the order of the list.
std::optional<sys::UniqueFd> reach(const core::Connect& connect, const OwnListeners& own,
                                   Reporter& reporter) {
    return connect_to_target(connect, own, TargetChoice(), reporter);
}

using loopback::closed_port;
using loopback::port_of;
using loopback::Reply;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

/// A server without listeners.
const core::List<core::Endpoint> kNoBinds;
const OwnListeners kNone{kNoBinds, {}};
constexpr auto kTargetLimit = 5s;

TEST(ConnectToTarget, ConnectsToTheFirstTargetThatAnswers) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Recorder recorder;
    const auto server = reach(to("127.0.0.1", port_of(listener)), kNone, recorder);
    ASSERT_TRUE(server);
    const UniqueFd accepted = loopback::accepted_from(listener);
    ASSERT_TRUE(loopback::send_all(accepted.get(), "hello"));
    EXPECT_EQ(loopback::read_reply(server->get(), 5), (Reply{"hello", "enough"}));
    EXPECT_NE(::fcntl(server->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(closes_on_exec(server->get()));
    recorder.publish_counts(0, 0);
    EXPECT_EQ(recorder.last().target, 0);
    EXPECT_EQ(recorder.messages().size(), 1U) << "nothing failed";
}

// fault: E1
TEST(ConnectToTarget, TriesTheNextTargetAndReportsEachThatFailed) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::Connect connect{{{"127.0.0.1", closed_port()},
                                 {"127.0.0.1", closed_port()},
                                 {"127.0.0.1", port_of(listener)}}};
    Recorder recorder;
    EXPECT_TRUE(reach(connect, kNone, recorder));
    ASSERT_EQ(recorder.messages().size(), 2U);
    for (std::uint32_t i = 0; i < 2; ++i) {
        EXPECT_EQ(recorder.messages()[i].failure.stage, Stage::Connect);
        EXPECT_EQ(recorder.messages()[i].failure.code, ECONNREFUSED);
        EXPECT_EQ(recorder.messages()[i].failure.target, i);
    }
    recorder.publish_counts(0, 0);
    EXPECT_EQ(recorder.last().target, 2);
}

TEST(ConnectToTarget, ReturnsNothingWhenNoTargetAnswers) {
    Recorder recorder;
    EXPECT_FALSE(reach(to("127.0.0.1", closed_port()), kNone, recorder));
    EXPECT_EQ(recorder.last().failure.code, ECONNREFUSED);
    EXPECT_EQ(recorder.last().target, Progress::kNone);
}

TEST(ConnectToTarget, FindsANameInTheHostsFile) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Recorder recorder;
    EXPECT_TRUE(reach(to("localhost", port_of(listener)), kNone, recorder)) << "127.0.0.1 or ::1";
}

// fault: E2
TEST(ConnectToTarget, ReportsANameThatCannotBeResolved) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::Connect connect{{{"a..b", 1}, {"127.0.0.1", port_of(listener)}}};
    Recorder recorder;
    EXPECT_TRUE(reach(connect, kNone, recorder));
    ASSERT_EQ(recorder.messages().size(), 2U) << "and once before it waits for the name";
    EXPECT_EQ(recorder.last().failure.stage, Stage::Resolve);
    EXPECT_NE(recorder.last().failure.code, 0);
}

// fault: E1
TEST(ConnectToTarget, TriesTheNextTargetAfterTheTimeOfOneThatDoesNotAnswer) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::Connect connect{{{"127.0.0.1", silent.port()}, {"127.0.0.1", port_of(listener)}},
                                50ms};
    Recorder recorder;
    const auto begin = Clock::now();
    EXPECT_TRUE(reach(connect, kNone, recorder));
    EXPECT_GE(Clock::now() - begin, 50ms);
    EXPECT_LT(Clock::now() - begin, kTargetLimit);
    ASSERT_EQ(recorder.messages().size(), 2U) << "and once before it waits";
    EXPECT_EQ(recorder.last().failure.code, ETIMEDOUT);
}

/// Two targets, the first of which is silent.
class MovingOnTest : public testing::Test {
  protected:
    MovingOnTest() : failed_(*FailedTargets::create(config(1))) {}

    core::Config config(std::uint16_t second) {
        core::Config config;
        config.services.push_back(service("one", {"1"}, targets(second, 1s)));
        return config;
    }
    core::Connect targets(std::uint16_t second, std::chrono::milliseconds limit) const {
        return {{{"127.0.0.1", silent_.port()}, {"127.0.0.1", second}}, limit};
    }
    /// Connects, and others find the first target dead meanwhile, for three seconds.
    std::optional<UniqueFd> reach(const core::Connect& connect) {
        std::thread other([this] {
            EXPECT_TRUE(loopback::comes_true([this] { return recorder_.is_waiting(); }));
            (void)loopback::comes_true(
                [this] {
                    failed_.note_failure(0, 0);
                    return is_over_.load();
                },
                3s);
        });
        const auto begin = Clock::now();
        auto fd = connect_to_target(connect, kNone, TargetChoice{&failed_, 0}, recorder_);
        took_ = Clock::now() - begin;
        is_over_ = true;
        other.join();
        return fd;
    }
    /// Keeps what is published, and tells another thread that there was something.
    class Waiter final : public Reporter {
      public:
        bool is_waiting() const { return is_waiting_.load(); }
        std::vector<Failure> failures;

      private:
        sys::Result<sys::Done> send(const Progress& progress, int) override {
            if (progress.failure.stage != Stage::None) failures.push_back(progress.failure);
            is_waiting_ = true;
            return sys::Done{};
        }
        std::atomic<bool> is_waiting_{false};
    };
    const std::vector<Failure>& failures() const { return recorder_.failures; }
    std::size_t target() const { return recorder_.target(); }
    Clock::duration took() const { return took_; }

  private:
    const loopback::FullListener silent_;
    FailedTargets failed_;
    Waiter recorder_;
    std::atomic<bool> is_over_{false};
    Clock::duration took_{};
};

TEST_F(MovingOnTest, TriesTheNextTargetWhenOthersFoundOneDead) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    EXPECT_TRUE(reach(targets(port_of(listener), 20s)));
    EXPECT_EQ(target(), 1U);
    EXPECT_LT(took(), 3s);
    EXPECT_TRUE(failures().empty()) << "the other has reported it";
}

TEST_F(MovingOnTest, ComesBackToTheTargetWhenNoOtherAnswers) {
    EXPECT_FALSE(reach(targets(closed_port(), 700ms)));
    ASSERT_EQ(failures().size(), 2U);
    EXPECT_EQ(failures().front().target, 1U);
    EXPECT_EQ(failures().back().target, 0U);
    EXPECT_EQ(failures().back().code, ETIMEDOUT);
    EXPECT_GE(took(), 700ms) << "the last is waited for to the end";
    EXPECT_LT(took(), 3s) << "and not left again";
}

TEST(ConnectToTarget, LeavesOutATargetThatLeadsBackByName) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::List<core::Endpoint> binds{{"0.0.0.0", port_of(listener)}};
    Recorder recorder;
    EXPECT_FALSE(reach(to("localhost", port_of(listener)), {binds, {}}, recorder));
    EXPECT_EQ(recorder.last().failure.stage, Stage::Loop);
    EXPECT_EQ(loopback::events_of(listener.get(), POLLIN, 0ms), 0) << "no connection was made";
}

TEST(ConnectToTarget, TriesTheNextTargetAfterOneThatLeadsBack) {
    const UniqueFd own = loopback::listener_on("127.0.0.1");
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const core::List<core::Endpoint> binds{{"127.0.0.1", port_of(own)}};
    const core::Connect connect{{{"127.0.0.1", port_of(own)}, {"127.0.0.1", port_of(listener)}}};
    Recorder recorder;
    EXPECT_TRUE(reach(connect, {binds, {}}, recorder));
}

}  // namespace
}  // namespace portsplit::dispatch
