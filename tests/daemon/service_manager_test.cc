#include "daemon/service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/folder.h"
#include "support/moved_clock.h"

namespace portsplit::daemon {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;
using sys::Clock;

/// The manager's end: a datagram socket that the environment names.
class ServiceManagerTest : public testing::Test {
  protected:
    ServiceManagerTest() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        auto* generic = reinterpret_cast<sockaddr*>(&address);  // sockaddr(3type)
        EXPECT_EQ(::bind(socket_.get(), generic, sizeof address), 0);
        ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
    }
    ~ServiceManagerTest() override {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
            ::unsetenv(name);
        }
    }

    /// The notifications so far, each followed by '|'.
    std::string notifications() {
        std::string all;
        char buffer[1024];
        for (ssize_t got = 0;
             (got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT)) >= 0;) {
            all.append(buffer, static_cast<std::size_t>(got)) += '|';
        }
        return all;
    }

    MovedClock& clock() { return clock_; }

  private:
    Folder folder_;
    std::string path_ = folder_ / "notify";
    sys::UniqueFd socket_;
    MovedClock clock_;
};

TEST(ServiceManager, DoesNothingWithoutAManager) {
    ServiceManager manager;
    EXPECT_FALSE(manager.can_notify());
    EXPECT_TRUE(manager.take_sockets().empty());
    EXPECT_EQ(manager.due(), Clock::time_point::max());
    manager.notify_ready("status");
    manager.keep_informed("another");
    EXPECT_EQ(manager.due(), Clock::time_point::max());
}

TEST_F(ServiceManagerTest, SendsReadinessReloadsAndTheEnd) {
    ServiceManager manager;
    EXPECT_TRUE(manager.can_notify());
    manager.notify_ready("serving");
    EXPECT_EQ(notifications(), "READY=1\nSTATUS=serving|");
    manager.notify_reloading();
    EXPECT_EQ(notifications().substr(0, 27), "RELOADING=1\nMONOTONIC_USEC=");
    manager.notify_stopping("stopped");
    EXPECT_EQ(notifications(), "STOPPING=1\nSTATUS=stopped|");
}

TEST_F(ServiceManagerTest, LeavesNothingInTheEnvironment) {
    ::setenv("WATCHDOG_USEC", "1000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    ServiceManager manager;
    const auto environment = [] {
        std::string names;
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
            if (::getenv(name) != nullptr) names += name;
        }
        return names;
    };
    EXPECT_EQ(environment(), "");
    manager.notify_ready("serving");
    EXPECT_EQ(environment(), "");
}

TEST_F(ServiceManagerTest, SendsAChangedStatusAtMostOnceASecond) {
    ServiceManager manager;
    manager.notify_ready("0");
    EXPECT_EQ(manager.due(), Clock::time_point::max());
    notifications();
    manager.keep_informed("0");
    EXPECT_EQ(notifications(), "") << "it has not changed";
    manager.keep_informed("1");
    EXPECT_EQ(notifications(), "STATUS=1|");
    manager.keep_informed("2");
    EXPECT_EQ(notifications(), "") << "within the second";
    EXPECT_GT(manager.due(), Clock::now());
    EXPECT_LE(manager.due(), Clock::now() + seconds(1));
    manager.keep_informed("3");
    clock().move(seconds(1));
    EXPECT_LE(manager.due(), Clock::now());
    manager.keep_informed("3");
    EXPECT_EQ(notifications(), "STATUS=3|") << "the newest alone";
    EXPECT_EQ(manager.due(), Clock::time_point::max());
}

TEST_F(ServiceManagerTest, SendsTheWatchdogsKeepAliveAtHalfItsLimit) {
    ::setenv("WATCHDOG_USEC", "10000000", 1);
    ServiceManager manager;
    manager.notify_ready("0");
    notifications();
    manager.keep_informed("0");
    EXPECT_EQ(notifications(), "WATCHDOG=1|");
    EXPECT_GT(manager.due(), Clock::now() + seconds(3));
    EXPECT_LE(manager.due(), Clock::now() + seconds(5));
    manager.keep_informed("0");
    EXPECT_EQ(notifications(), "");
    clock().move(seconds(5));
    manager.keep_informed("0");
    EXPECT_EQ(notifications(), "WATCHDOG=1|");
}

TEST_F(ServiceManagerTest, IgnoresAWatchdogOfAnotherProcess) {
    ::setenv("WATCHDOG_USEC", "10000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    ServiceManager manager;
    EXPECT_EQ(manager.due(), Clock::time_point::max());
}

TEST(ServiceManager, TakesThePassedSocketsOnceAndClosesThemOnExec) {
    EXPECT_EQ(loopback::text_of_child([] {
                  for (const int fd : {3, 4}) ::dup2(0, fd);
                  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
                  ::setenv("LISTEN_FDS", "2", 1);
                  ::setenv("LISTEN_FDNAMES", "web:ssh", 1);
                  ServiceManager manager;
                  std::string text;
                  for (const Passed& passed : manager.take_sockets()) {
                      text += passed.name + "=" + std::to_string(passed.fd.get());
                      text += closes_on_exec(passed.fd.get()) ? " " : "! ";
                  }
                  if (!manager.take_sockets().empty()) text += "again ";
                  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
                      if (::getenv(name) != nullptr) text += name;
                  }
                  return text;
              }),
              "web=3 ssh=4 ");
}

}  // namespace
}  // namespace portsplit::daemon
