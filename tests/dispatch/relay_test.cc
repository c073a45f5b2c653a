#include "dispatch/relay.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "support/moved_clock.h"
#include "support/relaying.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

TEST_F(Relay, MovesBytesBothWaysAndCountsThem) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "hello"));
    EXPECT_EQ(read_reply(sockets.server.get(), 5), (Reply{"hello", "enough"}));
    ASSERT_TRUE(send_all(sockets.server.get(), "hi"));
    EXPECT_EQ(read_reply(sockets.client().get(), 2), (Reply{"hi", "enough"}));
    loopback::finish(sockets.client().get());
    loopback::finish(sockets.server.get());
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "end"}));
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "5 2");
}

TEST_F(Relay, SendsTheClientsEofToTheServerOnly) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "question"));
    loopback::finish(sockets.client().get());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"question", "end"}));
    ASSERT_TRUE(send_all(sockets.server.get(), "answer"));
    EXPECT_EQ(read_reply(sockets.client().get(), 6), (Reply{"answer", "enough"}));
    sockets.server.reset();
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "8 6");
}

TEST_F(Relay, SendsTheServersEofToTheClientOnly) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.server.get(), "banner"));
    loopback::finish(sockets.server.get());
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"banner", "end"}));
    ASSERT_TRUE(send_all(sockets.client().get(), "reply"));
    EXPECT_EQ(read_reply(sockets.server.get(), 5), (Reply{"reply", "enough"}));
    sockets.client().reset();
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "5 6");
}

TEST_F(Relay, DeliversEveryByteBeforeTheEof) {
    const std::string large(3'000'000, 'l');
    Sockets sockets;
    std::thread sender([&] {
        send_all(sockets.client().get(), large);
        loopback::finish(sockets.client().get());
    });
    const Reply reply = read_reply(sockets.server.get());
    sender.join();
    EXPECT_EQ(reply, (Reply{large, "end"}));
}

/// Returns how often the threads of this process have called write(2) or its like (proc(5), io).
std::string writes() {
    std::ifstream file("/proc/self/io");
    std::string name;
    std::string number;
    while (file >> name >> number && name != "syscw:") {
    }
    return number;
}

TEST_F(Relay, SplicesTheBytesOfAClientThatWasSilentAtFirst) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "UndefinedBehaviorSanitizer writes to pipes of its own";
#endif
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.server.get(), "banner"));
    ASSERT_EQ(read_reply(sockets.client().get(), 6), (Reply{"banner", "enough"}));
    const std::string before = writes();
    ASSERT_NE(before, "");
    ASSERT_TRUE(send_all(sockets.client().get(), "reply"));
    ASSERT_EQ(read_reply(sockets.server.get(), 5), (Reply{"reply", "enough"}));
    EXPECT_EQ(writes(), before) << "EAGAIN before the first byte is not an urgent mark";
}

/// Returns the ids of the threads of this process: one of them is the relay.
std::vector<pid_t> threads() {
    std::vector<pid_t> all;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        all.push_back(std::stoi(task.path().filename().string()));
    }
    return all;
}

int nicest() {
    int most = -20;
    for (const pid_t thread : threads()) {
        most = std::max(most, ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread)));
    }
    return most;
}

std::chrono::nanoseconds shortest_slice() {
    std::uint64_t least = UINT64_MAX;
    for (const pid_t thread : threads()) {
        std::array<std::uint64_t, 6> attr{};  // sched_setattr(2): sched_runtime is the fourth
        if (::syscall(SYS_sched_getattr, thread, attr.data(), sizeof attr, 0) < 0) continue;
        least = std::min(least, attr[3]);
    }
    return std::chrono::nanoseconds(least);
}

/// Sends 99 bytes through a relay, whose long stream begins at 100, then more.
/// @param is_changed  asked in between
template <typename Condition>
void expect_a_change_at_100_bytes(RelayLimits limits, Condition is_changed) {
    limits.long_stream = 100;
    Sockets sockets(limits);
    for (const char* part : {"a", "b"}) {
        ASSERT_TRUE(send_all(sockets.client().get(), std::string(49, *part)));
        ASSERT_EQ(read_reply(sockets.server.get(), 49).end, "enough");
    }
    ASSERT_TRUE(send_all(sockets.server.get(), "."));
    ASSERT_EQ(read_reply(sockets.client().get(), 1).end, "enough");
    EXPECT_FALSE(is_changed()) << "after 99 bytes";
    ASSERT_TRUE(send_all(sockets.server.get(), "."));
    EXPECT_TRUE(loopback::comes_true(is_changed));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(send_all(sockets.server.get(), "."));
        ASSERT_EQ(read_reply(sockets.client().get(), 1).end, "enough");
    }
    EXPECT_TRUE(is_changed()) << "still";
}

