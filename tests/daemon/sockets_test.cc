#include "daemon/sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "support/folder.h"
#include "support/loopback.h"
#include "sys/socket.h"
#include "sys/socket_file.h"

namespace portsplit::daemon {
namespace {

/// Returns a configuration that listens on these addresses.
core::Config at(const core::List<core::Endpoint>& binds) {
    core::Config config;
    config.top.bind = binds;
    return config;
}

/// Changes to these binds, opening what is missing.
std::vector<ListeningSocket> change(ListeningSockets& sockets, const core::Config& config) {
    auto missing = sockets.open_missing(config);
    EXPECT_TRUE(missing) << sys::to_string(missing.error());
    if (!missing) return {};
    return sockets.change_to(config, std::move(missing->sockets));
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

TEST(ListeningSockets, OpenTheBindsOfTheConfiguration) {
    ListeningSockets sockets;
    EXPECT_TRUE(change(sockets, at({{"127.0.0.1", 0}, {"127.0.0.2", 0}})).empty());
    ASSERT_EQ(sockets.all().size(), 2U);
    for (const ListeningSocket& socket : sockets.all()) {
        EXPECT_TRUE(is_reachable(socket.bound)) << socket.bound.text();
    }
    EXPECT_EQ(sockets.all()[0].bound.host(), "127.0.0.1");
    EXPECT_EQ(sockets.all()[1].bound.host(), "127.0.0.2");
    EXPECT_EQ(sockets.text(), sockets.all()[0].bound.text() + " " + sockets.all()[1].bound.text());
}

TEST(ListeningSockets, ChangeNothingWhenMissingOnesAreOpened) {
    ListeningSockets sockets;
    const auto missing = sockets.open_missing(at({{"127.0.0.1", 0}}));
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->sockets.size(), 1U);
    EXPECT_TRUE(sockets.all().empty());
    EXPECT_EQ(sockets.text(), "");
}

TEST(ListeningSockets, KeepTheSocketOfABindThatStays) {
    ListeningSockets sockets;
    const core::Config both = at({{"127.0.0.1", 0}, {"127.0.0.2", 0}});
    change(sockets, both);
    const int first = sockets.all()[0].fd.get();
    const std::string text = sockets.all()[0].bound.text();
    const auto gone = change(sockets, at({{"127.0.0.3", 0}, {"127.0.0.1", 0}}));
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].bound.host(), "127.0.0.2");
    EXPECT_TRUE(is_reachable(gone[0].bound)) << "still open, with the clients in its accept queue";
    ASSERT_EQ(sockets.all().size(), 2U);
    EXPECT_EQ(sockets.all()[0].bound.host(), "127.0.0.3");
    EXPECT_EQ(sockets.all()[1].fd.get(), first);
    EXPECT_EQ(sockets.all()[1].bound.text(), text);
}

TEST(ListeningSockets, CloseTheSocketOfABindThatGoes) {
    ListeningSockets sockets;
    change(sockets, at({{"127.0.0.1", 0}}));
    const sys::Address bound = sockets.all()[0].bound;
    ASSERT_TRUE(is_reachable(bound));
    change(sockets, at({{"127.0.0.2", 0}})).clear();
    EXPECT_FALSE(is_reachable(bound));
    const sys::Address other = sockets.all()[0].bound;
    sockets.close();
    EXPECT_FALSE(is_reachable(other));
}

/// A `bind` of a Unix-domain socket in a folder of the test.
class LostFiles : public testing::Test {
  protected:
    const Folder folder_;
    const std::string path_ = folder_ / "socket";
    const core::Config config_ = at({{core::Text("unix:" + path_), 0}, {"127.0.0.1", 0}});
    ListeningSockets sockets_;

    sys::Result<ListeningSockets::Opened> open_lost() const {
        return sockets_.open_missing(config_, ListeningSockets::LostFile::OpenAnew);
    }
};

TEST_F(LostFiles, AreMadeAnewAndTheOldSocketIsReturned) {
    change(sockets_, config_);
    const sys::Address bound = sockets_.all()[0].bound;
    const int old = sockets_.all()[0].fd.get();
    EXPECT_TRUE(open_lost()->sockets.empty()) << "it is there";
    const auto waiting = sys::start_connect(bound);
    ASSERT_TRUE(waiting);
    ASSERT_EQ(::unlink(path_.c_str()), 0);
    EXPECT_TRUE(sockets_.open_missing(config_)->sockets.empty()) << "a zygote is replaced";
    auto missing = open_lost();
    ASSERT_TRUE(missing) << sys::to_string(missing.error());
    ASSERT_EQ(missing->sockets.size(), 1U);
    EXPECT_EQ(sockets_.text_for(config_, missing->sockets).find("unix:"),
              sockets_.text_for(config_, missing->sockets).rfind("unix:"))
        << "named once";
    const auto closing = sockets_.change_to(config_, std::move(missing->sockets));
    ASSERT_EQ(closing.size(), 1U);
    EXPECT_EQ(closing[0].fd.get(), old);
    EXPECT_GE(loopback::events_of(old, POLLIN) & POLLIN, 1) << "with the client in its queue";
    ASSERT_EQ(sockets_.all().size(), 2U);
    EXPECT_TRUE(is_reachable(bound));
    EXPECT_TRUE(open_lost()->sockets.empty());
}

