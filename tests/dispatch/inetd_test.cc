#include "dispatch/inetd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "support/child.h"
#include "support/log_text.h"
#include "support/loopback.h"
#include "support/plans.h"
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

/// A process started as a super-server starts it, with the log in a pipe.
class Inetd {
  public:
    /// @param fd  becomes descriptor 0, and 1 and 2 as under inetd
    /// @param prepare  called in the process before it serves
    explicit Inetd(
        UniqueFd fd, const core::Action& action = shell("cat"),
        const std::function<void()>& prepare = [] {}) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        log_.reset(ends[0]);
        UniqueFd log_to(ends[1]);
        child_.emplace([&] {
            for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
                ::dup2(fd.get(), standard);
            }
            fd.reset();
            ::signal(SIGPIPE, SIG_IGN);
            for (const char* name :
                 {"TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT", "REMOTE_ADDR",
                  "REMOTE_HOST", "SOCAT_PEERADDR", "NCAT_REMOTE_ADDR"}) {
                ::unsetenv(name);
            }
            prepare();
            sys::Log log = sys::Log::to_descriptor(std::move(log_to));
            core::Config config;
            config.top.timeout = std::chrono::milliseconds(60'000);
            config.services = {service("web", {"GET"}, action)};
            return serve_inetd(core::Plan(config), {}, log);
        });
    }

    pid_t pid() const { return child_->pid(); }
    std::string end() { return sys::describe_status(child_->status()); }

    /// Returns the log once the process has ended, without pids, ports and times.
    std::string log() {
        std::string all = without_dates(read_reply(log_.get()).bytes);
        for (const char* before : {"portsplit[", "sport=", "dport=", "ms=", "127.0.0.1:"}) {
            all = mask_numbers(std::move(all), before);
        }
        return all;
    }

  private:
    UniqueFd log_;
    std::optional<Child> child_;
};

TEST(ServeInetd, LogsTheLineOfAProgramBeforeItStarts) {
    Pair pair = loopback::tcp_pair();
    Inetd inetd(std::move(pair.near));
    ASSERT_TRUE(send_all(pair.far.get(), "GET"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{"GET", "end"}));
    EXPECT_EQ(inetd.end(), "exit=0");
    EXPECT_EQ(inetd.log(),
              "portsplit[N]: service=web reason=match src=127.0.0.1 sport=N dst=127.0.0.1 dport=N "
              "action=exec target=/bin/sh in=- out=- ms=N\n");
}

TEST(ServeInetd, LogsTheLineOfARelayOnceAtItsEnd) {
    const UniqueFd listener = loopback::listener_on("127.0.0.1");
    Pair pair = loopback::tcp_pair();
    Inetd inetd(std::move(pair.near), to("127.0.0.1", sys::local_address(listener.get())->port()));
    ASSERT_TRUE(send_all(pair.far.get(), "GET"));
    loopback::finish(pair.far.get());
    UniqueFd server = loopback::accepted_from(listener);
    EXPECT_EQ(read_reply(server.get()), (Reply{"GET", "end"}));
    ASSERT_TRUE(send_all(server.get(), "answer"));
    server.reset();
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{"answer", "end"}));
    EXPECT_EQ(inetd.end(), "exit=0");
    EXPECT_EQ(inetd.log(),
              "portsplit[N]: service=web reason=match src=127.0.0.1 sport=N dst=127.0.0.1 dport=N "
              "action=connect target=127.0.0.1:N in=3 out=6 ms=N\n");
}

TEST(ServeInetd, LogsTheFailureOfAProgramAfterItsLineAndWritesTheClientNothing) {
    Pair pair = loopback::tcp_pair();
    Inetd inetd(std::move(pair.near), program("/no/such/program"));
    ASSERT_TRUE(send_all(pair.far.get(), "GET"));
    EXPECT_EQ(read_reply(pair.far.get()).bytes, "");
    EXPECT_EQ(inetd.end(), "exit=127");
    EXPECT_EQ(inetd.log(),
              "portsplit[N]: service=web reason=match src=127.0.0.1 sport=N dst=127.0.0.1 dport=N "
              "action=exec target=/no/such/program in=- out=- ms=N\n"
              "portsplit[N]: cannot start /no/such/program for service web, client 127.0.0.1:N: No "
              "such file or directory\n");
}

