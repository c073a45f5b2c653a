#include "daemon/listeners.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

using Binds = core::List<core::Endpoint>;

/// Changes to these binds, opening what is missing.
std::vector<Listener> change(Listeners& listeners, const Binds& binds) {
    auto missing = listeners.open_missing(binds);
    EXPECT_TRUE(missing) << sys::to_string(missing.error());
    if (!missing) return {};
    return listeners.change_to(binds, std::move(missing->listeners));
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

TEST(Listeners, OpenTheBindsOfTheConfiguration) {
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

TEST(Listeners, ChangeNothingWhenMissingOnesAreOpened) {
    Listeners listeners;
    const auto missing = listeners.open_missing({{"127.0.0.1", 0}});
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->listeners.size(), 1U);
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
    EXPECT_TRUE(is_reachable(gone[0].bound)) << "still open, with the clients in its accept queue";
    ASSERT_EQ(listeners.all().size(), 2U);
    EXPECT_EQ(listeners.all()[0].bound.host(), "127.0.0.3");
    EXPECT_EQ(listeners.all()[1].fd.get(), first);
    EXPECT_EQ(listeners.all()[1].bound.text(), text);
}

TEST(Listeners, CloseTheSocketOfABindThatGoes) {
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

TEST(Listeners, ReturnTheAddressThatCannotBeBoundAndChangeNothing) {
    Listeners listeners;
    change(listeners, {{"127.0.0.1", 0}});
    const sys::UniqueFd other = loopback::listener_on("127.0.0.1");
    const std::uint16_t taken = sys::local_address(other.get())->port();
    const auto missing = listeners.open_missing({{"127.0.0.2", 0}, {"127.0.0.1", taken}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 127.0.0.1:" + std::to_string(taken) +
                  ": Address already in use; see which program has it: ss -ltnp 'sport = :" +
                  std::to_string(taken) + "'");
    EXPECT_EQ(listeners.all().size(), 1U);
    EXPECT_TRUE(is_reachable(listeners.all()[0].bound));
}

TEST(AdviceOnListening, NamesWhatHelps) {
    EXPECT_EQ(advice_on_listening(EADDRINUSE, 443),
              "see which program has it: ss -ltnp 'sport = :443'");
    EXPECT_EQ(advice_on_listening(EACCES, 443),
              "ports below 1024 need root or CAP_NET_BIND_SERVICE (see portsplit-relay.service)");
    EXPECT_EQ(advice_on_listening(EACCES, 1024), "");
    EXPECT_EQ(advice_on_listening(EADDRNOTAVAIL, 443),
              "no interface has this address; see those that there are: ip address");
    EXPECT_EQ(advice_on_listening(EMFILE, 443), "");
}

TEST(Listeners, RefuseAHostName) {
    const Listeners listeners;
    const auto missing = listeners.open_missing({{"localhost", 80}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on localhost:80: Cannot assign requested address");
}

TEST(Listeners, OpenAStarForBothFamiliesWithOnePort) {
    ASSERT_TRUE(has_ipv6()) << "no IPv6 on this machine";
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

TEST(Listeners, KeepTheHalfOfAStarThatStaysConfigured) {
    ASSERT_TRUE(has_ipv6()) << "no IPv6 on this machine";
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

TEST(Listeners, OpenASocketForEachOfTwoEqualBindsWithPortZero) {
    Listeners listeners;
    const Binds twice{{"127.0.0.1", 0}, {"127.0.0.1", 0}};
    change(listeners, twice);
    ASSERT_EQ(listeners.all().size(), 2U);
    EXPECT_NE(listeners.all()[0].bound.port(), listeners.all()[1].bound.port());
    const std::string before = listeners.text();
    EXPECT_TRUE(change(listeners, twice).empty());
    EXPECT_EQ(listeners.text(), before);
}

TEST(Listeners, AdoptAPassedSocketForTheBindOfItsAddress) {
    Listeners listeners;
    EXPECT_FALSE(listeners.has_passed());
    sys::UniqueFd passed = loopback::listener_on("127.0.0.1");
    sys::set_blocking(passed.get(), true);
    const int number = passed.get();
    const std::string text = sys::local_address(number)->text();
    const Binds binds{{"127.0.0.1", sys::local_address(number)->port()}};
    ASSERT_TRUE(listeners.adopt(std::move(passed), "web"));
    EXPECT_TRUE(listeners.has_passed());
    EXPECT_NE(::fcntl(number, F_GETFL) & O_NONBLOCK, 0) << "accept(2) must not block";
    const auto missing = listeners.open_missing(binds);
    ASSERT_TRUE(missing);
    EXPECT_TRUE(missing->listeners.empty());
    EXPECT_TRUE(Listeners::is_wanted(listeners.all()[0], binds));
    EXPECT_FALSE(Listeners::is_wanted(listeners.all()[0], {{"127.0.0.2", 80}}));
    EXPECT_EQ(listeners.all()[0].name, "web");
    EXPECT_EQ(listeners.text(), text);
}

TEST(Listeners, KeepAPassedSocketThatIsNotConfigured) {
    Listeners listeners;
    ASSERT_TRUE(listeners.adopt(loopback::listener_on("127.0.0.1"), "web"));
    EXPECT_TRUE(change(listeners, {{"127.0.0.2", 0}}).empty());
    ASSERT_EQ(listeners.all().size(), 2U);
    EXPECT_TRUE(listeners.all()[0].passed);
    EXPECT_TRUE(change(listeners, {}).size() == 1);
    EXPECT_EQ(listeners.all().size(), 1U);
}

TEST(Listeners, RefuseAPassedSocketThatDoesNotListen) {
    Listeners listeners;
    loopback::Pair pair = loopback::tcp_pair();
    EXPECT_FALSE(listeners.adopt(std::move(pair.near), "connection"));
    EXPECT_FALSE(listeners.adopt(sys::UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
                                 "datagrams"));
    EXPECT_TRUE(listeners.all().empty());
    EXPECT_EQ(loopback::read_reply(pair.far.get()).end, "end") << "closed";
}

}  // namespace
}  // namespace portsplit::daemon
