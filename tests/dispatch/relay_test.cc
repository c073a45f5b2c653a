#include "dispatch/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::hear;
using loopback::Heard;
using loopback::Pair;
using loopback::say;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

class Relay : public testing::Test {
  protected:
    Relay() { ::signal(SIGPIPE, SIG_IGN); }  // as in the program
};

/// Between two TCP connections.
struct Sockets {
    explicit Sockets(std::chrono::milliseconds half_closed_limit = kHalfClosedLimit)
        : Sockets(loopback::tcp_pair(), half_closed_limit) {}
    Sockets(Pair pair, std::chrono::milliseconds half_closed_limit)
        : server(std::move(pair.far)),
          relaying(loopback::tcp_pair(), socket_side(std::move(pair.near)), half_closed_limit) {}

    UniqueFd& client() { return relaying.client(); }

    UniqueFd server;
    Relaying relaying;
};

/// Between a TCP connection and a program's two pipes; the test plays the program.
struct Pipes {
    Pipes() : Pipes(make(), make()) {}

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
    Pipes(Ends in, Ends out)
        : its_in(std::move(in.out)),
          its_out(std::move(out.in)),
          relaying(loopback::tcp_pair(), ours(std::move(out.out), std::move(in.in)), kForEver) {}
};

/// Between a TCP connection and a raw terminal; the test plays the program on it.
struct Terminal {
    Terminal() : Terminal(make()) {}

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
    explicit Terminal(std::pair<UniqueFd, UniqueFd> ends)
        : its(std::move(ends.second)),
          relaying(loopback::tcp_pair(), side(std::move(ends.first)), kForEver) {}
};

bool write_to(const UniqueFd& fd, std::string_view text) {
    return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Sends without waiting until nothing more is taken for a moment.
std::size_t stuff(int fd) {
    const std::string junk(65536, 'j');
    std::size_t sent = 0;
    while (loopback::events_of(fd, POLLOUT, loopback::kMoment) != 0) {
        const ssize_t put = ::send(fd, junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) sent += static_cast<std::size_t>(put);
    }
    return sent;
}

TEST_F(Relay, CarriesBytesBothWaysAndCountsThem) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "hello"));
    EXPECT_EQ(hear(sockets.server.get(), 5), (Heard{"hello", "enough"}));
    ASSERT_TRUE(say(sockets.server.get(), "hi"));
    EXPECT_EQ(hear(sockets.client().get(), 2), (Heard{"hi", "enough"}));
    loopback::finish(sockets.client().get());
    loopback::finish(sockets.server.get());
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"", "end"}));
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "5 2");
}

TEST_F(Relay, CarriesTheEndOfTheClientsStreamItsOwnWayOnly) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "question"));
    loopback::finish(sockets.client().get());
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"question", "end"}));
    ASSERT_TRUE(say(sockets.server.get(), "answer"));
    EXPECT_EQ(hear(sockets.client().get(), 6), (Heard{"answer", "enough"}));
    sockets.server.reset();
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "8 6");
}

TEST_F(Relay, CarriesTheEndOfTheServersStreamItsOwnWayOnly) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.server.get(), "banner"));
    loopback::finish(sockets.server.get());
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"banner", "end"}));
    ASSERT_TRUE(say(sockets.client().get(), "reply"));
    EXPECT_EQ(hear(sockets.server.get(), 5), (Heard{"reply", "enough"}));
    sockets.client().reset();
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "5 6");
}

TEST_F(Relay, DeliversEveryByteBeforeTheEnd) {
    const std::string large(3'000'000, 'l');
    Sockets sockets;
    std::thread sender([&] {
        say(sockets.client().get(), large);
        loopback::finish(sockets.client().get());
    });
    const Heard heard = hear(sockets.server.get());
    sender.join();
    EXPECT_EQ(heard, (Heard{large, "end"}));
}

