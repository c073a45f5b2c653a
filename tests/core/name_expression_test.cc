#include "core/name_expression.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::core {
namespace {

TEST(WhyNoNameFits, FindsACapitalThatEveryMatchHas) {
    for (const std::string text :
         {"Www\\.a\\.test", "^wWw.*", "www\\.A", "[a-z]+W", "(a|B)W", "W+a"}) {
        EXPECT_EQ(why_no_name_fits(text),
                  std::string("a name is compared in small letters, and the expression has ") +
                      (text.starts_with("www") ? "A" : "W") + "; write small letters");
    }
    for (const char* text : {"www\\..*",
                             "(?i)WWW",
                             "[A-Z]+\\.test",
                             "www|WWW",
                             "(www|WWW)\\.a",
                             "W?a",
                             "W*a",
                             "W{0}a",
                             "\\W\\D\\S",
                             "\\x4A",
                             "\\QW\\E",
                             "\\p{Lu}",
                             "[]W]a",
                             "[^W]a",
                             "[\\]W]a",
                             "(?P<W>a)",
                             "",
                             "\\",
                             "[W",
                             "(*UTF)W"}) {
        EXPECT_EQ(why_no_name_fits(text), "") << text;
    }
}

TEST(WhyNoNameFits, FindsADotAtAnEnd) {
    const std::string last =
        "an expression must match the whole name, and a name has no dot at its end here; write .* "
        "behind the dot";
    const std::string first =
        "an expression must match the whole name, and no name begins with a dot; write .* before "
        "the dot";
    EXPECT_EQ(why_no_name_fits("^www\\."), last);
    EXPECT_EQ(why_no_name_fits("www\\.$"), last);
    EXPECT_EQ(why_no_name_fits("\\.example\\.org$"), first);
    EXPECT_EQ(why_no_name_fits("^\\.org"), first);
    for (const char* text : {"^www\\..*", "(.*\\.)?a\\.test", ".*\\.a\\.test$", "\\.?a", "a\\\\.",
                             "a\\.?", "(\\.a|b)"}) {
        EXPECT_EQ(why_no_name_fits(text), "") << text;
    }
}

}  // namespace
}  // namespace portsplit::core
