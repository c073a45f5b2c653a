// Regular expressions that can look ahead. They have no regular language to compare with, so the
// oracle is PCRE2 without partial matching, which gets every continuation as an ended stream.

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/regex.h"
#include "support/answer_text.h"
#include "support/beginnings.h"
#include "support/naive.h"
#include "support/whole_regex.h"

namespace portsplit::core {
namespace {

/// A match that later bytes undo.
struct UndoneMatch {
    std::string construct;
    std::string expression;
    std::string seen;   ///< a stream that fits if it ends here ...
    std::string after;  ///< ... and does not if it goes on like this
};

const std::vector<UndoneMatch>& undone_matches() {
    static const std::vector<UndoneMatch> all{
        {"$", "a$", "a", "b"},
        {"$ of (?m)", "(?m)a$", "a", "b"},
        {"\\z", "a\\z", "a", "\n"},
        {"\\Z", "a\\Z", "a", "b"},
        {"\\b", "a\\b", "a", "b"},
        {"\\B", "-\\B", "-", "a"},
        {"end of a word", "a[[:>:]]", "a", "b"},
        {"\\R", "\\R(?<=\\r)", "\r", "\n"},
        {"\\X", "\\X(?<=\\r)", "\r", "\n"},
        {"lookahead", "(?=a(b*))a\\1\\1", "a", "bx"},
        {"lookahead by name", "(*pla:a(b*))a\\1\\1", "a", "bx"},
        {"negative lookahead", "a(?!b)", "a", "b"},
        {"negative lookahead by name", "a(*nla:b)", "a", "b"},
        {"lookahead in a lookbehind", "a(?<=a(?!b))", "a", "b"},
        {"condition", "a(?(?=b)c|)", "a", "bd"},
        {"negative condition", "a(?(?!b)|c)", "a", "bd"},
        {"condition by name", "a(?(*pla:b)c|)", "a", "bd"},
        {"definition", "(?(DEFINE)(?<end>$))a(?&end)", "a", "b"},
        {"atomic group", "(?>ab?)(?<=a)", "a", "b"},
        {"atomic group by name", "(*atomic:ab?)(?<=a)", "a", "b"},
        {"atomic script run", "(*UTF)(*UCP)(*asr:\\w+)", "a", "\xd0\xb0"},
        {"verb", "a(?:b(*COMMIT)c|)", "a", "bx"},
        {"verb with a name", "a(?:b(*PRUNE:here)c|)", "a", "bx"},
        {"?+", "ba?+(?<=b)", "b", "a"},
        {"*+", "ba*+(?<=b)", "b", "a"},
        {"++", "a++(?<!aa)", "a", "a"},
        {"}+", "a{1,2}+(?<!aa)", "a", "a"},
        {"possessive set", "b[a]*+(?<=b)", "b", "a"},
        {"possessive set with a bracket", "b[]a]*+(?<=b)", "b", "a"},
        {"possessive escape", "b\\x61*+(?<=b)", "b", "a"},
        {"possessive group", "b(?:a)*+(?<=b)", "b", "a"},
        {"possessive capture", "b(a){0,2}+(?<=b)", "b", "a"},
        {"possessive with a blank", "(?x)ba* +(?<=b)", "b", "a"},
        {"possessive with two", "(?x)b[a] * +(?<=b)", "b", "a"},
        {"possessive with a comment", "ba*(?#?)+(?<=b)", "b", "a"},
        {"possessive behind a line", "(?x)ba* # any a\n +(?<=b)", "b", "a"},
        {"newline of two bytes", "(*CRLF)a.", "a\r", "\n"},
        {"newline of two bytes, no dot", "(*CRLF)a\\N", "a\r", "\n"},
    };
    return all;
}

// Each of these expressions would answer match too early if `looks_ahead` did not recognize it.
TEST(RegexThatLooksAhead, AnswersMoreWhenALaterByteMayUndoTheMatch) {
    for (const UndoneMatch& it : undone_matches()) {
        const naive::WholeRegex whole(it.expression);
        ASSERT_EQ(whole.matches(it.seen), true) << it.construct;
        ASSERT_EQ(whole.matches(it.seen + it.after), false) << it.construct;
        EXPECT_EQ((*compile_regex(it.expression)).answer(as_bytes(it.seen)), Answer::More)
            << it.construct;
    }
}

/// Checks the answers for every short stream: after match every continuation matches, after no none
/// does, and neither answer changes.
void expect_final_answers(const std::string& expression, std::string_view alphabet,
                          std::size_t longest) {
    Beginnings beginnings;
    const auto pattern = *compile_regex(expression, &beginnings);
    const naive::WholeRegex whole(expression);
    const std::vector<std::string> streams = naive::strings(0, longest, alphabet);
    for (const std::string& stream : streams) {
        const auto fits = whole.matches(stream);
        ASSERT_TRUE(fits.has_value()) << expression;
        const Answer now = pattern.answer(as_bytes(stream));
        ASSERT_EQ(naive::answer_of(beginnings, stream).value_or(now), now)
            << "by the beginnings of " << expression << " for " << testing::PrintToString(stream);
        for (std::size_t size = 0; size <= stream.size(); ++size) {
            const std::string_view seen = std::string_view(stream).substr(0, size);
            const Answer said = pattern.answer(as_bytes(seen));
            if (said == Answer::More) continue;
            ASSERT_EQ(said, *fits ? Answer::Match : Answer::No)
                << expression << " of " << testing::PrintToString(std::string(seen)) << " in "
                << testing::PrintToString(stream);
            ASSERT_EQ(now, said) << expression << ", changed: " << testing::PrintToString(stream);
        }
    }
}

TEST(RegexThatLooksAhead, AgreesWithItsBeginningsIfAnAssertionIsNotAtomic) {
    for (const char* expression : {"(?*..)a", "(?*ab|b)?a", "..(?<*ab)", "a(?<*a)(?*b)"}) {
        expect_final_answers(expression, "ab", 4);
    }
}

TEST(RegexThatLooksAhead, AgreesWithPcre2ForEveryConstruct) {
    for (const UndoneMatch& it : undone_matches()) {
        // In UTF-8 mode the letters would be cut anywhere.
        if (it.expression.starts_with("(*UTF)")) continue;
        expect_final_answers(it.expression, "ab\r\n-", 4);
    }
}

TEST(RegexThatLooksAhead, AgreesWithPcre2ForMixedConstructs) {
    for (const char* expression : {
             "(?!ab)a*b",
             "(?s)a.b",
             "(?s).a.$",
             "(?s)^a..(?<=b)",
             "(?s)a.(?!)",
             "(?s)a.|b",
             "(?s)(?-s)a.b",
             "\\x61.\\x62?",
             "(?s)\\x61\\x0a.(?=a)",
             "(?i)(?s)a.",
             "(?!a+b)[ab]+\\n",
             "(?=a*b)a+",
             "(?=(a+))\\1b",
             "(?=(a+|b))\\1\\n",
             "(?=.*b)(?!.*\\n)a",
             "(?!(?!ab))a",
             "(?!(?=a*b)aa)a+b",
             "a(?!b|$)",
             "(a|ab)(?!a)(c|b)?",
             "(?>a+)b|aab",
             "(?>a|ab)(?:b|$)",
             "a*+b|a{3}",
             "(?:a++|b)*\\n",
             "(a)?(?(1)b|-)",
             "(a)|b(?(1)a|b)",
             "(?(?!a)b|ab)a",
             "(a|b(?1)?a)$",
             "a(?R)?b|-",
             "(?m)^a*$",
             "(?m)a+$\\n^b",
             "(?m)(?:a|\\n^)+b",
             "(?ms).*?^b",
             "(?m)(?<=\\n)^a|b\\n",
             "\\ba\\b.\\bb",
             "a\\Bb|a\\b-",
             "\\R+a",
             "a\\R\\n|b\\Z",
             "\\X\\X",
             "a\\X$",
             "(*ANY)a.\\R",
             "(*ANYCRLF)(?m)a$.|b\\N",
             "(*ANYCRLF)(?m)\\r^a",
             "(*CRLF)(?m)a$|b.\\n",
             "(*CRLF)(?m)^a.*$\\r\\n^b",
             "(*CRLF).{2,}b",
             "(*NUL)a.$",
             "(*BSR_ANYCRLF)\\Ra",
             "(*NOTEMPTY)a*",
             "a(*ACCEPT)b|-",
             "(?:a(*PRUNE)b|a-)",
             "(?:a(*SKIP)b|a-)",
             "(?:a(*THEN)b|-|a-)",
             "(?:a(*COMMIT)b|-)",
             "a(*F)|b",
             "(*napla:a*(b))a*\\1",
             "(?*a(b*))a\\1\\1",
             "(?<*a)b|a",
             "(*sr:a+)b",
             "a\\K(?!b)",
             "(?C1)a(?C2)$",
             "(?x)a \\b # the end\n -",
             "\\Qa\\E$",
             "ab\\Q(\\E|b",
             "\\Qa(\\E|b",
             "a(b\\Q(\\E)|-",
             "\\Q^b\\E",
             "(?<=a)b",
             "(?<=a)b|a",
             "(?:(?<!a)[ab]|(?<=b)-)",
             "[ab](*F)|-",
             "[ab]-|(*F)a",
         }) {
        expect_final_answers(expression, "ab\r\n-", 4);
    }
}

TEST(RegexThatLooksAhead, KeepsItsAnswerWhenTheTextStopsBeingUtf8) {
    const std::vector<std::string> streams = naive::strings(0, 4, "ab\n\xd0\xb0\xff");
    for (const char* expression :
         {"a.*b", "a.?", "(?!ab).", "a(?!b)", ".{2}", "[^a]+b", "a\\b", "(?m)a$", "a*+.", "(?=.b)a",
          "\\X\\X", "(?s).*?b", "(?<=a)b|a", "", "\\R|\\W"}) {
        const auto pattern = *compile_regex("(*UTF)" + std::string(expression));
        for (const std::string& stream : streams) {
            Answer said = Answer::More;
            for (std::size_t size = 0; size <= stream.size(); ++size) {
                const Answer now =
                    pattern.answer(as_bytes(std::string_view(stream).substr(0, size)));
                ASSERT_TRUE(said == Answer::More || now == said)
                    << expression << ", changed: " << testing::PrintToString(stream);
                said = now;
            }
        }
    }
}

}  // namespace
}  // namespace portsplit::core
