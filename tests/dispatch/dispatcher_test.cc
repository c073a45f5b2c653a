#include "dispatch/dispatcher.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "dispatch/launch.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::UniqueFd;

/// A dispatcher process that serves one connection. Its plan has one service, `any`, for streams that
/// begin with a dot.
class Served {
  public:
    explicit Served(core::Action action) : Served(std::move(action), loopback::tcp_pair()) {}
    /// @param prepare  called in the dispatcher before it serves, with its setting
    Served(core::Action action, Pair pair, const std::function<void(Setting&)>& prepare = {})
        : client_(std::move(pair.far)) {
        auto channel = sys::channel_pair();
        int log[2] = {-1, -1};
        EXPECT_TRUE(channel);
        EXPECT_EQ(::pipe2(log, O_CLOEXEC), 0);
        log_.reset(log[0]);
        UniqueFd log_to(log[1]);
        messages_ = std::move(channel->first);
        dispatcher_ = std::make_unique<Child>([&] {
            sys::reset_signals({SIGPIPE, SIGHUP});
            client_.reset();
            const core::Plan plan = plan_of({service("any", {"."}, std::move(action))});
            Setting setting{.plan = plan,
                            .environment = clean_environment(),
                            .listeners = {},
                            .log = log_to.get()};
            if (prepare) prepare(setting);
            ChannelReporter reporter(channel->second.get());
            const auto peer = sys::peer_address(pair.near.get());
            const auto local = sys::local_address(pair.near.get());
            return serve({std::move(pair.near), {sys::Clock::now(), {*peer, *local}}}, setting,
                         reporter);
        });
    }

    UniqueFd& client() { return client_; }

    /// Waits for the dispatcher, or the program it became, and returns how it ended.
    std::string end() { return sys::describe_status(dispatcher_->status()); }

    /// Returns what programs wrote to the log's descriptor.
    std::string log() { return read_reply(log_.get()).bytes; }

    /// Returns a copy of the dispatcher's socket that is connected to this address
    /// (pidfd_getfd(2)); no descriptor if it has none.
    UniqueFd socket_to(const std::string& peer) const {
        for (int fd = 3; fd < 100; ++fd) {
            UniqueFd copy(
                static_cast<int>(::syscall(SYS_pidfd_getfd, dispatcher_->handle(), fd, 0)));
            const auto address = sys::peer_address(copy.get());
            if (address && address->text() == peer) return copy;
        }
        return UniqueFd();
    }

    /// Waits for a message that says something, then returns all so far. A dispatcher that waits for the
    /// client's first byte sends one before that says nothing. The message before a program on the
    /// socket carries a copy of the socket, which keeps the connection open until it is received.
    std::string next_messages() {
        std::string all;
        while (all.empty() && (loopback::events_of(messages_.get(), POLLIN) & POLLIN) != 0) {
            all = messages();
        }
        return all;
    }

    /// Returns what the program writes to its standard error, once `messages` has received it.
    UniqueFd& of_program() { return fd_; }

    /// Returns every progress message received so far, one word each.
    std::string messages() {
        std::string all;
        Progress progress;
        while (true) {
            auto received = sys::receive_message(messages_.get(),
                                                 std::as_writable_bytes(std::span(&progress, 1)));
            if (!received || received->size != sizeof progress) return all;
            if (progress.has_stderr != 0) {
                fd_ = std::move(received->fd);
                all += "stderr ";
            } else if (progress.failure.stage != Stage::None) {
                all += "failed(" + std::to_string(progress.failure.code) + ") ";
            } else if (progress.counted != 0) {
                all += "counted(" + std::to_string(progress.bytes_in) + "," +
                       std::to_string(progress.bytes_out) + ") ";
                if (progress.ended != 0) all += sys::describe_status(progress.status) + " ";
            } else if (progress.decided != 0) {
                all += "decided(" + std::to_string(progress.service) + ") ";
            }
        }
    }

  private:
    UniqueFd client_;
    UniqueFd log_;
    UniqueFd messages_;
    UniqueFd fd_;  ///< of `publish_stderr`
    std::unique_ptr<Child> dispatcher_;
};

/// Returns a socket option that is on or off; -1 if it cannot be read.
int option_of(const UniqueFd& socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), level, name, &value, &size) == 0 ? value : -1;
}

/// Returns how many segments with bytes a socket has received.
unsigned data_segments(const UniqueFd& socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    ::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_data_segs_in;
}

