#include "daemon/listeners.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

using Binds = std::vector<core::Endpoint>;

/// Changes to these binds, opening what is missing.
std::vector<Listener> change(Listeners& listeners, const Binds& binds) {
    auto missing = listeners.open_missing(binds);
    EXPECT_TRUE(missing) << sys::to_string(missing.error());
    if (!missing) return {};
    return listeners.change_to(binds, std::move(*missing));
}

bool is_reachable(const sys::Address& address) {
    const auto client = sys::start_connect(address);
    return client && loopback::events_of(client->get(), POLLOUT) != 0 &&
           sys::connect_outcome(client->get(), address) == 0;
}

core::Endpoint closed_endpoint() {
    const sys::UniqueFd fd = loopback::listener_on("127.0.0.1");
    return {"127.0.0.1", sys::local_address(fd.get())->port()};
}

bool has_ipv6() { return static_cast<bool>(loopback::listener_on("::1")); }

TEST(Listeners, OpenWhatTheConfigurationSays) {
    Listeners listeners;
    EXPECT_TRUE(change(listeners, {{"127.0.0.1", 0}, {"127.0.0.2", 0}}).empty());
    ASSERT_EQ(listeners.all().size(), 2U);
    for (const Listener& listener : listeners.all()) {
        EXPECT_TRUE(is_reachable(listener.bound)) << listener.bound.text();
    }
    EXPECT_EQ(listeners.all()[0].bound.host(), "127.0.0.1");
    EXPECT_EQ(listeners.all()[1].bound.host(), "127.0.0.2");
    EXPECT_EQ(listeners.text(),
              listeners.all()[0].bound.text() + " " + listeners.all()[1].bound.text());
}

TEST(Listeners, ChangeNothingBeforeTheyAreTold) {
    Listeners listeners;
    const auto missing = listeners.open_missing({{"127.0.0.1", 0}});
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->size(), 1U);
    EXPECT_TRUE(listeners.all().empty());
    EXPECT_EQ(listeners.text(), "");
}

TEST(Listeners, KeepTheSocketOfABindThatStays) {
    Listeners listeners;
    const Binds both{{"127.0.0.1", 0}, {"127.0.0.2", 0}};
    change(listeners, both);
    const int first = listeners.all()[0].fd.get();
    const std::string text = listeners.all()[0].bound.text();
    const auto gone = change(listeners, {{"127.0.0.3", 0}, {"127.0.0.1", 0}});
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].bound.host(), "127.0.0.2");
    EXPECT_TRUE(is_reachable(gone[0].bound)) << "still open, for who waits in its queue";
    ASSERT_EQ(listeners.all().size(), 2U);
    EXPECT_EQ(listeners.all()[0].bound.host(), "127.0.0.3");
    EXPECT_EQ(listeners.all()[1].fd.get(), first);
    EXPECT_EQ(listeners.all()[1].bound.text(), text);
}

TEST(Listeners, CloseWhatNobodyWantsAnyMore) {
    Listeners listeners;
    change(listeners, {{"127.0.0.1", 0}});
    const sys::Address bound = listeners.all()[0].bound;
    ASSERT_TRUE(is_reachable(bound));
    change(listeners, {{"127.0.0.2", 0}}).clear();
    EXPECT_FALSE(is_reachable(bound));
    const sys::Address other = listeners.all()[0].bound;
    listeners.close();
    EXPECT_FALSE(is_reachable(other));
}

TEST(Listeners, NameTheAddressThatCouldNotBeHadAndChangeNothing) {
    Listeners listeners;
    change(listeners, {{"127.0.0.1", 0}});
    const sys::UniqueFd other = loopback::listener_on("127.0.0.1");
    const std::uint16_t taken = sys::local_address(other.get())->port();
    const auto missing = listeners.open_missing({{"127.0.0.2", 0}, {"127.0.0.1", taken}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 127.0.0.1:" + std::to_string(taken) + ": Address already in use");
    EXPECT_EQ(listeners.all().size(), 1U);
    EXPECT_TRUE(is_reachable(listeners.all()[0].bound));
}

TEST(Listeners, NameWhatIsNoAddress) {
    const Listeners listeners;
    const auto missing = listeners.open_missing({{"localhost", 80}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on localhost:80: Cannot assign requested address");
}

TEST(Listeners, TakeTheStarForBothFamiliesAndOnePort) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine";
    Listeners listeners;
    change(listeners, {{"*", 0}});
    ASSERT_EQ(listeners.all().size(), 2U);
    EXPECT_EQ(listeners.all()[0].bound.host(), "0.0.0.0");
    EXPECT_EQ(listeners.all()[1].bound.host(), "::");
    EXPECT_EQ(listeners.all()[0].bound.port(), listeners.all()[1].bound.port());
    const std::uint16_t port = listeners.all()[0].bound.port();
    for (const char* host : {"127.0.0.1", "::1"}) {
        EXPECT_TRUE(is_reachable(*sys::Address::from(core::Endpoint{host, port}))) << host;
    }
}

TEST(Listeners, KeepHalfOfAStarThatIsSpelledOut) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine";
    Listeners listeners;
    const core::Endpoint any = closed_endpoint();
    change(listeners, {{"*", any.port}});
    ASSERT_EQ(listeners.all().size(), 2U);
    const int v4 = listeners.all()[0].fd.get();
    const auto gone = change(listeners, {{"0.0.0.0", any.port}});
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].bound.host(), "::");
    EXPECT_EQ(listeners.all()[0].fd.get(), v4);
}

TEST(Listeners, OpenOneSocketForEachOfTwoBindsWithAPortOfTheSystemsChoice) {
    Listeners listeners;
    const Binds twice{{"127.0.0.1", 0}, {"127.0.0.1", 0}};
    change(listeners, twice);
    ASSERT_EQ(listeners.all().size(), 2U);
    EXPECT_NE(listeners.all()[0].bound.port(), listeners.all()[1].bound.port());
    const std::string before = listeners.text();
    EXPECT_TRUE(change(listeners, twice).empty());
    EXPECT_EQ(listeners.text(), before);
}

}  // namespace
}  // namespace portsplit::daemon
