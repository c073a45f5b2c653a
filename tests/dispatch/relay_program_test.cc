// Relays to a program: over two pipes, and over a terminal.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "dispatch/relay.h"
#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

/// A relay between a TCP connection and two pipes; the test plays the program on them.
struct Pipes {
    explicit Pipes(const RelayLimits& limits = {}) : Pipes(make(), make(), limits) {}

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
    explicit Terminal(const RelayLimits& limits = {}) : Terminal(make(), limits) {}

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

// fault: D8
TEST_F(Relay, SendsAnEofWhenTheTerminalHangsUp) {
    Terminal terminal;
    ASSERT_TRUE(write_to(terminal.its, "goodbye"));
    terminal.its.reset();
    EXPECT_EQ(read_reply(terminal.client().get()), (Reply{"goodbye", "end"}));
    terminal.client().reset();
    EXPECT_EQ(terminal.relaying.totals(), "0 7");
}

TEST_F(Relay, EndsWhenTheTerminalHangsUpThoughTheClientStaysOpen) {
    Terminal terminal({.linger_silence = 50ms});
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
    Pipes pipes({.linger_silence = 50ms, .linger_total = 10min});
    pipes.its_in.reset();
    ASSERT_TRUE(send_all(pipes.client().get(), "not read"));
    ASSERT_TRUE(write_to(pipes.its_out, "answer"));
    pipes.its_out.reset();
    EXPECT_EQ(read_reply(pipes.client().get()), (Reply{"answer", "end"}));
    EXPECT_TRUE(pipes.relaying.ends_within()) << "the client neither sends nor closes";
}

TEST_F(Relay, DropsTheClientsInputNoLongerThanTheLimit) {
    const auto begin = Clock::now();
    Pipes pipes({.linger_silence = 10min, .linger_total = 100ms});
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

TEST_F(Relay, KeepsARawTerminalAfterTheClientsEofWithoutLimitByDefault) {
    Terminal terminal({.idle = 20ms, .before_reset = 20ms});
    loopback::finish(terminal.client().get());
    EXPECT_FALSE(terminal.relaying.ends_within(150ms));
    ASSERT_EQ(::write(terminal.its.get(), "late answer", 11), 11);
    EXPECT_EQ(read_reply(terminal.client().get(), 11), (Reply{"late answer", "enough"}));
    terminal.its.reset();
    EXPECT_EQ(read_reply(terminal.client().get()), (Reply{"", "end"}));
}

TEST_F(Relay, HangsUpARawTerminalAfterTheClientsEofAndTheLimit) {
    Terminal terminal({.half_closed = 100ms});
    loopback::finish(terminal.client().get());
    EXPECT_EQ(loopback::events_of(terminal.its.get(), POLLIN, 20ms), 0);
    EXPECT_TRUE(terminal.relaying.ends_within());
    EXPECT_NE(loopback::events_of(terminal.its.get(), POLLIN) & POLLHUP, 0);
    EXPECT_EQ(read_reply(terminal.client().get()), (Reply{"", "reset"}));
}

TEST_F(Relay, HangsUpTheTerminalWhenTheClientResets) {
    Terminal terminal;
    loopback::reset(terminal.client());
    ASSERT_TRUE(terminal.relaying.ends_within());
    EXPECT_NE(loopback::events_of(terminal.its.get(), POLLIN) & POLLHUP, 0);
}

TEST_F(Relay, ResetsTheClientOfAProgramThatIsIdleForTooLong) {
    Pipes pipes({.idle = 50ms});
    EXPECT_EQ(read_reply(pipes.relaying.client().get()), (Reply{"", "reset"})) << "not an EOF";
}

}  // namespace
}  // namespace portsplit::dispatch
