#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/lint.h"
#include "support/services.h"

namespace portsplit::core {

void PrintTo(const Finding& it, std::ostream* out) {
    *out << static_cast<int>(it.kind) << " service " << it.service << " pattern " << it.pattern
         << " by " << it.by_service << " example '" << it.example << "'";
    if (it.repeated) *out << " and " << *it.repeated;
}

namespace {

using Kind = Finding::Kind;

PatternSource string(std::string text) { return {PatternKind::String, std::move(text)}; }
PatternSource hex(std::string text) { return {PatternKind::Hex, std::move(text)}; }
PatternSource regex(std::string text) { return {PatternKind::Regex, std::move(text)}; }

Config services_of(const std::vector<std::vector<PatternSource>>& patterns) {
    Config config;
    for (const auto& of_service : patterns) {
        Service& service = config.services.emplace_back();
        service.name = "s" + std::to_string(config.services.size() - 1);
        service.patterns = of_service;
    }
    return config;
}

std::vector<Finding> findings_of(const std::vector<std::vector<PatternSource>>& patterns) {
    return lint(Plan(services_of(patterns)));
}

TEST(Findings, AreNoneForServicesThatKeepApart) {
    EXPECT_EQ(findings_of({{string("SSH-")},
                           {hex("16 03 ?? ?? ?? 01")},
                           {regex("(GET|POST) /"), string("PUT ")}}),
              std::vector<Finding>{});
}

TEST(Findings, ShowAServiceThatWaitsForAnEarlierOne) {
    EXPECT_EQ(findings_of({{string("GET /admin")}, {string("GET ")}}),
              (std::vector<Finding>{{Kind::Waits, 1, 0, 0, "GET "}}));
    EXPECT_EQ(findings_of({{regex("[A-Z]+ /admin")}, {hex("47 45 54")}}),
              (std::vector<Finding>{{Kind::Waits, 1, 0, 0, "GET"}}));
}

TEST(Findings, ShowAServiceWhoseStreamsGoToAnother) {
    EXPECT_EQ(findings_of({{regex("[A-Z]+ ")}, {regex("(GET|POST) /")}}),
              (std::vector<Finding>{{Kind::NeverWins, 1, 0, 0, "GET /"}}));
}

TEST(Findings, AreNoneForAServiceThatWinsSomeOfItsStreams) {
    EXPECT_EQ(findings_of({{string("GET ")}, {regex("(GET|POST) /")}}), std::vector<Finding>{});
}

TEST(Findings, ShowAnExpressionThatNothingFits) {
    EXPECT_EQ(findings_of({{regex("x(?=y)z")}}),
              (std::vector<Finding>{{Kind::NeverMatches, 0, 0, 0, ""}}));
}

TEST(Findings, ShowAnExpressionThatIsNeverCertain) {
    const auto found = findings_of({{regex("SSH-[a-z]*$")}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, Kind::NeverCertain);
    EXPECT_TRUE(found[0].repeated);
}

TEST(Findings, ShowAnExpressionThatHoldsEveryStream) {
    const auto found = findings_of({{regex("(?s).*?jabber")}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, Kind::HoldsAll);
}

TEST(Findings, AreNoneForAnOpenRepeatThatRefusesOtherStreams) {
    EXPECT_EQ(findings_of({{regex("[A-Z]+ ")}}), std::vector<Finding>{});
}

TEST(Shadows, AreSeenThroughWildcardsAndRanges) {
    const Config config = services_of({{hex("16 03 00-04")},
                                       {hex("16 03 01")},
                                       {string("\x16\x03\x02\x01")},
                                       {hex("16 03 0?")},
                                       {hex("16 ?3 01")}});
    EXPECT_EQ(find_shadows(config), (std::vector<Shadow>{{1, 0, 0, 0}, {2, 0, 0, 0}}));
}

TEST(Shadows, OfAnExpressionFallOnKnownBytes) {
    const Config config =
        services_of({{regex("[A-Z]+ ")}, {string("GET /")}, {string("get ")}, {hex("47 ?? 20")}});
    EXPECT_EQ(find_shadows(config), (std::vector<Shadow>{{1, 0, 0, 0}}));
}

TEST(Shadows, FallOnAnExpressionThatStandsTwice) {
    const Config config = services_of({{regex("a+b")}, {regex("a+c"), regex("a+b")}});
    EXPECT_EQ(find_shadows(config), (std::vector<Shadow>{{1, 1, 0, 0}}));
}

}  // namespace
}  // namespace portsplit::core
