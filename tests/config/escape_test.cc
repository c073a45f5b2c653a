#include "config/escape.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::config {
namespace {

using namespace std::string_literals;

TEST(Unescape, ResolvesEscapesAndReturnsTheFirstStray) {
    struct Case {
        const char* shown;
        std::string text;
        std::string bytes;
        std::string stray;
    };
    const Case cases[] = {
        {"no escape", "SSH-", "SSH-", ""},
        {"escapes in both cases", "\\00\\0E\\38\\fF", "\0\x0e\x38\xff"s, ""},
        {"a backslash", "\\5C41", "\\41", ""},
        {"stray backslash", "a\\zb", "a\\zb", "\\z"},
        {"half an escape", "a\\4", "a\\4", "\\4"},
        {"a backslash at the end", "a\\", "a\\", "\\"},
        {"the first of two strays", "\\x\\y", "\\x\\y", "\\x"},
        {"two backslashes", "\\\\41", "\\A", "\\\\"},
    };
    for (const Case& c : cases) {
        const Unescaped unescaped = unescape(c.text);
        EXPECT_EQ(unescaped.bytes, c.bytes) << c.shown;
        EXPECT_EQ(unescaped.stray, c.stray) << c.shown;
    }
}

TEST(Escape, SurvivesUnescapingForEveryByte) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    EXPECT_EQ(unescape(escape(bytes)).bytes, bytes);
    EXPECT_EQ(unescape(escape(bytes)).stray, "");
    EXPECT_EQ(escape("a b\\\n\xff"), "a b\\5C\\0A\\FF");
}

}  // namespace
}  // namespace portsplit::config
