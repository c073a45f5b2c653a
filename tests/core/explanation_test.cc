#include "core/explanation.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "support/services.h"

namespace portsplit::core {
namespace {

Config mixed() {
    Config config = config_of({{"web", {"GET ", "POST "}}, {kFallback, {}}, {"ssh", {"SSH-"}}});
    config.services[0].patterns.push_back({PatternKind::Hex, "50 ?? 58"});
    config.services[0].patterns.push_back({PatternKind::Regex, "P[A-Z]+ /"});
    return config;
}

TEST(Explanation, TellsTheByteThatMadeEachAnswerCertain) {
    const auto explanations = explain(Plan(mixed()), as_bytes("PUT /x"));
    ASSERT_EQ(explanations.size(), 3U);
    const std::vector<Certainty> expected = {
        {Answer::No, 1}, {Answer::No, 2}, {Answer::No, 3}, {Answer::Match, 5}};
    EXPECT_EQ(explanations[0].patterns, expected);
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::Match, 5}));
    EXPECT_EQ(explanations[2].service, (Certainty{Answer::No, 1}));
}

TEST(Explanation, OfAServiceThatSaysNoIsCertainWithItsLastPattern) {
    const auto explanations = explain(Plan(mixed()), as_bytes("PO1"));
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::No, 3}));
}

TEST(Explanation, OfAServiceThatMatchesIsCertainWithItsFirstPatternToMatch) {
    const Plan plan(config_of({{"web", {"GET /index", "GET "}}}));
    EXPECT_EQ(explain(plan, as_bytes("GET /index"))[0].service, (Certainty{Answer::Match, 4}));
}

TEST(Explanation, OfAServiceThatGivesUpIsCertainWithItsLastPatternToo) {
    Config config = config_of({{"web", {"GET "}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?R)?a|b"});
    const Plan plan(config);
    const auto explanations = explain(plan, as_bytes("GEX"));
    EXPECT_EQ(explanations[0].patterns[1], (Certainty{Answer::GaveUp, 0}));
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::GaveUp, 3}));
    EXPECT_EQ(explain(plan, as_bytes("GE"))[0].service, (Certainty{Answer::More, 2}));
    EXPECT_EQ(explain(plan, as_bytes("GET /"))[0].service, (Certainty{Answer::Match, 4}));
}

TEST(Explanation, OfAnOpenAnswerCountsAllThatWasSeen) {
    const auto explanations = explain(Plan(mixed()), as_bytes("PO"));
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::More, 2}));
}

TEST(Explanation, OfALastResortIsNoFromTheBeginning) {
    EXPECT_EQ(explain(Plan(mixed()), {})[1].service, (Certainty{Answer::No, 0}));
}

TEST(Explanation, IgnoresWhatIsBeyondTheWindow) {
    Config config = config_of({{"a", {"ab"}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?s).*?x"});
    config.window = 4;
    const auto explanations = explain(Plan(config), as_bytes("....x"));
    EXPECT_EQ(explanations[0].patterns[1], (Certainty{Answer::More, 4}));
}

TEST(BytesNeeded, IsTheFirstNumberOfBytesAtWhichTheVerdictStands) {
    const Plan plan(mixed());
    for (const std::string stream : {"GET /", "SSH-2.0", "PUT /x", "x", "PO1", ""}) {
        std::size_t smallest = 0;
        while (
            smallest < stream.size() &&
            !decide(plan, as_bytes(std::string_view(stream).substr(0, smallest)), Ending::Open)) {
            ++smallest;
        }
        EXPECT_EQ(bytes_needed(plan, as_bytes(stream)), smallest) << stream;
    }
}

TEST(BytesNeeded, IsAllThatWasSeenWhileNothingIsDecided) {
    EXPECT_EQ(bytes_needed(Plan(mixed()), as_bytes("PO")), 2U);
}

}  // namespace
}  // namespace portsplit::core
