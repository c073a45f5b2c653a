#include "dispatch/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

class Relay : public testing::Test {
  protected:
    Relay() { ::signal(SIGPIPE, SIG_IGN); }  // as in the program
};

/// A relay between two TCP connections.
struct Sockets {
    explicit Sockets(const RelayLimits& limits = kSocketRelay)
        : Sockets(loopback::tcp_pair(), limits) {}
    Sockets(Pair pair, const RelayLimits& limits)
        : server(std::move(pair.far)),
          relaying(loopback::tcp_pair(), socket_side(std::move(pair.near)), limits) {}

    UniqueFd& client() { return relaying.client(); }

    UniqueFd server;
    Relaying relaying;
};

/// A relay between a TCP connection and two pipes; the test plays the program on them.
struct Pipes {
    explicit Pipes(const RelayLimits& limits = kProgramRelay) : Pipes(make(), make(), limits) {}

    UniqueFd& client() { return relaying.client(); }

    UniqueFd its_in;
    UniqueFd its_out;
    Relaying relaying;

  private:
    struct Ends {
        UniqueFd out;
        UniqueFd in;
    };
    static Ends make() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        return {UniqueFd(ends[0]), UniqueFd(ends[1])};
    }
    static Side ours(UniqueFd from, UniqueFd to) {
        sys::set_blocking(from.get(), false);
        sys::set_blocking(to.get(), false);
        return Side::pipes(std::move(from), std::move(to));
    }
    Pipes(Ends in, Ends out, const RelayLimits& limits)
        : its_in(std::move(in.out)),
          its_out(std::move(out.in)),
          relaying(loopback::tcp_pair(), ours(std::move(out.out), std::move(in.in)), limits) {}
};

/// A relay between a TCP connection and a terminal in raw mode; the test plays the program on it.
struct Terminal {
    explicit Terminal(const RelayLimits& limits = kProgramRelay) : Terminal(make(), limits) {}

    UniqueFd& client() { return relaying.client(); }

    UniqueFd its;
    Relaying relaying;

  private:
    static std::pair<UniqueFd, UniqueFd> make() {
        termios raw{};
        ::cfmakeraw(&raw);
        int ours = -1;
        int its = -1;
        EXPECT_EQ(::openpty(&ours, &its, nullptr, &raw, nullptr), 0);
        sys::set_blocking(ours, false);
        return {UniqueFd(ours), UniqueFd(its)};
    }
    static Side side(UniqueFd from) {
        UniqueFd to(::fcntl(from.get(), F_DUPFD_CLOEXEC, 3));
        return Side::terminal(std::move(from), std::move(to));
    }
    Terminal(std::pair<UniqueFd, UniqueFd> ends, const RelayLimits& limits)
        : its(std::move(ends.second)),
          relaying(loopback::tcp_pair(), side(std::move(ends.first)), limits) {}
};

bool write_to(const UniqueFd& fd, std::string_view text) {
    return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Sends until the buffers of all sockets up to the reader are full.
/// @returns how many bytes they took
std::size_t fill_buffers(int fd) {
    const std::string junk(65536, 'j');
    std::size_t sent = 0;
    while (loopback::events_of(fd, POLLOUT, loopback::kMoment) != 0) {
        const ssize_t put = ::send(fd, junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) sent += static_cast<std::size_t>(put);
    }
    return sent;
}

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

/// Returns the processor time that this process uses while the relay goes on for 150 ms. A busy loop
/// uses most of it.
std::chrono::microseconds idle_cost(const Relaying& relaying) {
    const auto before = loopback::processor_time(RUSAGE_SELF);
    EXPECT_FALSE(relaying.ends_within(150ms));
    return loopback::processor_time(RUSAGE_SELF) - before;
}
constexpr std::chrono::microseconds kIdle = 30ms;

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

TEST_F(Relay, ResetsTheServerWhenTheClientResets) {
    Sockets sockets;
    ASSERT_TRUE(send_all(sockets.client().get(), "half"));
    EXPECT_EQ(read_reply(sockets.server.get(), 4), (Reply{"half", "enough"}));
    loopback::reset(sockets.client());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "reset"}));
    EXPECT_EQ(sockets.relaying.totals(), "4 0");
}

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

/// Returns the largest nice value of the threads of this process: one of them is the relay.
int nicest() {
    int most = -20;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        const auto thread = static_cast<id_t>(std::stoi(task.path().filename().string()));
        most = std::max(most, ::getpriority(PRIO_PROCESS, thread));
    }
    return most;
}