TEST_F(Relay, CarriesAResetOfTheClientAsAReset) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "half"));
    EXPECT_EQ(hear(sockets.server.get(), 4), (Heard{"half", "enough"}));
    loopback::reset(sockets.client());
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"", "reset"}));
    EXPECT_EQ(sockets.relaying.totals(), "4 0");
}

TEST_F(Relay, CarriesAResetOfTheServerAsAReset) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.server.get(), "half"));
    EXPECT_EQ(hear(sockets.client().get(), 4), (Heard{"half", "enough"}));
    loopback::reset(sockets.server);
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"", "reset"}));
    EXPECT_EQ(sockets.relaying.totals(), "0 4");
}

TEST_F(Relay, DeliversWhatAServerSaidBeforeItsReset) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "a request that nobody reads"));
    ASSERT_TRUE(say(sockets.server.get(), "answer"));
    loopback::reset(sockets.server);
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"answer", "reset"}));
}

TEST_F(Relay, DeliversWhatAClientSaidBeforeItsReset) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "last words"));
    loopback::reset(sockets.client());
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"last words", "reset"}));
}

TEST_F(Relay, CarriesAResetAfterAnEndOfStreamAsAReset) {
    Sockets sockets;
    loopback::finish(sockets.client().get());
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"", "end"}));
    loopback::reset(sockets.server);
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"", "reset"}));
}

TEST_F(Relay, CarriesAResetThoughNobodyReads) {
    Sockets sockets;
    ASSERT_GT(stuff(sockets.client().get()), 0U);
    loopback::reset(sockets.server);
    // Nothing of what was sent can be read, so it is the next write that tells.
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"", "reset"}));
    EXPECT_TRUE(sockets.relaying.ended());
}

TEST_F(Relay, HoldsABoundedStoreForAReaderThatDoesNot) {
    Sockets sockets;
    const std::size_t sent = stuff(sockets.client().get());
    // What the four sockets' buffers hold (tcp(7) tcp_rmem, tcp_wmem), and a pipe.
    EXPECT_LT(sent, std::size_t{64} << 20);
    EXPECT_FALSE(sockets.relaying.ended(200ms));
    ASSERT_TRUE(say(sockets.server.get(), "meanwhile"));
    EXPECT_EQ(hear(sockets.client().get(), 9), (Heard{"meanwhile", "enough"}))
        << "the other direction goes on";
    loopback::finish(sockets.client().get());
    loopback::finish(sockets.server.get());
    const Heard heard = hear(sockets.server.get());
    EXPECT_EQ(heard.end, "end");
    EXPECT_EQ(heard.bytes.size(), sent);
    EXPECT_EQ(sockets.relaying.totals(), std::to_string(sent) + " 9");
}

TEST_F(Relay, UsesNoProcessorTimeWhileAReaderIsStuck) {
    Sockets sockets;
    stuff(sockets.client().get());
    stuff(sockets.server.get());
    const auto before = loopback::processor_time(RUSAGE_SELF);
    EXPECT_FALSE(sockets.relaying.ended(500ms));
    EXPECT_LT(loopback::processor_time(RUSAGE_SELF) - before, 100ms);
}

TEST_F(Relay, UsesNoProcessorTimeWhileHalfIsClosed) {
    Sockets sockets;
    loopback::finish(sockets.client().get());
    EXPECT_EQ(hear(sockets.server.get()), (Heard{"", "end"}));
    const auto before = loopback::processor_time(RUSAGE_SELF);
    EXPECT_FALSE(sockets.relaying.ended(500ms));
    EXPECT_LT(loopback::processor_time(RUSAGE_SELF) - before, 100ms);
}

TEST_F(Relay, GoesOnBehindAnUrgentByte) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "before "));
    EXPECT_EQ(hear(sockets.server.get(), 7), (Heard{"before ", "enough"}));
    ASSERT_TRUE(say(sockets.client().get(), "!", MSG_OOB));
    ASSERT_TRUE(say(sockets.client().get(), "behind"));
    EXPECT_EQ(hear(sockets.server.get(), 6, 3s), (Heard{"behind", "enough"}));
}

