#include "sys/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <fstream>

#include "support/descriptors.h"
#include "support/loopback.h"

namespace portsplit::sys {
namespace {

using loopback::closed_port;
using loopback::port_of;
using loopback::Reply;

Address address_of(const std::string& host, std::uint16_t port) {
    return *Address::from(core::Endpoint{core::Text(host), port});
}

int option_of(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(fd, level, name, &value, &length);
    return value;
}

/// Returns the errno of a connection, 0 if it is made.
int outcome_of(const Address& address) {
    const auto started = start_connect(address);
    if (!started) return started.error().code;
    loopback::events_of(started->get(), POLLOUT);
    return connect_outcome(started->get(), address);
}

TEST(ListenOn, SetsNonBlockingAndCloseOnExec) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    ASSERT_TRUE(listener);
    EXPECT_TRUE(is_listening(listener.get()));
    EXPECT_NE(::fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(closes_on_exec(listener.get()));
    EXPECT_EQ(option_of(listener.get(), SOL_SOCKET, SO_REUSEPORT), 0);
}

TEST(ListenOn, BindsOnePortForBothFamilies) {
    const auto v4 = listen_on(address_of("0.0.0.0", 0));
    ASSERT_TRUE(v4);
    const auto v6 = listen_on(address_of("::", port_of(*v4)));
    ASSERT_TRUE(v6) << to_string(v6.error());
    EXPECT_EQ(option_of(v6->get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    EXPECT_EQ(port_of(*v6), port_of(*v4));
}

// fault: A1
TEST(ListenOn, NamesTheAddressThatIsTaken) {
    const UniqueFd first = loopback::listener_on("127.0.0.1");
    const auto second = listen_on(address_of("127.0.0.1", port_of(first)));
    ASSERT_FALSE(second);
    EXPECT_EQ(to_string(second.error()),
              "cannot listen on 127.0.0.1:" + std::to_string(port_of(first)) +
                  ": Address already in use");
}

TEST(ListenOn, NamesAnAddressOfAnotherMachine) {
    const auto listener = listen_on(address_of("192.0.2.1", 4711));
    ASSERT_FALSE(listener);
    EXPECT_EQ(to_string(listener.error()),
              "cannot listen on 192.0.2.1:4711: Cannot assign requested address");
}

TEST(ListenOn, SetsTheLongestBacklog) {
    int longest = 0;
    std::ifstream("/proc/sys/net/core/somaxconn") >> longest;
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    tcp_info info{};
    socklen_t length = sizeof info;
    ASSERT_EQ(::getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    // Of a listening socket this field is the backlog (net/ipv4/tcp.c, tcp_get_info).
    EXPECT_EQ(static_cast<int>(info.tcpi_sacked), longest);
}

TEST(ListenOn, AcceptsClientsThatSendNothing) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    EXPECT_EQ(option_of(listener.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

// fault: F4
TEST(ListenOn, BindsAtOnceAfterARestart) {
    UniqueFd listener = loopback::listener_on("127.0.0.1");
    const std::uint16_t port = port_of(listener);
    auto client = start_connect(address_of("127.0.0.1", port));
    ASSERT_TRUE(client);
    UniqueFd served = loopback::accepted_from(listener);
    ASSERT_TRUE(served);
    listener.reset();
    served.reset();  // the first to close keeps the address for a while (TIME_WAIT)
    EXPECT_EQ(loopback::read_reply(client->get()), (Reply{"", "end"}));
    client->reset();
    const auto again = listen_on(address_of("127.0.0.1", port));
    EXPECT_TRUE(again) << to_string(again.error());
}

TEST(StartConnect, ReachesAListener) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    const Address address = address_of("127.0.0.1", port_of(listener));
    const auto client = start_connect(address);
    ASSERT_TRUE(client);
    loopback::events_of(client->get(), POLLOUT);
    EXPECT_EQ(connect_outcome(client->get(), address), 0);
    EXPECT_EQ(connect_outcome(client->get(), address), 0) << "asked again";
    EXPECT_TRUE(loopback::accepted_from(listener));
    EXPECT_NE(::fcntl(client->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(closes_on_exec(client->get()));
}

TEST(StartConnect, ReportsARefusal) {
    EXPECT_EQ(outcome_of(address_of("127.0.0.1", closed_port())), ECONNREFUSED);
}

TEST(StartConnect, NamesAnAddressThatCannotBeTried) {
    // The broadcast address is not for TCP (connect(2)).
    const auto started = start_connect(address_of("255.255.255.255", 80));
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().what, "cannot connect to 255.255.255.255:80");
}

TEST(StartConnect, ReportsEalreadyUntilThePeerAnswers) {
    const loopback::FullListener silent;
    const auto client = start_connect(silent.address());
    ASSERT_TRUE(client);
    EXPECT_EQ(connect_outcome(client->get(), silent.address()), EALREADY);
}

TEST(SetBlocking, ChangesThatFlagOnly) {
    const loopback::Pair pair = loopback::tcp_pair();
    const int fd = pair.near.get();
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_APPEND);
    const int before = ::fcntl(fd, F_GETFL);
    set_blocking(fd, false);
    EXPECT_EQ(::fcntl(fd, F_GETFL), before | O_NONBLOCK);
    set_blocking(fd, false);
    EXPECT_EQ(::fcntl(fd, F_GETFL), before | O_NONBLOCK);
    set_blocking(fd, true);
    EXPECT_EQ(::fcntl(fd, F_GETFL), before);
}

TEST(SetReceiveLowWater, DelaysPollUntilEnoughBytesWait) {
    const loopback::Pair pair = loopback::tcp_pair();
    set_receive_low_water(pair.near.get(), 4);
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "abc"));
    EXPECT_EQ(loopback::events_of(pair.near.get(), POLLIN, loopback::kMoment), 0);
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "d"));
    EXPECT_EQ(loopback::events_of(pair.near.get(), POLLIN), POLLIN);
}

// fault: E10
TEST(SetKeepalive, ResetsASilentConnectionAfterFourMinutes) {
    const loopback::Pair pair = loopback::tcp_pair();
    const int fd = pair.near.get();
    set_keepalive(fd, std::chrono::seconds(120));
    EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    const int idle = option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    const int probes = option_of(fd, IPPROTO_TCP, TCP_KEEPCNT);
    const int interval = option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    EXPECT_EQ(idle, 120);
    EXPECT_EQ(probes, 4);
    EXPECT_EQ(idle + probes * interval, 240);
}

TEST(SetNoDelay, SetsTcpNodelay) {
    const loopback::Pair pair = loopback::tcp_pair();
    set_no_delay(pair.near.get());
    EXPECT_EQ(option_of(pair.near.get(), IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(ResetOnClose, SendsAResetToThePeer) {
    loopback::Pair pair = loopback::tcp_pair();
    reset_on_close(pair.near.get());
    pair.near.reset();
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (Reply{"", "reset"}));
}

TEST(IsSameStream, ReturnsTrueForTwoDescriptorsOfOneStream) {
    const loopback::Pair pair = loopback::tcp_pair();
    const UniqueFd copy(::fcntl(pair.near.get(), F_DUPFD_CLOEXEC, 3));
    EXPECT_TRUE(is_same_stream(pair.near.get(), copy.get()));
    EXPECT_FALSE(is_same_stream(pair.near.get(), pair.far.get()));
    EXPECT_FALSE(is_same_stream(pair.near.get(), -1));
    EXPECT_FALSE(is_same_stream(-1, -1));
}

TEST(IsSameStream, ReturnsTrueForTwoDescriptorsOfOnePipe) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd pipe[] = {UniqueFd(ends[0]), UniqueFd(ends[1])};
    const UniqueFd copy(::fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
    EXPECT_TRUE(is_same_stream(ends[1], copy.get()));
    int others[2] = {-1, -1};
    ASSERT_EQ(::pipe2(others, O_CLOEXEC), 0);
    const UniqueFd other[] = {UniqueFd(others[0]), UniqueFd(others[1])};
    EXPECT_FALSE(is_same_stream(ends[1], others[1]));
}

TEST(IsSameStream, ReturnsFalseForAFile) {
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(is_same_stream(file.get(), file.get()));
}

TEST(TakesBothFamilies, ReturnsTrueWithoutV6Only) {
    const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_TRUE(fd) << "no IPv6 on this machine";
    for (const int only : {0, 1}) {
        ASSERT_EQ(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
        EXPECT_EQ(takes_both_families(fd.get()), only == 0);
    }
}

TEST(IsListening, ReturnsTrueForAListenerOnly) {
    const loopback::Pair pair = loopback::tcp_pair();
    const UniqueFd unbound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(is_listening(loopback::listener_on("127.0.0.1").get()));
    EXPECT_FALSE(is_listening(pair.near.get()));
    EXPECT_FALSE(is_listening(unbound.get()));
    EXPECT_FALSE(is_listening(datagrams.get()));
    EXPECT_FALSE(is_listening(STDIN_FILENO));
    EXPECT_FALSE(is_listening(-1));
}

}  // namespace
}  // namespace portsplit::sys
