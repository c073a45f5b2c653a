#include "sys/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/loopback.h"

namespace portsplit::sys {
namespace {

using namespace std::string_literals;

struct Channel {
    UniqueFd first;
    UniqueFd second;
};

Channel make_channel() {
    auto pair = channel_pair();
    if (!pair) return {};
    return {std::move(pair->first), std::move(pair->second)};
}

bool is_same_file(int one, int other) {
    struct stat a {};
    struct stat b {};
    return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/// Sends a message with several descriptors, as a compromised sender can.
void send_with_descriptors(int channel, std::string_view text, std::span<const int> fds) {
    iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    alignas(cmsghdr) std::array<char, 256> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    ASSERT_GE(::sendmsg(channel, &header, 0), 0);
}

/// Returns the text of the next message, or the error.
std::string receive_text(int channel) {
    std::array<std::byte, 64> buffer{};
    const auto received = receive_message(channel, buffer);
    if (!received) return to_string(received.error());
    return {reinterpret_cast<const char*>(buffer.data()), received->size};
}

TEST(ChannelPair, SetsCloseOnExec) {
    const Channel channel = make_channel();
    EXPECT_TRUE(closes_on_exec(channel.first.get()));
    EXPECT_TRUE(closes_on_exec(channel.second.get()));
}

TEST(ChannelPair, LimitsASendThatWaitsToOneSecond) {
    const Channel channel = make_channel();
    for (const int end : {channel.first.get(), channel.second.get()}) {
        timeval limit{};
        socklen_t size = sizeof limit;
        ASSERT_EQ(::getsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &limit, &size), 0);
        EXPECT_EQ(limit.tv_sec, 1);
        EXPECT_EQ(limit.tv_usec, 0);
    }
}

TEST(Channel, DeliversOneMessagePerReceiveBothWays) {
    const Channel channel = make_channel();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("one"), -1, 0));
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("two"), -1, 0));
    ASSERT_TRUE(send_message(channel.second.get(), core::as_bytes("back"), -1, 0));
    EXPECT_EQ(receive_text(channel.second.get()), "one");
    EXPECT_EQ(receive_text(channel.second.get()), "two");
    EXPECT_EQ(receive_text(channel.first.get()), "back");
}

TEST(ReceiveMessage, FailsWithEagainWhenThereIsNoMessage) {
    const Channel channel = make_channel();
    std::array<std::byte, 8> buffer{};
    const auto received = receive_message(channel.first.get(), buffer);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, EAGAIN);
    EXPECT_EQ(to_string(received.error()),
              "cannot receive a message from another process: Resource temporarily unavailable");
}

TEST(ReceiveMessage, ReturnsSizeZeroAfterTheLastMessageWhenTheOtherEndIsClosed) {
    Channel channel = make_channel();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("last"), -1, 0));
    channel.first.reset();
    EXPECT_EQ(receive_text(channel.second.get()), "last");
    EXPECT_EQ(receive_text(channel.second.get()), "");
}

TEST(ReceiveMessage, ReturnsTheDescriptorOfTheMessage) {
    const Channel channel = make_channel();
    const loopback::Pair client = loopback::tcp_pair();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("c"), client.near.get(), 0));
    std::array<std::byte, 8> buffer{};
    const auto received = receive_message(channel.second.get(), buffer);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size, 1U);
    EXPECT_FALSE(received->truncated);
    EXPECT_TRUE(is_same_file(received->fd.get(), client.near.get()));
    EXPECT_TRUE(closes_on_exec(received->fd.get()));
    EXPECT_EQ(received->sender, -1) << "without stamp_senders";
}

TEST(ReceiveMessage, ReturnsNoDescriptorWhenNoneWasSent) {
    const Channel channel = make_channel();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("c"), -1, 0));
    std::array<std::byte, 8> buffer{};
    const auto received = receive_message(channel.second.get(), buffer);
    ASSERT_TRUE(received);
    EXPECT_FALSE(received->fd);
}

TEST(SendMessage, KeepsTheSendersDescriptorOpen) {
    const Channel channel = make_channel();
    const loopback::Pair client = loopback::tcp_pair();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("c"), client.near.get(), 0));
    EXPECT_GE(::fcntl(client.near.get(), F_GETFD), 0);
}

// fault: F8
TEST(ReceiveMessage, ReportsAMessageThatIsLongerThanTheBuffer) {
    const Channel channel = make_channel();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("123456789"), -1, 0));
    std::array<std::byte, 8> buffer{};
    const auto received = receive_message(channel.second.get(), buffer);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size, 8U);
    EXPECT_TRUE(received->truncated);
    EXPECT_EQ(receive_text(channel.second.get()),
              "cannot receive a message from another process: Resource temporarily unavailable");
}

// fault: F8
TEST(ReceiveMessage, KeepsOneDescriptorAndClosesTheOthers) {
    for (const std::size_t count : {2U, 4U, 12U}) {
        const Channel channel = make_channel();
        const std::vector<int> fds(count, channel.first.get());
        const std::size_t before = count_descriptors();
        send_with_descriptors(channel.first.get(), "many", fds);
        {
            std::array<std::byte, 8> buffer{};
            const auto received = receive_message(channel.second.get(), buffer);
            ASSERT_TRUE(received);
            EXPECT_TRUE(received->truncated) << count;
            EXPECT_EQ(count_descriptors(), before + 1) << count;
        }
        EXPECT_EQ(count_descriptors(), before) << count;
    }
}

