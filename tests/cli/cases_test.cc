#include "cli/cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "support/issues_of.h"

namespace portsplit::cli {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

/// Services git, web and fallback.
core::Config config() {
    core::Config config;
    for (const char* name : {"git", "web", core::kFallback}) {
        config.services.push_back({name, {}, core::Exec{}});
    }
    return config;
}

/// There is one recording, `folder/known`.
Cases read(const std::string& text) {
    return read_cases(text, "folder/f", config(),
                      [](const std::string& path) -> core::Result<std::string, config::Problem> {
                          if (path == "folder/known") return "KNOWN"s;
                          return config::Problem{"cannot read " + path};
                      });
}

std::vector<std::string> issues_of(const std::string& text) {
    return config::texts_of(read(text).issues);
}

/// Returns the issues of a case whose lines from the third on are these.
std::vector<std::string> issues_of_case(const std::string& lines) {
    return issues_of("[a]\nservice = git\n" + lines);
}

TEST(ReadCases, ReturnsWhatEachClientSendsAndWhatIsExpected) {
    const Cases cases = read(
        "# A comment.\n"
        "[the layout of git, by its name: #1]\n"
        "string = A\\0D\n"
        "hex = 16 03\n"
        "recording = known\n"
        "string = = B\n"
        "end = yes\n"
        "service = git\n"
        "reason = match\n"
        "certain = 168\n"
        "\n"
        "[layout]\n"
        "service = -\n"
        "end = no\n");
    EXPECT_THAT(config::texts_of(cases.issues), ElementsAre());
    ASSERT_EQ(cases.cases.size(), 2U);
    const Case& first = cases.cases[0];
    EXPECT_EQ(first.name, "the layout of git, by its name: #1");
    EXPECT_EQ(first.line, 2);
    EXPECT_EQ(first.bytes, "A\r\x16\x03KNOWN= B");
    EXPECT_EQ(first.ending, core::Ending::Eof);
    EXPECT_EQ(first.service, "git");
    EXPECT_EQ(first.reason, core::Reason::Match);
    EXPECT_EQ(first.certain, 168U);
    const Case& second = cases.cases[1];
    EXPECT_EQ(second.name, "layout");
    EXPECT_EQ(second.line, 12);
    EXPECT_EQ(second.bytes, "");
    EXPECT_EQ(second.ending, core::Ending::Deadline);
    EXPECT_EQ(second.service, "-");
    EXPECT_EQ(second.reason, std::nullopt);
    EXPECT_EQ(second.certain, std::nullopt);
}

TEST(ReadCases, ReadsEachReasonByItsWordInTheLog) {
    for (const core::Reason reason :
         {core::Reason::Match, core::Reason::Fallback, core::Reason::Timeout, core::Reason::Eof}) {
        const Cases cases =
            read("[a]\nservice = git\nreason = " + std::string(core::to_string(reason)));
        ASSERT_EQ(cases.cases.size(), 1U);
        EXPECT_EQ(cases.cases[0].reason, reason);
    }
}

TEST(ReadCases, ReportsAFileWithoutACase) {
    constexpr const char* kNone =
        "folder/f:1: no case; write [NAME] and below it what the client sends, such as string = "
        "SSH-, and what is expected, such as service = ssh";
    EXPECT_THAT(issues_of(""), ElementsAre(kNone));
    EXPECT_THAT(issues_of("# [a]\n"), ElementsAre(kNone));
    EXPECT_THAT(issues_of("service = git\n"),
                ElementsAre("folder/f:1: service: outside of a case; move it below a [NAME]"));
    EXPECT_THAT(issues_of("a\0b"s),
                ElementsAre("folder/f:1: a NUL byte: this is not a text file; in a pattern write "
                            "\\00 in string or 00 in hex"));
}

TEST(ReadCases, ReportsWhatIsNoLine) {
    EXPECT_THAT(issues_of_case("string A\n[b\n"),
                ElementsAre("folder/f:3: string A: neither key = value, nor [NAME], nor # comment",
                            "folder/f:4: [b: not a section; write [NAME] alone on its line",
                            "folder/f:4: case b has no service; write which one is expected, such "
                            "as service = git"));
}

TEST(ReadCases, ReportsANameThatIsMissingTakenOrNotPrintable) {
    EXPECT_THAT(issues_of("[a]\nservice = git\n[]\nservice = git\n[a]\nservice = git\n"
                          "[\x1b[2J]\nservice = git\n"),
                ElementsAre("folder/f:3: a case without a name; write [NAME]",
                            "folder/f:5: case a is on line 1 already; give each case its own name",
                            "folder/f:7: \\1B[2J: a control character in the name; write printable "
                            "text"));
}

TEST(ReadCases, ReportsAnUnknownKey) {
    EXPECT_THAT(issues_of_case("recoding = known\nx = 1\n"),
                ElementsAre("folder/f:3: unknown key recoding; did you mean recording?",
                            "folder/f:4: unknown key x; the keys of a case are string, hex, "
                            "recording, end, listener, source, service, reason or certain"));
}

TEST(ReadCases, ReportsAKeyThatIsSetTwice) {
    EXPECT_THAT(issues_of_case("service = web\nend = no\nend = no\n"),
                ElementsAre("folder/f:3: service = web: set on line 2 already; keep one of the two",
                            "folder/f:5: end = no: set on line 4 already; keep one of the two"));
}

TEST(ReadCases, ReportsAServiceThatTheConfigurationDoesNotHave) {
    EXPECT_THAT(
        issues_of("[a]\nservice = gitt\n[b]\nservice = mail\n[c]\nservice = timeout\n"
                  "[d]\nservice =\n[e]\nservice = git # by its name\n"),
        ElementsAre("folder/f:2: service = gitt: the configuration has no such service; did "
                    "you mean git?",
                    "folder/f:4: service = mail: the configuration has no such service; "
                    "write git, web, fallback or -",
                    "folder/f:6: service = timeout: the configuration has no [timeout]; "
                    "write service = - for a connection that is closed",
                    "folder/f:8: service = : the configuration has no such service; write "
                    "git, web, fallback or -",
                    "folder/f:10: service = git # by its name: a comment needs a line of "
                    "its own; write service = git"));
}

TEST(ReadCases, ReportsACaseWithoutAService) {
    EXPECT_THAT(issues_of("[a]\nstring = A\n[b]\nservice = git\n"),
                ElementsAre("folder/f:1: case a has no service; write which one is expected, such "
                            "as service = git"));
}

TEST(ReadCases, ReportsABadValueOfEachKey) {
    EXPECT_THAT(
        issues_of_case("hex = 16 0\nhex = ??\nhex =\nrecording = other\nrecording = /other\n"
                       "end = maybe\nreason = closed\ncertain = 65537\n"),
        ElementsAre(
            "folder/f:3: hex = 16 0: half a byte; write two digits, such as 0a or ?a (at byte 4)",
            "folder/f:4: hex = ??: ? and ranges are for patterns only",
            "folder/f:5: hex = : no byte; write two hex digits for each (at byte 1)",
            "folder/f:6: recording = other: cannot read folder/other",
            "folder/f:7: recording = /other: cannot read /other",
            "folder/f:8: end = maybe: neither yes nor no; write one of them",
            "folder/f:9: reason = closed: unknown; write match, fallback, timeout, eof, denied or "
            "proxy",
            "folder/f:10: certain = 65537: not a whole number from 0 to 65536"));
}

TEST(ReadCases, WarnsOfABackslashThatBeginsNoEscape) {
    const Cases cases = read("[a]\nservice = git\nstring = A\\r\n");
    EXPECT_THAT(
        config::texts_of(cases.issues),
        ElementsAre("folder/f:3: warning: string = A\\r: \\r is no escape here and stays as "
                    "it is; write \\0D for a carriage return"));
    ASSERT_EQ(cases.cases.size(), 1U);
    EXPECT_EQ(cases.cases[0].bytes, "A\\r");
}

TEST(ReadCases, WarnsOfQuotesAndAComment) {
    EXPECT_THAT(
        issues_of_case("string = \"abc\"\nstring = GET # the method\nstring = a\"b#c\n"),
        ElementsAre(
            "folder/f:3: warning: string = \"abc\": the quotes are part of the pattern; write "
            "string = abc, or \\22 for a quote that is meant",
            "folder/f:4: warning: string = GET # the method: \"# the method\" is part of the "
            "pattern: a comment needs a line of its own; write string = GET, or \\23 for a # that "
            "is meant"));
}

TEST(ReadCases, ReturnsNoCaseWhenOneHasAnError) {
    EXPECT_TRUE(read("[a]\nservice = git\n[b]\nservice = x\n").cases.empty());
}

}  // namespace
}  // namespace portsplit::cli
