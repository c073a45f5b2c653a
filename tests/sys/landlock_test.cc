// Each test restricts a child: it cannot get back what it gave up. Every version is tried that the kernel of the
// test has: a kernel takes what an older one would have taken.

#include "sys/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "support/child.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace portsplit::sys {
namespace {

/// Returns the errno of what a restricted child tries; 0 if it succeeds.
int outcome_of(const Reach& reach, int version, const std::function<bool()>& attempt) {
    loopback::Child child([&] {
        if (!refuse_new_privileges() || !restrict_reach(reach, version)) return 255;
        return attempt() ? 0 : errno;
    });
    const int status = child.status();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class RestrictReach : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        if (GetParam() > landlock_version()) GTEST_SKIP() << "needs a kernel with this version";
    }
};

bool can_open(const std::string& path, int flags) {
    return static_cast<bool>(UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, 0600)));
}

TEST_P(RestrictReach, LeavesNoFileButThoseNamed) {
    const Folder folder;
    std::filesystem::create_directory(folder / "allowed");
    std::ofstream(folder / "allowed/file") << "a";
    std::ofstream(folder / "other") << "b";
    const Reach reach{.readable = {folder / "allowed", folder / "missing", ""}};
    const auto outcome = [&](const std::string& name, int flags) {
        return outcome_of(reach, GetParam(), [&] { return can_open(folder / name, flags); });
    };
    EXPECT_EQ(outcome("allowed/file", O_RDONLY), 0);
    EXPECT_EQ(outcome("allowed/file", O_WRONLY), EACCES);
    EXPECT_EQ(outcome("allowed", O_RDONLY | O_DIRECTORY), EACCES);
    EXPECT_EQ(outcome("other", O_RDONLY), EACCES);
    EXPECT_EQ(outcome("new", O_WRONLY | O_CREAT), EACCES);
}

TEST_P(RestrictReach, LeavesNoPortButThoseNamed) {
    const UniqueFd one = loopback::listener_on("127.0.0.1");
    const UniqueFd other = loopback::listener_on("127.0.0.1");
    const Reach reach{.ports = {loopback::port_of(one)}};
    const bool has_tcp = GetParam() >= kLandlockWithTcp;
    const auto connects = [](const UniqueFd& listener) {
        const Address address = *local_address(listener.get());
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        return ::connect(fd.get(), address.data(), address.size()) == 0;
    };
    const auto outcome = [&](const std::function<bool()>& attempt) {
        return outcome_of(reach, GetParam(), attempt);
    };
    EXPECT_EQ(outcome([&] { return connects(one); }), 0);
    EXPECT_EQ(outcome([&] { return connects(other); }), has_tcp ? EACCES : 0);
}

TEST_P(RestrictReach, LetsASocketBeBoundOnlyIfAsked) {
    const bool has_tcp = GetParam() >= kLandlockWithTcp;
    const auto binds = [] {
        const Address address = *Address::from(core::Endpoint{"127.0.0.1", 0});
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        return ::bind(fd.get(), address.data(), address.size()) == 0;
    };
    EXPECT_EQ(outcome_of({}, GetParam(), binds), has_tcp ? EACCES : 0);
    EXPECT_EQ(outcome_of({.binds = true}, GetParam(), binds), 0);
}

TEST_P(RestrictReach, LeavesNoOtherProcessAndNoAbstractSocket) {
    const bool has_scopes = GetParam() >= kLandlockWithScopes;
    const pid_t self = ::getpid();
    EXPECT_EQ(outcome_of({}, GetParam(), [&] { return ::kill(self, 0) == 0; }),
              has_scopes ? EPERM : 0);
    const Address name = *Address::from(
        core::Endpoint{core::Text("unix:@portsplit-test-" + std::to_string(self)), 0});
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener.get(), name.data(), name.size()), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    const auto connects = [&] {
        const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        return ::connect(fd.get(), name.data(), name.size()) == 0;
    };
    EXPECT_EQ(outcome_of({}, GetParam(), connects), has_scopes ? EPERM : 0);
    EXPECT_EQ(outcome_of({.abstract_sockets = true}, GetParam(), connects), 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, RestrictReach, testing::Range(1, 8));

}  // namespace
}  // namespace portsplit::sys
