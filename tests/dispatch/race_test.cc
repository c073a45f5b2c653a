#include "dispatch/race.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using loopback::closed_port;
using loopback::port_of;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

/// A server without listeners.
const core::List<core::Endpoint> kNoBinds;
const OwnListeners kNone{kNoBinds, {}};
constexpr auto kTargetLimit = 5s;

/// Addresses of one target.
struct Addresses {
    std::vector<sys::Address> all;
    Addresses& add(std::uint16_t port, std::size_t times = 1) {
        all.insert(all.end(), times, *sys::Address::from({"127.0.0.1", port}));
        return *this;
    }
};

/// Connects, and keeps how long it took.
struct Connecting {
    Connecting(const std::vector<sys::Address>& addresses, std::chrono::milliseconds limit) {
        TargetTime time(limit);
        const auto begin = Clock::now();
        result = connect_to_any(addresses, kNone, time, recorder);
        took = Clock::now() - begin;
    }
    /// Returns the port that it connected to; 0 for none.
    std::uint16_t port() const {
        const auto peer = sys::peer_address(result ? result->get() : -1);
        return peer ? peer->port() : std::uint16_t{0};
    }

    Recorder recorder;
    sys::Result<UniqueFd> result = sys::SysError{};
    Clock::duration took{};
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

TEST(TargetTime, StartsTheNextAddressAQuarterOfASecondLater) {
    TargetTime time(9000ms);
    time.start();
    const auto before = Clock::now();
    const auto next = time.next_start(3);
    EXPECT_GE(next, before + kAttemptDelay);
    EXPECT_LE(next, Clock::now() + kAttemptDelay);
}

TEST(TargetTime, StartsTheNextAddressEarlierIfItIsShort) {
    TargetTime time(1000ms);
    time.start();
    const auto before = Clock::now();
    const auto next = time.next_start(10);
    EXPECT_LE(next, Clock::now() + 100ms);
    EXPECT_GE(time.next_start(1000), before + kShortestDelay);
}

TEST(ConnectToAny, StartsTheNextAddressBesideASilentOne) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const auto addresses = Addresses().add(silent.port()).add(port_of(listener)).all;
    const Connecting connecting(addresses, kTargetLimit);
    EXPECT_EQ(connecting.port(), port_of(listener));
    EXPECT_GE(connecting.took, kAttemptDelay);
    EXPECT_LT(connecting.took, 1s) << "an equal share of the time is 2.5 s";
    EXPECT_EQ(connecting.recorder.messages().size(), 1U) << "it tells before it waits";
}

/// Makes room at a listener when the connection begins to wait.
class RoomMaker final : public Reporter {
  public:
    explicit RoomMaker(loopback::FullListener& listener) : listener_(listener) {}

  private:
    sys::Result<sys::Done> send(const Progress&, int) override {
        listener_.make_room();
        return sys::Done{};
    }
    loopback::FullListener& listener_;
};

TEST(ConnectToAny, KeepsAnAddressThatAnswersLate) {
    // The kernel sends the SYN of the client again after a second.
    loopback::FullListener late;
    const loopback::FullListener silent;
    RoomMaker reporter(late);
    TargetTime time(4s);
    const auto addresses = Addresses().add(late.port()).add(silent.port(), 6).all;
    const auto server = connect_to_any(addresses, kNone, time, reporter);
    ASSERT_TRUE(server) << "an equal share of the time is 0.6 s";
    EXPECT_EQ(sys::peer_address(server->get())->port(), late.port());
}

TEST(ConnectToAny, TriesTheNextAddressAtOnceAfterOneThatIsRefused) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const auto addresses =
        Addresses().add(silent.port()).add(closed_port(), 12).add(port_of(listener)).all;
    const Connecting connecting(addresses, 20s);
    EXPECT_EQ(connecting.port(), port_of(listener));
    EXPECT_LT(connecting.took, 2s) << "with a delay for each it takes 3 s";
}

TEST(ConnectToAny, WaitsForEightAddressesAtOnceAndNoMore) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const auto addresses = Addresses().add(silent.port(), 20).add(port_of(listener)).all;
    rlim_t most = 0;
    {
        std::vector<UniqueFd> room;
        for (std::size_t i = 0; i < kMostAttempts; ++i) {
            room.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        }
        most = static_cast<rlim_t>(room.back().get()) + 1;
    }
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit few{.rlim_cur = most, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const Connecting connecting(addresses, 2s);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(connecting.port(), port_of(listener));
}

TEST(ConnectToAny, TriesNoAddressWhenTheTimeIsOver) {
    const loopback::FullListener silent;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Recorder recorder;
    TargetTime time(1ms);
    while (time.start() > Clock::now()) continue;
    const auto server =
        connect_to_any(Addresses().add(port_of(listener)).all, kNone, time, recorder);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ETIMEDOUT);
}

TEST(ConnectToAny, EndsWithTheTimeOfTheTarget) {
    const loopback::FullListener silent;
    const Connecting connecting(Addresses().add(silent.port(), 3).all, 300ms);
    ASSERT_FALSE(connecting.result);
    EXPECT_EQ(connecting.result.error().code, ETIMEDOUT);
    EXPECT_GE(connecting.took, 300ms);
    EXPECT_LT(connecting.took, 2s);
}

TEST(ConnectToAny, ReturnsTheErrorOfTheLastAddress) {
    const Connecting connecting(Addresses().add(closed_port(), 2).all, kTargetLimit);
    ASSERT_FALSE(connecting.result);
    EXPECT_EQ(connecting.result.error().code, ECONNREFUSED);
    EXPECT_TRUE(connecting.recorder.messages().empty()) << "it never had to wait";
}

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

TEST(InTurns, TakesTheFamiliesOneAfterTheOther) {
    const auto address = [](const char* host) { return *sys::Address::from({host, 1}); };
    const auto texts = [&](const std::vector<const char*>& hosts) {
        std::vector<sys::Address> addresses;
        for (const char* host : hosts) addresses.push_back(address(host));
        std::string text;
        for (const sys::Address& one : in_turns(addresses)) text += one.host() + " ";
        return text;
    };
    EXPECT_EQ(texts({"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"}),
              "::1 127.0.0.1 ::2 127.0.0.2 ::3 ");
    EXPECT_EQ(texts({"127.0.0.1", "127.0.0.2", "::1"}), "127.0.0.1 ::1 127.0.0.2 ");
    EXPECT_EQ(texts({"127.0.0.1", "127.0.0.2"}), "127.0.0.1 127.0.0.2 ");
    EXPECT_EQ(texts({}), "");
}

}  // namespace
}  // namespace portsplit::dispatch
