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

using loopback::Pair;
using loopback::Reply;
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
        int master = -1;
        int slave = -1;
        EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
        EXPECT_EQ(::tcgetattr(slave, &settings), 0);
        if (raw) ::cfmakeraw(&settings);
        EXPECT_EQ(::tcsetattr(slave, TCSANOW, &settings), 0);
        ours.reset(master);
        its.reset(slave);
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
    EXPECT_EQ(side.read_fd(), side.write_fd());
    EXPECT_TRUE(side.is_socket());
    EXPECT_FALSE(side.eof_ends_both());
}

TEST(SocketSide, SendsAnEofByShutdown) {
    Pair pair = loopback::tcp_pair();
    Side side = Side::socket(std::move(pair.near));
    side.send_eof();
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (Reply{"", "end"}));
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "still open"));
    EXPECT_EQ(loopback::read_reply(side.read_fd(), 10), (Reply{"still open", "enough"}));
}

TEST(SocketSide, ClosesWithAResetAfterResetOnClose) {
    Pair pair = loopback::tcp_pair();
    {
        Side side = Side::socket(std::move(pair.near));
        side.reset_on_close();
    }
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (Reply{"", "reset"}));
}

TEST(SocketSide, ClassifiesEveryErrorAsAReset) {
    const Side side = Side::socket(UniqueFd());
    for (const int code : {ECONNRESET, EPIPE, EIO, ETIMEDOUT, EHOSTUNREACH}) {
        EXPECT_EQ(side.stream_end_of(code), StreamEnd::Reset) << code;
    }
}

TEST(PipesSide, SendsAnEofByClosingThePipe) {
    Pipe in;
    Pipe out;
    Side side = Side::pipes(std::move(out.out), std::move(in.in));
    side.send_eof();
    EXPECT_EQ(side.write_fd(), -1);
    EXPECT_EQ(loopback::read_reply(in.out.get()), (Reply{"", "end"}));
    ASSERT_EQ(::write(out.in.get(), "x", 1), 1);
    EXPECT_EQ(loopback::read_reply(side.read_fd(), 1), (Reply{"x", "enough"}));
    side.send_eof();  // a second call does nothing
    side.reset_on_close();
}

TEST(PipesSide, ClassifiesAClosedInputAsAnEof) {
    const Side side = Side::pipes(UniqueFd(), UniqueFd());
    EXPECT_EQ(side.stream_end_of(EPIPE), StreamEnd::Eof);
    EXPECT_EQ(side.stream_end_of(EIO), StreamEnd::Eof);
    EXPECT_EQ(side.stream_end_of(ENOMEM), StreamEnd::Reset);
    EXPECT_FALSE(side.is_socket());
    EXPECT_FALSE(side.eof_ends_both());
}

// fault: D8
TEST(TerminalSide, ClassifiesAHangUpAsAnEof) {
    const Side side = Side::terminal(UniqueFd(), UniqueFd());
    EXPECT_EQ(side.stream_end_of(EIO), StreamEnd::Eof);
    EXPECT_EQ(side.stream_end_of(EPIPE), StreamEnd::Eof);
    EXPECT_EQ(side.stream_end_of(ENOMEM), StreamEnd::Reset);
    EXPECT_FALSE(side.is_socket());
    EXPECT_TRUE(side.eof_ends_both());
}

TEST(TerminalSide, TypesTheEofCharacterInCanonicalMode) {
    Pty pty(false);
    Side side = pty.side();
    ASSERT_EQ(::write(side.write_fd(), "line\n", 5), 5);
    side.send_eof();
    EXPECT_EQ(loopback::read_reply(pty.its.get()), (Reply{"line\n", "end"}));
}

TEST(TerminalSide, LosesTheEofInRawMode) {
    Pty pty(true);
    Side side = pty.side();
    side.send_eof();
    EXPECT_EQ(loopback::read_reply(pty.its.get(), 1, loopback::kMoment), (Reply{"", "silence"}));
}

}  // namespace
}  // namespace portsplit::dispatch
