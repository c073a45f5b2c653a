#include "core/layout_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portsplit::core {
namespace {

const LayoutItem& only_item(const Result<LayoutChoice, PatternProblem>& choice) {
    static const LayoutItem kNone{};
    return choice && choice->size() == 1 && choice->front().size() == 1 ? choice->front().front()
                                                                        : kNone;
}

TEST(ParseLayoutRule, ReadsBytesAsHexDoes) {
    for (const char* text : {"16", "00-04", "3?", "??", "?A"}) {
        const auto choice = parse_layout_rule(text);
        ASSERT_TRUE(choice) << text;
        EXPECT_EQ(only_item(choice).kind, LayoutItem::Kind::Fixed) << text;
        EXPECT_EQ(only_item(choice).bytes.size(), 1U) << text;
    }
    EXPECT_EQ(only_item(parse_layout_rule("3?")).repeat, Repeat::Once);
    EXPECT_EQ(only_item(parse_layout_rule("3??")).repeat, Repeat::Optional);
    EXPECT_EQ(only_item(parse_layout_rule("???")).repeat, Repeat::Optional);
    EXPECT_EQ(only_item(parse_layout_rule("16*")).repeat, Repeat::Any);
    EXPECT_EQ(only_item(parse_layout_rule("00-04+")).repeat, Repeat::Some);
}

TEST(ParseLayoutRule, ReadsTextsWithEscapesAndInAnyCase) {
    const auto plain = parse_layout_rule("'a\\27\\5C'");
    ASSERT_TRUE(plain);
    EXPECT_EQ(only_item(plain).bytes,
              (ByteSets{ByteSet::only('a'), ByteSet::only('\''), ByteSet::only('\\')}));
    const auto any_case = parse_layout_rule("'h-'i");
    ASSERT_TRUE(any_case);
    EXPECT_TRUE(only_item(any_case).bytes[0].holds('h'));
    EXPECT_TRUE(only_item(any_case).bytes[0].holds('H'));
    EXPECT_FALSE(only_item(any_case).bytes[0].holds('('));
    EXPECT_EQ(only_item(any_case).bytes[1], ByteSet::only('-'));
}

TEST(ParseLayoutRule, ReadsNumbersAndBraces) {
    const auto number = parse_layout_rule("u16-4(9-10000)");
    ASSERT_TRUE(number);
    EXPECT_EQ(only_item(number).kind, LayoutItem::Kind::Number);
    EXPECT_EQ(only_item(number).number, (LayoutNumber{NumberType::U16, 4, {9, 10000}}));
    EXPECT_EQ(only_item(parse_layout_rule("varint")).number.range, (NumberRange{0, UINT32_MAX}));
    EXPECT_EQ(only_item(parse_layout_rule("u8")).number.range, (NumberRange{0, 255}));
    EXPECT_EQ(only_item(parse_layout_rule("u8(7)")).number.range, (NumberRange{7, 7}));
    const auto braces = parse_layout_rule("{ u8 'a' | <x> }");
    ASSERT_TRUE(braces);
    EXPECT_EQ(only_item(braces).kind, LayoutItem::Kind::Braces);
    EXPECT_EQ(only_item(braces).choice.size(), 2U);
    EXPECT_TRUE(only_item(parse_layout_rule("{u16}")).choice.empty());
}

TEST(ParseLayoutRule, ReadsFieldsAndSkips) {
    const auto field_of = [](const char* text) { return only_item(parse_layout_rule(text)).field; };
    EXPECT_EQ(field_of("<sni name 1-255>"),
              (LayoutField{.name = "sni", .is_name = true, .size = {{1, 255}}}));
    EXPECT_EQ(field_of("<alpn*>"), (LayoutField{.name = "alpn", .form = FieldForm::List}));
    EXPECT_EQ(field_of("<qname+'.' name>"),
              (LayoutField{
                  .name = "qname", .form = FieldForm::Joined, .separator = ".", .is_name = true}));
    EXPECT_EQ(field_of("<version* u16>"),
              (LayoutField{.name = "version", .form = FieldForm::List, .number = NumberType::U16}));
    EXPECT_EQ(field_of("<ip6 16>"), (LayoutField{.name = "ip6", .size = {{16, 16}}}));
    EXPECT_EQ(field_of("..32"), (LayoutField{.size = {{32, 32}}}));
    EXPECT_EQ(field_of(".."), LayoutField{});
    const LayoutField method = field_of("<method [A-Z] 3-16>");
    EXPECT_EQ(method.size, (NumberRange{3, 16}));
    EXPECT_EQ(method.bytes->count(), 26U);
    EXPECT_EQ(field_of("..[^\\0D\\0A]").bytes->count(), 254U);
    EXPECT_EQ(field_of("..[a-c-]2").bytes->count(), 4U);
    EXPECT_EQ(field_of("..[ \\09]").bytes->count(), 2U);
}

TEST(ParseLayoutRule, ReadsChoicesGroupsAndRules) {
    const auto choice = parse_layout_rule("00 ('a' | header+)? | .. 0D 0A");
    ASSERT_TRUE(choice);
    ASSERT_EQ(choice->size(), 2U);
    ASSERT_EQ(choice->front().size(), 2U);
    EXPECT_EQ(choice->front()[1].kind, LayoutItem::Kind::Group);
    EXPECT_EQ(choice->front()[1].repeat, Repeat::Optional);
    EXPECT_EQ(choice->front()[1].choice[1].front().rule, "header");
    EXPECT_EQ(choice->front()[1].choice[1].front().repeat, Repeat::Some);
    EXPECT_EQ(choice->back().size(), 3U) << "each byte is an item";
    EXPECT_EQ(only_item(parse_layout_rule("face")).rule, "face") << "not two bytes";
}

struct Bad {
    std::string text;
    std::string message;
    std::size_t place;
};

TEST(ParseLayoutRule, ReturnsTheFaultAndItsPlace) {
    const std::string nothing = "nothing here; write what lies there, such as 16 or ..";
    const std::vector<Bad> cases{
        {"", nothing, 0},
        {"16 | ", nothing, 4},
        {"16 ()", nothing, 4},
        {"16 )", "a ) without a (", 3},
        {"}", "nothing here; write what lies there, such as 16 or ..", 0},
        {"(16", "a ( without its )", 0},
        {"{u8 16", "a { without its }", 0},
        {"'abc", "a ' without its end", 0},
        {"''", "an empty text; delete it", 0},
        {"'\\4'", "a \\ without two hex digits; write \\5C for a backslash and \\27 for a '", 1},
        {"{16}", "no type of number; the types are u8, u16, u24, u32, le16, le32, varint and ber",
         1},
        {"u8(1-256)", "a number that is too large here; at most 255", 5},
        {"u8(9-1)", "a range that ends before it begins", 3},
        {"u8(1-2", "a ( without its ); write a range such as (1-255)", 2},
        {"u8-9(1-4)", "less than nothing is left of it; write a smaller number after the -", 0},
        {"u8-", "no number after the -, such as u16-4", 3},
        {"<x", "a < without its >; a field is <NAME>, then name or a type, [SET], and N or N-M", 0},
        {"<X>", "no name; a name is small letters, digits and -, and begins with a letter", 1},
        {"<*>", "no name; write one such as host", 1},
        {"<x u64>", "not what a field is; write name for a host name, or a type such as u16", 3},
        {"<x u8 3>", "a number has neither a set nor a size; delete them", 1},
        {"<x+>", "no text after the +; write what stands between two parts, such as <x+'.'>", 3},
        {"<x [b-a]>", "a range that ends before it begins", 5},
        {"<x [a>", "a [ without its ]", 3},
        {"..[]", "a set without a byte", 2},
        {"..70000", "a number that is too large here; at most 65536", 2},
        {"Header", "no name; a name is small letters, digits and -, and begins with a letter", 0},
        {"9x", "not a byte; a byte is two hex digits, such as 16", 0},
        {"04-00", "a range that ends before it begins", 2},
        {"16, 03",
         "not the beginning of anything; write a byte such as 16, a 'text', a number such as u16, "
         "{ }, < >, .., "
         "( ) or the name of a rule",
         2},
    };
    for (const Bad& it : cases) {
        const auto choice = parse_layout_rule(it.text);
        ASSERT_FALSE(choice) << it.text;
        EXPECT_EQ(choice.error().text, it.message) << it.text;
        EXPECT_EQ(choice.error().place, it.place) << it.text;
    }
}

TEST(ParseLayoutRule, RefusesARuleThatIsTooDeep) {
    std::string deep = "16";
    for (int i = 0; i < 33; ++i) deep.insert(0, "(").append(")");
    const auto choice = parse_layout_rule(deep);
    ASSERT_FALSE(choice);
    EXPECT_EQ(choice.error().text, "too deep; write a rule of its own for it");
}

TEST(WhyNoLayoutName, RefusesWhatReadsAsSomethingElse) {
    for (const char* name : {"start", "http-connect", "x", "ip6", "face"})
        EXPECT_EQ(why_no_layout_name(name), "");
    EXPECT_EQ(why_no_layout_name("ad"), "reads as a byte; choose another name");
    EXPECT_EQ(why_no_layout_name("u16"), "reads as a number; choose another name");
    EXPECT_EQ(why_no_layout_name("ber-4"), "reads as a number; choose another name");
    EXPECT_EQ(why_no_layout_name(""), "no name; write one such as host");
    EXPECT_EQ(why_no_layout_name("Host"),
              "no name; a name is small letters, digits and -, and begins with a letter");
}

}  // namespace
}  // namespace portsplit::core
