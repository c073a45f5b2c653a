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

Answer ask(const std::string& prefix, std::string_view seen) {
    return (*compile({PatternKind::String, prefix}))->answer(as_bytes(seen));
}

TEST(StringPattern, MatchesAtItsLastByteAndEverAfter) {
    EXPECT_EQ(ask("SSH-", "SSH-"), Answer::Match);
    EXPECT_EQ(ask("SSH-", "SSH-2.0-OpenSSH"), Answer::Match);
}

TEST(StringPattern, NeedsMoreWhileTheBytesAreItsBeginning) {
    EXPECT_EQ(ask("SSH-", ""), Answer::More);
    EXPECT_EQ(ask("SSH-", "S"), Answer::More);
    EXPECT_EQ(ask("SSH-", "SSH"), Answer::More);
}

TEST(StringPattern, SaysNoAtTheFirstByteThatDiffers) {
    EXPECT_EQ(ask("SSH-", "G"), Answer::No);
    EXPECT_EQ(ask("SSH-", "SG"), Answer::No);
    EXPECT_EQ(ask("SSH-", "SSH2"), Answer::No);
    EXPECT_EQ(ask("SSH-", "SSX-2.0"), Answer::No);
}

TEST(StringPattern, LooksAtTheBeginningOnly) { EXPECT_EQ(ask("SSH-", " SSH-"), Answer::No); }

TEST(StringPattern, KnowsNoSpecialByte) {
    EXPECT_EQ(ask("\0\x0e\x38"s, "\0\x0e\x38\xff"s), Answer::Match);
    EXPECT_EQ(ask("\0\x0e\x38"s, "\0"s), Answer::More);
    EXPECT_EQ(ask("\0\0"s, "\0\n"s), Answer::No);
    EXPECT_EQ(ask("\xff\x80"s, "\xff\x80"s), Answer::Match);
    EXPECT_EQ(ask("\x7f"s, "\xff"s), Answer::No);
    EXPECT_EQ(ask("get", "GET"), Answer::No);
}

TEST(StringPattern, NeedsAsManyBytesAsItHas) {
    EXPECT_EQ((*compile({PatternKind::String, "SSH-"}))->shortest_match(), 4U);
    EXPECT_EQ((*compile({PatternKind::String, "\0\0\0"s}))->shortest_match(), 3U);
}

TEST(StringPattern, OutlivesTheTextItWasCompiledFrom) {
    std::unique_ptr<const Pattern> pattern;
    {
        PatternSource source{PatternKind::String, std::string(100, 'a')};
        pattern = *compile(source);
        std::fill(source.text.begin(), source.text.end(), 'b');
    }
    EXPECT_EQ(pattern->answer(as_bytes(std::string(100, 'a'))), Answer::Match);
}

TEST(StringPattern, SaysOfEveryShortStreamWhatTheThreeAnswersMean) {
    for (const std::string& prefix : naive::strings(1, 3)) {
        const auto pattern = *compile({PatternKind::String, prefix});
        for (const std::string& seen : naive::strings(0, 5)) {
            EXPECT_EQ(pattern->answer(as_bytes(seen)), naive::answer({prefix}, seen))
                << "prefix '" << prefix << "', seen '" << seen << "'";
        }
    }
}

}  // namespace
}  // namespace portsplit::core
