// The answers of regular expressions, case by case.

#include "core/regex.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hex.h"
#include "support/answer_text.h"

namespace portsplit::core {
namespace {

using namespace std::string_literals;

Answer answer_of(const std::string& expression, std::string_view seen) {
    return (*compile_regex(expression)).answer(as_bytes(seen));
}

struct Expected {
    std::string seen;
    Answer answer;
};

struct Case {
    std::string expression;
    std::vector<Expected> expected;
};

void expect_answers(const std::vector<Case>& cases) {
    for (const Case& it : cases) {
        for (const Expected& expected : it.expected) {
            EXPECT_EQ(answer_of(it.expression, expected.seen), expected.answer)
                << it.expression << " seen " << testing::PrintToString(expected.seen);
        }
    }
}

TEST(Regex, MatchesAtTheFirstByteOnly) {
    expect_answers({
        {"SSH-2", {{"", Answer::More}, {"SSH-", Answer::More}, {"SSH-2", Answer::Match}}},
        {"SSH-2", {{" SSH-2", Answer::No}, {"\nSSH-2", Answer::No}, {"SSH-1", Answer::No}}},
        {"^SSH", {{"SSH", Answer::Match}, {"xSSH", Answer::No}}},
        {"\\ASSH", {{"SSH", Answer::Match}, {"xSSH", Answer::No}}},
        {"\\GSSH", {{"SSH", Answer::Match}, {"xSSH", Answer::No}}},
        {"a|b", {{"b", Answer::Match}, {"cb", Answer::No}}},
        {"(?s).*?SSH", {{"\n\n", Answer::More}, {"x\nSSH", Answer::Match}}},
        {".*?SSH", {{"xxSS", Answer::More}, {"x\n", Answer::No}}},
    });
}

TEST(Regex, AcceptsAnEmptySpanWithoutAnAddress) {
    EXPECT_EQ((*compile_regex("a")).answer(Bytes()), Answer::More);
    EXPECT_EQ((*compile_regex("(?!b)a")).answer(Bytes()), Answer::More);
}

TEST(Regex, AnswersMatchAtTheByteThatCompletesIt) {
    expect_answers({
        {"[A-Z]{3,16} ", {{"GE", Answer::More}, {"GET", Answer::More}, {"GET ", Answer::Match}}},
        {"GET .*", {{"GET", Answer::More}, {"GET ", Answer::Match}, {"GET x", Answer::Match}}},
        {"ab*", {{"a", Answer::Match}, {"ab", Answer::Match}}},
        {"ab|abc", {{"a", Answer::More}, {"ab", Answer::Match}, {"abc", Answer::Match}}},
        {"abc|ab", {{"ab", Answer::Match}, {"abc", Answer::Match}}},
        {"a{3,}", {{"aa", Answer::More}, {"aaa", Answer::Match}, {"aaaa", Answer::Match}}},
        {"", {{"", Answer::Match}, {"a", Answer::Match}}},
        {"a?", {{"", Answer::Match}, {"b", Answer::Match}}},
        {"(?s).{9}", {{"", Answer::More}, {"a", Answer::More}, {"12345678", Answer::More}}},
        {"(?s).{9}", {{"123456789", Answer::Match}}},
        {"(?s).{2}b", {{"a", Answer::More}, {"aa", Answer::More}, {"aab", Answer::Match}}},
    });
}

TEST(Regex, ReadsBytesAndNotCharacters) {
    expect_answers({
        {".{2}x", {{"\xff\x80", Answer::More}, {"\xff\x80x", Answer::Match}}},
        {"\\x00\\xff", {{"\0"s, Answer::More}, {"\0\xff"s, Answer::Match}, {"\0\0"s, Answer::No}}},
        {"\0."s, {{"\0"s, Answer::More}, {"\0a"s, Answer::Match}, {"a", Answer::No}}},
        {"[\\x80-\\xff]+", {{"\x80", Answer::Match}, {"\x7f", Answer::No}}},
        {"(?i)ssh", {{"SS", Answer::More}, {"SsH", Answer::Match}}},
        {"(?i)\xe9", {{"\xe9", Answer::Match}, {"\xc9", Answer::No}}},
        {"\\w", {{"a", Answer::Match}, {"\xe9", Answer::No}}},
    });
}

TEST(Regex, TreatsLfAsTheNewline) {
    expect_answers({
        {".", {{"a", Answer::Match}, {"\r", Answer::Match}, {"\n", Answer::No}}},
        {"(?s).", {{"\n", Answer::Match}}},
        {"\\N", {{"\r", Answer::Match}, {"\n", Answer::No}}},
        {"a.*b", {{"a\r", Answer::More}, {"a\n", Answer::No}, {"axb", Answer::Match}}},
        {"(?s)a.*b", {{"a\n", Answer::More}, {"a\nb", Answer::Match}}},
        {"a$", {{"a", Answer::More}, {"a\n", Answer::More}, {"a\nb", Answer::No}}},
        {"(?m)a$", {{"a", Answer::More}, {"a\n", Answer::Match}, {"a\r", Answer::No}}},
        {"(?m)a\n^b", {{"a\n", Answer::More}, {"a\nb", Answer::Match}, {"a\nc", Answer::No}}},
        {"(?m)a\n^", {{"a", Answer::More}, {"a\n", Answer::Match}, {"a\nb", Answer::Match}}},
        {"(?m)a^", {{"a", Answer::No}}},
        {"(*CRLF)a.", {{"a\r", Answer::More}, {"a\rb", Answer::Match}, {"a\r\n", Answer::No}}},
        {"(*ANYCRLF)a.", {{"a\r", Answer::No}, {"a\x85", Answer::Match}}},
    });
}

// pcre2_dfa_match has no back-references and recursion, so these answer more while a longer match
// is possible.
TEST(Regex, AnswersMoreUntilANonRegularMatchIsLongest) {
    expect_answers({
        {"(a)\\1*", {{"a", Answer::More}, {"aa", Answer::More}, {"aab", Answer::Match}}},
        {"(?|(a)|(b))\\1?", {{"a", Answer::More}, {"aa", Answer::Match}, {"ac", Answer::Match}}},
        {"(?<n>a)\\k<n>", {{"a", Answer::More}, {"aa", Answer::Match}, {"ab", Answer::No}}},
        {"(a|b(?1))+", {{"ba", Answer::More}, {"bac", Answer::Match}}},
        {"(?:(a+)){0}(?1)b", {{"aa", Answer::More}, {"aab", Answer::Match}}},
        {"a(?:(b)\\1|)", {{"a", Answer::More}, {"ac", Answer::Match}}},
        {"(?(?<=a)b|c)x*", {{"c", Answer::More}, {"cy", Answer::Match}}},
        {"a\\Kb*", {{"a", Answer::More}, {"ac", Answer::Match}}},
        {"(*NOTEMPTY)a*", {{"", Answer::More}, {"ab", Answer::Match}, {"b", Answer::No}}},
    });
}

TEST(Regex, MatchesLookaheads) {
    const std::string not_connect = "(?!CONNECT )[A-Z]{3,16} ";
    const std::string two_lines = "(?=[^\\n]*HTTP/1\\.[01]\\r?\\n)GET ";
    expect_answers({
        {not_connect, {{"C", Answer::More}, {"CONNECT", Answer::More}}},
        {not_connect, {{"CONNECT ", Answer::No}, {"CONNECTED ", Answer::Match}}},
        {not_connect, {{"G", Answer::More}, {"GET", Answer::More}, {"GET ", Answer::Match}}},
        {not_connect, {{"get", Answer::No}, {"COPY ", Answer::Match}}},
        {two_lines, {{"GET / ", Answer::More}, {"GET / HTTP/1.1\r", Answer::More}}},
        {two_lines, {{"GET / HTTP/1.1\r\n", Answer::Match}, {"GET /\n", Answer::No}}},
        {two_lines, {{"PUT / HTTP/1.1\r\n", Answer::No}}},
        {"(?=.{4})ab", {{"ab", Answer::More}, {"abxx", Answer::Match}}},
    });
}

TEST(Regex, ReadsUtf8AfterTheOption) {
    const std::string word = "(*UTF)\xd0\xbf.";  // a letter of two bytes, and one more character
    expect_answers({
        {word, {{"", Answer::More}, {"\xd0", Answer::More}, {"\xd0\xbf", Answer::More}}},
        {word, {{"\xd0\xbf\xe2", Answer::More}, {"\xd0\xbf\xe2\x82", Answer::More}}},
        {word, {{"\xd0\xbf\xe2\x82\xac", Answer::Match}, {"\xd0\xbfx", Answer::Match}}},
        {word, {{"\xd0\xbe", Answer::No}, {"x", Answer::No}}},
        {"(*UTF)a.*", {{"a\xd0", Answer::Match}, {"a", Answer::Match}}},
        {"(*UTF)(?i)\xd0\xbf", {{"\xd0\x9f", Answer::Match}}},
    });
}

TEST(Regex, EndsTheTextAtTheFirstByteThatIsNotUtf8) {
    expect_answers({
        {"(*UTF)!", {{"\xff", Answer::No}, {"\xff!", Answer::No}}},
        {"(*UTF)a.", {{"a\xff", Answer::No}, {"a\xc0", Answer::No}, {"a\xf5", Answer::No}}},
        {"(*UTF)a.", {{"a\xe0\x80", Answer::No}, {"a\xed\xa0", Answer::No}}},
        {"(*UTF)a.", {{"a\xf0\x8f", Answer::No}, {"a\xf4\x90", Answer::No}}},
        {"(*UTF)a.", {{"a\xe0\xa0", Answer::More}, {"a\xed\x9f", Answer::More}}},
        {"(*UTF)a.", {{"a\xf0\x90", Answer::More}, {"a\xf4\x8f", Answer::More}}},
        {"(*UTF)a.?", {{"a", Answer::Match}, {"a\xff!", Answer::Match}}},
        {"(*UTF).*?!", {{"a\xff", Answer::No}, {"a\xff!", Answer::No}}},
        {"(*UTF)a(?!!)", {{"a", Answer::More}, {"a\xff", Answer::Match}}},
        {"(*UTF)a(?!!)", {{"a\xff!", Answer::Match}, {"a!", Answer::No}}},
        {"(*UTF)a$", {{"a", Answer::More}, {"a\xff", Answer::No}, {"a\n\xff", Answer::No}}},
        {"(*UTF)a?", {{"\xff", Answer::Match}}},
    });
}

// A longer match is possible in each case, but changes nothing.
TEST(Regex, AnswersMatchAtOnceWhenItCannotLookAhead) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a+", "a"},
        {"ab*?c?", "a"},
        {"[a$]+", "$"},
        {"[?+]+x*", "?"},
        {"[*+]+", "+"},
        {"[]?+]+x*", "?"},
        {"\\*+", "*"},
        {"\\++", "+"},
        {"\\$+", "$"},
        {"a(?:b|c)*", "a"},
        {"(?<=^)a+", "a"},
        {"(?<!b)a+", "a"},
        {"^a+", "a"},
        {"\\Aa+", "a"},
        {"\\Ga+", "a"},
        {"(?m)^a+", "a"},
        {"(?s)a.*", "a"},
        {"(?i)A+", "a"},
        {"(?x) a+ # not $ at all\n b*", "a"},
        {"(?#$)a+", "a"},
        {"(?C1)a+", "a"},
        {"\\Qa\\Eb*", "a"},
        {"(*UTF)a+", "a"},
        {"(*UCP)a+", "a"},
        {"(*ANYCRLF)a.*", "a"},
        {"(?-i)a+", "a"},
        {"(?^)a+", "a"},
        {"\\N+", "a"},
        {"\\h*a+", "a"},
        {"\\x{61}", "a"},
    };
    for (const auto& [expression, seen] : cases) {
        EXPECT_EQ(answer_of(expression, seen), Answer::Match) << expression;
    }
}

