#include "config/issue.h"

#include <gmock/gmock.h>

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

TEST(Issue, IsFileLineText) {
    EXPECT_EQ(to_string(Issue{Severity::Error, "a.conf", 7, "wrong"}), "a.conf:7: wrong");
    EXPECT_EQ(to_string(Issue{Severity::Warning, "a.conf", 7, "odd"}), "a.conf:7: warning: odd");
}

TEST(Issues, AreInTheOrderOfTheLinesAndThenOfFinding) {
    Issues issues("f", "1\n2\n3\n");
    issues.error(3, "c");
    issues.error(1, "a");
    issues.warning(3, "d");
    EXPECT_THAT(issues.sorted(), ElementsAre(Issue{Severity::Error, "f", 1, "a"},
                                             Issue{Severity::Error, "f", 3, "c"},
                                             Issue{Severity::Warning, "f", 3, "d"}));
}

TEST(Issues, NeverSpeakOfALineThatTheFileDoesNotHave) {
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
        Issues issues("f", c.text);
        issues.error(c.line, "");
        EXPECT_EQ(issues.sorted().front().line, c.expected) << c.shown;
    }
}

TEST(Issues, TellErrorsFromWarnings) {
    Issues issues("f", "");
    issues.warning(1, "odd");
    EXPECT_FALSE(issues.has_errors());
    issues.error(1, "wrong");
    EXPECT_TRUE(issues.has_errors());
}

TEST(Issues, AreBounded) {
    Issues issues("f", "");
    for (std::size_t i = 0; i < 2 * Issues::kMost; ++i) issues.error(1, "wrong");
    EXPECT_EQ(issues.sorted().size(), Issues::kMost + 1);
    EXPECT_EQ(to_string(issues.sorted().back()),
              "f:1: more than 1000 problems; the rest is left out");
}

}  // namespace
}  // namespace portsplit::config
