#include "dispatch/outlived.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "support/child.h"
#include "support/loopback.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using sys::Clock;
using namespace std::chrono_literals;

/// A program in a group of its own that ignores some signals and then only waits.
class Stubborn {
  public:
    explicit Stubborn(std::initializer_list<int> ignored = {}, int keeps = -1) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const sys::UniqueFd reader(ends[0]);
        sys::UniqueFd writer(ends[1]);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setsid();
            for (const int signal : ignored) ::signal(signal, SIG_IGN);
            sys::close_all_but({writer.get(), keeps});
            (void)!::write(writer.get(), "r", 1);
            while (true) ::pause();
        }
        char ready = 0;
        EXPECT_EQ(::read(reader.get(), &ready, 1), 1);
    }
    Stubborn(const Stubborn&) = delete;
    Stubborn& operator=(const Stubborn&) = delete;
    ~Stubborn() {
        if (reaped_) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    pid_t pid() const { return pid_; }
    /// True if it has ended; then `end` has how.
    bool has_ended() {
        int status = 0;
        reaped_ = reaped_ || ::waitpid(pid_, &status, WNOHANG) == pid_;
        if (reaped_ && end_.empty()) end_ = sys::describe_status(status);
        return reaped_;
    }
    /// Returns how it ended after `end_program`.
    std::string end_with(std::chrono::milliseconds grace) {
        reaped_ = true;
        return sys::describe_status(end_program(pid_, grace));
    }
    const std::string& end() const { return end_; }

  private:
    pid_t pid_ = -1;
    bool reaped_ = false;
    std::string end_;
};

/// Runs the watch until a program has ended, at most for `limit`.
bool ends_within(Outlived& outlived, Stubborn& program,
                 std::chrono::milliseconds limit = loopback::kPatience) {
    const auto until = Clock::now() + limit;
    while (!program.has_ended()) {
        if (Clock::now() >= until) return false;
        pollfd entry{.fd = outlived.fd(), .events = POLLIN, .revents = 0};
        const auto wake = std::min({until, outlived.due(), Clock::now() + 10ms});
        (void)::poll(&entry, 1, sys::poll_timeout(wake));
        outlived.step();
    }
    return true;
}

sys::UniqueFd copy(const sys::UniqueFd& fd) { return sys::UniqueFd(::dup(fd.get())); }

TEST(EndProgram, HangsUpFirst) { EXPECT_EQ(Stubborn().end_with(10min), "signal=HUP"); }

TEST(EndProgram, TerminatesAfterTheGrace) {
    const auto begin = Clock::now();
    EXPECT_EQ(Stubborn({SIGHUP}).end_with(50ms), "signal=TERM");
    EXPECT_GE(Clock::now() - begin, 50ms);
}

TEST(EndProgram, KillsAfterTheGraceAgain) {
    const auto begin = Clock::now();
    EXPECT_EQ(Stubborn({SIGHUP, SIGTERM}).end_with(50ms), "signal=KILL");
    EXPECT_GE(Clock::now() - begin, 100ms);
}

TEST(EndProgram, OnlyWaitsWithoutAGrace) {
    Stubborn program;
    std::jthread killer([&] {
        ::poll(nullptr, 0, 50);  // a SIGHUP would come first
        ::kill(program.pid(), SIGUSR1);
    });
    EXPECT_EQ(program.end_with(0ms), "signal=USR1");
}

TEST(Outlived, EndsAProgramWhoseClientBrokeTheConnection) {
    Pair pair = loopback::tcp_pair();
    auto outlived = *Outlived::create();
    Stubborn program({}, pair.near.get());
    outlived.watch(program.pid(), copy(pair.near), 10min);
    EXPECT_EQ(outlived.due(), Clock::time_point::max());
    EXPECT_FALSE(ends_within(outlived, program, 50ms));
    loopback::reset(pair.far);
    ASSERT_TRUE(ends_within(outlived, program));
    EXPECT_EQ(program.end(), "signal=HUP");
    outlived.forget(program.pid());
    EXPECT_EQ(outlived.due(), Clock::time_point::max());
}

// fault: D7
TEST(Outlived, GoesOnToTermAndKill) {
    for (const bool ignores_term : {false, true}) {
        Pair pair = loopback::tcp_pair();
        auto outlived = *Outlived::create();
        Stubborn program(ignores_term ? std::initializer_list<int>{SIGHUP, SIGTERM}
                                      : std::initializer_list<int>{SIGHUP},
                         pair.near.get());
        outlived.watch(program.pid(), copy(pair.near), 50ms);
        const auto begin = Clock::now();
        loopback::reset(pair.far);
        ASSERT_TRUE(ends_within(outlived, program));
        EXPECT_EQ(program.end(), ignores_term ? "signal=KILL" : "signal=TERM");
        EXPECT_GE(Clock::now() - begin, ignores_term ? 100ms : 50ms);
    }
}

TEST(Outlived, LeavesAProgramWhoseClientEndedItsStream) {
    Pair pair = loopback::tcp_pair();
    auto outlived = *Outlived::create();
    Stubborn program({}, pair.near.get());
    outlived.watch(program.pid(), copy(pair.near), 10ms);
    loopback::finish(pair.far.get());
    EXPECT_FALSE(ends_within(outlived, program, 100ms));
}

TEST(Outlived, LeavesAProgramWithAMessageInTheErrorQueue) {
    Pair pair = loopback::tcp_pair();
    auto outlived = *Outlived::create();
    Stubborn program({}, pair.near.get());
    const int on = 1;
    ASSERT_EQ(::setsockopt(pair.near.get(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on), 0);
    outlived.watch(program.pid(), copy(pair.near), 10ms);
    const std::string text(4096, 'x');
    ASSERT_GT(::send(pair.near.get(), text.data(), text.size(), MSG_ZEROCOPY), 0);
    EXPECT_EQ(loopback::read_reply(pair.far.get(), text.size()).end, "enough");
    EXPECT_FALSE(ends_within(outlived, program, 100ms));
    loopback::reset(pair.far);
    EXPECT_TRUE(ends_within(outlived, program)) << "it is still watched";
}

TEST(Outlived, DoesNotKeepTheConnectionOpen) {
    Pair pair = loopback::tcp_pair();
    auto outlived = *Outlived::create();
    Stubborn program({}, -1);
    outlived.watch(program.pid(), std::move(pair.near), 10ms);
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (loopback::Reply{"", "end"}));
    EXPECT_FALSE(ends_within(outlived, program, 50ms)) << "it closed the connection itself";
}

TEST(Outlived, ForgetsAProgramThatEnded) {
    Pair pair = loopback::tcp_pair();
    auto outlived = *Outlived::create();
    Stubborn program({}, pair.near.get());
    outlived.watch(program.pid(), copy(pair.near), 10ms);
    outlived.forget(program.pid());
    loopback::reset(pair.far);
    EXPECT_FALSE(ends_within(outlived, program, 100ms)) << "its pid may be another program's";
}

// fault: D7
TEST(Outlived, UsesNoProcessorTimeAfterABreak) {
    Pair pair = loopback::tcp_pair();
    auto outlived = *Outlived::create();
    Stubborn program({SIGHUP, SIGTERM}, pair.near.get());
    outlived.watch(program.pid(), copy(pair.near), 10min);
    loopback::reset(pair.far);
    EXPECT_FALSE(ends_within(outlived, program, 50ms));
    EXPECT_EQ(loopback::events_of(outlived.fd(), POLLIN, 0ms), 0) << "the error stays";
}

}  // namespace
}  // namespace portsplit::dispatch