// No more bytes than PCRE2 inspects: a match that cannot grow is final at its last byte.
TEST(Regex, AnswersMoreOnlyWhenPcre2CanUseMore) {
    expect_answers({
        {"a(?!b)", {{"ac", Answer::Match}, {"ab", Answer::No}}},
        {"a\\b", {{"a-", Answer::Match}, {"ab", Answer::No}}},
        {"a++b", {{"aac", Answer::No}, {"aab", Answer::Match}}},
        {"(?>a|ab)c", {{"ab", Answer::No}, {"ac", Answer::Match}}},
        {"(a|b)\\1", {{"ab", Answer::No}, {"bb", Answer::Match}}},
        {"\\R", {{"\r", Answer::More}, {"\ra", Answer::Match}, {"\n", Answer::Match}}},
        {"\\R", {{"\x85", Answer::Match}, {"a", Answer::No}}},
    });
}

TEST(Regex, ReturnsTheFaultAndItsPlace) {
    struct Bad {
        std::string expression;
        std::string message;
        std::size_t place;
    };
    const std::vector<Bad> cases{
        {"(a", "missing closing parenthesis", 2},
        {"a)", "unmatched closing parenthesis", 1},
        {"[a", "missing terminating ] for character class", 2},
        {"*", "quantifier does not follow a repeatable item", 0},
        {"\\", "\\ at end of pattern", 1},
        {"(?<=a*)", "lookbehind assertion is not fixed length", 0},
        {"(b)\\2", "reference to non-existent subpattern", 4},
        {"a\\C", "using \\C is disabled by the application", 3},
        {"(*UTF)\xff", "UTF-8 error: illegal byte (0xfe or 0xff)", 6},
    };
    for (const Bad& it : cases) {
        const auto pattern = compile_regex(it.expression);
        if (pattern.ok()) {
            ADD_FAILURE() << "compiles: " << it.expression;
            continue;
        }
        EXPECT_EQ(pattern.error().text, it.message) << it.expression;
        EXPECT_EQ(pattern.error().place, it.place) << it.expression;
    }
}

