// What a regular expression says of a stream, where the textbook has no answer: PCRE2 itself, asked
// about streams that have ended, is the second opinion.

#include "core/regex.h"

#include <gtest/gtest.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "answer_text.h"

namespace portsplit::core {

namespace {

using namespace std::string_literals;

Answer ask(const std::string& expression, std::string_view seen) {
    return (*compile_regex(expression))->answer(as_bytes(seen));
}

/// PCRE2 without partial matching: whether a stream fits that ends here.
class Ended {
  public:
    explicit Ended(const std::string& expression)
        : code_(compile(expression), &pcre2_code_free),
          data_(pcre2_match_data_create(1, nullptr), &pcre2_match_data_free) {}

    bool fits(std::string_view stream) const {
        return pcre2_match(code_.get(), to_pcre2(stream), stream.size(), 0, 0, data_.get(),
                           nullptr) >= 0;
    }

  private:
    static PCRE2_SPTR to_pcre2(std::string_view text) {
        return reinterpret_cast<PCRE2_SPTR>(text.empty() ? "" : text.data());
    }

    static pcre2_code* compile(const std::string& expression) {
        int error = 0;
        PCRE2_SIZE place = 0;
        auto* const context = pcre2_compile_context_create(nullptr);
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
        // A line may begin behind a newline that nothing follows yet.
        auto* const code =
            pcre2_compile(to_pcre2(expression), expression.size(),
                          PCRE2_ANCHORED | PCRE2_ALT_CIRCUMFLEX, &error, &place, context);
        pcre2_compile_context_free(context);
        return code;
    }

