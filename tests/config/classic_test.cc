#include "config/classic.h"

#include <gmock/gmock.h>

#include "config/libconfig.h"
#include "support/example_config.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

Entry bare(const char* key, int line, const char* text) {
    return {key, {0, line}, false, {{{0, line}, Kind::Bare, text}}};
}

Section section(const char* name, int line, std::vector<Entry> entries) {
    return {name, Spelling::Classic, {0, line}, std::move(entries)};
}

TEST(ReadClassic, ReturnsEntriesAndSectionsWithLines) {
    Issues issues;
    const Document document = read_classic(
        "# comment = no\n"
        "\n"
        "bind=*:443\n"
        " timeout\t= 2.5\n"
        " \t\n"
        "\t[ssh] \n"
        "string = a = b # c\n"
        "[web]\n"
        "string =\n"
        "string = \\20x",
        issues.add_file("f", std::string(10, '\n')));
    EXPECT_THAT(issues.sorted(), ElementsAre());
    EXPECT_EQ(
        document,
        (Document{section("", 1, {bare("bind", 3, "*:443"), bare("timeout", 4, "2.5")}),
                  {section("ssh", 6, {bare("string", 7, "a = b # c")}),
                   section("web", 8, {bare("string", 9, ""), bare("string", 10, "\\20x")})}}));
}

// fault: A2
TEST(ReadClassic, ReportsEachInvalidLineAndReadsOn) {
    EXPECT_THAT(issues_of("bind *:443\n"
                          "  # comment\n"
                          "= 5\n"
                          "[s] string = a\n"
                          "string = a\n"
                          "connect = b:1\n"
                          "[t\n"
                          "string = b\rc\n"
                          "[u]\n",
                          Need::Services),
                ElementsAre("f:1: bind *:443: neither key = value, nor [service], nor # comment",
                            "f:2: # begins a comment only as the first character of a line",
                            "f:3: = 5: neither key = value, nor [service], nor # comment",
                            "f:4: [s] string = a: not a section; write [NAME] alone on its line",
                            "f:7: [t: not a section; write [NAME] alone on its line",
                            "f:7: service t has no pattern; write the bytes that its streams begin "
                            "with, such as string = SSH-",
                            "f:7: service t has no action; write connect = HOST:PORT or exec = "
                            "PROGRAM",
                            "f:8: a carriage return inside the line; end lines with LF alone",
                            "f:9: service u has no pattern; write the bytes that its streams begin "
                            "with, such as string = SSH-",
                            "f:9: service u has no action; write connect = HOST:PORT or exec = "
                            "PROGRAM"));
}

TEST(ReadClassic, ReportsBlanksInsideTheBracketsOnce) {
    EXPECT_THAT(issues_of("bind = *:443\n[ a ]\nstring = a\nconnect = b:1\n"),
                ElementsAre("f:2: [ a ]: no blanks inside [ ]; write [a]"));
}

TEST(ReadClassic, ReportsACommentBehindASection) {
    EXPECT_THAT(issues_of("bind = *:443\n[a] # ssh\nstring = a\nconnect = b:1\n"),
                ElementsAre("f:2: [a] # ssh: not a section; a comment needs a line of its own; "
                            "write [a]"));
}

TEST(ReadClassic, ReturnsNamedSectionsInTheirOrderWhateverTheirNames) {
    Issues issues;
    const Document document = read_classic("[layout of a web page]\n[b]\na = 1\nno line\n",
                                           issues.add_file("f", "\n\n\n\n"), Sections::Named);
    EXPECT_EQ(
        document,
        (Document{section("", 1, {}),
                  {section("layout of a web page", 1, {}), section("b", 2, {bare("a", 3, "1")})}}));
    EXPECT_THAT(texts_of(issues.sorted()),
                ElementsAre("f:4: no line: neither key = value, nor [NAME], nor # comment"));
}

TEST(ReadClassic, DropsBlanksAtTheEndOfAValueWithAWarning) {
    const std::string text = service_of("string = a \nconnect = b:1\t\n");
    EXPECT_THAT(issues_of(text),
                ElementsAre("f:3: warning: string: blanks at the end of the value are dropped; "
                            "write \\20 for one that belongs to it",
                            "f:4: warning: connect: blanks at the end of the value are dropped"));
    EXPECT_EQ(read(text, "f", Need::Services).config->services[0].patterns[0].text, "a");
}

// fault: A2
TEST(ReadClassic, ReadsALineOfOneMebibyte) {
    const std::string long_text(1 << 20, 'a');
    EXPECT_THAT(issues_of("#" + long_text + "\n" + service_of("string = a\nconnect = b:1\n")),
                ElementsAre());
    EXPECT_THAT(issues_of(service_of("connect = b:1\nstring = " + long_text + "\n")),
                ElementsAre("f:4: string = " + std::string(60, 'a') +
                            "...: 1048576 bytes; at most 65536 can be looked at"));
    EXPECT_THAT(issues_of(service_of("string = a\nconnect = b:1\n" + long_text)),
                ElementsAre("f:5: " + std::string(60, 'a') +
                            "...: neither key = value, nor [service], nor # comment"));
    EXPECT_THAT(issues_of(service_of("string = a\nconnect = b:1\n" + long_text + " = 1")),
                ElementsAre("f:5: unknown key " + std::string(60, 'a') +
                            "...; the keys of a service are " + names_of_keys(Place::Service)));
}

TEST(WriteClassic, AlignsValuesAndSeparatesSections) {
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

TEST(WriteClassic, ReturnsTheKeyWhoseValueDoesNotFitOnALine) {
    struct Case {
        const char* argument;
        const char* expected;
    };
    const Case cases[] = {
        {"a\nb",
         "service web: execarg: a line end, which the classic spelling cannot express; use "
         "libconfig's"},
        {"a\r",
         "service web: execarg: a line end, which the classic spelling cannot express; use "
         "libconfig's"},
        {" a",
         "service web: execarg: a blank at an end, which the classic spelling cannot express; use "
         "libconfig's"},
        {"a\t",
         "service web: execarg: a blank at an end, which the classic spelling cannot express; use "
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
              "pid: a blank at an end, which the classic spelling cannot express; use libconfig's");
}

}  // namespace
}  // namespace portsplit::config
