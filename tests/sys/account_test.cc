#include "sys/account.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <string>

#include "child.h"

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
    const auto user = find_account(kUnknown, "");
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().what, "cannot find the user no-such-name");
    EXPECT_EQ(user.error().code, ENOENT);
    const auto group = find_account("root", kUnknown);
    ASSERT_FALSE(group);
    EXPECT_EQ(group.error().what, "cannot find the group no-such-name");
    EXPECT_EQ(group.error().code, ENOENT);
}

TEST(FindAccount, TakesAUserWithItsOwnGroup) {
    const passwd* entry = ::getpwnam(kNobody);
    ASSERT_NE(entry, nullptr);
    const auto account = find_account(kNobody, "");
    ASSERT_TRUE(account);
    EXPECT_EQ(account->uid, entry->pw_uid);
    EXPECT_EQ(account->gid, entry->pw_gid);
    EXPECT_EQ(account->groups, std::vector<gid_t>{entry->pw_gid});
}

TEST(FindAccount, PrefersTheGroupAskedFor) {
    const auto account = find_account(kNobody, "daemon");
    ASSERT_TRUE(account);
    EXPECT_EQ(account->gid, ::getgrnam("daemon")->gr_gid);
    EXPECT_EQ(account->groups, std::vector<gid_t>{account->gid});
}

TEST(FindAccount, KeepsTheUserWhereOnlyAGroupIsAskedFor) {
    const auto account = find_account("", "daemon");
    ASSERT_TRUE(account);
    EXPECT_EQ(account->uid, ::getuid());
    EXPECT_EQ(account->gid, ::getgrnam("daemon")->gr_gid);
}

TEST(Become, GivesRootUpForGood) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    EXPECT_EQ(loopback::told_by_child([] {
                  const auto account = find_account(kNobody, "");
                  if (!account) return to_string(account.error());
                  if (const auto became = become(*account); !became)
                      return to_string(became.error());
                  gid_t groups[10];
                  const int count = ::getgroups(10, groups);
                  std::string all;
                  all += ::getuid() == account->uid && ::geteuid() == account->uid ? "user " : "";
                  all += ::getgid() == account->gid && ::getegid() == account->gid ? "group " : "";
                  all += count == 1 && groups[0] == account->gid ? "groups " : "";
                  all += ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 ? "root " : "";
                  return all;
              }),
              "user group groups ");
}

TEST(Become, SaysThatOnlyRootCan) {
    if (::geteuid() == 0) GTEST_SKIP() << "root can";
    const auto account = find_account("root", "");
    ASSERT_TRUE(account);
    const auto became = become(*account);
    ASSERT_FALSE(became);
    EXPECT_EQ(to_string(became.error()),
              "cannot set the supplementary groups: Operation not permitted");
}

}  // namespace
}  // namespace portsplit::sys
