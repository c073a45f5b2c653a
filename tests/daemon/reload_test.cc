#include "daemon/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "support/child.h"
#include "support/folder.h"
#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/moved_clock.h"
#include "support/zygotes.h"

namespace portsplit::daemon {
namespace {

namespace fs = std::filesystem;

using std::chrono::milliseconds;
using std::chrono::seconds;
using sys::Clock;
using Kind = Reload::Kind;

/// A daemon without signals and clients. Its zygotes do what the name of its configuration file
/// says (tests/daemon/fake_zygote.cc).
class ReloadTest : public testing::Test {
  protected:
    ReloadTest() { configure("127.0.0.1"); }
    ~ReloadTest() override {
        reload_.stop();
        generations_.retire();
        expect_no_child_left();
    }

    /// Writes the configuration under the name of every mode.
    void configure(const std::string& host, const std::string& more = "") {
        for (const char* mode : {"ready", "silent", "dead", "crashing"}) {
            std::ofstream(folder_ / mode)
                << "bind = " << host << ":0\n"
                << more << "\n[one]\nstring = one\nconnect = 127.0.0.1:9\n";
        }
    }
    void set_mode(const std::string& mode) { launchpad_.file = folder_ / mode; }

    /// One turn of the daemon's loop, which waits at most 20 ms.
    std::optional<Reload::Outcome> turn() {
        ++turns_;
        sys::PollSet set;
        generations_.watch(set);
        reload_.watch(set);
        set.wake_at(Clock::now() + milliseconds(20));
        EXPECT_TRUE(set.wait());
        generations_.receive_ready(set);
        generations_.see_to_stalls(log_.log());
        while (const auto child = sys::reap()) {
            if (reload_.is_reader(child->pid)) {
                auto outcome = reload_.on_reader_end(child->status);
                if (outcome) return outcome;
                continue;
            }
            const auto end = generations_.on_child_end(*child);
            if (end == Generations::End::Current) reload_.on_current_zygote_end();
            if (end == Generations::End::Starting) {
                return reload_.on_starting_zygote_end(child->status);
            }
        }
        return reload_.step();
    }

    /// Turns until the file has been read and a zygote is starting.
    bool has_read() {
        return loopback::comes_true([&] {
            const auto children = loopback::children_of(::getpid());
            return !turn() && reload_.is_changing() &&
                   std::none_of(children.begin(), children.end(),
                                [&](pid_t child) { return reload_.is_reader(child); });
        });
    }

    /// `start taken over`, `reload failed` and the like: how the next change ends.
    std::string next_outcome() {
        const auto limit = Clock::now() + loopback::kPatience;
        while (Clock::now() < limit) {
            auto outcome = turn();
            if (!outcome) continue;
            exit_code_ = outcome->exit_code;
            const char* kind = outcome->kind == Kind::Start     ? "start "
                               : outcome->kind == Kind::Reload  ? "reload "
                               : outcome->kind == Kind::Renewal ? "renewal "
                                                                : "restart ";
            return kind + std::string(outcome->took_over ? "taken over" : "failed");
        }
        return "none in time";
    }

    void start() {
        ASSERT_TRUE(reload_.begin(Kind::Start)) << log_.lines();
        ASSERT_EQ(next_outcome(), "start taken over");
    }

    pid_t reader_pid() const {
        for (const pid_t child : loopback::children_of(::getpid())) {
            if (reload_.is_reader(child)) return child;
        }
        return -1;
    }

    /// Begins a reload whose reader is stopped, in as many tries as it takes: a reader may have ended before.
    pid_t begin_stopped_reading() {
        while (true) {
            EXPECT_TRUE(reload_.begin(Kind::Reload));
            const pid_t reader = reader_pid();
            ::kill(reader, SIGSTOP);
            loopback::comes_true([&] {
                const char state = loopback::state_of(reader);
                return state == 'T' || state == 'Z' || state == '\0';
            });
            if (loopback::state_of(reader) == 'T') return reader;
            next_outcome();
        }
    }

    Reload& reload() { return reload_; }
    int turns() const { return turns_; }
    Generations& generations() { return generations_; }
    pid_t zygote() { return generations_.current() ? generations_.current()->pid() : -1; }
    ListeningSockets& sockets() { return sockets_; }
    int exit_code() const { return exit_code_; }
    std::string path(const std::string& name) const { return folder_ / name; }
    std::string log() { return log_.lines(); }