TEST_F(LostFiles, AreAnErrorWhereAnotherProgramListens) {
    change(sockets_, config_);
    ASSERT_EQ(::unlink(path_.c_str()), 0);
    const auto other = sys::SocketFile::listen_on(path_, {});
    ASSERT_TRUE(other);
    const auto missing = open_lost();
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on unix:" + path_ +
                  ": Address already in use; see which program has it: ss -xlp src " + path_);
    EXPECT_TRUE(sockets_.open_missing(config_)) << "a zygote is replaced";
}

TEST(ListeningSockets, ReturnTheAddressThatCannotBeBoundAndChangeNothing) {
    ListeningSockets sockets;
    change(sockets, at({{"127.0.0.1", 0}}));
    const sys::UniqueFd other = loopback::listener_on("127.0.0.1");
    const std::uint16_t taken = sys::local_address(other.get())->port();
    const auto missing = sockets.open_missing(at({{"127.0.0.2", 0}, {"127.0.0.1", taken}}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 127.0.0.1:" + std::to_string(taken) +
                  ": Address already in use; see which program has it: ss -ltnp 'sport = :" +
                  std::to_string(taken) + "'");
    EXPECT_EQ(sockets.all().size(), 1U);
    EXPECT_TRUE(is_reachable(sockets.all()[0].bound));
}

TEST(AdviceOnListening, NamesWhatHelps) {
    EXPECT_EQ(advice_on_listening(EADDRINUSE, 443),
              "see which program has it: ss -ltnp 'sport = :443'");
    EXPECT_EQ(advice_on_listening(EACCES, 443),
              "ports below 1024 need root or CAP_NET_BIND_SERVICE (see portsplit-relay.service)");
    EXPECT_EQ(advice_on_listening(EACCES, 1024), "");
    EXPECT_EQ(advice_on_listening(EADDRNOTAVAIL, 443),
              "no interface has this address; see those that there are: ip address. With "
              "freebind = yes it may come later");
    EXPECT_EQ(advice_on_listening(EMFILE, 443), "");
}

TEST(ListeningSockets, RefuseAHostName) {
    const ListeningSockets sockets;
    const auto missing = sockets.open_missing(at({{"localhost", 80}}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on localhost:80: Cannot assign requested address");
}

TEST(ListeningSockets, OpenAStarForBothFamiliesWithOnePort) {
    ASSERT_TRUE(has_ipv6()) << "no IPv6 on this machine";
    ListeningSockets sockets;
    change(sockets, at({{"*", 0}}));
    ASSERT_EQ(sockets.all().size(), 2U);
    EXPECT_EQ(sockets.all()[0].bound.host(), "0.0.0.0");
    EXPECT_EQ(sockets.all()[1].bound.host(), "::");
    EXPECT_EQ(sockets.all()[0].bound.port(), sockets.all()[1].bound.port());
    const std::uint16_t port = sockets.all()[0].bound.port();
    for (const char* host : {"127.0.0.1", "::1"}) {
        EXPECT_TRUE(is_reachable(*sys::Address::from(core::Endpoint{host, port}))) << host;
    }
}

TEST(ListeningSockets, KeepTheHalfOfAStarThatStaysConfigured) {
    ASSERT_TRUE(has_ipv6()) << "no IPv6 on this machine";
    ListeningSockets sockets;
    const core::Endpoint any = closed_endpoint();
    change(sockets, at({{"*", any.port}}));
    ASSERT_EQ(sockets.all().size(), 2U);
    const int v4 = sockets.all()[0].fd.get();
    const auto gone = change(sockets, at({{"0.0.0.0", any.port}}));
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].bound.host(), "::");
    EXPECT_EQ(sockets.all()[0].fd.get(), v4);
}

TEST(ListeningSockets, OpenASocketForEachOfTwoEqualBindsWithPortZero) {
    ListeningSockets sockets;
    const core::Config twice = at({{"127.0.0.1", 0}, {"127.0.0.1", 0}});
    change(sockets, twice);
    ASSERT_EQ(sockets.all().size(), 2U);
    EXPECT_NE(sockets.all()[0].bound.port(), sockets.all()[1].bound.port());
    const std::string before = sockets.text();
    EXPECT_TRUE(change(sockets, twice).empty());
    EXPECT_EQ(sockets.text(), before);
}

TEST(ListeningSockets, AdoptAPassedSocketForTheBindOfItsAddress) {
    ListeningSockets sockets;
    EXPECT_FALSE(sockets.has_passed());
    sys::UniqueFd passed = loopback::listener_on("127.0.0.1");
    sys::set_blocking(passed.get(), true);
    const int number = passed.get();
    const std::string text = sys::local_address(number)->text();
    const core::Config binds = at({{"127.0.0.1", sys::local_address(number)->port()}});
    ASSERT_TRUE(sockets.adopt(std::move(passed), "web"));
    EXPECT_TRUE(sockets.has_passed());
    EXPECT_NE(::fcntl(number, F_GETFL) & O_NONBLOCK, 0) << "accept(2) must not block";
    const auto missing = sockets.open_missing(binds);
    ASSERT_TRUE(missing);
    EXPECT_TRUE(missing->sockets.empty());
    EXPECT_EQ(sockets.all()[0].name, "web");
    EXPECT_EQ(sockets.text(), text);
}

/// Returns a socket for both families.
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
std::uint16_t adopt(ListeningSockets& sockets, sys::UniqueFd fd, const std::string& name) {
    EXPECT_TRUE(sockets.adopt(std::move(fd), name));
    return sockets.all().back().bound.port();
}

TEST(ListeningSockets, DescribeThePassedSocketOfABind) {
    ListeningSockets sockets;
    const std::uint16_t port = adopt(sockets, loopback::listener_on("127.0.0.1"), "web");
    const std::string text = "127.0.0.1:" + std::to_string(port);
    const core::Config own = at({{"127.0.0.2", port}, {"127.0.0.1", port}});
    EXPECT_EQ(
        ListeningSockets::describe_passed(sockets.all()[0], own),
        "using the socket web (" + text + ") from the service manager for the bind of its address");
    EXPECT_EQ(ListeningSockets::describe_passed(sockets.all()[0], at({})),
              "also listening on " + text + ", passed by the service manager as web");
}

TEST(ListeningSockets, DescribeAPassedSocketWithoutANameByItsAddress) {
    ListeningSockets sockets;
    const std::uint16_t port = adopt(sockets, loopback::listener_on("127.0.0.1"), "");
    const std::string text = "127.0.0.1:" + std::to_string(port);
    EXPECT_EQ(ListeningSockets::describe_passed(sockets.all()[0], at({{"127.0.0.1", port}})),
              "using the socket " + text + " from the service manager for the bind of its address");
    EXPECT_EQ(ListeningSockets::describe_passed(sockets.all()[0], at({})),
              "also listening on " + text + ", passed by the service manager");
}

TEST(ListeningSockets, NameTheBindsThatAPassedSocketForBothFamiliesStandsFor) {
    ListeningSockets sockets;
    const std::uint16_t port = adopt(sockets, listener_for_both(), "web");
    const std::string colon_port = ":" + std::to_string(port);
    const ListeningSocket& both = sockets.all()[0];
    const std::string begin = "[::]" + colon_port +
                              ", passed by the service manager as web, takes both families and "
                              "stands for ";
    EXPECT_EQ(ListeningSockets::describe_passed(both, at({{"0.0.0.0", port}})),
              begin + "bind = 0.0.0.0" + colon_port);
    EXPECT_EQ(ListeningSockets::describe_passed(both, at({{"*", port}})),
              begin + "bind = *" + colon_port);
    EXPECT_EQ(ListeningSockets::describe_passed(
                  both, at({{"127.0.0.1", 0}, {"0.0.0.0", port}, {"::", port}})),
              begin + "bind = 0.0.0.0" + colon_port + " and bind = [::]" + colon_port);
    EXPECT_EQ(ListeningSockets::describe_passed(both, at({{"::", port}})),
              "using the socket web ([::]" + colon_port +
                  ") from the service manager for the bind of its address");
}

TEST(ListeningSockets, NameThePassedSocketThatHasThePortOfABind) {
    ListeningSockets both;
    const std::uint16_t port = adopt(both, listener_for_both(), "");
    const std::string colon_port = ":" + std::to_string(port);
    auto missing = both.open_missing(at({{"127.0.0.1", port}}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 127.0.0.1" + colon_port + ": Address already in use; [::]" +
                  colon_port +
                  ", passed by the service manager, has this port; delete the bind, or change the "
                  "socket unit");

    ListeningSockets v4;
    const std::uint16_t other = adopt(v4, loopback::listener_on("127.0.0.1"), "web");
    const std::string colon_other = ":" + std::to_string(other);
    missing = v4.open_missing(at({{"0.0.0.0", other}}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(sys::to_string(missing.error()),
              "cannot listen on 0.0.0.0" + colon_other + ": Address already in use; 127.0.0.1" +
                  colon_other +
                  ", passed by the service manager as web, has this port; delete the bind, or "
                  "change the socket unit");
}

TEST(ListeningSockets, KeepAPassedSocketThatIsNotConfigured) {
    ListeningSockets sockets;
    ASSERT_TRUE(sockets.adopt(loopback::listener_on("127.0.0.1"), "web"));
    EXPECT_TRUE(change(sockets, at({{"127.0.0.2", 0}})).empty());
    ASSERT_EQ(sockets.all().size(), 2U);
    EXPECT_TRUE(sockets.all()[0].passed);
    EXPECT_TRUE(change(sockets, at({})).size() == 1);
    EXPECT_EQ(sockets.all().size(), 1U);
}

TEST(ListeningSockets, RefuseAPassedSocketThatDoesNotListen) {
    const std::string end =
        ", which is not a listening stream socket and is closed; its unit needs ListenStream= and "
        "Accept=no";
    ListeningSockets sockets;
    loopback::Pair pair = loopback::tcp_pair();
    const std::string address = sys::local_address(pair.near.get())->text();
    auto adopted = sockets.adopt(std::move(pair.near), "connection");
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error(), "the service manager passed connection (" + address + ")" + end);
    EXPECT_EQ(loopback::read_reply(pair.far.get()).end, "end") << "closed";

    adopted = sockets.adopt(sys::UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), "");
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error(), "the service manager passed 0.0.0.0:0" + end);

    sys::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::string number = std::to_string(file.get());
    adopted = sockets.adopt(std::move(file), "");
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error(), "the service manager passed descriptor " + number + end);
    EXPECT_TRUE(sockets.all().empty());
}