// fault: C11
TEST(Regex, GivesUpACostlySearchForEveryContinuation) {
    const std::string expressions[] = {"(a+)+$", "(\\w+\\s?)*:", "(?:a?){40}a{40}!"};
    for (const std::string& expression : expressions) {
        const auto pattern = *compile_regex(expression);
        std::string seen = std::string(4095, 'a') + "!";
        EXPECT_EQ(pattern.answer(as_bytes(seen)), Answer::GaveUp) << expression;
        for (const std::string_view more : {"a", "!", ":", "\n", "b", "a long continuation"}) {
            EXPECT_EQ(pattern.answer(as_bytes(seen + std::string(more))), Answer::GaveUp)
                << expression << " and then " << more;
        }
        EXPECT_EQ(pattern.answer(as_bytes(seen + std::string(60'000, 'a'))), Answer::GaveUp)
            << expression;
    }
}

// Each limit alone: the shorter stream shows that the expression itself is fine, and the longer one
// would answer no without the limit.
// fault: C11
TEST(Regex, GivesUpASearchThatBacktracksTooOften) {
    EXPECT_EQ(answer_of("a*a*a*a*=\\b", std::string(30, 'a') + '!'), Answer::No);
    EXPECT_EQ(answer_of("a*a*a*a*=\\b", std::string(60, 'a') + '!'), Answer::GaveUp);
}

// fault: C11
TEST(Regex, GivesUpASearchThatNeedsTooMuchMemory) {
    EXPECT_EQ(answer_of("(?:a|b)*\\b=", std::string(1000, 'a') + '!'), Answer::No);
    EXPECT_EQ(answer_of("(?:a|b)*\\b=", std::string(3000, 'a') + '!'), Answer::GaveUp);
}

TEST(Regex, GivesUpARecursionThatConsumesNothing) {
    expect_answers({
        {"(?R)?a|b", {{"", Answer::GaveUp}, {"a", Answer::GaveUp}, {"b", Answer::GaveUp}}},
        {"(?R)??a|b", {{"", Answer::More}, {"a", Answer::Match}, {"b", Answer::GaveUp}}},
    });
}

TEST(Regex, AnswersMoreAfterACarriageReturnThatMayBeHalfALineEnd) {
    for (const char* expression : {"x\\R*", "x\\R+", "x\\R?", "(?U)x\\R++"}) {
        EXPECT_EQ(answer_of(expression, "x\r"), Answer::More) << expression;
        EXPECT_EQ(answer_of(expression, "x\r\nz"), Answer::Match) << expression;
        EXPECT_EQ(answer_of(expression, "x\rz"), Answer::Match) << expression;
    }
}

TEST(Regex, AnswersMatchAtACarriageReturnThatNoLineFeedCanFollow) {
    EXPECT_EQ(answer_of("(?!y)x\r", "x\r"), Answer::Match) << "without \\R";
    EXPECT_EQ(answer_of("(*UTF)x\\R*", "x\r"), Answer::More);
    EXPECT_EQ(answer_of("(*UTF)x\\R*", "x\r\xff"), Answer::Match) << "the text has ended";
}

TEST(Regex, AnswersMoreWithinACountedRepeatOfAnyByte) {
    expect_answers({
        {"(?s).{3}x",
         {{"", Answer::More},
          {"a", Answer::More},
          {"aaa", Answer::More},
          {"aaax", Answer::Match},
          {"aaaa", Answer::No}}},
        {"(?s).{0,2}x", {{"a", Answer::More}, {"aa", Answer::More}, {"aaa", Answer::No}}},
        {"(*UTF)(?s).{2}x", {{"a", Answer::More}, {"\xC3", Answer::More}, {"aax", Answer::Match}}},
    });
}

// A search would match the first letters, cost more with each further letter, and give up.
TEST(Regex, KeepsAMatchThatBecomesCostly) {
    const auto pattern = *compile_regex("(?:(a+)+b|(a|a)*c|a)");
    for (std::size_t size = 1; size < 200; ++size) {
        ASSERT_EQ(pattern.answer(as_bytes(std::string(size, 'a'))), Answer::Match) << size;
        ASSERT_EQ(pattern.answer(as_bytes(std::string(size, 'a') + '!')), Answer::Match) << size;
    }
}

TEST(Regex, SearchesTheLargestWindow) {
    const auto pattern = *compile_regex("(?s).*?needle");
    const std::string hay(kLargestWindow - 6, 'x');
    EXPECT_EQ(pattern.answer(as_bytes(hay)), Answer::More);
    EXPECT_EQ(pattern.answer(as_bytes(hay + "needle")), Answer::Match);
}

TEST(Regex, BacktracksWhenTooManyWaysAreOpen) {
    EXPECT_EQ(answer_of("(\\w+\\s?)*:", std::string(1000, 'a')), Answer::More);
    EXPECT_EQ(answer_of("(\\w+\\s?)*:", std::string(1000, 'a') + ':'), Answer::Match);
}

// Fits the 64 KiB that PCRE2 allows for compiled code, but not with a callout for each item.
TEST(Regex, AnswersMoreWhenItIsTooLargeToListItsItems) {
    const std::string expression = "b$|" + std::string(20'000, 'a');
    EXPECT_EQ(answer_of(expression, "b"), Answer::More);
    EXPECT_EQ(answer_of(expression, "bc"), Answer::No);
}

TEST(Regex, AnswersMoreForLongStreamsThatMayStillMatch) {
    EXPECT_EQ(answer_of("(a+)+$", std::string(4095, 'a')), Answer::More);
    EXPECT_EQ(answer_of("(?s).*?needle", std::string(4096, 'x')), Answer::More);
    EXPECT_EQ(answer_of("(?s).*needle", std::string(4090, 'x') + "needle"), Answer::Match);
}

TEST(Regex, TellsTheBytesWithWhichEveryMatchBegins) {
    struct Beginning {
        const char* expression;
        const char* bytes;  // in the notation of hex
    };
    for (const Beginning& it : {
             Beginning{"SSH-[12]", "53 53 48 2d"},
             Beginning{"^\\x16\\x03[1-3]", "16 03"},
             Beginning{"\\x5Ba\\.b.", "5b 61 2e 62"},
             Beginning{"(?s)\\x16\\x03...\\x01.{2}", "16 03 ?? ?? ?? 01"},
             Beginning{"(?s)^.\\xff.?", "?? ff"},
             Beginning{"\\x16\\x3?", "16"},
             Beginning{"a\\x{41}b", "61"},
             // Too large for a callout at each item.
             Beginning{"(?s)\\x16..(?:[^\\x01\\x02].|\\x01[^\\x00]){0,500}\\x13", "16 ?? ??"},
         }) {
        Beginnings beginnings;
        ASSERT_TRUE(compile_regex(it.expression, &beginnings)) << it.expression;
        ASSERT_EQ(beginnings.size(), 1U) << it.expression;
        EXPECT_EQ(beginnings[0], *parse_hex(it.bytes)) << it.expression;
    }
}

// It gives up, also within what it begins with.
TEST(Regex, TellsNoBeginningOfAnExpressionWithALimit) {
    Beginnings beginnings;
    ASSERT_TRUE(compile_regex("abc", &beginnings));
    EXPECT_EQ(beginnings.size(), 1U);
    beginnings.clear();
    ASSERT_TRUE(compile_regex("(*LIMIT_MATCH=0)abc", &beginnings));
    EXPECT_TRUE(beginnings.empty());
}

}  // namespace
}  // namespace portsplit::core