  private:
    Folder folder_;
    LogOfLines log_;
    Launchpad launchpad_ = fake_zygote(folder_ / "ready");
    ListeningSockets sockets_;
    Accounts accounts_;
    Generations generations_{accounts_};
    Intake intake_{generations_, accounts_, log_.log()};
    int turns_ = 0;
    int exit_code_ = -1;
    Reload reload_{launchpad_, sockets_, intake_, generations_, log_.log(), milliseconds(500)};
};

TEST_F(ReloadTest, ListensOnceTheFirstZygoteIsReady) {
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_TRUE(reload().is_changing());
    EXPECT_FALSE(reload().in_force());
    EXPECT_TRUE(sockets().all().empty());
    EXPECT_EQ(next_outcome(), "start taken over");
    EXPECT_FALSE(reload().is_changing());
    ASSERT_TRUE(reload().in_force());
    EXPECT_EQ(reload().in_force()->config.top.bind.size(), 1U);
    EXPECT_EQ(sockets().all().size(), 1U);
    EXPECT_NE(zygote(), -1);
    EXPECT_EQ(log(), "");
}

TEST_F(ReloadTest, ReturnsTheExitCodeOfAStartThatFails) {
    configure("127.0.0.1", "colour = red");
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_EQ(next_outcome(), "start failed");
    EXPECT_EQ(exit_code(), 78);
    const std::string message = path("ready") + ":2: unknown key colour; ";
    EXPECT_EQ(log().substr(0, message.size()), message);
    configure("192.0.2.1");
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_EQ(next_outcome(), "start failed");
    EXPECT_EQ(exit_code(), 71);
    EXPECT_EQ(log(),
              "cannot listen on 192.0.2.1:0: Cannot assign requested address; no interface has "
              "this address; see those that there are: ip address. With freebind = yes it "
              "may come later\n");
    set_mode("missing");
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_EQ(next_outcome(), "start failed");
    EXPECT_EQ(exit_code(), 78);
    EXPECT_FALSE(reload().is_changing());
}

TEST_F(ReloadTest, KillsAReaderThatTakesTooLong) {
    start();
    // The reader must not be done before it is stopped.
    configure("127.0.0.1", std::string(4'000'000, '#'));
    ASSERT_TRUE(reload().begin(Kind::Reload));
    ASSERT_EQ(::kill(reader_pid(), SIGSTOP), 0);
    MovedClock clock;
    clock.move(std::chrono::minutes(1));
    EXPECT_EQ(next_outcome(), "reload failed");
    EXPECT_EQ(log(), "cannot read " + path("ready") + ": it takes too long\n");
    EXPECT_TRUE(reload().in_force());
}

TEST_F(ReloadTest, RestartsADeadZygoteAfterAReadingThatFailed) {
    start();
    configure("127.0.0.1", "colour = red");
    ASSERT_TRUE(reload().begin(Kind::Reload));
    loopback::wait_for_state(reader_pid(), 'Z');
    ASSERT_EQ(::kill(zygote(), SIGKILL), 0);
    EXPECT_EQ(next_outcome(), "reload failed");
    EXPECT_EQ(next_outcome(), "restart taken over");
}

TEST_F(ReloadTest, RestartsADeadZygoteWhileAFileIsRead) {
    start();
    const pid_t reader = begin_stopped_reading();
    ASSERT_EQ(::kill(zygote(), SIGKILL), 0);
    EXPECT_EQ(next_outcome(), "restart taken over");
    ASSERT_EQ(::kill(reader, SIGCONT), 0);
    EXPECT_EQ(next_outcome(), "reload taken over");
}

TEST_F(ReloadTest, ReloadsAfterARestartThatWasUnderWay) {
    start();
    ASSERT_EQ(::kill(zygote(), SIGKILL), 0);
    ASSERT_TRUE(loopback::comes_true([&] { return !turn() && reload().is_changing(); }));
    ASSERT_TRUE(reload().begin(Kind::Reload));
    EXPECT_EQ(next_outcome(), "restart taken over");
    EXPECT_EQ(next_outcome(), "reload taken over");
}

TEST_F(ReloadTest, DropsWhatWasReadForAReloadAfterTheStop) {
    start();
    ASSERT_TRUE(reload().begin(Kind::Reload));
    reload().stop();
    const auto limit = Clock::now() + loopback::kMoment;
    while (Clock::now() < limit) EXPECT_FALSE(turn());
    EXPECT_FALSE(reload().is_changing());
    EXPECT_EQ(log(), "");
}

TEST_F(ReloadTest, FailsWhenTheZygoteIsNotReadyInTime) {
    set_mode("silent");
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_EQ(next_outcome(), "start failed");
    EXPECT_EQ(log(), "the new portsplit-dispatch was not ready in time\n");
    EXPECT_FALSE(reload().is_changing());
}

TEST_F(ReloadTest, FailsWhenTheZygoteEndsBeforeItIsReady) {
    set_mode("dead");
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_EQ(next_outcome(), "start failed");
    EXPECT_EQ(log(), "the new portsplit-dispatch ended before it was ready (exit=1)\n");
}

// fault: F2
TEST_F(ReloadTest, KeepsTheConfigurationInForceWhenAReloadFails) {
    start();
    const pid_t before = zygote();
    const std::string text = sockets().text();
    configure("192.0.2.1");
    ASSERT_TRUE(reload().begin(Kind::Reload));
    EXPECT_EQ(next_outcome(), "reload failed");
    EXPECT_FALSE(reload().is_changing());
    configure("127.0.0.2");
    set_mode("dead");
    ASSERT_TRUE(reload().begin(Kind::Reload));
    EXPECT_EQ(next_outcome(), "reload failed");
    EXPECT_EQ(zygote(), before);
    EXPECT_EQ(sockets().text(), text);
    EXPECT_EQ(reload().in_force()->config.top.bind[0].host, "127.0.0.1");
}

TEST_F(ReloadTest, GivesTheClientsOfASocketThatClosesToTheGenerationThatEnds) {
    start();
    const auto client = sys::start_connect(sockets().all()[0].bound);
    ASSERT_TRUE(client);
    ASSERT_NE(loopback::events_of(client->get(), POLLOUT), 0);
    configure("127.0.0.2");
    ASSERT_TRUE(reload().begin(Kind::Reload));
    EXPECT_EQ(next_outcome(), "reload taken over");
    EXPECT_EQ(generations().connections(), 1U);
    EXPECT_EQ(generations().current()->connections(), 0U);
    ASSERT_EQ(sockets().all().size(), 1U);
    EXPECT_EQ(sockets().all()[0].bound.host(), "127.0.0.2");
}

TEST_F(ReloadTest, MovesThePidFileWhenTheReloadTakesOver) {
    configure("127.0.0.1", "pid = " + path("first.pid"));
    start();
    EXPECT_TRUE(fs::exists(path("first.pid")));
    ASSERT_TRUE(reload().begin(Kind::Reload)) << "with the pid file that it holds";
    EXPECT_EQ(next_outcome(), "reload taken over");
    EXPECT_TRUE(fs::exists(path("first.pid")));
    configure("127.0.0.1", "pid = " + path("second.pid"));
    set_mode("silent");
    ASSERT_TRUE(reload().begin(Kind::Reload));
    ASSERT_TRUE(has_read());
    EXPECT_TRUE(fs::exists(path("first.pid")));
    EXPECT_TRUE(fs::exists(path("second.pid")));
    EXPECT_EQ(next_outcome(), "reload failed");
    EXPECT_TRUE(fs::exists(path("first.pid")));
    EXPECT_FALSE(fs::exists(path("second.pid")));
    set_mode("ready");
    ASSERT_TRUE(reload().begin(Kind::Reload));
    EXPECT_EQ(next_outcome(), "reload taken over");
    EXPECT_FALSE(fs::exists(path("first.pid")));
    EXPECT_TRUE(fs::exists(path("second.pid")));
    reload().stop();
    EXPECT_FALSE(fs::exists(path("second.pid")));
}

TEST_F(ReloadTest, PostponesAReloadWhileAChangeIsOnItsWay) {
    EXPECT_FALSE(reload().postpone_reload());
    EXPECT_FALSE(reload().take_postponed());
    ASSERT_TRUE(reload().begin(Kind::Start));
    EXPECT_TRUE(reload().postpone_reload());
    EXPECT_TRUE(reload().postpone_reload());
    EXPECT_EQ(next_outcome(), "start taken over");
    EXPECT_TRUE(reload().take_postponed());
    EXPECT_FALSE(reload().take_postponed()) << "two become one";
    EXPECT_FALSE(reload().postpone_reload());
}

TEST_F(ReloadTest, RenewsAZygoteWhoseDispatcherCrashedAtMostOnceASecond) {
    set_mode("crashing");
    start();
    auto last = Clock::now() - kRenewalPause;
    for (int i = 1; i <= 3; ++i) {
        const pid_t before = zygote();
        ASSERT_TRUE(generations().current()->hand_over({{.id = 7}, sys::UniqueFd(::dup(0))},
                                                       Generation::Wait::Never));
        EXPECT_EQ(next_outcome(), "renewal taken over");
        EXPECT_NE(zygote(), before);
        const auto now = Clock::now();
        EXPECT_GE(now - last, i == 1 ? seconds(0) : kRenewalPause - milliseconds(100));
        last = now;
    }
    EXPECT_EQ(generations().connections(), 0U);
    EXPECT_THAT(log(), testing::HasSubstr("other addresses in its memory; it is number 3 "));
    EXPECT_LT(turns(), 300) << "it waits in the pauses";
    const auto limit = Clock::now() + kRenewalPause + loopback::kMoment;
    while (Clock::now() < limit) EXPECT_FALSE(turn());
}

TEST_F(ReloadTest, RestartsADeadZygoteAfterAPauseThatGrows) {
    start();
    set_mode("missing");  // a restart does not read the file
    for (const int least : {0, 100, 200, 400}) {
        const pid_t before = zygote();
        ASSERT_EQ(::kill(before, SIGKILL), 0);
        loopback::wait_for_state(before, 'Z');
        const auto death = Clock::now();
        EXPECT_EQ(next_outcome(), "restart taken over");
        EXPECT_GE(Clock::now() - death, milliseconds(least));
        EXPECT_NE(zygote(), before);
    }
    EXPECT_LT(turns(), 300) << "it waits in the pauses";
}

TEST_F(ReloadTest, RestartsAfterAPauseThatGrowsWhenTheNewZygoteDiesAtBirth) {
    start();
    set_mode("dead");
    const auto death = Clock::now();
    ASSERT_EQ(::kill(zygote(), SIGKILL), 0);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(next_outcome(), "restart failed");
    EXPECT_GE(Clock::now() - death, milliseconds(0 + 100 + 200 + 400));
    EXPECT_TRUE(reload().in_force());
}

TEST_F(ReloadTest, RestartsAfterAPauseThatGrowsWhenTheStartFailsAtOnce) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "UndefinedBehaviorSanitizer opens a pipe to check an object's type, and ends a "
                    "process that cannot open one";
#endif
    start();
    const pid_t before = zygote();
    ASSERT_EQ(::kill(before, SIGKILL), 0);
    loopback::wait_for_state(before, 'Z');
    rlimit enough{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &enough), 0);
    // poll(2) needs a limit of as many descriptors as it waits for.
    const rlimit few{.rlim_cur = 3, .rlim_max = enough.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto limit = Clock::now() + milliseconds(250);
    while (Clock::now() < limit) EXPECT_FALSE(turn());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &enough), 0);
    const std::string lines = log();
    EXPECT_GE(std::count(lines.begin(), lines.end(), '\n'), 1);
    EXPECT_LE(std::count(lines.begin(), lines.end(), '\n'), 2) << "at 0 and 100 ms";
    EXPECT_EQ(next_outcome(), "restart taken over");
}

TEST_F(ReloadTest, RestartsNothingAfterTheStop) {
    start();
    ASSERT_TRUE(reload().begin(Kind::Reload));
    ASSERT_TRUE(has_read());
    reload().stop();
    EXPECT_FALSE(reload().is_changing());
    EXPECT_FALSE(reload().in_force());
    ASSERT_EQ(::kill(zygote(), SIGKILL), 0);
    const auto limit = Clock::now() + loopback::kMoment;
    while (Clock::now() < limit) EXPECT_FALSE(turn());
    EXPECT_EQ(zygote(), -1);
}

}  // namespace
}  // namespace portsplit::daemon
