#include "sys/user_files.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.h"
#include "sys/user.h"

namespace portsplit::sys {
namespace {

std::vector<std::string> all_users() {
    std::vector<std::string> names;
    ::setpwent();
    while (const passwd* entry = ::getpwent()) names.emplace_back(entry->pw_name);
    ::endpwent();
    return names;
}

std::vector<gid_t> sorted(std::vector<gid_t> groups) {
    std::ranges::sort(groups);
    return groups;
}

// The C library is the judge.
TEST(FindUserInFiles, FindsEachUserOfThisMachineAsTheCLibraryDoes) {
    const auto names = all_users();
    ASSERT_GE(names.size(), 2U);
    for (const std::string& name : names) {
        for (const char* group : {"", "daemon", "4711"}) {
            const auto expected = find_user(name, group);
            const auto found = find_user_in_files(name, group);
            ASSERT_TRUE(expected && found) << name;
            EXPECT_EQ(found->uid, expected->uid) << name;
            EXPECT_EQ(found->gid, expected->gid) << name;
            EXPECT_EQ(sorted(found->groups), sorted(expected->groups)) << name << " " << group;
        }
    }
}

/// Files of a user database.
class UserFiles : public testing::Test {
  protected:
    UserFiles() {
        std::ofstream(passwd()) << "root:x:0:0::/:/bin/sh\nbroken\nalice:x:1000:100::/:/bin/sh\n"
                                << "1000:x:7:70::/:/bin/sh\n";
        std::ofstream(group()) << "users:x:100:\nwheel:x:10:root,alice\nodd:x:11:alice,bob\n";
    }
    Result<User> find(const std::string& name, const std::string& group_name = "") {
        return find_user_in_files(name, group_name, passwd().c_str(), group().c_str());
    }
    std::string passwd() const { return folder_ / "passwd"; }
    std::string group() const { return folder_ / "group"; }

  private:
    Folder folder_;
};

TEST_F(UserFiles, GiveAUserItsGroupsUnlessThereIsAnother) {
    const auto user = find("alice");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, 1000U);
    EXPECT_EQ(user->gid, 100U);
    EXPECT_EQ(sorted(user->groups), (std::vector<gid_t>{10, 11, 100}));
    EXPECT_EQ(find("alice", "wheel")->gid, 10U);
    EXPECT_EQ(find("", "wheel")->gid, 10U);
    EXPECT_EQ(find("", "wheel")->uid, ::getuid());
}

TEST_F(UserFiles, TakeANameBeforeANumber) {
    EXPECT_EQ(find("1000")->uid, 7U);
    EXPECT_EQ(find("0")->gid, 0U);
    EXPECT_EQ(find("4711")->uid, 4711U);
    EXPECT_EQ(find("4711")->groups, std::vector<gid_t>{4711});
}

TEST_F(UserFiles, NameWhatIsNotInThem) {
    EXPECT_EQ(find("bob").error().what, "cannot find the user bob in " + passwd());
    EXPECT_EQ(find("bob").error().code, ENOENT);
    EXPECT_EQ(find("alice", "bob").error().what, "cannot find the group bob in " + group());
    EXPECT_FALSE(find("4294967295")) << "no id, but \"no change\" (setresuid(2))";
    EXPECT_FALSE(find_user_in_files("alice", "", "/no/such/file", "/no/such/file"));
}

}  // namespace
}  // namespace portsplit::sys
