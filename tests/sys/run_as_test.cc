#include "sys/run_as.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include "sys/user_files.h"

namespace portsplit::sys {
namespace {

/// Users of a machine: `portsplit` only if it has one.
class Users {
  public:
    explicit Users(bool has_portsplit) {
        users_ = {{"nobody", {.uid = 65534, .gid = 65534, .groups = {65534}}},
                  {"root", {.uid = 0, .gid = 0, .groups = {0}}},
                  {"web", {.uid = 33, .gid = 33, .groups = {33, 4}}}};
        if (has_portsplit) users_["portsplit"] = {.uid = 111, .gid = 112, .groups = {112}};
    }

    Result<User> operator()(const std::string& name, const std::string& group) const {
        User user;
        if (!name.empty()) {
            const auto found = users_.find(name);
            if (found == users_.end()) return SysError{ENOENT, "no user"};
            user = found->second;
        }
        if (group == "adm") user = {.uid = user.uid, .gid = 4, .groups = {4}};
        return user;
    }

  private:
    std::map<std::string, User> users_;
};

core::Service program(const char* name, const char* user, const char* group = "") {
    core::Exec exec{.program = "/bin/cat", .arguments = {}};
    exec.user = user;
    exec.group = group;
    core::Service service;
    service.name = name;
    service.action = exec;
    return service;
}

core::Service relay() {
    core::Service service;
    service.name = "relay";
    service.action = core::Connect{{{"127.0.0.1", 1}}};
    return service;
}

/// Returns `USER/GROUP` of what serves, and of each program.
std::string numbered(core::Config config, bool has_portsplit = true) {
    const auto found =
        with_user_numbers(std::move(config), Users(has_portsplit), Users(has_portsplit));
    if (!found) return to_string(found.error());
    std::string text(found->user + "/" + found->group);
    for (const core::Service& service : found->services) {
        const auto* exec = std::get_if<core::Exec>(&service.action);
        if (exec != nullptr) text += std::string(" " + exec->user + "/" + exec->group);
    }
    if (has_own_users(*found)) text += " own";
    return text;
}

core::Config config(core::List<core::Service> services, const char* user = "",
                    const char* group = "") {
    core::Config made;
    made.user = user;
    made.group = group;
    made.services = std::move(services);
    return made;
}

class WithUserNumbers : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root has users to change to";
        const int count = ::getgroups(0, nullptr);
        std::vector<gid_t> groups(static_cast<std::size_t>(count));
        ASSERT_GE(::getgroups(count, groups.data()), 0);
        root_ = "0/" + std::to_string(::getegid());
        for (const gid_t group : groups) root_ += "," + std::to_string(group);
    }

    std::string root_;  ///< who this process is
};

TEST_F(WithUserNumbers, NobodyWhoRelaysIsRoot) {
    EXPECT_EQ(numbered(config({relay()})), "111/112,112");
    EXPECT_EQ(numbered(config({relay()}), false), "65534/65534,65534");
    EXPECT_EQ(numbered(config({relay()}, "web")), "33/33,33,4");
    EXPECT_EQ(numbered(config({relay()}, "root")), "0/0,0") << "who wants it has it";
}

TEST_F(WithUserNumbers, AProgramHasTheUserOfTheFileOrNone) {
    EXPECT_EQ(numbered(config({program("a", "")})), "111/112,112 " + root_ + " own");
    EXPECT_EQ(numbered(config({program("a", "")}, "web")), "33/33,33,4 /");
    EXPECT_EQ(numbered(config({program("a", "web")}, "web")), "33/33,33,4 /");
    EXPECT_EQ(numbered(config({program("a", "web"), relay(), program("b", "root")}, "nobody")),
              "65534/65534,65534 33/33,33,4 0/0,0 own");
    EXPECT_EQ(numbered(config({program("a", "portsplit")})), "111/112,112 /");
}

TEST_F(WithUserNumbers, AGroupReplacesThoseOfTheUser) {
    EXPECT_EQ(numbered(config({program("a", "web", "adm")}, "web")), "33/33,33,4 33/4,4 own");
    EXPECT_EQ(numbered(config({program("a", "", "adm")}, "web")), "33/33,33,4 33/4,4 own");
    EXPECT_EQ(numbered(config({program("a", "")}, "", "adm")), "111/112,112 0/4,4 own");
}

TEST_F(WithUserNumbers, LooksEachUserUpOnce) {
    int looked = 0;
    const auto find = [&](const std::string& name, const std::string& group) {
        ++looked;
        return Users(true)(name, group);
    };
    const auto found = with_user_numbers(
        config({program("a", "web"), program("b", "web"), program("c", "web", "adm")}), find, find);
    ASSERT_TRUE(found);
    EXPECT_EQ(std::get<core::Exec>(found->services[1].action).user, "33");
    EXPECT_EQ(std::get<core::Exec>(found->services[2].action).group, "4,4");
    EXPECT_EQ(looked, 3) << "web, web with adm, and portsplit";
}

TEST_F(WithUserNumbers, AnUnknownUserIsAnError) {
    EXPECT_EQ(numbered(config({program("a", "bob")})), "no user: No such file or directory");
    EXPECT_EQ(numbered(config({relay()}, "bob")), "no user: No such file or directory");
}

TEST(UserOfNumbers, HasAllGroups) {
    const User user = user_of_numbers("33", "12,33,4");
    EXPECT_EQ(user.uid, 33U);
    EXPECT_EQ(user.gid, 12U);
    EXPECT_EQ(user.groups, (std::vector<gid_t>{33, 4}));
    EXPECT_TRUE(user_of_numbers("0", "0").groups.empty());
}

TEST(UserWithoutRights, IsNeverRoot) {
    EXPECT_EQ(user_without_rights(Users(true)).uid, 111U);
    EXPECT_EQ(user_without_rights(Users(false)).uid, 65534U);
    const auto none = [](const std::string&, const std::string&) -> Result<User> {
        return SysError{ENOENT, "no user"};
    };
    const User user = user_without_rights(none);
    EXPECT_EQ(user.uid, 65534U);
    EXPECT_EQ(user.gid, 65534U);
}

}  // namespace
}  // namespace portsplit::sys
