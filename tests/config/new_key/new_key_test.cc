// Keys of every kind that only the grown model and table of this test have; see CMakeLists.txt.

#include <gmock/gmock.h>

#include <string>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/packed.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

constexpr const char* kClassic =
    "backlog = 64\n"
    "\n"
    "[run]\n"
    "string    = a\n"
    "exec      = /bin/a\n"
    "share     = 5\n"
    "workplace = /srv\n"
    "guard     = /bin/b\n"
    "set       = A=1\n"
    "set       = B=2\n"
    "priority  = high\n"
    "\n"
    "[pass]\n"
    "string  = b\n"
    "connect = b:1\n"
    "rest    = 2.5\n";

TEST(NewKey, SetsItsMemberOfTheModel) {
    const Loaded loaded = read(kClassic, "f", Need::Services);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->backlog, 64U);
    EXPECT_EQ(loaded.config->services[0].share, 5U);
    const auto& exec = std::get<core::Exec>(loaded.config->services[0].action);
    EXPECT_EQ(exec.workplace, "/srv");
    EXPECT_EQ(exec.guard, "/bin/b");
    EXPECT_THAT(exec.environment, ElementsAre("A=1", "B=2"));
    EXPECT_EQ(exec.priority, core::Priority::High);
    const auto& connect = std::get<core::Connect>(loaded.config->services[1].action);
    EXPECT_EQ(connect.rest, std::chrono::milliseconds(2500));
}

TEST(NewKey, IsWrittenInBothSpellings) {
    const auto config = read(kClassic, "f", Need::Services).config;
    ASSERT_TRUE(config);
    EXPECT_EQ(*write_classic(*config), kClassic);
    const std::string libconfig = write_libconfig(*config);
    EXPECT_EQ(libconfig,
              "backlog = 64;\n"
              "\n"
              "services : {\n"
              "    run : {\n"
              "        string    = \"a\";\n"
              "        exec      = \"/bin/a\";\n"
              "        share     = 5;\n"
              "        workplace = \"/srv\";\n"
              "        guard     = \"/bin/b\";\n"
              "        set       = [ \"A=1\", \"B=2\" ];\n"
              "        priority  = \"high\";\n"
              "    };\n"
              "\n"
              "    pass : {\n"
              "        string  = \"b\";\n"
              "        connect = \"b:1\";\n"
              "        rest    = 2.5;\n"
              "    };\n"
              "};\n");
    EXPECT_EQ(read(libconfig, "f", Need::Services).config, config);
    EXPECT_EQ(unpack(pack(*config), Need::Services), config);
}

TEST(NewKey, IsLeftOutWhenItHasItsDefault) {
    const auto config =
        read("backlog = 128\n[s]\nstring = a\nexec = a\nshare = 0\npriority = low\n", "f",
             Need::Services)
            .config;
    ASSERT_TRUE(config);
    EXPECT_EQ(*write_classic(*config), "[s]\nstring = a\nexec   = a\n");
}

TEST(NewKey, ReportsAValueThatItDoesNotTake) {
    const std::string exec = "string = a\nexec = a\n";
    const std::string connect = "string = a\nconnect = b:1\n";
    struct Case {
        std::string text;
        std::string expected;
    };
    const Case cases[] = {
        {with_service("bind = *:4\nbacklog = 0\n"),
         "f:2: backlog = 0: not a whole number from 1 to 4096"},
        {service_of(exec + "share = 101\n"), "f:5: share = 101: not a whole number from 0 to 100"},
        {service_of(exec + "workplace = srv\n"),
         "f:5: workplace = srv: not an absolute path; begin it with /"},
        {service_of(exec + "priority = middle\n"),
         "f:5: priority = middle: unknown; write low or high"},
        {service_of(exec + "priority = low\npriority = high\n"),
         "f:6: priority = high: set on line 5 already; keep one of the two"},
        {service_of(connect + "rest = 3600.5\n"),
         "f:5: rest = 3600.5: not a number of seconds from 0 to 3600, such as 0.5"},
        {libconfig_service_of("string = \"a\"; exec = \"a\"; workplace = 5;"),
         "f:2: workplace = 5: not a string; write it in double quotes"},
        {libconfig_service_of("string = \"a\"; exec = \"a\"; set = ( 5 );"),
         "f:2: set = 5: not a string; write it in double quotes"},
        {libconfig_service_of("string = \"a\"; exec = \"a\"; priority = [ \"low\" ];"),
         "f:2: priority: a list; write one value"},
        {libconfig_service_of("string = \"a\"; connect = \"b:1\"; rest = \"5\";"),
         "f:2: rest = \"5\": not a number; write one without quotes"},
    };
    for (const Case& c : cases) EXPECT_THAT(issues_of(c.text), ElementsAre(c.expected)) << c.text;
}

TEST(NewKey, ReportsAKeyInTheWrongSectionOrBesideTheOtherAction) {
    EXPECT_THAT(issues_of(with_service("bind = *:4\nshare = 5\n")),
                ElementsAre("f:2: share: a key of a service; move it below a [service]"));
    EXPECT_THAT(issues_of(service_of("string = a\nexec = a\nbacklog = 5\n")),
                ElementsAre("f:5: backlog: a global key; move it above the first [service]"));
    EXPECT_THAT(
        issues_of(service_of(
            "string = a\nconnect = b:1\nworkplace = /srv\nset = A=1\npriority = low\nshare = 5\n")),
        ElementsAre("f:5: workplace: only for exec, and service s has connect on line 4; delete it",
                    "f:6: set: only for exec, and service s has connect on line 4; delete it",
                    "f:7: priority: only for exec, and service s has connect on line 4; delete "
                    "it"));
    EXPECT_THAT(
        issues_of(service_of("string = a\nexec = a\nrest = 5\nshare = 5\n")),
        ElementsAre("f:5: rest: only for connect, and service s has exec on line 4; delete it"));
}

TEST(NewKey, IsLookedUpOnThisMachineWhenItNamesAProgram) {
    const Surroundings surroundings{.why_not_executable = [](const std::string& program) {
        return program == "/bin/b" ? "no such program" : "";
    }};
    const Loaded loaded = read(kClassic, "f", Need::Services);
    EXPECT_THAT(texts_of(check_surroundings(loaded, surroundings)),
                ElementsAre("f:8: guard = /bin/b: no such program; name an executable program"));
}

TEST(NewKey, IsOfferedForAMisspelling) {
    EXPECT_THAT(issues_of(service_of("string = a\nexec = a\nworkplce = /srv\n")),
                ElementsAre("f:5: unknown key workplce; did you mean workplace?"));
}

}  // namespace
}  // namespace portsplit::config
