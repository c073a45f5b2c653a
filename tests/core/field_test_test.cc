#include "core/field_test.h"

#include <gtest/gtest.h>

#include <string>

#include "core/field_index.h"

namespace portsplit::core {
namespace {

using Kind = FieldTest::Kind;

Layout::Field name_field() {
    Layout::Field field;
    field.is_name = true;
    field.size = {1, 255};
    field.bytes.set();
    return field;
}

Layout::Field bytes_field() {
    Layout::Field field = name_field();
    field.is_name = false;
    return field;
}

Layout::Field number_field() {
    Layout::Field field = bytes_field();
    field.number = NumberType::U16;
    return field;
}

TEST(ParseFieldTest, ReadsEveryForm) {
    struct Case {
        const char* text;
        Layout::Field field;
        FieldTest expected;
    };
    const Case cases[] = {
        {"*", name_field(), {Kind::Present}},
        {"www.example.org", name_field(), {Kind::Exact, "www.example.org"}},
        {"WWW.Example.ORG.", name_field(), {Kind::Exact, "www.example.org"}},
        {"*.Example.org", name_field(), {Kind::Below, "example.org"}},
        {".example.org", name_field(), {Kind::AtOrBelow, "example.org"}},
        {"WWW*", name_field(), {Kind::Prefix, "www"}},
        {"*.", bytes_field(), {Kind::Suffix, "."}},
        {"/api/*", bytes_field(), {Kind::Prefix, "/api/"}},
        {"*.php", bytes_field(), {Kind::Suffix, ".php"}},
        {".x", bytes_field(), {Kind::Exact, ".x"}},
        {"\\2Astar\\5C", bytes_field(), {Kind::Exact, "*star\\"}},
        {"\\2Ex", name_field(), {Kind::Exact, ".x"}},
        {"\\7Ex", bytes_field(), {Kind::Exact, "~x"}},
        {"\\40x", bytes_field(), {Kind::Exact, "@x"}},
        {"443", number_field(), {Kind::Exact, "443"}},
        {"0443", number_field(), {Kind::Exact, "443"}},
        {"1-1024", number_field(), {Kind::Range, "", {1, 1024}}},
        {"~w+", name_field(), {Kind::Regex, "w+"}},
    };
    for (const Case& it : cases) {
        const auto test = parse_field_test(it.text, it.field);
        ASSERT_TRUE(test) << it.text;
        EXPECT_EQ(*test, it.expected) << it.text;
    }
}

TEST(ParseFieldTest, ReturnsTheFaultAndItsPlace) {
    struct Case {
        const char* text;
        Layout::Field field;
        const char* message;
        std::size_t place;
    };
    const Case cases[] = {
        {"", name_field(), "empty; write a value, or * for any", 0},
        {"a*b", name_field(),
         "a * in the middle; write it at one end, ~EXPR for an expression, or \\2A for a *", 1},
        {"*a*", bytes_field(),
         "a * in the middle; write it at one end, ~EXPR for an expression, or \\2A for a *", 2},
        {"a\\x", name_field(), "a \\ without two hex digits; write \\5C for a backslash", 1},
        {"*.", name_field(), "no name behind the dot", 2},
        {".", name_field(), "no name behind the dot", 1},
        {"x", number_field(),
         "this field is a number; write one such as 443, or a range such as 1-1024; "
         "portsplit-patterns(7) has what the numbers of the library's layouts mean",
         0},
        {"0x0304", number_field(), "this field is a number in decimal; write 772", 0},
        {"9-1", number_field(), "a range that ends before it begins", 0},
        {"~(", name_field(), "missing closing parenthesis", 2},
    };
    for (const Case& it : cases) {
        const auto test = parse_field_test(it.text, it.field);
        ASSERT_FALSE(test) << it.text;
        EXPECT_EQ(test.error().text, it.message) << it.text;
        EXPECT_EQ(test.error().place, it.place) << it.text;
    }
}

TEST(WhyNever, FindsAValueThatTheFieldNeverHas) {
    Layout::Field method = bytes_field();
    method.size = {3, 16};
    method.bytes.reset();
    for (unsigned letter = 'A'; letter <= 'Z'; ++letter) method.bytes.set(letter);
    const auto why = [](const char* text, const Layout::Field& field) {
        return why_never(*parse_field_test(text, field), field);
    };
    EXPECT_EQ(why("GET", method), "");
    EXPECT_EQ(why("get", method), "a value of this field has no g; its bytes are A-Z");
    EXPECT_EQ(why("A\\00", method), "a value of this field has no such byte; its bytes are A-Z");
    EXPECT_EQ(why("GO", method), "a value of this field has at least 3 bytes");
    EXPECT_EQ(why("G*", method), "");
    EXPECT_EQ(why("ABCDEFGHIJKLMNOPQ", method), "a value of this field has at most 16 bytes");
    EXPECT_EQ(why("~get", method), "");
    method.is_name = true;
    EXPECT_EQ(why("GET", method), "") << "compared in small letters";
    method.bytes.reset().set(0).set(' ').set('\\').set('-').set('a').set('b');
    EXPECT_EQ(why("c", method),
              "a value of this field has no c; its bytes are \\00 \\20 - \\5C a-b");
}

TEST(WhyHardlyEver, FindsANameThatNoUsualClientSends) {
    const auto why = [](const std::string& text) {
        return why_hardly_ever(*parse_field_test(text, name_field()), name_field());
    };
    EXPECT_EQ(why("example.org"), "");
    EXPECT_EQ(why("a_b.example.org."), "");
    EXPECT_EQ(why("*.example.org"), "");
    EXPECT_EQ(why("2001:db8::1"), "");
    EXPECT_EQ(why("::1"), "");
    EXPECT_EQ(why("xn--bcher-kva.example"), "");
    EXPECT_EQ(why("10.0.0.1"), "") << "a name in HTTP";
    EXPECT_EQ(why(std::string(63, 'a') + ".test"), "");
    EXPECT_EQ(why("example.org:8080"), "a name has no port here; delete :8080");
    EXPECT_EQ(why("*.example.org:443"), "a name has no port here; delete :443");
    EXPECT_EQ(why("https://example.org/"),
              "a client sends the name alone, not a URL; write example.org");
    EXPECT_EQ(why("https://example.org:1"),
              "a client sends the name alone, not a URL; write example.org");
    EXPECT_EQ(why("b\xc3\xbc"
                  "cher.example"),
              "a client sends such a name in its ASCII form, which begins with xn-- (RFC 5890); "
              "write that, as idn2(1) prints it");
    EXPECT_EQ(why("www.example.org/blog"),
              "a client sends the name alone, without a path; write www.example.org");
    EXPECT_EQ(why("/"), "") << "the virtual host of a message broker";
    EXPECT_EQ(why("a.example, b.example"), "a name of a host has no ,; write one name");
    EXPECT_EQ(why("a.example b.example"), "a name of a host has no blank; write one name");
    EXPECT_EQ(why("[2001:db8::1]"), "a name of a host has no [; write one name");
    EXPECT_EQ(why("!www.example.org"),
              "a value has no sign for not; lead www.example.org elsewhere with a service above "
              "this one");
    EXPECT_EQ(why("^www[.]example[.]org$"),
              "an expression begins with ~; write ~^www[.]example[.]org$");
    EXPECT_EQ(why("./names.txt"), "a file of values is written with an @ before its name");
    EXPECT_EQ(why("names.txt"), "a file of values is written with an @ before its name");
    EXPECT_EQ(why("a..example"), "a name has no two dots side by side; delete one");
    const std::string too_long =
        "a name has at most 253 bytes, and 63 between two dots (RFC 1035 2.3.4)";
    EXPECT_EQ(why(std::string(64, 'a') + ".test"), too_long);
    std::string name = "a";
    while (name.size() < 254) name += ".a";
    EXPECT_EQ(why(name), too_long);
    EXPECT_EQ(why("*:8080"), "") << "the end of a name of which the rest is not known";
}

TEST(FieldIndex, FindsTheFirstServiceThatAValueFits) {
    const Layout::Field field = name_field();
    std::vector<FieldIndex::Entry> entries;
    std::uint32_t service = 0;
    for (const char* text : {"git.example.org", "*.example.org", ".example.com", "api*", "*.test",
                             "~[0-9.]+", "git.example.org", "*"}) {
        entries.push_back({*parse_field_test(text, field), service++});
    }
    const FieldIndex index(entries);
    EXPECT_EQ(index.find("git.example.org").first, 0U);
    EXPECT_EQ(index.find("www.example.org").first, 1U);
    EXPECT_EQ(index.find("a.b.example.org").first, 1U);
    EXPECT_EQ(index.find("example.org").first, 7U) << "not below itself";
    EXPECT_EQ(index.find(".example.org").first, 7U) << "no label before the dot";
    EXPECT_EQ(index.find("example.com").first, 2U);
    EXPECT_EQ(index.find("x.example.com").first, 2U);
    EXPECT_EQ(index.find("api.example.net").first, 3U);
    EXPECT_EQ(index.find("api.example.org").first, 1U) << "the earlier service";
    EXPECT_EQ(index.find("x.test").first, 4U);
    EXPECT_EQ(index.find("10.0.0.1").first, 5U);
    EXPECT_EQ(index.find("10.0.0.1x").first, 7U) << "the whole value";
    EXPECT_EQ(FieldIndex(std::vector<FieldIndex::Entry>(entries.begin(), entries.end() - 1))
                  .find("other")
                  .first,
              FieldIndex::kNone);
    EXPECT_EQ(FieldIndex().find("x").first, FieldIndex::kNone);
}

TEST(FieldIndex, TellsTheFirstServiceWithAnExpressionThatGaveUp) {
    const Layout::Field field = name_field();
    std::vector<FieldIndex::Entry> entries;
    std::uint32_t service = 0;
    for (const char* text : {"first", "~(a+)+c", "~(a+)+d", "*b", "~(a+)+e"}) {
        entries.push_back({*parse_field_test(text, field), service++});
    }
    const FieldIndex index(entries);
    const std::string hard(60, 'a');
    EXPECT_EQ(index.find(hard + "b").first, 3U);
    EXPECT_EQ(index.find(hard + "b").gave_up, 1U);
    EXPECT_EQ(index.find(hard + "x").first, FieldIndex::kNone);
    EXPECT_EQ(index.find(hard + "x").gave_up, 1U);
    EXPECT_EQ(index.find("first").gave_up, FieldIndex::kNone);
    EXPECT_EQ(index.find("ab").gave_up, FieldIndex::kNone);
}

TEST(FieldIndex, ComparesNumbersAsNumbers) {
    const Layout::Field field = number_field();
    const FieldIndex index(
        {{*parse_field_test("80", field), 0}, {*parse_field_test("1-1024", field), 1}});
    EXPECT_EQ(index.find("80").first, 0U);
    EXPECT_EQ(index.find("443").first, 1U);
    EXPECT_EQ(index.find("8080").first, FieldIndex::kNone);
}

TEST(FieldIndex, FindsEachOfManyNames) {
    const Layout::Field field = name_field();
    std::vector<FieldIndex::Entry> entries;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        const std::string name = "host" + std::to_string(i) + ".example";
        entries.push_back({*parse_field_test(i % 3 == 0 ? "*." + name : name, field), i});
    }
    const FieldIndex index(entries);
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        const std::string name = "host" + std::to_string(i) + ".example";
        ASSERT_EQ(index.find(i % 3 == 0 ? "www." + name : name).first, i) << name;
        ASSERT_EQ(index.find(i % 3 == 0 ? name : "www." + name).first, FieldIndex::kNone) << name;
    }
}

}  // namespace
}  // namespace portsplit::core