TEST_F(Relay, TakesShortTurnsAfterManyBytes) {
    bool has_slices = false;
    std::thread([&] { has_slices = sys::set_time_slice(100us); }).join();
    if (!has_slices) GTEST_SKIP() << "the kernel takes no time slice: it is older than Linux 6.12";
    const int before = nicest();
    expect_a_change_at_100_bytes(RelayLimits(), [] { return shortest_slice() == 100us; });
    EXPECT_EQ(nicest(), before);
}

TEST_F(Relay, RaisesItsNiceValueAfterManyBytesWhereTurnsCannotBeShort) {
    RelayLimits limits = RelayLimits();
    limits.short_slice = 1us;  // less than the kernel takes
    const int before = nicest();
    expect_a_change_at_100_bytes(limits, [&] { return nicest() == before + 5; });
}

TEST_F(Relay, StopsReadingFromAClientWhenTheServerDoesNotRead) {
    Sockets sockets;
    const std::size_t sent = fill_buffers(sockets.client().get());
    // The buffers of four sockets (tcp(7) tcp_rmem, tcp_wmem) and the store.
    EXPECT_LT(sent, std::size_t{64} << 20);
    EXPECT_FALSE(sockets.relaying.ends_within(200ms));
    ASSERT_TRUE(send_all(sockets.server.get(), "meanwhile"));
    EXPECT_EQ(read_reply(sockets.client().get(), 9), (Reply{"meanwhile", "enough"}))
        << "the other direction goes on";
    loopback::finish(sockets.client().get());
    loopback::finish(sockets.server.get());
    const Reply reply = read_reply(sockets.server.get());
    EXPECT_EQ(reply.end, "end");
    EXPECT_EQ(reply.bytes.size(), sent);
    EXPECT_EQ(sockets.relaying.totals(), std::to_string(sent) + " 9");
}

// fault: E3
TEST_F(Relay, UsesNoProcessorTimeWhileAPeerDoesNotRead) {
    for (const bool client_sends : {true, false}) {
        Sockets sockets;
        fill_buffers((client_sends ? sockets.client() : sockets.server).get());
        EXPECT_LT(idle_cost(sockets.relaying), kIdle);
    }
}

TEST_F(Relay, UsesNoProcessorTimeWhileHalfClosed) {
    Sockets sockets;
    loopback::finish(sockets.client().get());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "end"}));
    EXPECT_LT(idle_cost(sockets.relaying), kIdle);
}

TEST_F(Relay, DeliversTheBytesBehindAnUrgentByte) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "before "));
    EXPECT_EQ(read_reply(sockets.server.get(), 7), (Reply{"before ", "enough"}));
    ASSERT_TRUE(send_all(sockets.client().get(), "!", MSG_OOB));
    ASSERT_TRUE(send_all(sockets.client().get(), "behind"));
    EXPECT_EQ(read_reply(sockets.server.get(), 6, 3s), (Reply{"behind", "enough"}));
}

TEST_F(Relay, UsesNoProcessorTimeAfterAnUrgentByte) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "!", MSG_OOB));
    ASSERT_TRUE(send_all(sockets.client().get(), "behind"));
    ASSERT_EQ(read_reply(sockets.server.get(), 6), (Reply{"behind", "enough"}));
    EXPECT_LT(idle_cost(sockets.relaying), kIdle);
}

TEST_F(Relay, ResetsAHalfClosedConnectionAfterTheSilenceLimit) {
    for (const bool client_ends : {true, false}) {
        const auto begin = Clock::now();
        Sockets sockets({.half_closed = 100ms});
        const UniqueFd& first = client_ends ? sockets.client() : sockets.server;
        const UniqueFd& other = client_ends ? sockets.server : sockets.client();
        loopback::finish(first.get());
        EXPECT_EQ(read_reply(other.get()), (Reply{"", "end"}));
        EXPECT_EQ(sockets.relaying.totals(), "0 0");
        EXPECT_GE(Clock::now() - begin, 100ms);
        EXPECT_EQ(read_reply(first.get()), (Reply{"", "reset"})) << "not an EOF";
    }
}

