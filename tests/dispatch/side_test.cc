#include "dispatch/side.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "support/loopback.h"

namespace portsplit::dispatch {
namespace {

using loopback::Heard;
using loopback::Pair;
using sys::UniqueFd;

struct Pipe {
    Pipe() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
    UniqueFd out;
    UniqueFd in;
};

struct Pty {
    explicit Pty(bool raw) {
        termios settings{};
        int ours_fd = -1;
        int its_fd = -1;
        EXPECT_EQ(::openpty(&ours_fd, &its_fd, nullptr, nullptr, nullptr), 0);
        EXPECT_EQ(::tcgetattr(its_fd, &settings), 0);
        if (raw) ::cfmakeraw(&settings);
        EXPECT_EQ(::tcsetattr(its_fd, TCSANOW, &settings), 0);
        ours.reset(ours_fd);
        its.reset(its_fd);
    }
    Side side() {
        UniqueFd to(::fcntl(ours.get(), F_DUPFD_CLOEXEC, 3));
        return Side::terminal(std::move(ours), std::move(to));
    }
    UniqueFd ours;
    UniqueFd its;
};

TEST(SocketSide, ReadsAndWritesOneDescriptor) {
    const Side side = Side::socket(UniqueFd(loopback::tcp_pair().near.release()));
    EXPECT_EQ(side.from(), side.to());
    EXPECT_TRUE(side.is_socket());
    EXPECT_FALSE(side.ends_whole());
}

TEST(SocketSide, EndsByAShutdownOfOneDirection) {
    Pair pair = loopback::tcp_pair();
    Side side = Side::socket(std::move(pair.near));
    side.end_writing();
    EXPECT_TRUE(side.knows_its_end());
    EXPECT_EQ(loopback::hear(pair.far.get()), (Heard{"", "end"}));
    ASSERT_TRUE(loopback::say(pair.far.get(), "still open"));
    EXPECT_EQ(loopback::hear(side.from(), 10), (Heard{"still open", "enough"}));
}

TEST(SocketSide, ClosesWithAResetWhereOneIsAskedFor) {
    Pair pair = loopback::tcp_pair();
    {
        Side side = Side::socket(std::move(pair.near));
        side.reset_on_close();
    }
    EXPECT_EQ(loopback::hear(pair.far.get()), (Heard{"", "reset"}));
}

TEST(SocketSide, TakesEveryErrorForAReset) {
    const Side side = Side::socket(UniqueFd());
    for (const int code : {ECONNRESET, EPIPE, EIO, ETIMEDOUT, EHOSTUNREACH}) {
        EXPECT_EQ(side.meaning_of(code), Break::Reset) << code;
    }
}

TEST(PipesSide, EndsByClosingWhatItWrites) {
    Pipe in;
    Pipe out;
    Side side = Side::pipes(std::move(out.out), std::move(in.in));
    side.end_writing();
    EXPECT_EQ(side.to(), -1);
    EXPECT_EQ(loopback::hear(in.out.get()), (Heard{"", "end"}));
    ASSERT_EQ(::write(out.in.get(), "x", 1), 1);
    EXPECT_EQ(loopback::hear(side.from(), 1), (Heard{"x", "enough"}));
    side.end_writing();  // once more does no harm
    side.reset_on_close();
}

TEST(PipesSide, TakesAProgramThatStoppedReadingForAnEnd) {
    const Side side = Side::pipes(UniqueFd(), UniqueFd());
    EXPECT_EQ(side.meaning_of(EPIPE), Break::End);
    EXPECT_EQ(side.meaning_of(EIO), Break::End);
    EXPECT_EQ(side.meaning_of(ENOMEM), Break::Reset);
    EXPECT_FALSE(side.is_socket());
    EXPECT_FALSE(side.ends_whole());
}

TEST(TerminalSide, TakesAHangUpForAnEnd) {
    const Side side = Side::terminal(UniqueFd(), UniqueFd());
    EXPECT_EQ(side.meaning_of(EIO), Break::End);
    EXPECT_EQ(side.meaning_of(EPIPE), Break::End);
    EXPECT_EQ(side.meaning_of(ENOMEM), Break::Reset);
    EXPECT_FALSE(side.is_socket());
    EXPECT_TRUE(side.ends_whole());
}

TEST(TerminalSide, TypesTheEndOfFileWhereTheProgramEditsLines) {
    Pty pty(false);
    Side side = pty.side();
    ASSERT_EQ(::write(side.to(), "line\n", 5), 5);
    side.end_writing();
    EXPECT_EQ(loopback::hear(pty.its.get()), (Heard{"line\n", "end"}));
    EXPECT_TRUE(side.knows_its_end());
}

TEST(TerminalSide, TypesNothingIntoARawTerminal) {
    Pty pty(true);
    Side side = pty.side();
    side.end_writing();
    EXPECT_EQ(loopback::hear(pty.its.get(), 1, loopback::kMoment), (Heard{"", "silence"}));
    EXPECT_FALSE(side.knows_its_end());
}

}  // namespace
}  // namespace portsplit::dispatch
