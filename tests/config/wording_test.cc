#include "config/wording.h"

#include <gtest/gtest.h>

namespace portsplit::config {
namespace {

using namespace std::string_literals;

TEST(Shown, EscapesUnprintableBytesAndCutsLongText) {
    EXPECT_EQ(shown("GET /"), "GET /");
    EXPECT_EQ(shown("a\033[2J\0\xff"s), "a\\1B[2J\\00\\FF");
    EXPECT_EQ(shown(std::string(60, 'x')), std::string(60, 'x'));
    EXPECT_EQ(shown(std::string(61, 'x')), std::string(60, 'x') + "...");
    EXPECT_EQ(shown(std::string(59, 'x') + '\n'), std::string(59, 'x') + "...");
}

TEST(PointedAt, PutsACaretUnderThePlace) {
    EXPECT_EQ(pointed_at("abc", 0), "    abc\n    ^\n");
    EXPECT_EQ(pointed_at("abc", 3), "    abc\n       ^\n");
    EXPECT_EQ(pointed_at("a\tb\xff"s, 2), "    a.b.\n      ^\n");
}

TEST(PointedAt, CutsALongTextAroundThePlace) {
    const std::string text = std::string(100, 'a') + "X" + std::string(100, 'b');
    EXPECT_EQ(pointed_at(text, 100), "    " + std::string(36, 'a') + "X" + std::string(35, 'b') +
                                         "\n" + std::string(40, ' ') + "^\n");
    EXPECT_EQ(pointed_at(text, 36),
              "    " + std::string(72, 'a') + "\n" + std::string(40, ' ') + "^\n");
}

TEST(AsWritten, QuotesAStringOfLibconfig) {
    EXPECT_EQ(as_written("bind", {{}, Kind::Bare, "*:443"}), "bind = *:443");
    EXPECT_EQ(as_written("bind", {{}, Kind::String, "*:443"}), "bind = \"*:443\"");
    EXPECT_EQ(as_written("a\x1b", {{}, Kind::Integer, "7"}), "a\\1B = 7");
}

TEST(Alternatives, JoinsWordsWithCommasAndOr) {
    EXPECT_EQ(alternatives({}), "");
    EXPECT_EQ(alternatives({"a"}), "a");
    EXPECT_EQ(alternatives({"a", "b"}), "a or b");
    EXPECT_EQ(alternatives({"a", "b", "c"}), "a, b or c");
}

TEST(SameButForCase, IsTrueOnlyForTextsThatDifferInCase) {
    EXPECT_TRUE(same_but_for_case("FallBack", "fallback"));
    EXPECT_FALSE(same_but_for_case("fallback", "fallback"));
    EXPECT_FALSE(same_but_for_case("fallbac", "fallback"));
    EXPECT_FALSE(same_but_for_case("fallbaxk", "fallback"));
}

TEST(Nearest, ReturnsTheCandidateThatDiffersLeast) {
    struct Case {
        const char* word;
        const char* expected;
    };
    const Case cases[] = {
        {"conect", "connect"},
        {"connekt", "connect"},
        {"CONNECT", "connect"},
        {"pit", "pid"},
        {"id", "pid"},
        {"ExecArgs", "execarg"},
        {"exce", "exec"},
        {"ipd", "pid"},
        {"x", ""},
        {"listen", ""},
        {"", ""},
        {"abc", ""},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(nearest(c.word, {"connect", "pid", "exec", "execarg"}).value_or(""), c.expected)
            << c.word;
    }
}

}  // namespace
}  // namespace portsplit::config