TEST(Serve, IntroducesTheClientToATargetInOneSegmentWithItsBytes) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    core::Connect connect = to("127.0.0.1", sys::local_address(listener.get())->port());
    connect.proxy = core::ProxyHeader::V1;
    Served served(connect);
    const auto client = sys::local_address(served.client().get());
    const auto own = sys::peer_address(served.client().get());
    ASSERT_TRUE(client && own);
    ASSERT_TRUE(send_all(served.client().get(), ".question"));
    loopback::finish(served.client().get());
    UniqueFd server = loopback::accepted_from(listener);
    const std::string header = "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(client->port()) +
                               " " + std::to_string(own->port()) + "\r\n";
    EXPECT_EQ(read_reply(server.get()), (Reply{header + ".question", "end"}));
    EXPECT_EQ(data_segments(server), 1U);
    server.reset();
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_EQ(served.messages(), "decided(0) counted(9,0) ") << "the header is not the client's";
}

TEST(Serve, RelaysThePeekedBytes) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Served served(to("127.0.0.1", sys::local_address(listener.get())->port()));
    ASSERT_TRUE(send_all(served.client().get(), ".question"));
    loopback::finish(served.client().get());
    UniqueFd server = loopback::accepted_from(listener);
    EXPECT_EQ(read_reply(server.get()), (Reply{".question", "end"}));
    ASSERT_TRUE(send_all(server.get(), "answer"));
    server.reset();
    EXPECT_EQ(read_reply(served.client().get()), (Reply{"answer", "end"}));
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_EQ(served.messages(), "decided(0) counted(9,6) ");
}

TEST(Serve, RelaysWithKeepaliveAndWithoutDelayOfSmallSegments) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Pair pair = loopback::tcp_pair();
    const std::string client = sys::peer_address(pair.near.get())->text();
    const std::string target = sys::local_address(listener.get())->text();
    Served served(to("127.0.0.1", sys::local_address(listener.get())->port()), std::move(pair));
    ASSERT_TRUE(send_all(served.client().get(), ".a"));
    const UniqueFd server = loopback::accepted_from(listener);
    ASSERT_EQ(read_reply(server.get(), 2), (Reply{".a", "enough"}));
    for (const std::string& peer : {client, target}) {
        const UniqueFd socket = served.socket_to(peer);
        EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_NODELAY), 1) << peer;
        EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_KEEPALIVE), 1) << peer;
    }
}

TEST(Serve, ClosesAndReportsWhenNoTargetAnswers) {
    const std::uint16_t port = sys::local_address(loopback::listener_on("127.0.0.1").get())->port();
    Served served(to("127.0.0.1", port));
    ASSERT_TRUE(send_all(served.client().get(), ".question"));
    EXPECT_EQ(served.end(), "exit=111");
    EXPECT_EQ(read_reply(served.client().get()), (Reply{"", "reset"})) << "without a byte";
    EXPECT_EQ(served.messages(), "failed(" + std::to_string(ECONNREFUSED) + ") ");
}

TEST(Serve, ClosesWhenNoServiceMatches) {
    Served served(shell("echo never"));
    ASSERT_TRUE(send_all(served.client().get(), "x"));
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_EQ(read_reply(served.client().get()).bytes, "");
    EXPECT_EQ(served.messages(), "decided(-1) ");
}

TEST(Serve, BecomesTheProgramOnTheSocket) {
    Served served(
        shell("echo $PORTSPLIT_SERVICE $PORTSPLIT_REASON $PROTO $REMOTE_ADDR; cat; exit 3"));
    ASSERT_TRUE(send_all(served.client().get(), ".question"));
    loopback::finish(served.client().get());
    EXPECT_EQ(served.next_messages(), "decided(0) ");
    EXPECT_EQ(read_reply(served.client().get()),
              (Reply{"any match TCP 127.0.0.1\n.question", "end"}));
    EXPECT_EQ(served.end(), "exit=3");
}

// fault: D1
TEST(Serve, WritesNothingToTheClientWhenTheProgramIsMissing) {
    for (const auto stdio : {core::Stdio::Socket, core::Stdio::Pipe, core::Stdio::Pty}) {
        Served served(program("/no/such/program", {}, stdio));
        ASSERT_TRUE(send_all(served.client().get(), ".question"));
        EXPECT_EQ(served.end(), "exit=127");
        EXPECT_EQ(served.messages(), "decided(0) failed(" + std::to_string(ENOENT) + ") ");
        EXPECT_EQ(read_reply(served.client().get()), (Reply{"", "reset"}));
    }
}

TEST(Serve, RelaysToAProgramOnPipesAndReportsItsStatus) {
    Served served(shell("cat; echo done; exit 5", core::Stdio::Pipe));
    ASSERT_TRUE(send_all(served.client().get(), ".question\n"));
    loopback::finish(served.client().get());
    EXPECT_EQ(read_reply(served.client().get()), (Reply{".question\ndone\n", "end"}));
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_EQ(served.messages(), "decided(0) counted(10,15) exit=5 ");
}

