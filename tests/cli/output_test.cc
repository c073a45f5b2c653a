#include "cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "support/printed.h"

namespace portsplit::cli {
namespace {

using config::Issue;
using config::Severity;

Issue issue(Severity severity, const std::string& text) {
    return {.severity = severity, .spot = {0, 7}, .file = "a.conf", .text = text};
}

TEST(PrintResult, WritesEveryByteToStandardOutput) {
    const std::string text(200'000, 'x');
    EXPECT_EQ(printed_by([&] { return print_result(text); }), (Printed{0, text, ""}));
}

TEST(PrintResult, Returns71AfterAMessageWhenStandardOutputIsFull) {
    EXPECT_EQ(
        printed_by([] {
            const sys::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
            ::dup2(full.get(), STDOUT_FILENO);
            return print_result("text");
        }),
        (Printed{71, "", "portsplit: cannot write standard output: No space left on device\n"}));
}

TEST(PrintResult, Returns71AfterAMessageWhenStandardOutputIsClosed) {
    EXPECT_EQ(printed_by([] {
                  ::close(STDOUT_FILENO);
                  return print_result("text");
              }),
              (Printed{71, "", "portsplit: cannot write standard output: Bad file descriptor\n"}));
}

TEST(Complain, WritesOneLineWithTheProgramsName) {
    EXPECT_EQ(printed_by([] {
                  complain("no such {} file: 100%s");
                  return 0;
              }),
              (Printed{0, "", "portsplit: no such {} file: 100%s\n"}));
}

TEST(Complain, ReturnsWhenStandardErrorIsClosed) {
    EXPECT_EQ(printed_by([] {
                  ::close(STDERR_FILENO);
                  complain("lost");
                  return 0;
              }),
              (Printed{0, "", ""}));
}

TEST(ComplainAbout, WritesOneLineWithTheFilesName) {
    EXPECT_EQ(printed_by([] {
                  complain_about("a.conf", "cannot be written");
                  return 0;
              }),
              (Printed{0, "", "a.conf: cannot be written\n"}));
}

TEST(PrintIssues, WritesSeverityNameAndExcerpt) {
    Issue named = issue(Severity::Warning, "service web waits");
    named.name = "waits";
    named.excerpt = "    string = \"a\"\n";
    EXPECT_EQ(
        printed_by([&] {
            print_issues({issue(Severity::Error, "unknown key x"), named}, Print::AllWithNames);
            return 0;
        }),
        (Printed{0, "",
                 "a.conf:7: unknown key x\n"
                 "a.conf:7: warning: service web waits [waits]\n"
                 "    string = \"a\"\n"}));
}

TEST(PrintIssues, LeavesOutNamesThatTheCommandHasNoUseFor) {
    Issue named = issue(Severity::Warning, "service web waits");
    named.name = "waits";
    EXPECT_EQ(printed_by([&] {
                  print_issues({named}, Print::All);
                  return 0;
              }),
              (Printed{0, "", "a.conf:7: warning: service web waits\n"}));
}

TEST(PrintIssues, LeavesOutWarningsWhenOnlyErrorsAreWanted) {
    EXPECT_EQ(printed_by([] {
                  print_issues({issue(Severity::Warning, "strange"), issue(Severity::Error, "bad")},
                               Print::Errors);
                  return 0;
              }),
              (Printed{0, "", "a.conf:7: bad\n"}));
}

}  // namespace
}  // namespace portsplit::cli
