#include "daemon/listeners.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
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

/// Returns a listener for both families.
sys::UniqueFd listener_for_both() {
    sys::UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int no = 0;
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    const sys::Address any = *sys::Address::from({"::", 0});
    EXPECT_EQ(::bind(fd.get(), any.data(), any.size()), 0);
    EXPECT_EQ(::listen(fd.get(), 1), 0);
    return fd;
}

/// Adopts a socket and returns its port.
std::uint16_t adopt(Listeners& listeners, sys::UniqueFd fd, const std::string& name) {
    EXPECT_TRUE(listeners.adopt(std::move(fd), name));
    return listeners.all().back().bound.port();
}

TEST(Listeners, DescribeThePassedSocketOfABind) {
    Listeners listeners;
    const std::uint16_t port = adopt(listeners, loopback::listener_on("127.0.0.1"), "web");
    const std::string text = "127.0.0.1:" + std::to_string(port);
    const Binds own{{"127.0.0.2", port}, {"127.0.0.1", port}};
    EXPECT_EQ(
        Listeners::describe_passed(listeners.all()[0], own),
        "using the socket web (" + text + ") from the service manager for the bind of its address");
    EXPECT_EQ(Listeners::describe_passed(listeners.all()[0], {}),
              "also listening on " + text + ", passed by the service manager as web");
}

TEST(Listeners, DescribeAPassedSocketWithoutANameByItsAddress) {
    Listeners listeners;
    const std::uint16_t port = adopt(listeners, loopback::listener_on("127.0.0.1"), "");
    const std::string text = "127.0.0.1:" + std::to_string(port);
    EXPECT_EQ(Listeners::describe_passed(listeners.all()[0], {{"127.0.0.1", port}}),
              "using the socket " + text + " from the service manager for the bind of its address");
    EXPECT_EQ(Listeners::describe_passed(listeners.all()[0], {}),
              "also listening on " + text + ", passed by the service manager");
}

TEST(Listeners, NameTheBindsThatAPassedSocketForBothFamiliesStandsFor) {
    Listeners listeners;
    const std::uint16_t port = adopt(listeners, listener_for_both(), "web");
    const std::string colon_port = ":" + std::to_string(port);
    const Listener& both = listeners.all()[0];
    const std::string begin = "[::]" + colon_port +
                              ", passed by the service manager as web, takes both families and "
                              "stands for ";
    EXPECT_EQ(Listeners::describe_passed(both, {{"0.0.0.0", port}}),
              begin + "bind = 0.0.0.0" + colon_port);
    EXPECT_EQ(Listeners::describe_passed(both, {{"*", port}}), begin + "bind = *" + colon_port);
    EXPECT_EQ(Listeners::describe_passed(both, {{"127.0.0.1", 0}, {"0.0.0.0", port}, {"::", port}}),
              begin + "bind = 0.0.0.0" + colon_port + " and bind = [::]" + colon_port);
    EXPECT_EQ(Listeners::describe_passed(both, {{"::", port}}),
              "using the socket web ([::]" + colon_port +
                  ") from the service manager for the bind of its address");
}

TEST(Listeners, NameThePassedSocketThatHasThePortOfABind) {
    Listeners both;
    const std::uint16_t port = adopt(both, listener_for_both(), "");
    const std::string colon_port = ":" + std::to_string(port);
    auto missing = both.open_missing({{"127.0.0.1", port}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 127.0.0.1" + colon_port + ": Address already in use; [::]" +
                  colon_port +
                  ", passed by the service manager, has this port; delete the bind, or change the "
                  "socket unit");

    Listeners v4;
    const std::uint16_t other = adopt(v4, loopback::listener_on("127.0.0.1"), "web");
    const std::string colon_other = ":" + std::to_string(other);
    missing = v4.open_missing({{"0.0.0.0", other}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 0.0.0.0" + colon_other + ": Address already in use; 127.0.0.1" +
                  colon_other +
                  ", passed by the service manager as web, has this port; delete the bind, or "
                  "change the socket unit");
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
    const std::string end =
        ", which is not a listening stream socket and is closed; its unit needs ListenStream= and "
        "Accept=no";
    Listeners listeners;
    loopback::Pair pair = loopback::tcp_pair();
    const std::string address = sys::local_address(pair.near.get())->text();
    auto adopted = listeners.adopt(std::move(pair.near), "connection");
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error(), "the service manager passed connection (" + address + ")" + end);
    EXPECT_EQ(loopback::read_reply(pair.far.get()).end, "end") << "closed";

    adopted = listeners.adopt(sys::UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), "");
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error(), "the service manager passed 0.0.0.0:0" + end);

    sys::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::string number = std::to_string(file.get());
    adopted = listeners.adopt(std::move(file), "");
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error(), "the service manager passed descriptor " + number + end);
    EXPECT_TRUE(listeners.all().empty());
}

}  // namespace
}  // namespace portsplit::daemon