// fault: F8
TEST(ReceiveMessage, ReportsADescriptorThatTheKernelDropped) {
    // At its limit of descriptors a process gets the message without them (unix(7) SCM_RIGHTS).
    EXPECT_EQ(loopback::text_of_child([] {
                  const Channel channel = make_channel();
                  const int end = channel.first.get();
                  if (!send_message(end, core::as_bytes("c"), end, 0)) return "not sent"s;
                  rlimit limit{};
                  ::getrlimit(RLIMIT_NOFILE, &limit);
                  limit.rlim_cur = 3;
                  ::setrlimit(RLIMIT_NOFILE, &limit);
                  std::array<std::byte, 8> buffer{};
                  const auto received = receive_message(channel.second.get(), buffer);
                  if (!received) return to_string(received.error());
                  return std::string(received->truncated ? "truncated" : "whole") +
                         (received->fd ? ", with a descriptor" : ", without a descriptor");
              }),
              "truncated, without a descriptor");
}

TEST(ReceiveMessage, ClosesTheDescriptorWithTheMessage) {
    const Channel channel = make_channel();
    const std::size_t before = count_descriptors();
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("c"), channel.first.get(), 0));
    std::array<std::byte, 8> buffer{};
    static_cast<void>(receive_message(channel.second.get(), buffer));
    EXPECT_EQ(count_descriptors(), before);
}

TEST(StampSenders, AddsThePidOfEachSender) {
    const Channel channel = make_channel();
    ASSERT_TRUE(stamp_senders(channel.second.get()));
    loopback::Child child(
        [&] { return send_message(channel.first.get(), core::as_bytes("mine"), 0, 0) ? 0 : 1; });
    ASSERT_TRUE(child.wait_for_end());
    ASSERT_TRUE(send_message(channel.first.get(), core::as_bytes("ours"), -1, 0));
    std::array<std::byte, 8> buffer{};
    const auto of_child = receive_message(channel.second.get(), buffer);
    const auto of_parent = receive_message(channel.second.get(), buffer);
    ASSERT_TRUE(of_child && of_parent);
    EXPECT_EQ(of_child->sender, child.pid());
    EXPECT_TRUE(of_child->fd) << "there is room for the pid and a descriptor";
    EXPECT_FALSE(of_child->truncated);
    EXPECT_EQ(of_parent->sender, ::getpid());
}

TEST(RefuseDescriptors, LetsNoMessageWithADescriptorIn) {
    const auto channel = *channel_pair();
    int value = 0;
    socklen_t size = sizeof value;
    const bool is_known =
        ::getsockopt(channel.second.get(), SOL_SOCKET, kPassRights, &value, &size) == 0;
    refuse_descriptors(channel.second.get());
    EXPECT_TRUE(send_message(channel.first.get(), core::as_bytes("one"), -1, 0));
    const auto sent = send_message(channel.first.get(), core::as_bytes("two"), STDIN_FILENO, 0);
    EXPECT_EQ(sent.ok(), !is_known) << "only a kernel before Linux 6.16 cannot refuse it";
    if (!sent) {
        EXPECT_EQ(sent.error().code, EPERM);
    }
}

TEST(StampSenders, FailsForADescriptorThatIsNotOpen) {
    const auto stamped = stamp_senders(-1);
    ASSERT_FALSE(stamped);
    EXPECT_EQ(to_string(stamped.error()),
              "cannot ask the kernel for the senders of messages: Bad file descriptor");
}

TEST(SendMessage, FailsWithEagainWhenThereIsNoRoom) {
    const Channel channel = make_channel();
    std::size_t sent = 0;
    auto outcome = send_message(channel.first.get(), core::as_bytes("x"), -1, MSG_DONTWAIT);
    for (; outcome && sent < 1'000'000; ++sent) {
        outcome = send_message(channel.first.get(), core::as_bytes("x"), -1, MSG_DONTWAIT);
    }
    ASSERT_FALSE(outcome) << sent;
    EXPECT_EQ(outcome.error().code, EAGAIN);
    EXPECT_EQ(to_string(outcome.error()),
              "cannot send a message to another process: Resource temporarily unavailable");
    EXPECT_EQ(receive_text(channel.second.get()), "x");
}

TEST(SendMessage, FailsWithEpipeWhenTheOtherEndIsClosed) {
    Channel channel = make_channel();
    channel.second.reset();
    const auto outcome = send_message(channel.first.get(), core::as_bytes("x"), -1, 0);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, EPIPE);
    EXPECT_EQ(to_string(outcome.error()), "cannot send a message to another process: Broken pipe");
}

TEST(SendMessage, FailsWithADescriptorThatIsNotOpen) {
    const Channel channel = make_channel();
    const auto outcome = send_message(channel.first.get(), core::as_bytes("x"), 9999, 0);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, EBADF);
}

}  // namespace
}  // namespace portsplit::sys