TEST(Serve, RelaysToAProgramOnATerminal) {
    Served served(shell("head -c 3; tty >/dev/null && echo yes", core::Stdio::Pty));
    ASSERT_TRUE(send_all(served.client().get(), "..."));
    EXPECT_EQ(read_reply(served.client().get()), (Reply{"...yes\n", "end"}));
    served.client().reset();
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_EQ(served.messages(), "decided(0) counted(3,7) exit=0 ");
}

TEST(Serve, ConnectsStandardErrorAsConfigured) {
    for (const auto stdio : {core::Stdio::Socket, core::Stdio::Pipe}) {
        for (const auto where :
             {core::StderrTo::Log, core::StderrTo::Null, core::StderrTo::Client}) {
            core::Exec exec = shell("echo out; echo err >&2", stdio);
            exec.stderr_to = where;
            Served served(exec);
            ASSERT_TRUE(send_all(served.client().get(), "."));
            loopback::finish(served.client().get());
            served.next_messages();
            const std::string all = where == core::StderrTo::Client ? "out\nerr\n" : "out\n";
            EXPECT_EQ(read_reply(served.client().get()).bytes, all);
            EXPECT_EQ(served.log(), where == core::StderrTo::Log ? "err\n" : "");
        }
    }
}

void use_the_zygote(Setting& setting) { setting.errors_to = Setting::ErrorsTo::Zygote; }

TEST(Serve, SendsTheZygoteWhatAProgramWritesToTheLog) {
    for (const auto stdio : {core::Stdio::Socket, core::Stdio::Pipe, core::Stdio::Pty}) {
        core::Exec exec = shell("echo err >&2", stdio);
        exec.grace = {};  // no other descriptor is sent
        Served served(exec, loopback::tcp_pair(), use_the_zygote);
        ASSERT_TRUE(send_all(served.client().get(), "."));
        loopback::finish(served.client().get());
        EXPECT_EQ(read_reply(served.client().get()).bytes, "");
        served.client().reset();
        EXPECT_EQ(served.end(), "exit=0");
        EXPECT_NE(served.messages().find("stderr "), std::string::npos);
        EXPECT_EQ(read_reply(served.of_program().get()), (Reply{"err\n", "end"}));
        EXPECT_EQ(served.log(), "");
    }
}

TEST(Serve, SendsNoPipeForOtherPlaces) {
    for (const auto where : {core::StderrTo::Null, core::StderrTo::Client}) {
        core::Exec exec = shell("echo err >&2", core::Stdio::Pipe);
        exec.stderr_to = where;
        Served served(exec, loopback::tcp_pair(), use_the_zygote);
        ASSERT_TRUE(send_all(served.client().get(), "."));
        loopback::finish(served.client().get());
        EXPECT_EQ(read_reply(served.client().get()).bytes,
                  where == core::StderrTo::Client ? "err\n" : "");
        served.client().reset();
        EXPECT_EQ(served.end(), "exit=0");
        EXPECT_EQ(served.messages().find("stderr"), std::string::npos);
    }
}

// fault: B1
TEST(Serve, LeadsStandardErrorNowhereWhereTheZygoteHasNoRoom) {
    core::Exec exec = shell("readlink /proc/$$/fd/2; echo err >&2; echo out");
    exec.grace = {};
    Served served(exec, loopback::tcp_pair(), [](Setting& setting) {
        use_the_zygote(setting);
        setting.zygote_has_room = false;
    });
    ASSERT_TRUE(send_all(served.client().get(), "."));
    loopback::finish(served.client().get());
    EXPECT_EQ(read_reply(served.client().get()).bytes, "/dev/null\nout\n");
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_EQ(served.messages(), "failed(" + std::to_string(EMFILE) + ") decided(0) ");
    EXPECT_EQ(served.log(), "");
}

// fault: D6
TEST(Serve, DeliversTheOutputOfAProgramThatWasKilled) {
    Served served(shell("head -c 1 >/dev/null; echo last words; kill -SEGV $$", core::Stdio::Pipe));
    ASSERT_TRUE(send_all(served.client().get(), ".never read"));
    EXPECT_EQ(read_reply(served.client().get(), 11), (Reply{"last words\n", "enough"}));
    served.client().reset();
    EXPECT_EQ(served.end(), "exit=0");
    EXPECT_TRUE(served.messages().ends_with("signal=SEGV "));
}

}  // namespace
}  // namespace portsplit::dispatch
