#include "core/explanation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.h"
#include "support/answer_text.h"
#include "support/naive.h"
#include "support/services.h"

namespace portsplit::core {

void PrintTo(const Certainty& it, std::ostream* out) {
    *out << to_string(it.answer) << " at " << it.bytes;
}

namespace {

Config mixed() {
    Config config = config_of({{"web", {"GET ", "POST "}}, {kFallback, {}}, {"ssh", {"SSH-"}}});
    config.services[0].patterns.push_back({PatternKind::Hex, "50 ?? 58"});
    config.services[0].patterns.push_back({PatternKind::Regex, "P[A-Z]+ /"});
    return config;
}

std::vector<ServiceExplanation> explain(const Config& config, Bytes seen) {
    return Explainer(Plan(config)).explain(seen);
}

TEST(Explainer, ReturnsTheByteThatMadeEachAnswerFinal) {
    const auto explanations = explain(mixed(), as_bytes("PUT /x"));
    ASSERT_EQ(explanations.size(), 3U);
    const std::vector<Certainty> expected = {
        {Answer::No, 1}, {Answer::No, 2}, {Answer::No, 3}, {Answer::Match, 5}};
    EXPECT_EQ(explanations[0].patterns, expected);
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::Match, 5}));
    EXPECT_EQ(explanations[2].service, (Certainty{Answer::No, 1}));
}

TEST(Explainer, ReturnsTheByteOfTheLastPatternToAnswerNo) {
    const auto explanations = explain(mixed(), as_bytes("PO1"));
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::No, 3}));
}

TEST(Explainer, ReturnsTheByteOfTheFirstPatternToMatch) {
    const Config config = config_of({{"web", {"GET /index", "GET "}}});
    EXPECT_EQ(explain(config, as_bytes("GET /index"))[0].service, (Certainty{Answer::Match, 4}));
}

TEST(Explainer, ReturnsTheByteOfTheLastPatternWhenOneGaveUp) {
    Config config = config_of({{"web", {"GET "}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?R)?a|b"});
    const auto explanations = explain(config, as_bytes("GEX"));
    EXPECT_EQ(explanations[0].patterns[1], (Certainty{Answer::GaveUp, 0}));
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::GaveUp, 3}));
    EXPECT_EQ(explain(config, as_bytes("GE"))[0].service, (Certainty{Answer::More, 2}));
    EXPECT_EQ(explain(config, as_bytes("GET /"))[0].service, (Certainty{Answer::Match, 4}));
}

TEST(Explainer, ReturnsAllBytesWhenTheAnswerIsMore) {
    const auto explanations = explain(mixed(), as_bytes("PO"));
    EXPECT_EQ(explanations[0].service, (Certainty{Answer::More, 2}));
}

TEST(Explainer, ReturnsNoAtOnceForALastResort) {
    EXPECT_EQ(explain(mixed(), {})[1].service, (Certainty{Answer::No, 0}));
}

TEST(Explainer, IgnoresBytesBeyondTheWindow) {
    Config config = config_of({{"a", {"ab"}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?s).*?x"});
    config.window = 4;
    const auto explanations = explain(config, as_bytes("....x"));
    EXPECT_EQ(explanations[0].patterns[1], (Certainty{Answer::More, 4}));
}

/// Rule 1, from the answers of single patterns: gave up and no are alike, but the first is shown.
Answer together(const std::vector<Certainty>& patterns) {
    const auto any = [&](Answer answer) {
        return std::any_of(patterns.begin(), patterns.end(),
                           [&](const Certainty& it) { return it.answer == answer; });
    };
    for (const Answer answer : {Answer::Match, Answer::More, Answer::GaveUp}) {
        if (any(answer)) return answer;
    }
    return Answer::No;
}

TEST(Explainer, AgreesWithALinearSearchForEveryShortStream) {
    Config config = config_of({{"a", {"ab", "bba"}}, {"b", {"b"}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?R)?aab|b"});
    config.services[1].patterns.push_back({PatternKind::Regex, "a+b$"});
    const Explainer explainer{Plan(config)};
    for (const std::string& stream : naive::strings(0, 5)) {
        const auto explained = explainer.explain(as_bytes(stream));
        for (std::size_t s = 0; s < config.services.size(); ++s) {
            std::size_t bytes = 0;
            const auto answer_at = [&](std::size_t length) {
                return together(explainer.explain(as_bytes(stream.substr(0, length)))[s].patterns);
            };
            while (bytes < stream.size() && answer_at(bytes) == Answer::More) ++bytes;
            EXPECT_EQ(explained[s].service, (Certainty{answer_at(stream.size()), bytes}))
                << stream << ", service " << s;
        }
    }
}

TEST(BytesNeeded, ReturnsTheSmallestNumberWithAVerdict) {
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

TEST(BytesNeeded, ReturnsAllBytesWhenNothingIsDecided) {
    EXPECT_EQ(bytes_needed(Plan(mixed()), as_bytes("PO")), 2U);
}

TEST(BytesToMatch, ReturnsTheSmallestNumberThatMatches) {
    const Service service{"cat", {{PatternKind::String, "MEOW"}, {PatternKind::String, "MEH"}}, {}};
    EXPECT_EQ(bytes_to_match(service, as_bytes("MEOW, please")), 4U);
    EXPECT_EQ(bytes_to_match(service, as_bytes("MEH")), 3U);
    EXPECT_EQ(bytes_to_match(service, as_bytes("ME")), std::nullopt);
    EXPECT_EQ(bytes_to_match(service, as_bytes("WOOF")), std::nullopt);
}

}  // namespace
}  // namespace portsplit::core