TEST_F(Relay, DoesNotSpinOnAnUrgentByte) {
    Sockets sockets;
    ASSERT_TRUE(say(sockets.client().get(), "!", MSG_OOB));
    ASSERT_TRUE(say(sockets.client().get(), "behind"));
    static_cast<void>(sockets.relaying.ended(100ms));
    const auto before = loopback::processor_time(RUSAGE_SELF);
    EXPECT_FALSE(sockets.relaying.ended(500ms));
    EXPECT_LT(loopback::processor_time(RUSAGE_SELF) - before, 100ms);
}

TEST_F(Relay, EndsAHalfClosedConnectionInWhichNothingMoves) {
    for (const bool client_ends : {true, false}) {
        const auto begin = Clock::now();
        Sockets sockets(200ms);
        const UniqueFd& first = client_ends ? sockets.client() : sockets.server;
        const UniqueFd& other = client_ends ? sockets.server : sockets.client();
        loopback::finish(first.get());
        EXPECT_EQ(hear(other.get()), (Heard{"", "end"}));
        EXPECT_EQ(sockets.relaying.totals(), "0 0");
        EXPECT_GE(Clock::now() - begin, 200ms);
        EXPECT_EQ(hear(first.get()), (Heard{"", "reset"})) << "a cut stream is no ended one";
    }
}

TEST_F(Relay, KeepsAHalfClosedConnectionInWhichBytesMove) {
    Sockets sockets(400ms);
    loopback::finish(sockets.client().get());
    for (int i = 0; i < 8; ++i) {
        ASSERT_TRUE(say(sockets.server.get(), "."));
        ASSERT_FALSE(sockets.relaying.ended(100ms)) << i;
    }
    sockets.server.reset();
    EXPECT_EQ(hear(sockets.client().get()), (Heard{"........", "end"}));
    EXPECT_EQ(sockets.relaying.totals(), "0 8");
}

TEST_F(Relay, KeepsAnIdleConnectionThatIsWhole) {
    Sockets sockets(50ms);
    EXPECT_FALSE(sockets.relaying.ended(300ms));
    ASSERT_TRUE(say(sockets.client().get(), "still here"));
    EXPECT_EQ(hear(sockets.server.get(), 10), (Heard{"still here", "enough"}));
}

TEST_F(Relay, ServesAUnixDomainClient) {
    Pair server = loopback::tcp_pair();
    Relaying relaying(loopback::unix_pair(), socket_side(std::move(server.near)));
    ASSERT_TRUE(say(relaying.client().get(), "question"));
    loopback::finish(relaying.client().get());
    EXPECT_EQ(hear(server.far.get()), (Heard{"question", "end"}));
    ASSERT_TRUE(say(server.far.get(), "answer"));
    server.far.reset();
    EXPECT_EQ(hear(relaying.client().get()), (Heard{"answer", "end"}));
    EXPECT_EQ(relaying.totals(), "8 6");
}

TEST_F(Relay, ClosesAProgramsInputWhenTheClientHasFinished) {
    Pipes pipes;
    ASSERT_TRUE(say(pipes.client().get(), "question"));
    loopback::finish(pipes.client().get());
    EXPECT_EQ(hear(pipes.its_in.get()), (Heard{"question", "end"}));
    ASSERT_TRUE(write_to(pipes.its_out, "answer"));
    pipes.its_out.reset();
    EXPECT_EQ(hear(pipes.client().get()), (Heard{"answer", "end"}));
    EXPECT_EQ(pipes.relaying.totals(), "8 6");
}