/// Returns a configuration with `main` on one address and a listener `b` on another, or on none.
core::Config with_listener_b(const core::Endpoint& main, const core::List<core::Endpoint>& binds) {
    core::Config config = at({main});
    core::Listener& listener = config.listeners.emplace_back();
    listener.name = "b";
    listener.bind = binds;
    return config;
}

TEST(ListeningSockets, KnowTheListenerOfEachAddress) {
    ListeningSockets sockets;
    change(sockets, with_listener_b({"127.0.0.1", 0}, {{"127.0.0.2", 0}, {"*", 0}}));
    std::vector<std::size_t> listeners;
    for (const ListeningSocket& socket : sockets.all()) listeners.push_back(socket.listener);
    EXPECT_EQ(listeners, (has_ipv6() ? std::vector<std::size_t>{0, 1, 1, 1}
                                     : std::vector<std::size_t>{0, 1, 1}));
    // The address stays, and is another listener's now.
    const std::string before = sockets.all()[0].bound.text();
    change(sockets, with_listener_b({"127.0.0.2", 0}, {{"127.0.0.1", 0}}));
    ASSERT_EQ(sockets.all().size(), 2U);
    EXPECT_EQ(sockets.all()[0].listener, 0U);
    EXPECT_EQ(sockets.all()[1].bound.text(), before);
    EXPECT_EQ(sockets.all()[1].listener, 1U);
}

