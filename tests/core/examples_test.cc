#include "core/examples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "core/pattern.h"
#include "support/answer_text.h"

namespace portsplit::core {
namespace {

constexpr std::size_t kWindow = 4096;
constexpr std::size_t kMost = 6;

Examples examples_of(const std::string& expression) {
    return find_examples({PatternKind::Regex, Text(expression)}, kWindow, kMost);
}

/// Checks what was found: a match is complete at its last byte and not before, and a repeating
/// stream is undecided at every length.
void expect_true(const std::string& expression, const Examples& examples) {
    const auto pattern = *compile({PatternKind::Regex, Text(expression)});
    for (const std::string& match : examples.matches) {
        EXPECT_EQ(pattern->answer(as_bytes(match)), Answer::Match) << expression;
        const std::string before = match.substr(0, match.size() - 1);
        EXPECT_NE(pattern->answer(as_bytes(before)), Answer::Match) << expression;
    }
    if (!examples.undecided) return;
    std::string stream = examples.undecided->start;
    while (stream.size() < kWindow) {
        stream += examples.undecided->repeated;
        ASSERT_EQ(pattern->answer(as_bytes(stream)), Answer::More) << expression;
    }
}

TEST(FindExamples, ReturnsOneReadableStreamForAFixedPattern) {
    const Examples of_string = find_examples({PatternKind::String, "SSH-"}, kWindow, kMost);
    EXPECT_EQ(of_string.matches, std::vector<std::string>{"SSH-"});
    EXPECT_TRUE(of_string.rules_out_a_byte);
    const Examples of_hex = find_examples({PatternKind::Hex, "?? 30-39 16"}, kWindow, kMost);
    EXPECT_EQ(of_hex.matches, std::vector<std::string>{"a0\x16"});
    EXPECT_FALSE(of_hex.rules_out_a_byte);
    EXPECT_FALSE(of_hex.undecided);
}

TEST(FindExamples, ReturnsTheEmptyStreamForAnEmptyString) {
    const Examples examples = find_examples({PatternKind::String, ""}, kWindow, kMost);
    EXPECT_EQ(examples.matches, std::vector<std::string>{""});
    EXPECT_FALSE(examples.rules_out_a_byte);
}

TEST(FindExamples, FindsMatchesOfTypicalExpressions) {
    for (const std::string expression :
         {"(?!CONNECT )[A-Z]{3,16} [^ \\r\\n]+ HTTP/1", "(GET|POST|HEAD) ",
          "(?i)host: ", "\\x05[\\x01-\\x0a][\\x00-\\x09]", "\\x16\\x03[\\x00-\\x04](?s:..)\\x01",
          "([0-9]{1,3} )?<[0-9]{1,3}>", "(?s).{0,50}?jabber", "[^ ]{100}X", "(?s).{24}host:"}) {
        const Examples examples = examples_of(expression);
        EXPECT_FALSE(examples.matches.empty()) << expression;
        expect_true(expression, examples);
    }
}

TEST(FindExamples, FindsAStreamThatStaysUndecided) {
    for (const std::string expression : {"SSH-.*$", "(?s).*?jabber", "a+b", "(a+)+$"}) {
        const Examples examples = examples_of(expression);
        EXPECT_TRUE(examples.undecided) << expression;
        expect_true(expression, examples);
    }
    EXPECT_FALSE(examples_of("a{1,20}b").undecided);
    EXPECT_FALSE(examples_of("(GET|POST) ").undecided);
}

TEST(FindExamples, FindsNothingWhenNoStreamCanMatch) {
    const Examples examples = examples_of("x(?=y)z");
    EXPECT_TRUE(examples.matches.empty());
    EXPECT_FALSE(examples.undecided);
}

TEST(FindExamples, ReportsWhetherSomeFirstByteIsRuledOut) {
    EXPECT_FALSE(examples_of("(?s).*?x").rules_out_a_byte);
    EXPECT_TRUE(examples_of(".*?x").rules_out_a_byte);  // LF
}

// Every byte occurs at most three times, so no stream is skipped before the steps are used up.
TEST(FindExamples, StopsAfterALimitedNumberOfSteps) {
    std::string expression;
    for (int round = 0; round < 3; ++round) {
        for (int byte = 0x80; byte <= 0xFF; ++byte) expression += static_cast<char>(byte);
        for (int byte = 0x0E; byte <= 0x1F; ++byte) expression += static_cast<char>(byte);
    }
    ASSERT_EQ((*compile({PatternKind::Regex, Text(expression)}))->answer(as_bytes(expression)),
              Answer::Match);
    const Examples examples = examples_of(expression);
    EXPECT_TRUE(examples.matches.empty());
    EXPECT_FALSE(examples.is_complete);
}

TEST(FindExamples, IsNotCompleteWhenAStreamIsSkipped) {
    const Examples examples = examples_of("(?:ab){10}c");
    EXPECT_TRUE(examples.matches.empty());
    EXPECT_FALSE(examples.is_complete);
}

TEST(FindExamples, IsCompleteWhenNoStreamIsSkipped) {
    EXPECT_TRUE(examples_of("no(?=w)t").is_complete);
}

TEST(FindExamples, ReturnsEachMatchOnceWithoutNeedlessBytes) {
    EXPECT_EQ(examples_of("GET|GE").matches, std::vector<std::string>{"GE"});
}

TEST(FindExamples, FindsNothingLongerThanTheWindow) {
    const PatternSource source{PatternKind::Regex, "abc(de|fg)"};
    EXPECT_EQ(find_examples(source, 5, kMost).matches.size(), 2U);
    EXPECT_TRUE(find_examples(source, 3, kMost).matches.empty());
}

TEST(FindExamples, ReturnsAtMostTheNumberOfMatchesRequested) {
    const PatternSource source{PatternKind::Regex, "[abcdefgh]"};
    EXPECT_EQ(find_examples(source, kWindow, 3).matches.size(), 3U);
    EXPECT_EQ(find_examples(source, kWindow, 100).matches.size(), 8U);
}

TEST(FindExamples, ReturnsShorterMatchesFirst) {
    const PatternSource source{PatternKind::Regex, "aaaa|bb|c"};
    EXPECT_EQ(find_examples(source, kWindow, kMost).matches,
              (std::vector<std::string>{"c", "bb", "aaaa"}));
}

}  // namespace
}  // namespace portsplit::core