TEST_F(Relay, DeliversTheAnswerOfAProgramThatStoppedReading) {
    Pipes pipes;
    ASSERT_TRUE(say(pipes.client().get(), "read"));
    EXPECT_EQ(hear(pipes.its_in.get(), 4), (Heard{"read", "enough"}));
    pipes.its_in.reset();
    ASSERT_TRUE(say(pipes.client().get(), "never read"));
    ASSERT_TRUE(write_to(pipes.its_out, std::string(30'000, 'a')));
    pipes.its_out.reset();
    EXPECT_EQ(hear(pipes.client().get()), (Heard{std::string(30'000, 'a'), "end"}));
    pipes.client().reset();
    EXPECT_EQ(pipes.relaying.totals().substr(2), "30000");
}

TEST_F(Relay, UsesNoProcessorTimeForAProgramThatStoppedReading) {
    Pipes pipes;
    pipes.its_in.reset();
    ASSERT_TRUE(say(pipes.client().get(), "never read"));
    static_cast<void>(pipes.relaying.ended(50ms));
    const auto before = loopback::processor_time(RUSAGE_SELF);
    EXPECT_FALSE(pipes.relaying.ended(500ms));
    EXPECT_LT(loopback::processor_time(RUSAGE_SELF) - before, 100ms);
}

TEST_F(Relay, GoesOnReadingForAProgramThatStoppedWriting) {
    Pipes pipes;
    pipes.its_out.reset();
    EXPECT_EQ(hear(pipes.client().get()), (Heard{"", "end"}));
    ASSERT_TRUE(say(pipes.client().get(), "still read"));
    loopback::finish(pipes.client().get());
    EXPECT_EQ(hear(pipes.its_in.get()), (Heard{"still read", "end"}));
    EXPECT_EQ(pipes.relaying.totals(), "10 0");
}

TEST_F(Relay, LeavesAProgramsAnswerUndeliveredOnlyWhereTheClientIsGone) {
    Pipes pipes;
    loopback::reset(pipes.client());
    EXPECT_EQ(hear(pipes.its_in.get()), (Heard{"", "end"}));
    EXPECT_EQ(pipes.relaying.totals(), "0 0");
    EXPECT_FALSE(write_to(pipes.its_out, "too late"));
}

TEST_F(Relay, PassesEveryByteThroughARawTerminal) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    Terminal terminal;
    ASSERT_TRUE(say(terminal.client().get(), all));
    EXPECT_EQ(hear(terminal.its.get(), 256), (Heard{all, "enough"}));
    ASSERT_TRUE(write_to(terminal.its, all));
    EXPECT_EQ(hear(terminal.client().get(), 256), (Heard{all, "enough"}));
}

TEST_F(Relay, TakesTheErrorOfAHungUpTerminalForItsEnd) {
    Terminal terminal;
    ASSERT_TRUE(write_to(terminal.its, "goodbye"));
    terminal.its.reset();
    EXPECT_EQ(hear(terminal.client().get()), (Heard{"goodbye", "end"}));
    terminal.client().reset();
    EXPECT_EQ(terminal.relaying.totals(), "0 7");
}

TEST_F(Relay, KeepsTheAnswerOfATerminalFromBeingDestroyedByWhatNobodyReads) {
    Terminal terminal;
    ASSERT_TRUE(write_to(terminal.its, "goodbye"));
    ASSERT_TRUE(say(terminal.client().get(), "never read"));
    terminal.its.reset();
    ASSERT_TRUE(say(terminal.client().get(), "nor this"));
    EXPECT_EQ(hear(terminal.client().get()), (Heard{"goodbye", "end"}));
}

TEST_F(Relay, HangsTheTerminalUpWhenTheClientIsGone) {
    Terminal terminal;
    loopback::reset(terminal.client());
    ASSERT_TRUE(terminal.relaying.ended());
    EXPECT_NE(loopback::events_of(terminal.its.get(), POLLIN) & POLLHUP, 0);
}

}  // namespace
}  // namespace portsplit::dispatch