TEST(ServeInetd, LogsTheExitCodeWhenNoTargetAnswers) {
    Pair pair = loopback::tcp_pair();
    const std::uint16_t closed =
        sys::local_address(loopback::listener_on("127.0.0.1").get())->port();
    Inetd inetd(std::move(pair.near), to("127.0.0.1", closed));
    ASSERT_TRUE(send_all(pair.far.get(), "GET"));
    EXPECT_EQ(read_reply(pair.far.get()).bytes, "");
    EXPECT_EQ(inetd.end(), "exit=111");
    EXPECT_EQ(inetd.log(),
              "portsplit[N]: cannot connect to 127.0.0.1:N for service web, client 127.0.0.1:N: "
              "Connection refused\n"
              "portsplit[N]: service=web reason=match src=127.0.0.1 sport=N dst=127.0.0.1 dport=N "
              "action=connect target=- in=- out=- ms=N exit=111\n");
}

TEST(ServeInetd, TakesTheAddressesThatTheSuperServerGives) {
    const struct {
        const char* port;
        const char* expected;
    } cases[] = {{"4321", "src=192.0.2.7 sport=N dst=192.0.2.1 dport=N"},
                 {"43210000", "src=127.0.0.1 sport=N dst=192.0.2.1 dport=N"},
                 {"43x", "src=127.0.0.1 sport=N dst=192.0.2.1 dport=N"}};
    for (const auto& test : cases) {
        Pair pair = loopback::tcp_pair();
        Inetd inetd(std::move(pair.near), program("/bin/true"), [&test] {
            ::setenv("TCPREMOTEIP", "192.0.2.7", 1);
            ::setenv("TCPREMOTEPORT", test.port, 1);
            ::setenv("TCPLOCALIP", "192.0.2.1", 1);
            ::setenv("TCPLOCALPORT", "443", 1);
        });
        loopback::finish(pair.far.get());
        EXPECT_EQ(inetd.end(), "exit=0");
        EXPECT_EQ(inetd.log(), "portsplit[N]: service=- reason=eof " + std::string(test.expected) +
                                   " action=close target=- in=0 out=0 ms=N\n")
            << test.port;
    }
}

TEST(ServeInetd, GivesAProgramTheEnvironmentOfTheSuperServer) {
    Pair pair = loopback::tcp_pair();
    Inetd inetd(std::move(pair.near), shell("echo $OF_SUPERSERVER"),
                [] { ::setenv("OF_SUPERSERVER", "inherited", 1); });
    ASSERT_TRUE(send_all(pair.far.get(), "GET"));
    EXPECT_EQ(read_reply(pair.far.get(), 10).bytes, "inherited\n");
}

TEST(ServeInetd, PutsDevNullInPlaceOfTheSocketOnTheStandardDescriptors) {
    // Otherwise these would keep the connection open after the relay has closed it.
    Pair pair = loopback::tcp_pair();
    Inetd inetd(std::move(pair.near));
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        const std::string link =
            "/proc/" + std::to_string(inetd.pid()) + "/fd/" + std::to_string(fd);
        EXPECT_TRUE(loopback::comes_true([&] {
            char target[64] = {};
            return ::readlink(link.c_str(), target, sizeof target - 1) > 0 &&
                   std::string(target) == "/dev/null";
        })) << fd;
    }
}

// fault: A9
TEST(ServeInetd, RefusesAListeningSocket) {
    Inetd inetd(loopback::listener_on("127.0.0.1"));
    EXPECT_EQ(inetd.end(), "exit=64");
    EXPECT_EQ(inetd.log(),
              "portsplit[N]: descriptor 0 is a listening socket: set wait = no (xinetd), nowait "
              "(inetd) or Accept=yes (systemd), or let portsplitd listen\n");
}

// fault: A9
TEST(ServeInetd, RefusesADescriptorThatIsNoStreamSocket) {
    Inetd file(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
    EXPECT_EQ(file.end(), "exit=64");
    EXPECT_EQ(file.log(),
              "portsplit[N]: descriptors 0 and 1 are neither a stream socket nor two pipes: "
              "--inetd serves the "
              "one connection that a super-server passes there\n");
    Inetd datagrams(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
    EXPECT_EQ(datagrams.end(), "exit=64");
}

// fault: B3
TEST(ServeInetd, ExitsSilentlyWhenTheClientHasReset) {
    Pair pair = loopback::tcp_pair();
    loopback::reset(pair.far);
    ASSERT_NE(loopback::events_of(pair.near.get(), POLLIN), 0);
    Inetd inetd(std::move(pair.near));
    EXPECT_EQ(inetd.end(), "exit=0");
    EXPECT_EQ(inetd.log(), "");
}

}  // namespace
}  // namespace portsplit::dispatch
