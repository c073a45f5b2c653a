#include "dispatch/connect.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
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
    const auto order = FailedTargets().order(0, connect.targets.size());
    return connect_to_target(connect, own, order, reporter);
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

/// Addresses of one target.
struct Addresses {
    std::vector<sys::Address> all;
    Addresses& add(std::uint16_t port, std::size_t times = 1) {
        all.insert(all.end(), times, *sys::Address::from({"127.0.0.1", port}));
        return *this;
    }
};

TEST(TargetTime, SharesTheTimeThatIsLeftEqually) {
    TargetTime time(9000ms);
    const auto end = time.start();
    const auto before = Clock::now();
    const auto end_of_share = time.end_of_share(3);
    const auto after = Clock::now();
    EXPECT_GE(end_of_share, before + (end - before) / 3);
    EXPECT_LE(end_of_share, after + (end - after) / 3 + 1ns);
}

TEST(TargetTime, GivesAnAddressAtLeastAQuarterOfASecond) {
    TargetTime time(2100ms);
    time.start();
    const auto before = Clock::now();
    EXPECT_GE(time.end_of_share(21), before + kAddressMinimum) << "the equal share is 100 ms";
}

TEST(TargetTime, GivesNoAddressMoreThanItsTarget) {
    TargetTime time(20ms);
    const auto end = time.start();
    EXPECT_EQ(time.end_of_share(1), end);
}

// fault: E2
TEST(ConnectToAny, LeavesTimeForTheNextAddress) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const auto addresses = Addresses().add(silent.port()).add(port_of(listener)).all;
    Recorder recorder;
    TargetTime time(1000ms);
    EXPECT_TRUE(connect_to_any(addresses, kNone, time, recorder));
}

TEST(ConnectToAny, TriesNoAddressWhenTheTimeIsOver) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const auto addresses = Addresses().add(silent.port()).add(port_of(listener)).all;
    Recorder recorder;
    TargetTime time(20ms);
    const auto server = connect_to_any(addresses, kNone, time, recorder);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ETIMEDOUT);
}

TEST(ConnectToAny, ReturnsTheErrorOfTheLastAddress) {
    const auto addresses = Addresses().add(closed_port(), 2).all;
    Recorder recorder;
    TargetTime time(kTargetLimit);
    const auto server = connect_to_any(addresses, kNone, time, recorder);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ECONNREFUSED);
    EXPECT_TRUE(recorder.messages().empty()) << "it never had to wait";
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

// fault: E1
TEST(ConnectToAny, RefusesAConnectionOfASocketToItself) {
    // For connect(2) the kernel chooses even ports first, and so this one sooner or later: without the
    // check after 600 tries.
    const auto port = static_cast<std::uint16_t>(closed_port() & ~1U);
    const auto addresses = Addresses().add(port).all;
    for (int i = 0; i < 30'000; ++i) {
        Recorder recorder;
        TargetTime time(kTargetLimit);
        const auto server = connect_to_any(addresses, kNone, time, recorder);
        ASSERT_FALSE(server) << "connected to itself at try " << i;
        ASSERT_EQ(server.error().code, ECONNREFUSED);
    }
}

}  // namespace
}  // namespace portsplit::dispatch
