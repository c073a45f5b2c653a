#include "cli/issue_text.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::cli {
namespace {

using config::Issue;
using config::Severity;

constexpr Look kPlain{};

Issue error(const std::string& text) { return {.spot = {0, 7}, .file = "a.conf", .text = text}; }

Issue warning(const std::string& text) {
    Issue issue = error(text);
    issue.severity = Severity::Warning;
    issue.name = "waits";
    return issue;
}

TEST(IssueText, IsOneLineWithoutATerminal) {
    const std::string text(500, 'x');
    EXPECT_EQ(issue_text(error(text + " " + text), true, kPlain),
              "a.conf:7: " + text + " " + text + "\n");
    EXPECT_EQ(issue_text(warning("odd"), true, kPlain), "a.conf:7: warning: odd [waits]\n");
    EXPECT_EQ(issue_text(warning("odd"), false, kPlain), "a.conf:7: warning: odd\n");
}

TEST(IssueText, HasTheExcerptBelowUnchanged) {
    Issue issue = error("bad");
    issue.excerpt = "    a  b\n       ^\n";
    EXPECT_EQ(issue_text(issue, true, {Colour::Plain, 20}), "a.conf:7: bad\n    a  b\n       ^\n");
}

TEST(IssueText, IsWrappedAtBlanksWithIndentedLines) {
    EXPECT_EQ(issue_text(warning("service web: it can never win"), true, {Colour::Plain, 32}),
              "a.conf:7: warning: service web:\n"
              "    it can never win [waits]\n");
    EXPECT_EQ(issue_text(warning("service web: it can never win"), true, {Colour::Plain, 31}),
              "a.conf:7: warning: service web:\n"
              "    it can never win [waits]\n");
    EXPECT_EQ(issue_text(warning("service web: it can never win"), true, {Colour::Plain, 30}),
              "a.conf:7: warning: service\n"
              "    web: it can never win\n"
              "    [waits]\n");
}

TEST(IssueText, KeepsBlanksWithinALineAndWordsThatAreTooLong) {
    EXPECT_EQ(issue_text(error("\"a   b\" x"), true, {Colour::Plain, 20}),
              "a.conf:7: \"a   b\" x\n");
    EXPECT_EQ(issue_text(error("y " + std::string(30, 'x') + " z"), true, {Colour::Plain, 20}),
              "a.conf:7: y\n    " + std::string(30, 'x') + "\n    z\n");
}

TEST(IssueText, CountsCharactersOfUtf8) {
    EXPECT_EQ(
        issue_text(error("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 x"),
                   true, {Colour::Plain, 20}),
        "a.conf:7: \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\n    x\n");
}

TEST(IssueText, HasPlaceSeverityAndNameInColour) {
    EXPECT_EQ(issue_text(error("bad"), true, {Colour::Terminal, 80}),
              "\x1b[1;31ma.conf:7:\x1b[0m bad\n");
    EXPECT_EQ(issue_text(warning("odd"), true, {Colour::Terminal, 80}),
              "\x1b[1ma.conf:7:\x1b[0m \x1b[1;33mwarning:\x1b[0m odd \x1b[36m[waits]\x1b[0m\n");
}

TEST(IssueText, IsWrappedAlikeInColour) {
    EXPECT_EQ(issue_text(warning("service web: it can never win"), true, {Colour::Terminal, 31}),
              "\x1b[1ma.conf:7:\x1b[0m \x1b[1;33mwarning:\x1b[0m service web:\n"
              "    it can never win \x1b[36m[waits]\x1b[0m\n");
}

}  // namespace
}  // namespace portsplit::cli
