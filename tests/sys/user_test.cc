#include "sys/user.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <string>

#include "support/child.h"
#include "support/unprivileged.h"

namespace portsplit::sys {
namespace {

using namespace std::string_literals;

constexpr const char* kNobody = "nobody";
constexpr const char* kUnknown = "no-such-name";

TEST(UserExists, ReturnsTrueForKnownNamesOnly) {
    EXPECT_TRUE(user_exists("root"));
    EXPECT_FALSE(user_exists(kUnknown));
    EXPECT_FALSE(user_exists(""));
}

TEST(GroupExists, ReturnsTrueForKnownNamesOnly) {
    EXPECT_TRUE(group_exists("root"));
    EXPECT_FALSE(group_exists(kUnknown));
    EXPECT_FALSE(group_exists(""));
}

TEST(FindUser, NamesAnUnknownUserOrGroup) {
    const auto user = find_user(kUnknown, "");
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().what, "cannot find the user no-such-name");
    EXPECT_EQ(user.error().code, ENOENT);
    const auto group = find_user("root", kUnknown);
    ASSERT_FALSE(group);
    EXPECT_EQ(group.error().what, "cannot find the group no-such-name");
    EXPECT_EQ(group.error().code, ENOENT);
}

TEST(FindUser, ReturnsTheUsersOwnGroup) {
    const passwd* entry = ::getpwnam(kNobody);
    ASSERT_NE(entry, nullptr);
    const auto user = find_user(kNobody, "");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, entry->pw_uid);
    EXPECT_EQ(user->gid, entry->pw_gid);
    EXPECT_EQ(user->groups, std::vector<gid_t>{entry->pw_gid});
}

TEST(FindUser, ReturnsTheGivenGroupInsteadOfTheUsersOwn) {
    const auto user = find_user(kNobody, "daemon");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->gid, ::getgrnam("daemon")->gr_gid);
    EXPECT_EQ(user->groups, std::vector<gid_t>{user->gid});
}

TEST(FindUser, KeepsTheUserWhenOnlyAGroupIsGiven) {
    const auto user = find_user("", "daemon");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, ::getuid());
    EXPECT_EQ(user->gid, ::getgrnam("daemon")->gr_gid);
}

// fault: A10, D10
TEST(Become, DropsRootForGood) {
    if (loopback::may_skip_root()) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::geteuid(), 0U) << "run as root, or set PORTSPLIT_TEST_UNPRIVILEGED=1";
    EXPECT_EQ(loopback::text_of_child([] {
                  const auto user = find_user(kNobody, "");
                  if (!user) return to_string(user.error());
                  if (const auto became = become(*user); !became) return to_string(became.error());
                  gid_t groups[10];
                  const int count = ::getgroups(10, groups);
                  std::string all;
                  all += ::getuid() == user->uid && ::geteuid() == user->uid ? "user " : "";
                  all += ::getgid() == user->gid && ::getegid() == user->gid ? "group " : "";
                  all += count == 1 && groups[0] == user->gid ? "groups " : "";
                  uid_t real = 0, effective = 0, saved = 0;
                  ::getresuid(&real, &effective, &saved);
                  all += saved == user->uid ? "saved " : "";
                  all += ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 ? "root " : "";
                  return all;
              }),
              "user group groups saved ");
}

// fault: A10
TEST(Become, FailsWithoutRoot) {
    EXPECT_EQ(loopback::text_without_root([] {
                  const auto became = become(User{});
                  return became ? "became root"s : to_string(became.error());
              }),
              "cannot set the supplementary groups: Operation not permitted");
}

}  // namespace
}  // namespace portsplit::sys