TEST(ListeningSockets, GiveAPassedSocketToTheListenerOfItsNameElseOfItsAddressElseToMain) {
    const auto passed = [](ListeningSockets& sockets, const char* name) {
        sys::UniqueFd fd = loopback::listener_on("127.0.0.1");
        const std::uint16_t port = sys::local_address(fd.get())->port();
        EXPECT_TRUE(sockets.adopt(std::move(fd), name));
        return core::Endpoint{"127.0.0.1", port};
    };
    ListeningSockets sockets;
    const core::Endpoint of_main = passed(sockets, "b");
    const core::Endpoint of_b = passed(sockets, "other");
    passed(sockets, "");
    const core::Config config = with_listener_b(of_main, {of_b});
    change(sockets, config);
    ASSERT_EQ(sockets.all().size(), 3U);
    EXPECT_EQ(sockets.all()[0].listener, 1U) << "its name counts, not its address";
    EXPECT_EQ(sockets.all()[1].listener, 1U);
    EXPECT_EQ(sockets.all()[2].listener, 0U);
    EXPECT_EQ(ListeningSockets::describe_passed(sockets.all()[0], config),
              "using the socket b (" + core::to_string(of_main) +
                  ") from the service manager for the listener of its name");
    EXPECT_EQ(sockets.find_unbound(with_listener_b(of_main, {})), "");
    core::Config unbound = with_listener_b(of_main, {});
    unbound.listeners[0].name = "c";
    EXPECT_EQ(sockets.find_unbound(unbound), "c");
}

}  // namespace
}  // namespace portsplit::daemon
