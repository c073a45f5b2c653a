#include "config/wording.h"

#include <gtest/gtest.h>

namespace portsplit::config {
namespace {

using namespace std::string_literals;

TEST(Shown, IsPrintableAndShort) {
    EXPECT_EQ(shown("GET /"), "GET /");
    EXPECT_EQ(shown("a\033[2J\0\xff"s), "a\\1B[2J\\00\\FF");
    EXPECT_EQ(shown(std::string(60, 'x')), std::string(60, 'x'));
    EXPECT_EQ(shown(std::string(61, 'x')), std::string(60, 'x') + "...");
    EXPECT_EQ(shown(std::string(59, 'x') + '\n'), std::string(59, 'x') + "...");
}

TEST(Alternatives, ReadAsASentence) {
    EXPECT_EQ(alternatives({}), "");
    EXPECT_EQ(alternatives({"a"}), "a");
    EXPECT_EQ(alternatives({"a", "b"}), "a or b");
    EXPECT_EQ(alternatives({"a", "b", "c"}), "a, b or c");
}

TEST(Nearest, IsTheLikelyMisspelling) {
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
