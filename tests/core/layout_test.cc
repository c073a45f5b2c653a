#include "core/layout.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/layouts.h"

namespace portsplit::core {
namespace {

/// Returns what is wrong with a layout of these rules.
std::string problems(const std::vector<std::string>& rules) {
    const auto layout = Layout::compile(layout_of(rules));
    return layout ? "" : problems_of(layout.error());
}

/// Returns what is strange about it.
std::string warnings(const std::vector<std::string>& rules) {
    std::vector<LayoutProblem> found;
    const auto layout = Layout::compile(layout_of(rules), &found);
    return layout ? problems_of(found) : problems_of(layout.error());
}

TEST(LayoutCompile, TakesARepetitionThatLeavesWhatStandsBehindIt) {
    for (const char* rule : {"start = {u8 ??*}", "start = 'a'* 'b'", "start = {u8 'a'* 'b' <f>}",
                             "start = 'ab'* 'a'", "start = 'ab'? 'a'", "start = ..[a-z]1-3 'a'",
                             "start = ..[a-z] 'A'", "start = {u8 ??+} 16", "start = <f> 00-FE"}) {
        EXPECT_EQ(problems({rule}), "") << rule;
    }
}

TEST(LayoutCompile, ReportsWhatIsWrong) {
    struct Case {
        std::vector<std::string> rules;
        std::string expected;
    };
    const std::vector<Case> cases{
        {{"one = 16"}, "0: a layout without the rule start; write how a stream begins\n"},
        {{"start = 16", "start = 17"},
         "1: a second rule of this name; write the alternatives in one, with |\n"},
        {{"start = 16 (", "ad = 16"},
         "0: nothing here; write what lies there, such as 16 or .. (at byte 5)\n"
         "1: reads as a byte; choose another name\n"},
        {{"start = 16 header"}, "0: no rule header; write one, or correct the name (at byte 4)\n"},
        {{"start = 16 u40"},
         "0: no rule u40; write one, or correct the name; the numbers are u8, u16, u24, u32, le16, "
         "le32, varint and ber (at byte 4)\n"},
        {{"start = 16 # the record"},
         "0: a comment; a comment has a line of its own (at byte 4)\n"},
        {{"start = one", "one = 16 two", "two = 17 one"},
         "2: a circle of rules: one, in it two, in it one; a repetition is written with * (at byte "
         "4)\n"},
        {{"start = {u8 (header | 16)}"},
         "0: no rule header; write one, or correct the name (at byte 6)\n"},
        {{"start = {u8 16 | start}"},
         "0: a circle of rules: start, in it start; a repetition is written with * (at byte 10)\n"},
        {{"start = start"},
         "0: a circle of rules: start, in it start; a repetition is written with * (at byte 1)\n"},
        {{"start = (16?)* 17"},
         "0: a repetition of what may be empty; it would not end (at byte 1)\n"},
        {{"start = {u8 (..)+}"},
         "0: a repetition of what may be empty; it would not end (at byte 5)\n"},
        {{"start = <x> u8"},
         "0: a field without an end; write its exact size, a set, or fixed bytes directly behind "
         "it, of which no part may be absent (at "
         "byte 1)\n"},
        {{"start = .."},
         "0: a skip without an end; write its exact size, a set, or fixed bytes directly behind "
         "it, of which no part may be absent (at "
         "byte 1)\n"},
        {{"start = ..1* u8"},
         "0: a repetition without an end; write the bytes that stand behind it (at byte 1)\n"},
        {{"start = ??* 01 <f 1>"},
         "0: a repetition without an end: it takes every byte (at byte 1)\n"},
        {{"start = {u8 ??+ <f 1>}"},
         "0: what stands behind it never comes: the repetition takes every byte (at byte 5)\n"},
        {{"start = 01* 01 <f 1>"},
         "0: what stands behind it never comes: it begins as the repetition does (at byte 1)\n"},
        {{"start = (01 | 02-04)* 03 <f 1>"},
         "0: what stands behind it never comes: it begins as the repetition does (at byte 1)\n"},
        {{"start = 'a'? 'ab'"},
         "0: an optional part that is never absent: what stands behind it begins as it does (at "
         "byte 1)\n"},
        {{"start = ..[a-z] 'a' <f 1>"},
         "0: what stands behind it never comes: the set has its first byte; take it out of the "
         "set, "
         "or write a size (at byte 1)\n"},
        {{"start = <f> ??"},
         "0: always empty: it ends where what stands behind it begins, which is any byte; write "
         "its "
         "size (at byte 1)\n"},
        {{"start = u8? 16"},
         "0: an optional part that begins with anything: nobody can tell whether it is there; "
         "begin it with bytes, "
         "or write it at the end of braces (at byte 1)\n"},
        {{"start = {u8(1-3) ..4}"},
         "0: braces that never fit: the number leaves 1 to 3 bytes, and what stands inside has 4 "
         "(at byte 1)\n"},
        {{"start = {u8(9-20) 16 17?}"},
         "0: braces that never fit: the number leaves 9 to 20 bytes, and what stands inside has 1 "
         "to 2 "
         "(at byte 1)\n"},
        {{"start = <x 1> <x* 1>"},
         "0: field x is of another kind in another place; write it the same, or give one of them "
         "another name "
         "(at byte 7)\n"},
        {{"start = <>"},
         "0: <> belongs in the rule frame, alone in the braces at its end (at byte 1)\n"},
        {{"start = 16", "frame = 16 ..  {u16 <>}"},
         "1: a frame is bytes of a known number, then { }, a number and <> alone, such as 16 03 ?? "
         "{u16 <>} "
         "(at byte 4)\n"},
        {{"start = 16", "frame = 16 {u16 <> 17}"},
         "1: a frame is bytes of a known number, then { }, a number and <> alone, such as 16 03 ?? "
         "{u16 <>} "
         "(at byte 4)\n"},
    };
    for (const Case& it : cases)
        EXPECT_EQ(problems(it.rules), it.expected) << show(layout_of(it.rules));
}

TEST(LayoutCompile, RefusesWhatIsTooDeepOrTooLong) {
    std::string deep = "16";
    for (int i = 0; i < 17; ++i) deep.insert(0, "{u8 ").append("}");
    EXPECT_EQ(problems({"start = " + deep}), "0: more than 16 braces in each other (at byte 65)\n");
    std::vector<std::string> rules{"start = r0x r0x"};
    for (int i = 0; i < 14; ++i) {
        const std::string next = "r" + std::to_string(i + 1) + "x";
        std::string rule = "r" + std::to_string(i);
        rules.push_back(rule.append("x = ").append(next).append(" ").append(next));
    }
    rules.push_back("r14x = 'a'");
    EXPECT_EQ(problems(rules), "0: more than 4000 steps; a rule counts as often as it is used\n");
}

TEST(LayoutCompile, RefusesMoreBytesBehindAFieldThanAreLookedAt) {
    const std::string z(64, 'z');
    const std::string far =
        "more than 64 fixed bytes behind it, at which it would end; put a field or a skip between "
        "them";
    EXPECT_EQ(problems({"start = <f> '" + z + "'"}), "");
    EXPECT_EQ(problems({"start = <f> 00 '" + z + "'"}), "0: " + far + " (at byte 1)\n");
    EXPECT_EQ(problems({"start = <f> '" + z + "' 00"}), "0: " + far + " (at byte 1)\n");
    EXPECT_EQ(problems({"start = u8* '" + z + "' 00"}), "0: " + far + " (at byte 1)\n");
    EXPECT_EQ(problems({"start = <f> '" + z + "' u8"}), "");
}

/// A choice of this many alternatives, each with a beginning of its own: `00 00 | 00 01`.
std::string choice_of(std::size_t alternatives) {
    std::string text;
    for (std::size_t i = 0; i < alternatives; ++i) {
        text += fmt::format("{}{:02x} {:02x}", i == 0 ? "" : " | ", i / 256, i % 256);
    }
    return text;
}

TEST(LayoutCompile, RefusesMoreBeginningsThanAreCompared) {
    const std::string many =
        "more than 256 different beginnings to choose from; write fewer alternatives";
    EXPECT_EQ(problems({"start = " + choice_of(256)}), "");
    EXPECT_EQ(problems({"start = " + choice_of(257)}), "0: " + many + " (at byte 1)\n");
    EXPECT_EQ(problems({"start = 01 piece? 02", "piece = " + choice_of(257)}),
              "1: " + many + " (at byte 1)\n0: " + many + " (at byte 4)\n");
    // The same ones count once.
    EXPECT_EQ(problems({"start = (" + choice_of(200) + ")* (" + choice_of(200) + ")? 02"}), "");
}

TEST(LayoutCompile, WarnsOfWhatIsStrange) {
    EXPECT_EQ(warnings({"start = 16", "one = 17"}), "1: a rule that no other uses; delete it\n");
    const auto covered = [](const std::string& such_as) {
        return "an alternative that is never taken: an earlier one begins with all of its bytes" +
               such_as + "; move it up (at byte 6)\n";
    };
    EXPECT_EQ(warnings({"start = 16 | 16 1a-1c"}), "0: " + covered(", such as 16 1A"));
    EXPECT_EQ(warnings({"start = u8 | 16"}), "0: " + covered(", such as 16"));
    EXPECT_EQ(warnings({"start = u8 | u16"}), "0: " + covered(""));
    EXPECT_EQ(warnings({"start = 16 17 | 16 | ??"}), "");
    const auto together = [](const std::string& such_as, const std::string& place) {
        return "0: an alternative that is never taken: earlier ones together begin with all of its "
               "bytes, such as " +
               such_as + "; move it up (at byte " + place + ")\n";
    };
    EXPECT_EQ(warnings({"start = 01 | 02 | 01-02"}), together("01", "11"));
    EXPECT_EQ(warnings({"start = 01 u8 | 03 | 02 | (01-02 | 03 16) u16"}), together("01", "19"));
    EXPECT_EQ(warnings({"start = 01 | 02 16 | 01-02"}), "");
    EXPECT_EQ(warnings({"start = 01 | 02 | 01-03"}), "");
    EXPECT_EQ(warnings({"start = one one", "one = 16 | 16"}), "1: " + covered(", such as 16"))
        << "once, though the rule is used twice";
}

TEST(LayoutCompile, KnowsItsFields) {
    const auto layout = Layout::compile(layout_of(
        {"start = ('[' <host [0-9A-Fa-f:.] 2-40> ']' | <host name [^:]>) ':' <port u16> {u8 one*}",
         "one = <x* 2>"}));
    ASSERT_TRUE(layout);
    ASSERT_EQ(layout->fields().size(), 3U);
    EXPECT_EQ(layout->find_field("port"), 1U);
    EXPECT_EQ(layout->find_field("ports"), std::nullopt);
    const Layout::Field& host = layout->fields()[0];
    EXPECT_TRUE(host.is_name);
    EXPECT_EQ(host.size, (NumberRange{0, 1024}));
    EXPECT_TRUE(host.bytes.all()) << "what either may have";
    EXPECT_TRUE(layout->fields()[1].number.has_value());
    EXPECT_EQ(layout->fields()[2].form, FieldForm::List);
}

}  // namespace
}  // namespace portsplit::core
