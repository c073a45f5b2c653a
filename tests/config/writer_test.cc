#include "config/writer.h"

#include <gtest/gtest.h>

#include <string>

#include "support/issues_of.h"
#include "support/random_config.h"

namespace portsplit::config {
namespace {

using namespace std::chrono_literals;

core::Config example() {
    core::Config config;
    config.bind = {{"0.0.0.0", 443}, {"::", 443}};
    config.timeout = 2500ms;
    config.services = {
        {"ssh", {{core::PatternKind::String, "SSH-"}}, core::Connect{{{"127.0.0.1", 22}}}},
        {"web",
         {{core::PatternKind::String, "GET "}, {core::PatternKind::String, std::string("\0\\", 2)}},
         core::Exec{"/usr/sbin/httpd", {"-i", ""}, core::Stdio::Pipe, core::StderrTo::Null}},
        {"fallback", {}, core::Connect{{{"127.0.0.1", 8443}, {"::1", 8443}}}}};
    return config;
}

TEST(Writer, IsTidyInTheClassicSpelling) {
    EXPECT_EQ(*write_classic(example()),
              "bind    = 0.0.0.0:443\n"
              "bind    = [::]:443\n"
              "timeout = 2.5\n"
              "\n"
              "[ssh]\n"
              "string  = SSH-\n"
              "connect = 127.0.0.1:22\n"
              "\n"
              "[web]\n"
              "string  = GET\\20\n"
              "string  = \\00\\5C\n"
              "exec    = /usr/sbin/httpd\n"
              "execarg = -i\n"
              "execarg =\n"
              "stdio   = pipe\n"
              "stderr  = null\n"
              "\n"
              "[fallback]\n"
              "connect = 127.0.0.1:8443\n"
              "connect = [::1]:8443\n");
}

TEST(Writer, IsTidyInLibconfig) {
    EXPECT_EQ(write_libconfig(example()),
              "bind    = [ \"0.0.0.0:443\", \"[::]:443\" ];\n"
              "timeout = 2.5;\n"
              "\n"
              "services : {\n"
              "    ssh : {\n"
              "        string  = \"SSH-\";\n"
              "        connect = \"127.0.0.1:22\";\n"
              "    };\n"
              "\n"
              "    web : {\n"
              "        string  = [ \"GET \", \"\\\\00\\\\5C\" ];\n"
              "        exec    = \"/usr/sbin/httpd\";\n"
              "        execarg = [ \"-i\", \"\" ];\n"
              "        stdio   = \"pipe\";\n"
              "        stderr  = \"null\";\n"
              "    };\n"
              "\n"
              "    fallback : {\n"
              "        connect = [ \"127.0.0.1:8443\", \"[::1]:8443\" ];\n"
              "    };\n"
              "};\n");
}

TEST(Writer, LeavesHexAndRegexAsTheyAre) {
    core::Config config;
    config.services = {{"s",
                        {{core::PatternKind::String, "\\"},
                         {core::PatternKind::Hex, "16 ?? 5C"},
                         {core::PatternKind::Regex, "\\x20\"+[#;]"}},
                        core::Connect{{{"b", 1}}}}};
    EXPECT_EQ(*write_classic(config),
              "[s]\n"
              "string  = \\5C\n"
              "hex     = 16 ?? 5C\n"
              "regex   = \\x20\"+[#;]\n"
              "connect = b:1\n");
    EXPECT_EQ(write_libconfig(config),
              "services : {\n"
              "    s : {\n"
              "        string  = \"\\\\5C\";\n"
              "        hex     = \"16 ?? 5C\";\n"
              "        regex   = \"\\\\x20\\\"+[#;]\";\n"
              "        connect = \"b:1\";\n"
              "    };\n"
              "};\n");
    config.services[0].patterns = {{core::PatternKind::Regex, "a "}};
    EXPECT_EQ(to_string(write_classic(config).error()),
              "service s: regex: a blank at an end, which the classic spelling cannot say; use "
              "libconfig's");
}

TEST(Writer, ListsServicesWhereANameIsNoLibconfigIdentifier) {
    core::Config config;
    config.services = {{"http/1.1", {{core::PatternKind::String, "GET"}}, core::Exec{"a", {}}},
                       {"timeout", {}, core::Exec{"b", {}}}};
    EXPECT_EQ(write_libconfig(config),
              "services = (\n"
              "    {\n"
              "        name   = \"http/1.1\";\n"
              "        string = \"GET\";\n"
              "        exec   = \"a\";\n"
              "    },\n"
              "    {\n"
              "        name = \"timeout\";\n"
              "        exec = \"b\";\n"
              "    }\n"
              ");\n");
}

TEST(Writer, BreaksLongLists) {
    core::Config config;
    config.services = {
        {"fallback", {}, core::Exec{"a", {std::string(50, 'x'), std::string(50, 'y')}}}};
    EXPECT_EQ(write_libconfig(config),
              "services : {\n"
              "    fallback : {\n"
              "        exec    = \"a\";\n"
              "        execarg = [\n"
              "            \"" +
                  std::string(50, 'x') +
                  "\",\n"
                  "            \"" +
                  std::string(50, 'y') +
                  "\"\n"
                  "        ];\n"
                  "    };\n"
                  "};\n");
}

TEST(Writer, NamesWhatTheClassicSpellingCannotSay) {
    struct Case {
        const char* argument;
        const char* expected;
    };
    const Case cases[] = {
        {"a\nb",
         "service web: execarg: a line end, which the classic spelling cannot say; use "
         "libconfig's"},
        {"a\r",
         "service web: execarg: a line end, which the classic spelling cannot say; use "
         "libconfig's"},
        {" a",
         "service web: execarg: a blank at an end, which the classic spelling cannot say; use "
         "libconfig's"},
        {"a\t",
         "service web: execarg: a blank at an end, which the classic spelling cannot say; use "
         "libconfig's"},
    };
    for (const Case& c : cases) {
        core::Config config = example();
        std::get<core::Exec>(config.services[1].action).arguments = {c.argument};
        const auto written = write_classic(config);
        ASSERT_FALSE(written) << c.argument;
        EXPECT_EQ(to_string(written.error()), c.expected);
        EXPECT_EQ(read(write_libconfig(config), "f", Need::Listeners).config, config);
    }
    core::Config config = example();
    config.pid = "/run/p ";
    EXPECT_EQ(to_string(write_classic(config).error()),
              "pid: a blank at an end, which the classic spelling cannot say; use libconfig's");
}

TEST(Writer, WhatItWritesIsReadAsWhatItWas) {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        const bool speak_classic = seed % 2 == 0;
        const core::Config config = RandomConfig(seed, speak_classic).make();
        const std::string libconfig = write_libconfig(config);
        ASSERT_TRUE(read(libconfig, "f", Need::Services).config == config) << libconfig;
        if (!speak_classic) continue;
        const auto classic = write_classic(config);
        ASSERT_TRUE(classic) << to_string(classic.error());
        ASSERT_TRUE(read(*classic, "f", Need::Services).config == config) << *classic;
    }
}

TEST(Writer, SaysTheSameWhenAskedTwice) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        const core::Config config = RandomConfig(seed, true).make();
        const std::string once = write_libconfig(config);
        EXPECT_EQ(write_libconfig(*read(once, "f", Need::Services).config), once);
    }
}

TEST(Writer, WritesVeryManyServicesAsAList) {
    core::Config config;
    for (std::size_t i = 0; i < 501; ++i) {
        const std::string name = "s" + std::to_string(i);
        config.services.push_back(
            {name, {{core::PatternKind::String, name}}, core::Connect{{{"a", 1}}}});
    }
    const std::string text = write_libconfig(config);
    EXPECT_TRUE(text.starts_with("services = (\n"));
    EXPECT_EQ(read(text, "f", Need::Services).config, config);
    config.services.pop_back();
    EXPECT_TRUE(write_libconfig(config).starts_with("services : {\n"));
}

}  // namespace
}  // namespace portsplit::config
