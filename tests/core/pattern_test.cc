#include "core/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "support/answer_text.h"
#include "support/naive.h"

namespace portsplit::core {
namespace {

using namespace std::string_literals;

Answer answer_of(const std::string& prefix, std::string_view seen) {
    return (*compile({PatternKind::String, Text(prefix)}))->answer(as_bytes(seen));
}

TEST(StringPattern, AnswersMatchFromItsLastByteOn) {
    EXPECT_EQ(answer_of("SSH-", "SSH-"), Answer::Match);
    EXPECT_EQ(answer_of("SSH-", "SSH-2.0-OpenSSH"), Answer::Match);
}

TEST(StringPattern, AnswersMoreWhenTheBytesAreItsBeginning) {
    EXPECT_EQ(answer_of("SSH-", ""), Answer::More);
    EXPECT_EQ(answer_of("SSH-", "S"), Answer::More);
    EXPECT_EQ(answer_of("SSH-", "SSH"), Answer::More);
}

TEST(StringPattern, AnswersNoFromTheFirstByteThatDiffers) {
    EXPECT_EQ(answer_of("SSH-", "G"), Answer::No);
    EXPECT_EQ(answer_of("SSH-", "SG"), Answer::No);
    EXPECT_EQ(answer_of("SSH-", "SSH2"), Answer::No);
    EXPECT_EQ(answer_of("SSH-", "SSX-2.0"), Answer::No);
}

TEST(StringPattern, MatchesAtTheFirstByteOnly) {
    EXPECT_EQ(answer_of("SSH-", " SSH-"), Answer::No);
}

TEST(StringPattern, MatchesBytesOfAnyValue) {
    EXPECT_EQ(answer_of("\0\x0e\x38"s, "\0\x0e\x38\xff"s), Answer::Match);
    EXPECT_EQ(answer_of("\0\x0e\x38"s, "\0"s), Answer::More);
    EXPECT_EQ(answer_of("\0\0"s, "\0\n"s), Answer::No);
    EXPECT_EQ(answer_of("\xff\x80"s, "\xff\x80"s), Answer::Match);
    EXPECT_EQ(answer_of("\x7f"s, "\xff"s), Answer::No);
    EXPECT_EQ(answer_of("get", "GET"), Answer::No);
}

TEST(StringPattern, ReturnsItsLengthAsTheShortestMatch) {
    EXPECT_EQ((*compile({PatternKind::String, "SSH-"}))->shortest_match(), 4U);
    EXPECT_EQ((*compile({PatternKind::String, Text(3, '\0')}))->shortest_match(), 3U);
}

TEST(StringPattern, OutlivesItsSource) {
    std::unique_ptr<const Pattern> pattern;
    {
        PatternSource source{PatternKind::String, Text(100, 'a')};
        pattern = *compile(source);
        std::fill(source.text.begin(), source.text.end(), 'b');
    }
    EXPECT_EQ(pattern->answer(as_bytes(Text(100, 'a'))), Answer::Match);
}

TEST(StringPattern, AgreesWithTheNaiveAnswerForEveryShortStream) {
    for (const std::string& prefix : naive::strings(1, 3)) {
        const auto pattern = *compile({PatternKind::String, Text(prefix)});
        for (const std::string& seen : naive::strings(0, 5)) {
            EXPECT_EQ(pattern->answer(as_bytes(seen)), naive::answer({prefix}, seen))
                << "prefix '" << prefix << "', seen '" << seen << "'";
        }
    }
}

}  // namespace
}  // namespace portsplit::core