TEST_F(Relay, RaisesItsNiceValueAfterManyBytes) {
    RelayLimits limits = kSocketRelay;
    limits.long_stream = 100;
    Sockets sockets(limits);
    const int before = nicest();
    for (const char* part : {"a", "b"}) {
        ASSERT_TRUE(send_all(sockets.client().get(), std::string(49, *part)));
        ASSERT_EQ(read_reply(sockets.server.get(), 49).end, "enough");
    }
    ASSERT_TRUE(send_all(sockets.server.get(), "."));
    ASSERT_EQ(read_reply(sockets.client().get(), 1).end, "enough");
    EXPECT_EQ(nicest(), before) << "after 99 bytes";
    ASSERT_TRUE(send_all(sockets.server.get(), "."));
    EXPECT_TRUE(loopback::comes_true([&] { return nicest() == before + 5; }));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(send_all(sockets.server.get(), "."));
        ASSERT_EQ(read_reply(sockets.client().get(), 1).end, "enough");
    }
    EXPECT_EQ(nicest(), before + 5) << "once";
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

TEST_F(Relay, KeepsAHalfClosedConnectionWhileThePeerDoesNotRead) {
    Sockets sockets({.half_closed = 20ms});
    const std::size_t sent = fill_buffers(sockets.server.get());
    loopback::finish(sockets.client().get());
    EXPECT_EQ(read_reply(sockets.server.get()), (Reply{"", "end"}));
    EXPECT_FALSE(sockets.relaying.ends_within(150ms)) << "a slow reader is not silent";
    sockets.server.reset();
    const Reply reply = read_reply(sockets.client().get());
    EXPECT_EQ(reply.bytes.size(), sent);
    EXPECT_EQ(reply.end, "end");
}

