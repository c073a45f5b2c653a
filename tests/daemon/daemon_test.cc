#include "daemon/daemon.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "support/child.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "support/zygotes.h"
#include "sys/file.h"

namespace portsplit::daemon {
namespace {

using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;

constexpr const char* kAny = "127.0.0.1:0";

/// A whole daemon, in a process of its own. Its dispatcher lies beside this program.
class DaemonTest : public testing::Test {
  protected:
    DaemonTest() {
        sys::adopt_orphans();
        configure(kAny);
    }
    ~DaemonTest() override {
        client_.reset();
        child_.reset();
        expect_no_child_left();
    }

    void configure(const std::string& bind, const std::string& more = "") {
        std::ofstream(path()) << "bind = " << bind << "\n"
                              << more << "\n[echo]\nstring = .\nexec = /bin/cat\nstderr = null\n";
    }

    void start() {
        int ends[2] = {-1, -1};
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        ready_.reset(ends[0]);
        sys::UniqueFd write_end(ends[1]);
        child_ = std::make_unique<loopback::Child>([&] {
            auto log = sys::open_log(log_path(), sys::WithoutSyslog::Drop);
            Options options;
            options.file = path();
            options.log = log_path();
            options.ready_fd = write_end.release();
            return log ? Daemon(options, *log).run() : -1;
        });
    }
    /// Starts, waits for the line with the address, and connects a client.
    void start_and_serve() {
        start();
        const std::string line = read_reply(ready_.get()).bytes;
        const std::size_t colon = line.rfind(':');
        ASSERT_NE(colon, std::string::npos) << log();
        const auto port = static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
        address_ = *sys::Address::from(core::Endpoint{"127.0.0.1", port});
        client_ = connect();
        ASSERT_TRUE(is_served(client_));
    }
    sys::UniqueFd connect() {
        auto client = sys::start_connect(address_);
        if (!client) return sys::UniqueFd();
        loopback::events_of(client->get(), POLLOUT);
        return sys::connect_outcome(client->get(), address_) == 0 ? *std::move(client)
                                                                  : sys::UniqueFd();
    }
    static bool is_served(const sys::UniqueFd& client) {
        return send_all(client.get(), ".") && read_reply(client.get(), 1) == Reply{".", "enough"};
    }

