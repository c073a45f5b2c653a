#include "core/shadow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/pattern.h"
#include "support/naive.h"
#include "support/services.h"

namespace portsplit::core {

void PrintTo(const Shadow& shadow, std::ostream* out) {
    *out << shadow.at.service << '.' << shadow.at.pattern << " by";
    for (const PatternPlace by : shadow.by) *out << ' ' << by.service << '.' << by.pattern;
}

namespace {

using naive::Prefixes;
using Shadows = std::vector<Shadow>;
using Indexes = std::vector<std::size_t>;

/// A pattern that one other pattern shadows.
Shadow one(std::size_t service, std::size_t pattern, std::size_t by_service,
           std::size_t by_pattern) {
    return {{service, pattern}, {{by_service, by_pattern}}};
}

/// Indexes of the services that are shadowed as a whole.
Indexes shadowed_services(const Config& config) {
    return find_shadowed_services(config, find_shadows(config));
}

TEST(FindShadows, ReturnsNothingWhenEveryPatternCanDecide) {
    EXPECT_EQ(find_shadows(config_of({{"ssh", {"SSH-"}}, {"web", {"GET ", "POST "}}})), Shadows{});
}

TEST(FindShadows, FindsAPatternThatBeginsWithAnEarlierPattern) {
    const Config config = config_of({{"any", {"S"}}, {"ssh", {"SSH-"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{one(1, 0, 0, 0)}));
}

TEST(FindShadows, IgnoresALongerPatternWhenItComesFirst) {
    EXPECT_EQ(find_shadows(config_of({{"ssh", {"SSH-"}}, {"any", {"S"}}})), Shadows{});
}

TEST(FindShadows, FindsAPatternThatAnEarlierServiceHasToo) {
    EXPECT_EQ(find_shadows(config_of({{"a", {"x"}}, {"b", {"x"}}})), (Shadows{one(1, 0, 0, 0)}));
}

TEST(FindShadows, FindsAPatternThatRepeatsItsOwnService) {
    EXPECT_EQ(find_shadows(config_of({{"a", {"x", "xy"}}})), (Shadows{one(0, 1, 0, 0)}));
}

TEST(FindShadows, NamesTheFirstOfSeveralCovers) {
    const Config config = config_of({{"a", {"q", "xy"}}, {"b", {"x"}}, {"c", {"xyz"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{one(2, 0, 0, 1)}));
}

TEST(FindShadows, ReturnsShadowsInTheOrderOfTheConfiguration) {
    const Config config = config_of({{"a", {"x"}}, {"b", {"x1", "y", "x2"}}, {"c", {"y3"}}});
    EXPECT_EQ(find_shadows(config), (Shadows{one(1, 0, 0, 0), one(1, 2, 0, 0), one(2, 0, 1, 1)}));
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
    EXPECT_EQ(find_shadows(config), (Shadows{one(1, 0, 0, 0), one(2, 0, 0, 0)}));
}

TEST(FindShadows, FindsKnownBytesThatAnEarlierExpressionMatches) {
    const Config config =
        services_of({{regex("[A-Z]+ ")}, {string("GET /")}, {string("get ")}, {hex("47 ?? 20")}});
    EXPECT_EQ(find_shadows(config), (Shadows{one(1, 0, 0, 0)}));
}

TEST(FindShadows, FindsAnExpressionThatStandsTwice) {
    const Config config = services_of({{regex("a+b")}, {regex("a+c"), regex("a+b")}});
    EXPECT_EQ(find_shadows(config), (Shadows{one(1, 1, 0, 0)}));
}

TEST(FindShadows, FindsAnExpressionOfWhichAnEarlierPatternTakesTheBeginning) {
    const Config config = services_of(
        {{string("SSH-")}, {regex("SSH-2\\.0-.*\n")}, {regex("SSH.*-")}, {regex("(?i)SSH-a")}});
    EXPECT_EQ(find_shadows(config), (Shadows{one(1, 0, 0, 0)}));
}

TEST(FindShadows, FindsAnExpressionThatEarlierPatternsTakeTogether) {
    const auto tls13 = regex("(?s)\\x16\\x03...\\x01.{9,40}\\x13");
    EXPECT_EQ(find_shadows(services_of({{hex("16 03 01-FF ?? ?? 01")}, {tls13}})), Shadows{});
    const Config config = services_of(
        {{hex("16 03 01-FF ?? ?? 01"), hex("16 04")}, {hex("16 03 00")}, {tls13}, {tls13}});
    const std::vector<PatternPlace> both{{0, 0}, {1, 0}};
    EXPECT_EQ(find_shadows(config), (Shadows{{{2, 0}, both}, {{3, 0}, both}}));
    EXPECT_EQ(shadowed_services(config), (Indexes{2, 3}));
}

TEST(FindShadows, IgnoresAPatternThatIsLaterOrLongerThanTheBeginning) {
    const Config config =
        services_of({{regex("ab[cd]")}, {string("ab")}, {string("xyz")}, {regex("xy.*")}});
    EXPECT_EQ(find_shadows(config), Shadows{});
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
    std::vector<PatternPlace> earlier;
    for (std::size_t s = 0; s < services.size(); ++s) {
        for (std::size_t p = 0; p < services[s].size(); ++p) {
            for (const PatternPlace place : earlier) {
                const std::string& taker = services[place.service][place.pattern];
                const bool takes_all =
                    std::all_of(streams.begin(), streams.end(), [&](const std::string& stream) {
                        return !stream.starts_with(services[s][p]) || stream.starts_with(taker);
                    });
                if (!takes_all) continue;
                found.push_back({{s, p}, {place}});
                break;
            }
            earlier.push_back({s, p});
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

/// Returns one of each kind of answer and engine: some cover much, some little, one gives up at once.
std::vector<PatternSource> expression_pool() {
    std::vector<PatternSource> pool;
    for (const char* text :
         {"a+b", "[ab]{4}", "aba|bb[ab]b|aab", "(?i)ABB", "(?s).{3}a", "(?s).*?bbab", "b.{0,3}?aa",
          "(?s)a.b.{2}a", "(?s)..ab.*?b", "(?!ab)[ab]{2}", "(?=a*b)a", "[ab]a\\b", "(?>a|ab)b",
          "([ab]b)\\1", "(?R)?a|b", "(*UTF)[ab]+\\x{e9}", "abbab", "bab$"}) {
        pool.push_back(regex(text));
    }
    return pool;
}

/// Returns patterns whose beginnings are often alike, one service for each.
Config random_config(std::mt19937& random) {
    const auto below = [&](std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
    };
    const std::vector<PatternSource> expressions = expression_pool();
    std::vector<std::vector<PatternSource>> patterns;
    while (patterns.size() < 60) {
        const std::size_t kind = below(8);
        std::string text;
        const std::size_t length = 3 + below(6);
        if (kind == 0) {
            patterns.push_back({expressions[below(expressions.size())]});
        } else if (kind < 3) {
            const std::vector<std::string> bytes{"61", "62", "61-62", "6?", "??", "?2", "c3 a9"};
            for (std::size_t i = 0; i < length; ++i) text += bytes[below(bytes.size())] + " ";
            patterns.push_back({hex(text)});
        } else {
            for (std::size_t i = 0; i < length; ++i) text += "ab"[below(2)];
            patterns.push_back({string(text)});
        }
    }
    return services_of(patterns);
}

/// One pattern of a configuration, compiled for itself.
struct Single {
    PatternSource source;
    std::unique_ptr<const Pattern> pattern;
    std::optional<ByteSets> sets;
    std::string known;  ///< the single bytes at the front of the sets
};

Single single_of(const PatternSource& source) {
    Single single{source, *compile(source), byte_sets(source), ""};
    for (const ByteSet& set : single.sets.value_or(ByteSets())) {
        if (!set.is_single()) break;
        single.known += static_cast<char>(set.low);
    }
    return single;
}

bool holds_all(const ByteSet& outer, const ByteSet& inner) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const auto number = static_cast<std::uint8_t>(byte);
        if (inner.holds(number) && !outer.holds(number)) return false;
    }
    return true;
}

/// Returns what `Shadow` defines, for one pair of which the later one is no expression or the same.
bool is_cover(const Single& earlier, const Single& later) {
    if (!later.sets) return earlier.source == later.source;
    if (!earlier.sets) {
        return !later.known.empty() &&
               earlier.pattern->answer(as_bytes(later.known)) == Answer::Match;
    }
    if (earlier.sets->size() > later.sets->size()) return false;
    return std::equal(earlier.sets->begin(), earlier.sets->end(), later.sets->begin(), holds_all);
}

TEST(FindShadowsOfRandomConfigurations, AgreesWithComparingEachPair) {
    std::mt19937 random(1);
    std::size_t by_expressions = 0;
    for (int i = 0; i < 300; ++i) {
        const Config config = random_config(random);
        std::vector<Single> singles;
        Shadows expected;
        for (std::size_t s = 0; s < config.services.size(); ++s) {
            singles.push_back(single_of(config.services[s].patterns.front()));
            const auto cover =
                std::find_if(singles.begin(), singles.end() - 1,
                             [&](const Single& earlier) { return is_cover(earlier, singles[s]); });
            if (cover == singles.end() - 1 || !singles[s].sets) continue;
            expected.push_back(one(s, 0, static_cast<std::size_t>(cover - singles.begin()), 0));
            if (!cover->sets) ++by_expressions;
        }
        Shadows found = find_shadows(config);
        std::erase_if(found, [&](const Shadow& it) { return !singles[it.at.service].sets; });
        ASSERT_EQ(found, expected) << "configuration " << i;
    }
    EXPECT_GT(by_expressions, 300U);
}

TEST(FindShadowsOfRandomConfigurations, FindsNoExpressionThatMatchesAStreamOfItsOwn) {
    std::mt19937 random(2);
    const std::vector<std::string> streams = naive::strings(1, 9);
    std::size_t shadowed = 0;
    std::size_t together = 0;
    for (int i = 0; i < 1500; ++i) {
        const Config config = random_config(random);
        for (const Shadow& shadow : find_shadows(config)) {
            const Single later = single_of(config.services[shadow.at.service].patterns.front());
            if (later.sets) continue;
            ++shadowed;
            together += shadow.by.size() > 1 ? 1U : 0U;
            std::vector<Single> earlier;
            for (const PatternPlace by : shadow.by) {
                ASSERT_LT(by.service, shadow.at.service);
                earlier.push_back(single_of(config.services[by.service].patterns.front()));
            }
            for (const std::string& stream : streams) {
                if (later.pattern->answer(as_bytes(stream)) != Answer::Match) continue;
                ASSERT_TRUE(std::any_of(earlier.begin(), earlier.end(),
                                        [&](const Single& it) {
                                            return it.pattern->answer(as_bytes(stream)) ==
                                                   Answer::Match;
                                        }))
                    << later.source.text << " matches " << stream;
            }
        }
    }
    EXPECT_GT(shadowed, 100U);
    EXPECT_GT(together, 10U);
}

}  // namespace
}  // namespace portsplit::core
