// The decision rule compared with a naive one, for all small configurations and all short streams:
// a verdict comes at the first byte that makes it certain and not before, and it never changes. It
// depends neither on the segments nor on the window.

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.h"
#include "support/naive.h"
#include "support/segments.h"
#include "support/services.h"
#include "support/verdict_text.h"

namespace portsplit::core {
namespace {

using naive::Prefixes;

/// Calls a test with every sequence of `services` services from the choices.
template <typename Test>
void for_each_configuration(std::size_t services, const std::vector<Prefixes>& choices,
                            const Test& test) {
    std::vector<std::size_t> chosen(services, 0);
    std::vector<Prefixes> configuration(services, choices.front());
    for (;;) {
        test(configuration);
        std::size_t place = 0;
        while (place < services && ++chosen[place] == choices.size()) chosen[place++] = 0;
        if (place == services || testing::Test::HasFailure()) return;
        for (std::size_t i = 0; i <= place; ++i) configuration[i] = choices[chosen[i]];
    }
}

/// Compares `decide` with the naive rule for these services, all streams and all endings.
void expect_naive_verdicts(const std::vector<Prefixes>& services,
                           const std::vector<std::string>& streams, Has has = Has::Both) {
    const Plan plan(with_last_resorts(services, has));
    const naive::LastResorts last{Plan::Reading(plan).last_resorts().fallback,
                                  Plan::Reading(plan).last_resorts().timeout};
    for (const std::string& seen : streams) {
        const naive::Outlook outlook = naive::outlook(services, seen);
        for (const Ending ending : kEndings) {
            const auto verdict = decide(plan, as_bytes(seen), ending);
            const auto expected = naive::decide(last, outlook, seen.empty(), ending);
            if (verdict == expected) continue;
            ADD_FAILURE() << show(services) << "seen '" << seen << "', ending "
                          << static_cast<int>(ending) << ": " << testing::PrintToString(verdict)
                          << " instead of " << testing::PrintToString(expected);
            return;
        }
    }
}

TEST(DecideExhaustively, AgreesWithTheNaiveRuleForOneServiceAndLongStreams) {
    const std::vector<std::string> streams = naive::strings(0, 5);
    for_each_configuration(1, naive::sets_of_prefixes(3),
                           [&](const auto& it) { expect_naive_verdicts(it, streams); });
}

TEST(DecideExhaustively, AgreesWithTheNaiveRuleForTwoServicesWithLongPatterns) {
    const std::vector<std::string> streams = naive::strings(0, 3);
    for_each_configuration(2, naive::sets_of_prefixes(3),
                           [&](const auto& it) { expect_naive_verdicts(it, streams); });
}

TEST(DecideExhaustively, AgreesWithTheNaiveRuleForThreeServicesWithShortPatterns) {
    const std::vector<std::string> streams = naive::strings(0, 3);
    for_each_configuration(3, naive::sets_of_prefixes(2),
                           [&](const auto& it) { expect_naive_verdicts(it, streams); });
}

TEST(DecideExhaustively, AgreesWithTheNaiveRuleForThreeServicesWithOneLongPatternEach) {
    std::vector<Prefixes> single;
    for (const std::string& word : naive::strings(1, 3)) single.push_back({word});
    const std::vector<std::string> streams = naive::strings(0, 3);
    for_each_configuration(3, single, [&](const auto& it) { expect_naive_verdicts(it, streams); });
}

TEST(DecideExhaustively, AgreesWithTheNaiveRuleForEmptyPatternsAndMissingLastResorts) {
    const std::vector<std::string> streams = naive::strings(0, 2);
    for (const Has has : {Has::Neither, Has::Fallback, Has::Timeout, Has::Both}) {
        expect_naive_verdicts({}, streams, has);
        for (const std::size_t services : {std::size_t{1}, std::size_t{2}}) {
            for_each_configuration(services, naive::sets_of_prefixes(2, 0), [&](const auto& it) {
                expect_naive_verdicts(it, streams, has);
            });
        }
    }
}

TEST(DecideExhaustively, KeepsAVerdictForEveryContinuationAndEnding) {
    const std::vector<std::string> streams = naive::strings(1, 5);
    for_each_configuration(2, naive::sets_of_prefixes(2), [&](const auto& services) {
        const Plan plan(with_last_resorts(services));
        for (const std::string& seen : streams) {
            const std::string_view before = std::string_view(seen).substr(0, seen.size() - 1);
            const auto given = decide(plan, as_bytes(before), Ending::Open);
            if (!given) continue;
            for (const Ending ending : kEndings) {
                ASSERT_EQ(decide(plan, as_bytes(before), ending), given)
                    << show(services) << before;
                ASSERT_EQ(decide(plan, as_bytes(seen), ending), given) << show(services) << seen;
            }
        }
    });
}

// fault: C6
TEST(DecideExhaustively, ReturnsTheSameVerdictForEveryCutOfTheStream) {
    const std::vector<std::string> streams = naive::strings(1, 5);
    for_each_configuration(2, naive::sets_of_prefixes(2), [&](const auto& services) {
        const Plan plan(with_last_resorts(services));
        for (const std::string& stream : streams) {
            for (const Ending ending : kEndings) {
                const auto whole = decide(plan, as_bytes(stream), ending);
                for (const auto& cuts : all_cuts(stream.size())) {
                    ASSERT_EQ(decide_in_segments(plan, stream, cuts, ending), whole)
                        << show(services) << stream << " cut at " << testing::PrintToString(cuts);
                }
            }
        }
    });
}

TEST(DecideExhaustively, ReturnsTheSameVerdictForASmallWindow) {
    const std::vector<std::string> streams = naive::strings(0, 4);
    for_each_configuration(2, naive::sets_of_prefixes(2), [&](const auto& services) {
        Config config = with_last_resorts(services);
        const Plan plan(config);
        config.window = 1;
        const Plan narrow(config);
        for (const std::string& seen : streams) {
            for (const Ending ending : kEndings) {
                ASSERT_EQ(decide(narrow, as_bytes(seen), ending),
                          decide(plan, as_bytes(seen), ending))
                    << show(services) << seen;
            }
        }
    });
}

}  // namespace
}  // namespace portsplit::core
