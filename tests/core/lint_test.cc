#include "core/lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
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
using Losers = std::vector<std::size_t>;

Losers losers_of(const Config& config) { return find_losers(config, find_shadows(config)); }

TEST(FindShadows, FindsNothingWhereEveryPatternDecides) {
    EXPECT_EQ(find_shadows(config_of({{"ssh", {"SSH-"}}, {"web", {"GET ", "POST "}}})), Shadows{});
}

TEST(FindShadows, FindsAPatternThatAnEarlierServiceTakes) {
    const Config config = config_of({{"any", {"S"}}, {"ssh", {"SSH-"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 0, 0, 0}}));
}

TEST(FindShadows, LeavesALongerPatternAloneWhenItComesFirst) {
    EXPECT_EQ(find_shadows(config_of({{"ssh", {"SSH-"}}, {"any", {"S"}}})), Shadows{});
}

TEST(FindShadows, FindsAPatternThatIsRepeated) {
    EXPECT_EQ(find_shadows(config_of({{"a", {"x"}}, {"b", {"x"}}})), (Shadows{{1, 0, 0, 0}}));
}

TEST(FindShadows, FindsAServiceThatRepeatsItself) {
    EXPECT_EQ(find_shadows(config_of({{"a", {"x", "xy"}}})), (Shadows{{0, 1, 0, 0}}));
}

TEST(FindShadows, NamesTheFirstOfSeveralThatTakeAPattern) {
    const Config config = config_of({{"a", {"q", "xy"}}, {"b", {"x"}}, {"c", {"xyz"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{{2, 0, 0, 1}}));
}

TEST(FindShadows, KeepsTheOrderOfTheConfiguration) {
    const Config config = config_of({{"a", {"x"}}, {"b", {"x1", "y", "x2"}}, {"c", {"y3"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{{1, 0, 0, 0}, {1, 2, 0, 0}, {2, 0, 1, 1}}));
}

TEST(FindShadows, ComparesBytesBeyondANul) {
    const std::string one("\0a", 2);
    const std::string two("\0b", 2);
    EXPECT_EQ(find_shadows(config_of({{"one", {one}}, {"two", {two}}})), Shadows{});
}

TEST(FindLosers, FindsAServiceWhosePatternsAreAllTaken) {
    const Config config = config_of({{"any", {"S", "G"}}, {"ssh", {"SSH-", "GET "}}});
    EXPECT_EQ(losers_of(config), (Losers{1}));
}

TEST(FindLosers, SparesAServiceWithOnePatternOfItsOwn) {
    EXPECT_EQ(losers_of(config_of({{"any", {"S"}}, {"ssh", {"SSH-", "ssh"}}})), Losers{});
}

TEST(FindLosers, SparesAServiceThatOnlyRepeatsItself) {
    EXPECT_EQ(losers_of(config_of({{"a", {"x", "xy", "x"}}})), Losers{});
}

TEST(FindLosers, SparesTheLastResorts) {
    EXPECT_EQ(losers_of(config_of({{"a", {"x"}}, {kFallback, {}}, {kTimeout, {}}})), Losers{});
}

/// Every sequence of one or two patterns, repetitions included: order matters to lint.
std::vector<Prefixes> sequences(std::size_t longest) {
    const std::vector<std::string> words = naive::strings(1, longest);
    std::vector<Prefixes> all;
    for (const std::string& first : words) {
        all.push_back({first});
        for (const std::string& second : words) all.push_back({first, second});
    }
    return all;
}

/// By trying every stream: the patterns whose streams all fit one earlier pattern.
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

/// By trying every stream: the services to which none belongs, whenever it ends.
Losers naive_losers(const std::vector<Prefixes>& services,
                    const std::vector<std::string>& streams) {
    std::vector<bool> wins(services.size(), false);
    for (const std::string& stream : streams) {
        if (const auto winner = naive::winner(services, stream)) wins[*winner] = true;
    }
    Losers losers;
    for (std::size_t s = 0; s < services.size(); ++s) {
        if (!wins[s]) losers.push_back(s);
    }
    return losers;
}

/// Holds both functions against the naive ones, for two services of `choices` and one of `thirds`.
void expect_naive_findings(const std::vector<Prefixes>& choices,
                           const std::vector<Prefixes>& thirds,
                           const std::vector<std::string>& streams) {
    for (const Prefixes& first : choices) {
        for (const Prefixes& second : choices) {
            for (const Prefixes& third : thirds) {
                const std::vector<Prefixes> services{first, second, third};
                const Config config = with_last_resorts(services);
                const Shadows shadows = find_shadows(config);
                ASSERT_EQ(shadows, naive_shadows(services, streams)) << show(services);
                ASSERT_EQ(find_losers(config, shadows), naive_losers(services, streams))
                    << show(services);
            }
        }
    }
}

TEST(LintExhaustively, AgreesForTwoServicesWithShortPatternsAndAThirdWithOne) {
    expect_naive_findings(sequences(2), {{"ab"}, {"abb"}}, naive::strings(0, 3));
}

TEST(LintExhaustively, AgreesForTwoServicesWithOneLongPatternAndAThirdWithTwo) {
    std::vector<Prefixes> single;
    for (const std::string& word : naive::strings(2, 3)) single.push_back({word});
    expect_naive_findings(single, sequences(2), naive::strings(0, 3));
}

}  // namespace
}  // namespace portsplit::core