    std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code_;
    std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data_;
};

struct Said {
    std::string seen;
    Answer answer;
};

struct Case {
    std::string expression;
    std::vector<Said> said;
};

void expect_answers(const std::vector<Case>& cases) {
    for (const Case& it : cases) {
        for (const Said& said : it.said) {
            EXPECT_EQ(ask(it.expression, said.seen), said.answer)
                << it.expression << " seen " << testing::PrintToString(said.seen);
        }
    }
}

TEST(Regex, IsAnchoredAtTheFirstByte) {
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

TEST(Regex, SaysMatchAtTheByteThatMakesItCertain) {
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

TEST(Regex, SeesBytesAndNotCharacters) {
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

TEST(Regex, TakesLfForTheNewline) {
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

TEST(Regex, LooksAheadAsNotAndAsAnd) {
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

TEST(Regex, ReadsUtf8WhereAsked) {
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

// What cannot look ahead has matched as soon as there is a match, though it could be longer.
TEST(Regex, MatchesAtOnceWithWhateverCannotLookAhead) {
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
        {"(?|(a)|(b))\\1*", "a"},
        {"(a)\\1*", "a"},
        {"(?<n>a)\\k<n>*", "a"},
        {"(a|b(?1))+", "ba"},
        {"(?<=^)a+", "a"},
        {"(?<!b)a+", "a"},
        {"a\\Kb*", "a"},
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
        EXPECT_EQ(ask(expression, seen), Answer::Match) << expression;
    }
}

/// A match that what follows undoes.
struct Undone {
    std::string construct;
    std::string expression;
    std::string seen;   ///< a stream that fits if it ends here ...
    std::string after;  ///< ... and does not if it goes on like this
};

const std::vector<Undone>& undone_matches() {
    static const std::vector<Undone> all{
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

// Each of these would be wrong if it were taken for one that cannot look ahead.
TEST(Regex, WaitsWhereWhatFollowsMayUndoTheMatch) {
    for (const Undone& it : undone_matches()) {
        const Ended ended(it.expression);
        ASSERT_TRUE(ended.fits(it.seen)) << it.construct;
        ASSERT_FALSE(ended.fits(it.seen + it.after)) << it.construct;
        EXPECT_EQ(ask(it.expression, it.seen), Answer::More) << it.construct;
    }
}

void append_streams(const std::string& stream, std::string_view alphabet, std::size_t longest,
                    std::vector<std::string>& streams) {
    streams.push_back(stream);
    if (stream.size() == longest) return;
    for (const char byte : alphabet) append_streams(stream + byte, alphabet, longest, streams);
}

/// What an answer promises, for every short stream: a stream called a match fits however it goes
/// on, one called no never does, and neither is taken back.
void expect_sound_answers(const std::string& expression, std::string_view alphabet,
                          std::size_t longest) {
    const auto pattern = *compile_regex(expression);
    const Ended ended(expression);
    std::vector<std::string> streams;
    append_streams("", alphabet, longest, streams);
    for (const std::string& stream : streams) {
        const bool fits = ended.fits(stream);
        const Answer now = pattern->answer(as_bytes(stream));
        for (std::size_t size = 0; size <= stream.size(); ++size) {
            const std::string_view seen = std::string_view(stream).substr(0, size);
            const Answer said = pattern->answer(as_bytes(seen));
            if (said == Answer::More) continue;
            ASSERT_EQ(said, fits ? Answer::Match : Answer::No)
                << expression << " of " << testing::PrintToString(std::string(seen)) << " in "
                << testing::PrintToString(stream);
            ASSERT_EQ(now, said) << expression
                                 << ", taken back: " << testing::PrintToString(stream);
        }
    }
}

TEST(Regex, IsSoundForEveryConstructThatLooksAhead) {
    for (const Undone& it : undone_matches()) {
        // In UTF-8 mode the letters would be cut anywhere.
        if (it.expression.starts_with("(*UTF)")) continue;
        expect_sound_answers(it.expression, "ab\r\n-", 4);
    }
}

TEST(Regex, IsSoundForMixturesOfWhatLooksAhead) {
    for (const char* expression : {
             "(?!ab)a*b",
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
         }) {
        expect_sound_answers(expression, "ab\r\n-", 4);
    }
}

// A match that nothing can extend is as long as it can be: no more is asked for than PCRE2 needs.
TEST(Regex, NeverAsksForMoreThanPcre2CanUse) {
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

TEST(Regex, SaysWhatIsWrongAndWhere) {
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

TEST(Regex, GivesUpWhatCostsTooMuchAndStaysWithIt) {
    const std::string expressions[] = {"(a+)+$", "(a|a)*b", "(\\w+\\s?)*:", "(?:a?){40}a{40}!"};
    for (const std::string& expression : expressions) {
        const auto pattern = *compile_regex(expression);
        std::string seen = std::string(4095, 'a') + "!";
        EXPECT_EQ(pattern->answer(as_bytes(seen)), Answer::GaveUp) << expression;
        for (const std::string_view more : {"a", "!", ":", "\n", "b", "a long continuation"}) {
            EXPECT_EQ(pattern->answer(as_bytes(seen + std::string(more))), Answer::GaveUp)
                << expression << " and then " << more;
        }
        EXPECT_EQ(pattern->answer(as_bytes(seen + std::string(60'000, 'a'))), Answer::GaveUp)
            << expression;
    }
}

TEST(Regex, GivesUpARecursionThatReadsNothing) {
    expect_answers({
        {"(?R)?a|b", {{"", Answer::GaveUp}, {"a", Answer::GaveUp}, {"b", Answer::GaveUp}}},
        {"(?R)??a|b", {{"", Answer::More}, {"a", Answer::Match}, {"b", Answer::GaveUp}}},
    });
}

TEST(Regex, WaitsWithinACountedRepeatOfAnyByte) {
    expect_answers({
        {"(?s).{3}x",
         {{"", Answer::More},
          {"a", Answer::More},
          {"aaa", Answer::More},
          {"aaax", Answer::Match},
          {"aaaa", Answer::No}}},
        {"(?s).{0,2}x", {{"a", Answer::More}, {"aa", Answer::More}, {"aaa", Answer::No}}},
        {"(*UTF)(?s).{2}x", {{"a", Answer::More}, {"\xC3", Answer::More}, {"aax", Answer::Match}}},
        {"\\C{3}x", {{"a", Answer::More}, {"aaax", Answer::Match}}},
    });
}

TEST(Regex, DoesNotGiveUpWhileItMayStillMatch) {
    EXPECT_EQ(ask("(a+)+$", std::string(4095, 'a')), Answer::More);
    EXPECT_EQ(ask("(?s).*?needle", std::string(4096, 'x')), Answer::More);
    EXPECT_EQ(ask("(?s).*needle", std::string(4090, 'x') + "needle"), Answer::Match);
}

}  // namespace
}  // namespace portsplit::core
