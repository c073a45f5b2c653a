#include "config/rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portsplit::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> texts(const std::vector<Issue>& issues) {
    std::vector<std::string> found;
    for (const Issue& issue : issues) {
        found.push_back(std::to_string(issue.spot.line) + ": " + issue.text);
    }
    return found;
}

Loaded load(const std::string& services, const std::string& globals = "") {
    return read("bind = *:1\n" + globals + services, "f", Need::Listeners);
}

/// A process that is no root, as the user `me`, with a hard limit of 100 and the nice value 5.
const Surroundings kUser{
    .why_not_become = [](const std::string& user,
                         const std::string&) { return user == "me" ? "" : "only root can"; },
    .why_no_limit =
        [](const core::ResourceLimit& limit) { return limit.hard > 100 ? "too much" : ""; },
    .why_no_nice = [](int nice) { return nice < 5 ? "too low" : ""; },
};

TEST(CheckRights, SaysWhatAProgramCannotHave) {
    const Loaded loaded = load(
        "[a]\nstring = a\nexec = a\nuser = web\nlimit = nofile 50\nlimit = nproc 1:101\nnice = -3\n"
        "[b]\nstring = b\nexec = b\ngroup = adm\n");
    ASSERT_TRUE(loaded.config) << loaded.issues.front().text;
    EXPECT_THAT(
        texts(check_rights(loaded, kUser)),
        ElementsAre(
            "5: user = web: service a cannot have it: only root can; start portsplitd as such, "
            "or delete it",
            "7: limit = nproc 1:101: service a cannot have it: too much; start portsplitd as "
            "such, or delete it",
            "8: nice = -3: service a cannot have it: too low; start portsplitd as such, or "
            "delete it",
            "12: group = adm: service b cannot have it: only root can; start portsplitd as such, "
            "or delete it"));
}

TEST(CheckRights, IsSilentAboutWhatItCanHave) {
    EXPECT_THAT(check_rights(load("[a]\nstring = a\nexec = a\nuser = me\nlimit = nofile 100\n"
                                  "nice = 5\n[b]\nstring = b\nexec = b\n"
                                  "[c]\nstring = c\nconnect = c:1\n"),
                             kUser),
                IsEmpty());
    EXPECT_THAT(check_rights(load("[a]\nuser = web\n"), kUser), IsEmpty()) << "another error";
}

TEST(WarnOfRoot, NamesEachProgramWithoutAUser) {
    const std::string services =
        "[a]\nstring = a\nexec = /bin/a\n[b]\nstring = b\nexec = b\nuser = root\n"
        "[c]\nstring = c\nconnect = c:1\n";
    EXPECT_THAT(texts(warn_of_root(load(services))),
                ElementsAre("4: service a: /bin/a runs as root, for no user is named; write user = "
                            "NAME in the service, or user = root if it needs that"));
    EXPECT_THAT(warn_of_root(load(services, "user = nobody\n")), IsEmpty());
}

TEST(RightsKeys, AreOnlyForPrograms) {
    for (const char* line : {"user = a", "group = a", "limit = nofile 1", "nice = 1"}) {
        const std::string key = std::string(line).substr(0, std::string(line).find(' '));
        const Loaded loaded = load(std::string("[a]\nstring = a\nconnect = c:1\n") + line + "\n");
        EXPECT_THAT(texts(loaded.issues),
                    ElementsAre("5: " + key +
                                ": only for exec, and service a has connect on line 4; "
                                "delete it"));
    }
}

TEST(RightsKeys, AreReadInBothSpellings) {
    const Loaded loaded = read(
        "bind = \"*:1\"; services : { a : { string = \"a\"; exec = \"a\"; user = 33; group = "
        "\"w\"; "
        "limit = [ \"nofile 1\", \"core 0:unlimited\" ]; nice = -5; }; };",
        "f", Need::Listeners);
    ASSERT_TRUE(loaded.config) << loaded.issues.front().text;
    const auto& exec = std::get<core::Exec>(loaded.config->services[0].action);
    EXPECT_EQ(exec.user, "33");
    EXPECT_EQ(exec.group, "w");
    EXPECT_THAT(exec.limits, ElementsAre("nofile 1", "core 0:unlimited"));
    EXPECT_EQ(exec.nice, "-5");
}

TEST(RightsKeys, SayWhatWouldBeRight) {
    const auto issues = [](const char* line) {
        return texts(load(std::string("[a]\nstring = a\nexec = a\n") + line + "\n").issues);
    };
    EXPECT_THAT(issues("limit = nofiles 1"),
                ElementsAre("5: limit = nofiles 1: nofiles: no resource; write nofile"));
    EXPECT_THAT(
        issues("limit = nofile 2:1"),
        ElementsAre("5: limit = nofile 2:1: not NAME SOFT or NAME SOFT:HARD; write one such "
                    "as nofile 1024 or nofile 1024:unlimited, in which HARD is not below "
                    "SOFT"));
    EXPECT_THAT(issues("nice = 20"), ElementsAre("5: nice = 20: not a nice value from -20 to 19"));
}

}  // namespace
}  // namespace portsplit::config
