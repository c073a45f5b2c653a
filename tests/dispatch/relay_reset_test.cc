// Resets: which peer gets one, and which bytes arrive before it.

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <string>

#include "dispatch/relay.h"
#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::Clock;
using namespace std::chrono_literals;

/// Waits until the peer's kernel has acknowledged every byte (tcp(7) SIOCOUTQ); a reset would drop the
/// others.
bool all_sent(int fd) {
    const auto end = Clock::now() + loopback::kPatience;
    int unsent = 1;
    while (::ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0 && Clock::now() < end) {
        ::poll(nullptr, 0, 1);
    }
    return unsent == 0;
}

// fault: E6
TEST_F(Relay, ResetsTheServerWhenTheClientResets) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "half"));
    EXPECT_EQ(read_reply(sockets.server.get(), 4), (Reply{"half", "enough"}));
    loopback::reset(sockets.client());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "reset"}));
    EXPECT_EQ(sockets.relaying.totals(), "4 0");
}

// fault: E6
TEST_F(Relay, ResetsTheClientWhenTheServerResets) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.server.get(), "half"));
    EXPECT_EQ(read_reply(sockets.client().get(), 4), (Reply{"half", "enough"}));
    loopback::reset(sockets.server);
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "reset"}));
    EXPECT_EQ(sockets.relaying.totals(), "0 4");
}

TEST_F(Relay, DeliversTheBytesThatTheServerSentBeforeItsReset) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "an unread request"));
    ASSERT_TRUE(send_all(sockets.server.get(), "answer"));
    loopback::reset(sockets.server);
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"answer", "reset"}));
}

TEST_F(Relay, DeliversTheBytesThatTheClientSentBeforeItsReset) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "last words"));
    loopback::reset(sockets.client());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"last words", "reset"}));
}

TEST_F(Relay, ResetsTheServerAtOnceWhenTheClientResets) {
    Sockets sockets({.before_reset = 2 * loopback::kPatience});
    loopback::reset(sockets.client());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "reset"}));
}

TEST_F(Relay, ResetsTheClientAtOnceWhenTheServerResets) {
    Sockets sockets({.before_reset = 2 * loopback::kPatience});
    loopback::reset(sockets.server);
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "reset"}));
}

// fault: E6
TEST_F(Relay, ResetsTheClientWhenTheServerResetsAfterTheClientsEof) {
    Sockets sockets;
    loopback::finish(sockets.client().get());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "end"}));
    loopback::reset(sockets.server);
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "reset"}));
}

TEST_F(Relay, ResetsTheClientWhenTheServerResetsWithUnreadBytes) {
    Sockets sockets;
    ASSERT_GT(fill_buffers(sockets.client().get()), 0U);
    loopback::reset(sockets.server);
    // The relay is blocked in writing, so the reset is reported by POLLERR or the next write.
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "reset"}));
    EXPECT_TRUE(sockets.relaying.ends_within());
}

TEST_F(Relay, SendsAllBytesBeforeItResetsTheClient) {
    Sockets sockets({.before_reset = loopback::kPatience});
    const std::string answer(400'000, 'a');
    ASSERT_TRUE(send_all(sockets.server.get(), answer));
    ASSERT_TRUE(all_sent(sockets.server.get()));
    loopback::reset(sockets.server);
    // The client's receive window is smaller, so the kernel cannot send all of it yet.
    EXPECT_FALSE(sockets.relaying.ends_within(100ms));
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{answer, "reset"}));
}

TEST_F(Relay, ResetsTheClientAfterTheLimitWhenItDoesNotRead) {
    // Of the second answer, a part stays in the store: the buffers of the client's socket are full.
    for (const bool beyond_the_buffers : {false, true}) {
        SCOPED_TRACE(beyond_the_buffers);
        Sockets sockets({.before_reset = 50ms});
        if (beyond_the_buffers) {
            ASSERT_GT(fill_buffers(sockets.server.get()), 500'000U);
        } else {
            ASSERT_TRUE(send_all(sockets.server.get(), std::string(400'000, 'a')));
            ASSERT_TRUE(all_sent(sockets.server.get()));
        }
        loopback::reset(sockets.server);
        EXPECT_TRUE(sockets.relaying.ends_within());
        EXPECT_EQ(read_reply(sockets.client().get()).end, "reset");
    }
}

}  // namespace
}  // namespace portsplit::dispatch
