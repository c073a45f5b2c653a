#include "core/hex.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/pattern.h"
#include "support/answer_text.h"
#include "support/naive.h"

namespace portsplit::core {

void PrintTo(const ByteSet& set, std::ostream* out) {
    *out << std::hex << "[" << +set.low << "-" << +set.high << " &" << +set.mask << "="
         << +set.value << "]" << std::dec;
}

namespace {

using namespace std::string_literals;

constexpr ByteSet range(std::uint8_t low, std::uint8_t high) { return {low, high, 0x00, 0x00}; }
constexpr ByteSet kAny = range(0x00, 0xFF);

struct Good {
    std::string_view text;
    ByteSets sets;
};

TEST(ParseHex, ReadsEveryFormOfAByte) {
    const std::vector<Good> cases{
        {"16", {ByteSet::only(0x16)}},
        {"00", {ByteSet::only(0x00)}},
        {"ff", {ByteSet::only(0xFF)}},
        {"??", {kAny}},
        {"3?", {range(0x30, 0x3F)}},
        {"f?", {range(0xF0, 0xFF)}},
        {"0?", {range(0x00, 0x0F)}},
        {"?8", {{0x08, 0xF8, 0x0F, 0x08}}},
        {"?0", {{0x00, 0xF0, 0x0F, 0x00}}},
        {"?f", {{0x0F, 0xFF, 0x0F, 0x0F}}},
        {"00-04", {range(0x00, 0x04)}},
        {"7f-80", {range(0x7F, 0x80)}},
        {"00-ff", {kAny}},
        {"16 03 ?? 01", {ByteSet::only(0x16), ByteSet::only(0x03), kAny, ByteSet::only(0x01)}},
        {"16 00-04 ?8", {ByteSet::only(0x16), range(0x00, 0x04), {0x08, 0xF8, 0x0F, 0x08}}},
    };
    for (const Good& it : cases) {
        const auto sets = parse_hex(it.text);
        ASSERT_TRUE(sets.ok()) << it.text;
        EXPECT_EQ(*sets, it.sets) << it.text;
    }
}

TEST(ParseHex, ReturnsEqualSetsForEqualMeanings) {
    const std::vector<std::vector<std::string_view>> groups{
        {"16 03 01", "160301", "1603 01", "  16\t03  01 ", "16 03-03 01", "16-1603-0301-01"},
        {"3?", "30-3f", "30-3F"},
        {"ab cd ef", "AB CD EF", "aBCdEf"},
        {"??", "00-ff", "00-FF"},
        {"00-0400", "00-04 00"},
        {"?A", "?a"},
    };
    for (const auto& group : groups) {
        const auto first = parse_hex(group.front());
        ASSERT_TRUE(first.ok()) << group.front();
        for (const std::string_view text : group) {
            const auto sets = parse_hex(text);
            ASSERT_TRUE(sets.ok()) << text;
            EXPECT_EQ(*sets, *first) << text;
        }
    }
}

struct Bad {
    std::string text;
    std::string message;
    std::size_t place;
};

TEST(ParseHex, ReturnsTheFaultAndItsPlace) {
    const std::string no_digit = "not a hex digit; a byte is two of 0-9, a-f and ?";
    const std::string prefixed = "0x, which is not written here; write 16 03 for 0x16 0x03";
    const std::string half = "half a byte; write two digits, such as 0a or ?a";
    const std::string endless = "a range without an end, such as 00-04";
    const std::string vague = "a range between bytes with ?; write both ends in full";
    const std::string backwards = "a range that ends before it begins";
    const std::string empty = "no byte; write two hex digits for each";
    const std::vector<Bad> cases{
        {"", empty, 0},
        {"  \t", empty, 0},
        {"xy", no_digit, 0},
        {"1g", no_digit, 1},
        {"16 0x03", prefixed, 3},
        {"0X16, 0X03", prefixed, 0},
        {"0x", prefixed, 0},
        {"1x", no_digit, 1},
        {"16,03", no_digit, 2},
        {"*", no_digit, 0},
        {"16\n03", no_digit, 2},
        {"16"s + '\0', no_digit, 2},
        {"\xff\xff", no_digit, 0},
        {"1", half, 0},
        {"?", half, 0},
        {"16 3 01", half, 3},
        {"160", half, 2},
        {"1\t6", half, 0},
        {"1-6", half, 0},
        {"-", no_digit, 0},
        {"-04", no_digit, 0},
        {"00-", endless, 2},
        {"16 00-", endless, 5},
        {"00- 04", no_digit, 3},
        {"00 -04", no_digit, 3},
        {"00 - 04", no_digit, 3},
        {"00-4", half, 3},
        {"00-0g", no_digit, 4},
        {"00-04-08", no_digit, 5},
        {"0?-1f", vague, 2},
        {"00-?f", vague, 2},
        {"16 3?-??", vague, 5},
        {"04-00", backwards, 2},
        {"16 ff-fe", backwards, 5},
    };
    for (const Bad& it : cases) {
        const auto sets = parse_hex(it.text);
        ASSERT_FALSE(sets.ok()) << it.text;
        EXPECT_EQ(sets.error().text, it.message) << it.text;
        EXPECT_EQ(sets.error().place, it.place) << it.text;
    }
}

TEST(ByteSet, HoldsExactlyTheBytesThatAreWritten) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (unsigned byte = 0; byte <= 0xFF; ++byte) {
        const auto value = static_cast<std::uint8_t>(byte);
        for (std::size_t digit = 0; digit < 16; ++digit) {
            const char character = kDigits[digit];
            EXPECT_EQ((*parse_hex("?"s + character))[0].holds(value), (byte & 0xF) == digit);
            EXPECT_EQ((*parse_hex(character + "?"s))[0].holds(value), byte >> 4 == digit);
        }
        EXPECT_EQ((*parse_hex("2f-40"))[0].holds(value), byte >= 0x2F && byte <= 0x40);
        EXPECT_TRUE((*parse_hex("??"))[0].holds(value));
    }
}

TEST(ByteSet, CoversAnotherWhenItHoldsAllItsBytes) {
    std::vector<ByteSet> sets;
    for (const char* text : {"??", "30", "38", "3?", "?8", "?0", "30-38", "2f-40", "38-39", "f?"}) {
        sets.push_back((*parse_hex(text))[0]);
    }
    for (const ByteSet& outer : sets) {
        for (const ByteSet& inner : sets) {
            bool has_all = true;
            for (unsigned byte = 0; byte <= 0xFF; ++byte) {
                const auto value = static_cast<std::uint8_t>(byte);
                has_all &= !inner.holds(value) || outer.holds(value);
            }
            EXPECT_EQ(covers(outer, inner), has_all)
                << testing::PrintToString(outer) << " " << testing::PrintToString(inner);
        }
    }
}

Answer answer_of(const std::string& text, std::string_view seen) {
    return (*compile({PatternKind::Hex, Text(text)}))->answer(as_bytes(seen));
}

TEST(HexPattern, DistinguishesAClientHelloFromOtherTlsRecords) {
    const std::string hello = "16 03 00-04 ?? ?? 01";
    EXPECT_EQ(answer_of(hello, ""), Answer::More);
    EXPECT_EQ(answer_of(hello, "\x16\x03\x01\x02\xff"), Answer::More);
    EXPECT_EQ(answer_of(hello, "\x16\x03\x01\x02\xff\x01"), Answer::Match);
    EXPECT_EQ(answer_of(hello, "\x16\x03\x05"), Answer::No);
    EXPECT_EQ(answer_of(hello, "\x16\x03\x01\x02\xff\x02"), Answer::No);
}

TEST(HexPattern, ReturnsItsLengthAsTheShortestMatch) {
    EXPECT_EQ((*compile({PatternKind::Hex, "16 03 00-04 ??"}))->shortest_match(), 4U);
}

TEST(HexPattern, ReturnsTheFaultOfItsNotation) {
    const auto pattern = compile({PatternKind::Hex, "16 0"});
    ASSERT_FALSE(pattern.ok());
    EXPECT_EQ(pattern.error().place, 3U);
}

/// One byte in the notation, and the bytes of the alphabet below that it allows.
struct Token {
    std::string_view text;
    std::string_view bytes;
};

// Bytes that differ in one nibble or the other, and neighbours with different high nibbles.
constexpr std::string_view kAlphabet = "\x0f\x10\x1f\x20";
constexpr Token kTokens[] = {
    {"0f", "\x0f"},        {"10", "\x10"},     {"??", "\x0f\x10\x1f\x20"}, {"1?", "\x10\x1f"},
    {"?f", "\x0f\x1f"},    {"?0", "\x10\x20"}, {"0f-10", "\x0f\x10"},      {"10-1f", "\x10\x1f"},
    {"1f-20", "\x1f\x20"}, {"11-1e", ""},  // bytes, but none of the alphabet
};

/// Returns no if a byte seen is not allowed at its place, match if all places are seen, else more:
/// the next byte may be one outside the alphabet.
Answer naive_answer(const std::vector<Token>& tokens, const std::string& seen) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (i == seen.size()) return Answer::More;
        if (tokens[i].bytes.find(seen[i]) == std::string_view::npos) return Answer::No;
    }
    return Answer::Match;
}

void expect_naive_answers(const std::vector<Token>& tokens,
                          const std::vector<std::string>& streams) {
    std::string text;
    for (const Token& token : tokens) text += std::string(token.text) + ' ';
    const auto pattern = *compile({PatternKind::Hex, Text(text)});
    for (const std::string& seen : streams) {
        ASSERT_EQ(pattern->answer(as_bytes(seen)), naive_answer(tokens, seen))
            << text << "seen " << testing::PrintToString(seen);
    }
}

TEST(HexExhaustively, AgreesWithTheNaiveAnswerForUpToThreeBytes) {
    const std::vector<std::string> streams = naive::strings(0, 4, kAlphabet);
    for (const Token& first : kTokens) {
        expect_naive_answers({first}, streams);
        for (const Token& second : kTokens) {
            expect_naive_answers({first, second}, streams);
            for (const Token& third : kTokens) {
                expect_naive_answers({first, second, third}, streams);
            }
        }
    }
}

}  // namespace
}  // namespace portsplit::core
