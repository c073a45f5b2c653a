#include "config/meant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

/// `TEXT` of what is meant, `-` if the value has no habit.
std::string meant(std::string_view value) {
    const auto found = without_habits(value);
    return found ? found->text : "-";
}

TEST(WithoutHabits, RemovesQuotesCommentAndSemicolon) {
    EXPECT_EQ(meant("\"SSH-\""), "SSH-");
    EXPECT_EQ(meant("'SSH-'"), "SSH-");
    EXPECT_EQ(meant("SSH-   # ssh"), "SSH-");
    EXPECT_EQ(meant("SSH-\t#ssh"), "SSH-");
    EXPECT_EQ(meant("# ssh"), "");
    EXPECT_EQ(meant("\"SSH-\"; # say \"hello\""), "SSH-");
    EXPECT_EQ(meant("127.0.0.1:22;"), "127.0.0.1:22");
    EXPECT_EQ(meant("\"GET \""), "GET ");
    EXPECT_EQ(meant("\"GET # x\""), "GET # x");
    EXPECT_EQ(meant("\"\""), "");
}

TEST(WithoutHabits, ReturnsNothingForAValueThatHasNone) {
    for (const char* value : {"", "SSH-", "#", "#x", "a#b", "\"", "'", "\"a\"b\"", "\"a'", "a\"b\"",
                              ";", "it's", "GET /"}) {
        EXPECT_EQ(meant(value), "-") << value;
    }
}

TEST(WithoutHabits, NamesHabitsFromTheEndWithCommentAndQuote) {
    const auto found = without_habits("'a'; # b");
    ASSERT_TRUE(found);
    EXPECT_THAT(found->habits, ElementsAre(Habit::Comment, Habit::Semicolon, Habit::Quotes));
    EXPECT_EQ(found->comment, "# b");
    EXPECT_EQ(found->quote, '\'');
}

TEST(BrokenRule, NamesWhatToWriteIfTheValueCanBeReadWithoutItsHabits) {
    const auto is_a = [](const std::string& text) { return text == "a"; };
    EXPECT_EQ(broken_rule("k", "a # b", is_a), "a comment needs a line of its own; write k = a");
    EXPECT_EQ(broken_rule("k", "\"a\";", is_a), "no semicolon in this spelling; write k = a");
    EXPECT_EQ(broken_rule("k", "b # b", is_a), "");
    EXPECT_EQ(broken_rule("k", "a", is_a), "");
}

TEST(HexIn, ReturnsTheBytesOfWhatLooksLikeHex) {
    EXPECT_EQ(hex_in("0x16"), "16");
    EXPECT_EQ(hex_in("0X16 0x03"), "16 03");
    EXPECT_EQ(hex_in("0x16,0x03"), "16 03");
    EXPECT_EQ(hex_in("0x1603"), "16 03");
    EXPECT_EQ(hex_in("16 03 01"), "16 03 01");
    EXPECT_EQ(hex_in("16, 03"), "16 03");
    for (const char* text :
         {"", "16", "1603", "be ad", "0x", "0x1", "0x16 x", "16 3", "SSH-", "0xg0"}) {
        EXPECT_EQ(hex_in(text), std::nullopt) << text;
    }
}

TEST(AdviceForStray, NamesTheEscapeOfThisProgram) {
    EXPECT_EQ(advice_for_stray("\\x16", "\\"), "write \\16");
    EXPECT_EQ(advice_for_stray("\\n", "\\"), "write \\0A for a line feed");
    EXPECT_EQ(advice_for_stray("\\r", "\\"), "write \\0D for a carriage return");
    EXPECT_EQ(advice_for_stray("\\t", "\\"), "write \\09 for a tab");
    EXPECT_EQ(advice_for_stray("\\0", "\\"), "write \\00 for a NUL byte");
    EXPECT_EQ(advice_for_stray("\\z", "\\\\"), "write \\\\5C for a backslash");
    EXPECT_EQ(advice_for_stray("\\", "\\"), "write \\5C for a backslash");
}

TEST(SecondsIn, ReadsANumberWithAUnit) {
    EXPECT_EQ(seconds_in("5s"), "5");
    EXPECT_EQ(seconds_in("5 sec"), "5");
    EXPECT_EQ(seconds_in("500ms"), "0.5");
    EXPECT_EQ(seconds_in("2m"), "120");
    EXPECT_EQ(seconds_in("1h"), "3600");
    EXPECT_EQ(seconds_in("2,5"), "2.5");
    for (const char* text : {"", "5", "s", "5x", "-5s", "2,", "2,5s", "123456789s"}) {
        EXPECT_EQ(seconds_in(text), std::nullopt) << text;
    }
}

TEST(PortNamed, KnowsCommonNamesOnly) {
    EXPECT_EQ(port_named("ssh"), 22);
    EXPECT_EQ(port_named("https"), 443);
    EXPECT_EQ(port_named("nosuch"), std::nullopt);
}

}  // namespace
}  // namespace portsplit::config
