#include "core/shadow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "support/naive.h"
#include "support/services.h"

namespace portsplit::core {

void PrintTo(const Shadow& shadow, std::ostream* out) {
    *out << shadow.service << '.' << shadow.pattern << " by " << shadow.by_service << '.'
         << shadow.by_pattern;
}

namespace {

using naive::Prefixes;
using Shadows = std::vector<Shadow>;
using Indexes = std::vector<std::size_t>;

/// Indexes of the services that are shadowed as a whole.
Indexes shadowed_services(const Config& config) {
    return find_shadowed_services(config, find_shadows(config));
}

TEST(FindShadows, ReturnsNothingWhenEveryPatternCanDecide) {
    EXPECT_EQ(find_shadows(config_of({{"ssh", {"SSH-"}}, {"web", {"GET ", "POST "}}})), Shadows{});
}

TEST(FindShadows, FindsAPatternThatBeginsWithAnEarlierPattern) {
    const Config config = config_of({{"any", {"S"}}, {"ssh", {"SSH-"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 0, 0, 0}}));
}

TEST(FindShadows, IgnoresALongerPatternWhenItComesFirst) {
    EXPECT_EQ(find_shadows(config_of({{"ssh", {"SSH-"}}, {"any", {"S"}}})), Shadows{});
}

TEST(FindShadows, FindsAPatternThatAnEarlierServiceHasToo) {
    EXPECT_EQ(find_shadows(config_of({{"a", {"x"}}, {"b", {"x"}}})), (Shadows{{1, 0, 0, 0}}));
}

TEST(FindShadows, FindsAPatternThatRepeatsItsOwnService) {
    EXPECT_EQ(find_shadows(config_of({{"a", {"x", "xy"}}})), (Shadows{{0, 1, 0, 0}}));
}

TEST(FindShadows, NamesTheFirstOfSeveralCovers) {
    const Config config = config_of({{"a", {"q", "xy"}}, {"b", {"x"}}, {"c", {"xyz"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{{2, 0, 0, 1}}));
}

TEST(FindShadows, ReturnsShadowsInTheOrderOfTheConfiguration) {
    const Config config = config_of({{"a", {"x"}}, {"b", {"x1", "y", "x2"}}, {"c", {"y3"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 0, 0, 0}, {1, 2, 0, 0}, {2, 0, 1, 1}}));
}

TEST(FindShadows, ComparesBytesBeyondANul) {
    const std::string one("\0a", 2);
    const std::string two("\0b", 2);
    EXPECT_EQ(find_shadows(config_of({{"one", {one}}, {"two", {two}}})), Shadows{});
}

TEST(FindShadows, ComparesWildcardsAndRanges) {
    const Config config = services_of({{hex("16 03 00-04")},
                                       {hex("16 03 01")},
                                       {string("\x16\x03\x02\x01")},
                                       {hex("16 03 0?")},
                                       {hex("16 ?3 01")}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 0, 0, 0}, {2, 0, 0, 0}}));
}

TEST(FindShadows, FindsKnownBytesThatAnEarlierExpressionMatches) {
    const Config config =
        services_of({{regex("[A-Z]+ ")}, {string("GET /")}, {string("get ")}, {hex("47 ?? 20")}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 0, 0, 0}}));
}

TEST(FindShadows, FindsAnExpressionThatStandsTwice) {
    const Config config = services_of({{regex("a+b")}, {regex("a+c"), regex("a+b")}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 1, 0, 0}}));
}

TEST(FindShadowedServices, FindsAServiceWithAllPatternsShadowed) {
    const Config config = config_of({{"any", {"S", "G"}}, {"ssh", {"SSH-", "GET "}}});
    EXPECT_EQ(shadowed_services(config), (Indexes{1}));
}

TEST(FindShadowedServices, IgnoresAServiceWithOnePatternOfItsOwn) {
    EXPECT_EQ(shadowed_services(config_of({{"any", {"S"}}, {"ssh", {"SSH-", "ssh"}}})), Indexes{});
}

TEST(FindShadowedServices, IgnoresAServiceThatOnlyRepeatsItself) {
    EXPECT_EQ(shadowed_services(config_of({{"a", {"x", "xy", "x"}}})), Indexes{});
}

TEST(FindShadowedServices, IgnoresTheLastResorts) {
    EXPECT_EQ(shadowed_services(config_of({{"a", {"x"}}, {kFallback, {}}, {kTimeout, {}}})),
              Indexes{});
}

/// Returns every sequence of one or two patterns, repetitions and both orders included.
std::vector<Prefixes> sequences(std::size_t longest) {
    const std::vector<std::string> words = naive::strings(1, longest);
    std::vector<Prefixes> all;
    for (const std::string& first : words) {
        all.push_back({first});
        for (const std::string& second : words) all.push_back({first, second});
    }
    return all;
}

/// Tries every stream: a pattern is shadowed if all its streams fit one earlier pattern.
Shadows naive_shadows(const std::vector<Prefixes>& services,
                      const std::vector<std::string>& streams) {
    Shadows found;
    std::vector<Shadow> earlier;  // by_service and by_pattern of every pattern so far
    for (std::size_t s = 0; s < services.size(); ++s) {
        for (std::size_t p = 0; p < services[s].size(); ++p) {
            for (const Shadow& place : earlier) {
                const std::string& taker = services[place.by_service][place.by_pattern];
                const bool takes_all =
                    std::all_of(streams.begin(), streams.end(), [&](const std::string& stream) {
                        return !stream.starts_with(services[s][p]) || stream.starts_with(taker);
                    });
                if (!takes_all) continue;
                found.push_back({s, p, place.by_service, place.by_pattern});
                break;
            }
            earlier.push_back({0, 0, s, p});
        }
    }
    return found;
}

/// Tries every stream, each ending after its last byte: a service is shadowed if it wins none.
Indexes naive_shadowed_services(const std::vector<Prefixes>& services,
                                const std::vector<std::string>& streams) {
    std::vector<bool> wins(services.size(), false);
    for (const std::string& stream : streams) {
        if (const auto winner = naive::winner(services, stream)) wins[*winner] = true;
    }
    Indexes shadowed;
    for (std::size_t s = 0; s < services.size(); ++s) {
        if (!wins[s]) shadowed.push_back(s);
    }
    return shadowed;
}

/// Compares both functions with the naive ones, for two services of `choices` and one of `thirds`.
void expect_naive_results(const std::vector<Prefixes>& choices, const std::vector<Prefixes>& thirds,
                          const std::vector<std::string>& streams) {
    for (const Prefixes& first : choices) {
        for (const Prefixes& second : choices) {
            for (const Prefixes& third : thirds) {
                const std::vector<Prefixes> services{first, second, third};
                const Config config = with_last_resorts(services);
                const Shadows shadows = find_shadows(config);
                ASSERT_EQ(shadows, naive_shadows(services, streams)) << show(services);
                ASSERT_EQ(find_shadowed_services(config, shadows),
                          naive_shadowed_services(services, streams))
                    << show(services);
            }
        }
    }
}

TEST(FindShadowsExhaustively, AgreesWithTheNaiveSearchForTwoServicesOfShortPatterns) {
    expect_naive_results(sequences(2), {{"ab"}, {"abb"}}, naive::strings(0, 3));
}

TEST(FindShadowsExhaustively, AgreesWithTheNaiveSearchForTwoServicesOfOneLongPattern) {
    std::vector<Prefixes> single;
    for (const std::string& word : naive::strings(2, 3)) single.push_back({word});
    expect_naive_results(single, sequences(2), naive::strings(0, 3));
}

}  // namespace
}  // namespace portsplit::core