TEST_F(Relay, KeepsAnIdleConnectionWithoutLimit) {
    Sockets sockets({.half_closed = 20ms, .hang_up = 20ms, .before_reset = 20ms});
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

TEST_F(Relay, ClosesTheProgramsInputAtTheClientsEof) {
    Pipes pipes;
    ASSERT_TRUE(send_all(pipes.client().get(), "question"));
    loopback::finish(pipes.client().get());
    EXPECT_EQ(read_reply(pipes.its_in.get()), (Reply{"question", "end"}));
    ASSERT_TRUE(write_to(pipes.its_out, "answer"));
    pipes.its_out.reset();
    EXPECT_EQ(read_reply(pipes.client().get()), (Reply{"answer", "end"}));
    EXPECT_EQ(pipes.relaying.totals(), "8 6");
}

TEST_F(Relay, DeliversTheOutputOfAProgramThatClosedItsInput) {
    Pipes pipes;
    ASSERT_TRUE(send_all(pipes.client().get(), "read"));
    EXPECT_EQ(read_reply(pipes.its_in.get(), 4), (Reply{"read", "enough"}));
    pipes.its_in.reset();
    ASSERT_TRUE(send_all(pipes.client().get(), "never read"));
    ASSERT_TRUE(write_to(pipes.its_out, std::string(30'000, 'a')));
    pipes.its_out.reset();
    EXPECT_EQ(read_reply(pipes.client().get()), (Reply{std::string(30'000, 'a'), "end"}));
    pipes.client().reset();
    EXPECT_EQ(pipes.relaying.totals().substr(2), "30000");
}

TEST_F(Relay, UsesNoProcessorTimeWhenTheProgramClosedItsInput) {
    Pipes pipes;
    pipes.its_in.reset();
    ASSERT_TRUE(send_all(pipes.client().get(), "never read"));
    static_cast<void>(pipes.relaying.ends_within(50ms));
    EXPECT_LT(idle_cost(pipes.relaying), kIdle);
}

TEST_F(Relay, DeliversInputToAProgramThatClosedItsOutput) {
    Pipes pipes;
    pipes.its_out.reset();
    EXPECT_EQ(read_reply(pipes.client().get()), (Reply{"", "end"}));
    ASSERT_TRUE(send_all(pipes.client().get(), "still read"));
    loopback::finish(pipes.client().get());
    EXPECT_EQ(read_reply(pipes.its_in.get()), (Reply{"still read", "end"}));
    EXPECT_EQ(pipes.relaying.totals(), "10 0");
}

TEST_F(Relay, ClosesTheProgramsPipesWhenTheClientResets) {
    Pipes pipes;
    loopback::reset(pipes.client());
    EXPECT_EQ(read_reply(pipes.its_in.get()), (Reply{"", "end"}));
    EXPECT_EQ(pipes.relaying.totals(), "0 0");
    EXPECT_FALSE(write_to(pipes.its_out, "too late"));
}

TEST_F(Relay, MovesEveryByteThroughARawTerminal) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    Terminal terminal;
    ASSERT_TRUE(send_all(terminal.client().get(), all));
    EXPECT_EQ(read_reply(terminal.its.get(), 256), (Reply{all, "enough"}));
    ASSERT_TRUE(write_to(terminal.its, all));
    EXPECT_EQ(read_reply(terminal.client().get(), 256), (Reply{all, "enough"}));
}

TEST_F(Relay, SendsAnEofWhenTheTerminalHangsUp) {
    Terminal terminal;
    ASSERT_TRUE(write_to(terminal.its, "goodbye"));
    terminal.its.reset();
    EXPECT_EQ(read_reply(terminal.client().get()), (Reply{"goodbye", "end"}));
    terminal.client().reset();
    EXPECT_EQ(terminal.relaying.totals(), "0 7");
}

TEST_F(Relay, EndsWhenTheTerminalHangsUpThoughTheClientStaysOpen) {
    Terminal terminal({.half_closed = kNoLimit, .linger_silence = 50ms});
    terminal.its.reset();
    EXPECT_TRUE(terminal.relaying.ends_within());
}

TEST_F(Relay, DeliversTheTerminalsAnswerWhenTheClientStillSends) {
    Terminal terminal;
    ASSERT_TRUE(write_to(terminal.its, "goodbye"));
    ASSERT_TRUE(send_all(terminal.client().get(), "never read"));
    terminal.its.reset();
    ASSERT_TRUE(send_all(terminal.client().get(), "nor this"));
    EXPECT_EQ(read_reply(terminal.client().get()), (Reply{"goodbye", "end"}));
}

TEST_F(Relay, DropsTheClientsInputUntilItIsSilent) {
    Pipes pipes({.half_closed = kNoLimit, .linger_silence = 50ms, .linger_total = 10min});
    pipes.its_in.reset();
    ASSERT_TRUE(send_all(pipes.client().get(), "not read"));
    ASSERT_TRUE(write_to(pipes.its_out, "answer"));
    pipes.its_out.reset();
    EXPECT_EQ(read_reply(pipes.client().get()), (Reply{"answer", "end"}));
    EXPECT_TRUE(pipes.relaying.ends_within()) << "the client neither sends nor closes";
}

TEST_F(Relay, DropsTheClientsInputNoLongerThanTheLimit) {
    const auto begin = Clock::now();
    Pipes pipes({.half_closed = kNoLimit, .linger_silence = 10min, .linger_total = 100ms});
    pipes.its_in.reset();
    ASSERT_TRUE(send_all(pipes.client().get(), "not read"));
    pipes.its_out.reset();
    EXPECT_EQ(read_reply(pipes.client().get()), (Reply{"", "end"}));
    while (!pipes.relaying.ends_within(5ms)) {
        static_cast<void>(send_all(pipes.client().get(), "more"));
        ASSERT_LT(Clock::now() - begin, loopback::kPatience) << "the client never stops sending";
    }
    EXPECT_GE(Clock::now() - begin, 100ms);
}

TEST_F(Relay, HangsUpARawTerminalAfterTheClientsEofAndSilence) {
    Terminal terminal({.half_closed = kNoLimit, .hang_up = 100ms});
    loopback::finish(terminal.client().get());
    EXPECT_EQ(loopback::events_of(terminal.its.get(), POLLIN, 20ms), 0);
    EXPECT_TRUE(terminal.relaying.ends_within());
    EXPECT_NE(loopback::events_of(terminal.its.get(), POLLIN) & POLLHUP, 0);
    EXPECT_EQ(read_reply(terminal.client().get()), (Reply{"", "end"})) << "no reset";
}

TEST(RelayLimitsTest, GivesATargetAMinuteAndAProgramAnyTimeAfterOneDirectionEnded) {
    EXPECT_EQ(kSocketRelay.half_closed, 60s);
    EXPECT_EQ(kProgramRelay.half_closed, kNoLimit);
    for (const RelayLimits& limits : {kSocketRelay, kProgramRelay}) {
        EXPECT_EQ(limits.hang_up, 5s);
        EXPECT_EQ(limits.before_reset, 1s);
        EXPECT_EQ(limits.linger_silence, 1s);
        EXPECT_EQ(limits.linger_total, 5s);
    }
}

TEST_F(Relay, HangsUpTheTerminalWhenTheClientResets) {
    Terminal terminal;
    loopback::reset(terminal.client());
    ASSERT_TRUE(terminal.relaying.ends_within());
    EXPECT_NE(loopback::events_of(terminal.its.get(), POLLIN) & POLLHUP, 0);
}

}  // namespace
}  // namespace portsplit::dispatch