    void signal(int number) { ASSERT_EQ(::kill(child_->pid(), number), 0); }
    /// The status of the daemon as an exit code; -1 when it did not end in time or not by exit.
    int exit_code() {
        const int status = child_->status();
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    bool logs(const std::string& text) {
        const auto limit = sys::Clock::now() + loopback::kPatience;
        while (sys::Clock::now() < limit) {
            if (log().find(text) != std::string::npos) return true;
            loopback::events_of(child_->handle(), POLLIN, std::chrono::milliseconds(5));
        }
        return false;
    }
    std::string log() {
        const auto text = sys::read_file(log_path());
        return text ? *text : "";
    }
    int count(const std::string& text) {
        const std::string all = log();
        int times = 0;
        for (std::size_t at = 0; (at = all.find(text, at)) != std::string::npos; ++at) ++times;
        return times;
    }

    const sys::UniqueFd& ready() const { return ready_; }
    sys::UniqueFd& client() { return client_; }
    loopback::Child& child() { return *child_; }
    std::string path() const { return folder_ / "portsplit.conf"; }
    std::string log_path() const { return folder_ / "log"; }

  private:
    Folder folder_;
    sys::UniqueFd ready_;
    std::unique_ptr<loopback::Child> child_;
    sys::Address address_;
    sys::UniqueFd client_;
};

TEST_F(DaemonTest, WritesItsAddressesOnceAndClosesTheDescriptor) {
    start();
    const Reply reply = read_reply(ready().get());
    EXPECT_EQ(reply.bytes.substr(0, 23), "listening on 127.0.0.1:");
    EXPECT_EQ(reply.end, "end");
    EXPECT_EQ(loopback::events_of(child().handle(), POLLIN, loopback::kMoment), 0) << "it lives";
}

TEST_F(DaemonTest, ExitsWith78WhenTheFileIsWrong) {
    configure(kAny, "colour = red");
    start();
    EXPECT_EQ(exit_code(), 78);
    EXPECT_EQ(read_reply(ready().get()), (Reply{"", "end"}));
}

// fault: A1
TEST_F(DaemonTest, ExitsWith71WhenAnAddressCannotBeBound) {
    configure("192.0.2.1:0");
    start();
    EXPECT_EQ(exit_code(), 71);
}

// fault: F6
TEST_F(DaemonTest, ExitsWithZeroAtTermAndLeavesConnectionsAlone) {
    for (const int number : {SIGTERM, SIGINT}) {
        start_and_serve();
        signal(number);
        EXPECT_EQ(exit_code(), 0);
        EXPECT_FALSE(connect());
        EXPECT_TRUE(is_served(client()));
    }
}

// fault: F6
TEST_F(DaemonTest, ExitsAfterQuitWhenTheLastConnectionEnds) {
    start_and_serve();
    signal(SIGQUIT);
    ASSERT_TRUE(logs("stopped listening; exiting when the last of 1 connections ends\n"));
    EXPECT_FALSE(connect());
    EXPECT_TRUE(is_served(client()));
    client().reset();
    EXPECT_EQ(exit_code(), 0);
}

TEST_F(DaemonTest, IgnoresQuitAndHangupAfterQuit) {
    start_and_serve();
    signal(SIGQUIT);
    ASSERT_TRUE(logs("stopped listening"));
    signal(SIGQUIT);
    signal(SIGHUP);
    signal(SIGUSR1);
    ASSERT_TRUE(logs("listening on ; connections being served: 1 of 1000\n"));
    EXPECT_EQ(count("stopped listening"), 1);
    EXPECT_EQ(loopback::children_of(child().pid()).size(), 1U) << "no zygote was started";
    EXPECT_FALSE(connect());
    client().reset();
    EXPECT_EQ(exit_code(), 0);
}

TEST_F(DaemonTest, ServesByTheNewFileAfterHangup) {
    start_and_serve();
    configure(kAny, "maxconn = 7");
    signal(SIGHUP);
    ASSERT_TRUE(logs("reloaded " + path() + ", listening on 127.0.0.1:"));
    signal(SIGUSR1);
    ASSERT_TRUE(logs("connections being served: 1 of 7\n"));
    EXPECT_TRUE(is_served(connect()));
    EXPECT_TRUE(is_served(client()));
}

/// So many services that a reader and a zygote need some milliseconds for them.
std::string many_services() {
    std::string services;
    for (int i = 0; i < 9000; ++i) {
        const std::string number = std::to_string(i);
        services.append("[s").append(number).append("]\nstring = ").append(number);
        services.append(".\nconnect = 127.0.0.1:9\n");
    }
    return services;
}

TEST_F(DaemonTest, AcceptsWhileTheFileIsRead) {
    start_and_serve();
    configure(kAny, many_services());
    signal(SIGHUP);
    pid_t reader = -1;
    ASSERT_TRUE(loopback::comes_true([&] {
        for (const pid_t pid : loopback::children_of(child().pid())) {
            if (loopback::name_of(pid) == loopback::name_of(child().pid())) reader = pid;
        }
        return reader >= 0;
    }));
    ASSERT_EQ(::kill(reader, SIGSTOP), 0);
    loopback::wait_for_state(reader, 'T');
    EXPECT_TRUE(is_served(connect()));
    EXPECT_EQ(count("reloaded"), 0);
    ASSERT_EQ(::kill(reader, SIGCONT), 0);
    EXPECT_TRUE(logs("reloaded " + path()));
    EXPECT_TRUE(is_served(connect()));
}

// The first reload closes the address, and the second, which came while the first was under way, binds
// it again.
TEST_F(DaemonTest, BindsAnAddressAgainThatTheReloadBeforeClosed) {
    const std::string address =
        sys::local_address(loopback::listener_on("127.0.0.1").get())->text();
    configure(address);
    start_and_serve();
    configure("127.0.0.2:0", many_services());
    signal(SIGHUP);
    ASSERT_TRUE(loopback::comes_true([&] {
        const auto children = loopback::children_of(child().pid());
        return std::count_if(children.begin(), children.end(), [](pid_t pid) {
                   return loopback::name_of(pid) == "portsplit-dispa";
               }) == 2;
    })) << "the file was read, and its zygote is starting";
    configure(address);
    signal(SIGHUP);
    ASSERT_TRUE(logs("reloaded " + path() + ", listening on 127.0.0.2:"));
    EXPECT_TRUE(logs("reloaded " + path() + ", listening on " + address + "\n")) << log();
    EXPECT_TRUE(is_served(connect()));
}

TEST_F(DaemonTest, KeepsServingWhenAReloadFails) {
    start_and_serve();
    configure(kAny, "colour = red");
    signal(SIGHUP);
    ASSERT_TRUE(logs("reload failed: 1 problem in " + path() +
                     "; still serving the configuration loaded at 20"));
    EXPECT_TRUE(is_served(connect()));
}

TEST_F(DaemonTest, ReplacesAZygoteThatDied) {
    start_and_serve();
    const auto children = loopback::children_of(child().pid());
    ASSERT_EQ(children.size(), 1U);
    ASSERT_EQ(::kill(children[0], SIGKILL), 0);
    ASSERT_TRUE(
        logs("portsplit-dispatch died (signal=KILL); its connections go on, without a log "
             "line at their end: 1\n"));
    ASSERT_TRUE(logs("portsplit-dispatch runs again, listening on 127.0.0.1:"));
    EXPECT_TRUE(is_served(connect()));
    EXPECT_TRUE(is_served(client()));
}

}  // namespace
}  // namespace portsplit::daemon
