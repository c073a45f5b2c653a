#include "sys/user.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <string>

#include "support/child.h"

namespace portsplit::sys {
namespace {

using namespace std::string_literals;

constexpr const char* kNobody = "nobody";
constexpr const char* kUnknown = "no-such-name";

TEST(UserExists, KnowsRootAndNotEveryone) {
    EXPECT_TRUE(user_exists("root"));
    EXPECT_FALSE(user_exists(kUnknown));
    EXPECT_FALSE(user_exists(""));
}

TEST(GroupExists, KnowsRootAndNotEveryone) {
    EXPECT_TRUE(group_exists("root"));
    EXPECT_FALSE(group_exists(kUnknown));
    EXPECT_FALSE(group_exists(""));
}

TEST(FindAccount, NamesWhatItDoesNotKnow) {
    const auto user = find_user(kUnknown, "");
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().what, "cannot find the user no-such-name");
    EXPECT_EQ(user.error().code, ENOENT);
    const auto group = find_user("root", kUnknown);
    ASSERT_FALSE(group);
    EXPECT_EQ(group.error().what, "cannot find the group no-such-name");
    EXPECT_EQ(group.error().code, ENOENT);
}

TEST(FindAccount, TakesAUserWithItsOwnGroup) {
    const passwd* entry = ::getpwnam(kNobody);
    ASSERT_NE(entry, nullptr);
    const auto user = find_user(kNobody, "");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, entry->pw_uid);
    EXPECT_EQ(user->gid, entry->pw_gid);
    EXPECT_EQ(user->groups, std::vector<gid_t>{entry->pw_gid});
}

TEST(FindAccount, PrefersTheGroupAskedFor) {
    const auto user = find_user(kNobody, "daemon");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->gid, ::getgrnam("daemon")->gr_gid);
    EXPECT_EQ(user->groups, std::vector<gid_t>{user->gid});
}

TEST(FindAccount, KeepsTheUserWhereOnlyAGroupIsAskedFor) {
    const auto user = find_user("", "daemon");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, ::getuid());
    EXPECT_EQ(user->gid, ::getgrnam("daemon")->gr_gid);
}

TEST(Become, GivesRootUpForGood) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    EXPECT_EQ(loopback::told_by_child([] {
                  const auto user = find_user(kNobody, "");
                  if (!user) return to_string(user.error());
                  if (const auto became = become(*user); !became) return to_string(became.error());
                  gid_t groups[10];
                  const int count = ::getgroups(10, groups);
                  std::string all;
                  all += ::getuid() == user->uid && ::geteuid() == user->uid ? "user " : "";
                  all += ::getgid() == user->gid && ::getegid() == user->gid ? "group " : "";
                  all += count == 1 && groups[0] == user->gid ? "groups " : "";
                  all += ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 ? "root " : "";
                  return all;
              }),
              "user group groups ");
}

TEST(Become, SaysThatOnlyRootCan) {
    if (::geteuid() == 0) GTEST_SKIP() << "root can";
    const auto user = find_user("root", "");
    ASSERT_TRUE(user);
    const auto became = become(*user);
    ASSERT_FALSE(became);
    EXPECT_EQ(to_string(became.error()),
              "cannot set the supplementary groups: Operation not permitted");
}

}  // namespace
}  // namespace portsplit::sys
