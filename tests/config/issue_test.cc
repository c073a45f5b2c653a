#include "config/issue.h"

#include <gmock/gmock.h>

#include <string>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

TEST(Issue, PrintsFileLineSeverityAndText) {
    EXPECT_EQ(to_string(Issue{Severity::Error, {0, 7}, "a.conf", "wrong"}), "a.conf:7: wrong");
    EXPECT_EQ(to_string(Issue{Severity::Warning, {0, 7}, "a.conf", "odd"}),
              "a.conf:7: warning: odd");
}

TEST(Issues, SortByFileThenLineThenOrderOfAdding) {
    Issues issues;
    FileIssues first = issues.add_file("f", "1\n2\n3\n");
    FileIssues second = issues.add_file("g", "1\n");
    second.error(1, "e");
    first.error(3, "c");
    first.error(1, "a");
    first.warning(3, "d", "odd");
    EXPECT_THAT(texts_of(issues.sorted()),
                ElementsAre("f:1: a", "f:3: c", "f:3: warning: d", "g:1: e"));
    EXPECT_THAT(issues.files(), ElementsAre("f", "g"));
}

TEST(Issues, ClampsALineNumberToTheFile) {
    struct Case {
        const char* shown;
        const char* text;
        int line;
        int expected;
    };
    const Case cases[] = {
        {"an empty file", "", 5, 1},
        {"a line before the first", "a\n", 0, 1},
        {"the line after the last newline", "a\nb\n", 3, 2},
        {"a last line without a newline", "a\nb", 2, 2},
    };
    for (const Case& c : cases) {
        Issues issues;
        issues.add_file("before", "1\n2\n3\n4\n5\n6\n");
        issues.add_file("f", c.text).error(c.line, "");
        EXPECT_EQ(issues.sorted().front().spot, (Spot{1, c.expected})) << c.shown;
    }
}

TEST(Issues, HaveErrorsOnlyAfterAnError) {
    Issues issues;
    FileIssues file = issues.add_file("f", "");
    file.warning(1, "odd", "odd");
    EXPECT_FALSE(issues.has_errors());
    file.error(1, "wrong");
    EXPECT_TRUE(issues.has_errors());
}

TEST(Issues, KeepEqualIssuesOnce) {
    Issues issues;
    FileIssues file = issues.add_file("f", "1\n2\n");
    for (const int line : {1, 2, 1, 2}) file.error(line, "wrong");
    file.warning(1, "wrong", "odd");
    EXPECT_THAT(texts_of(issues.sorted()),
                ElementsAre("f:1: wrong", "f:1: warning: wrong", "f:2: wrong"));
}

TEST(Issues, KeepAThousandErrorsAndANote) {
    Issues issues;
    FileIssues file = issues.add_file("f", "");
    for (std::size_t i = 0; i < 2 * Issues::kMost; ++i) file.error(1, std::to_string(i));
    EXPECT_EQ(issues.sorted().size(), Issues::kMost + 1);
    EXPECT_EQ(to_string(issues.sorted().back()),
              "f:1: more than 1000 errors; the rest is left out");
}

TEST(Issues, KeepAnErrorAfterThousandsOfWarnings) {
    Issues issues;
    FileIssues file = issues.add_file("f", "");
    for (std::size_t i = 0; i < 2 * Issues::kMost; ++i) file.warning(1, std::to_string(i), "odd");
    file.error(1, "wrong");
    EXPECT_EQ(issues.sorted().size(), Issues::kMost + 2);
    EXPECT_EQ(to_string(issues.sorted().back()), "f:1: wrong");
}

}  // namespace
}  // namespace portsplit::config