TEST_F(Relay, KeepsAHalfClosedConnectionWhileBytesMove) {
    Sockets sockets({.half_closed = 200ms});
    loopback::finish(sockets.client().get());
    for (int i = 0; i < 8; ++i) {
        ASSERT_TRUE(send_all(sockets.server.get(), "."));
        ASSERT_FALSE(sockets.relaying.ends_within(40ms)) << i;
    }
    sockets.server.reset();
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"........", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "0 8");
}

TEST_F(Relay, ResetsAHalfClosedConnectionWhosePeerDoesNotReadAfterTheLimit) {
    Sockets sockets({.half_closed = 100ms});
    fill_buffers(sockets.server.get());
    loopback::finish(sockets.client().get());
    EXPECT_EQ(read_reply(sockets.server.get()).end, "end");
    EXPECT_TRUE(sockets.relaying.ends_within()) << "no byte moves";
}

TEST_F(Relay, KeepsAHalfClosedConnectionWithoutLimitByDefault) {
    Sockets sockets({.idle = 50ms, .before_reset = 20ms});
    loopback::finish(sockets.client().get());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "end"}));
    EXPECT_FALSE(sockets.relaying.ends_within(150ms));
    ASSERT_TRUE(send_all(sockets.server.get(), "late answer"));
    sockets.server.reset();
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"late answer", "end"}));
}

// fault: E10
TEST_F(Relay, ResetsAnIdleConnectionAfterTheLimit) {
    const auto begin = Clock::now();
    Sockets sockets({.idle = 100ms});
    EXPECT_EQ(sockets.relaying.totals(), "0 0");
    EXPECT_GE(Clock::now() - begin, 100ms);
    EXPECT_EQ(read_reply(sockets.client().get()), (Reply{"", "reset"})) << "not an EOF";
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "reset"}));
}

TEST_F(Relay, KeepsAConnectionWithAnIdleLimitWhileBytesMove) {
    Sockets sockets({.idle = 200ms});
    for (int i = 0; i < 8; ++i) {
        ASSERT_TRUE(send_all(i % 2 == 0 ? sockets.server.get() : sockets.client().get(), "."));
        ASSERT_FALSE(sockets.relaying.ends_within(40ms)) << i;
    }
}

// fault: C13
TEST_F(Relay, KeepsTheIdleLimitWhenTheWallClockIsSet) {
    for (const auto by : {24h, -24h}) {
        MovedClock clock;
        const auto begin = Clock::now();
        Sockets sockets({.idle = 200ms});
        EXPECT_FALSE(sockets.relaying.ends_within(50ms));
        clock.set_wall_clock(by);
        EXPECT_TRUE(sockets.relaying.ends_within());
        EXPECT_GE(Clock::now() - begin, 200ms);
    }
}

TEST_F(Relay, KeepsAnIdleConnectionWithoutLimitByDefault) {
    Sockets sockets({.half_closed = 20ms, .before_reset = 20ms});
    EXPECT_FALSE(sockets.relaying.ends_within(150ms));
    ASSERT_TRUE(send_all(sockets.client().get(), "still here"));
    EXPECT_EQ(read_reply(sockets.server.get(), 10), (Reply{"still here", "enough"}));
}

TEST_F(Relay, RelaysForAUnixDomainClient) {
    Pair server = loopback::tcp_pair();
    Relaying relaying(loopback::unix_pair(), socket_side(std::move(server.near)));
    ASSERT_TRUE(send_all(relaying.client().get(), "question"));
    loopback::finish(relaying.client().get());
    EXPECT_EQ(read_reply(server.far.get()), (Reply{"question", "end"}));
    ASSERT_TRUE(send_all(server.far.get(), "answer"));
    server.far.reset();
    EXPECT_EQ(read_reply(relaying.client().get()), (Reply{"answer", "end"}));
    EXPECT_EQ(relaying.totals(), "8 6");
}

TEST(RelayLimitsTest, MakesTurnsShortAfter64MiB) {
    for (const RelayLimits& limits : {RelayLimits()}) {
        EXPECT_EQ(limits.long_stream, 64U << 20);
        EXPECT_EQ(limits.short_slice, 100us);
    }
}

TEST(RelayLimitsTest, HasNoLimitForAHealthyConnection) {
    const RelayLimits limits;
    EXPECT_EQ(limits.idle, kNoLimit);
    EXPECT_EQ(limits.half_closed, kNoLimit);
    EXPECT_EQ(limits.before_reset, 1s);
    EXPECT_EQ(limits.linger_silence, 1s);
    EXPECT_EQ(limits.linger_total, 5s);
}

}  // namespace
}  // namespace portsplit::dispatch
