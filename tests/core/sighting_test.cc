#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/lint.h"
#include "services.h"

namespace portsplit::core {

void PrintTo(const Sighting& it, std::ostream* out) {
    *out << static_cast<int>(it.kind) << " service " << it.service << " pattern " << it.pattern
         << " by " << it.by_service << " example '" << it.example << "'";
    if (it.repeated) *out << " and " << *it.repeated;
}

namespace {

using Kind = Sighting::Kind;

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

std::vector<Sighting> sightings_of(const std::vector<std::vector<PatternSource>>& patterns) {
    return find_sightings(Plan(services_of(patterns)));
}

TEST(Sightings, AreNoneForServicesThatKeepApart) {
    EXPECT_EQ(sightings_of({{string("SSH-")},
                            {hex("16 03 ?? ?? ?? 01")},
                            {regex("(GET|POST) /"), string("PUT ")}}),
              std::vector<Sighting>{});
}

TEST(Sightings, ShowAServiceThatWaitsForAnEarlierOne) {
    EXPECT_EQ(sightings_of({{string("GET /admin")}, {string("GET ")}}),
              (std::vector<Sighting>{{Kind::Waits, 1, 0, 0, "GET "}}));
    EXPECT_EQ(sightings_of({{regex("[A-Z]+ /admin")}, {hex("47 45 54")}}),
              (std::vector<Sighting>{{Kind::Waits, 1, 0, 0, "GET"}}));
}

TEST(Sightings, ShowAServiceWhoseStreamsGoToAnother) {
    EXPECT_EQ(sightings_of({{regex("[A-Z]+ ")}, {regex("(GET|POST) /")}}),
              (std::vector<Sighting>{{Kind::Overtaken, 1, 0, 0, "GET /"}}));
}

TEST(Sightings, AreNoneForAServiceThatWinsSomeOfItsStreams) {
    EXPECT_EQ(sightings_of({{string("GET ")}, {regex("(GET|POST) /")}}), std::vector<Sighting>{});
}

TEST(Sightings, ShowAnExpressionThatNothingFits) {
    EXPECT_EQ(sightings_of({{regex("x(?=y)z")}}),
              (std::vector<Sighting>{{Kind::Barren, 0, 0, 0, ""}}));
}

TEST(Sightings, ShowAnExpressionThatIsNeverCertain) {
    const auto found = sightings_of({{regex("SSH-[a-z]*$")}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, Kind::Endless);
    EXPECT_TRUE(found[0].repeated);
}

TEST(Sightings, ShowAnExpressionThatHoldsEveryStream) {
    const auto found = sightings_of({{regex("(?s).*?jabber")}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, Kind::Holds);
}

TEST(Sightings, AreNoneForAnOpenRepeatThatRefusesOtherStreams) {
    EXPECT_EQ(sightings_of({{regex("[A-Z]+ ")}}), std::vector<Sighting>{});
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
