// Random configurations that mix all kinds of patterns and layouts: the verdict agrees with the naive rule over
// single patterns, does not depend on segments, and a window too small for a pattern turns its more
// into no.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.h"
#include "dispatch/shared_plan.h"
#include "support/answer_text.h"
#include "support/naive.h"
#include "support/naive_rule.h"
#include "support/segments.h"
#include "support/small_layouts.h"
#include "support/verdict_text.h"

namespace portsplit::core {
namespace {

constexpr unsigned kConfigurations = 400;

// They overlap. Some look ahead, some stay undecided for ever, and one gives up at once.
const std::vector<PatternSource>& pattern_pool() {
    static const std::vector<PatternSource> pool{
        {PatternKind::String, "a"},
        {PatternKind::String, "b"},
        {PatternKind::String, "ab"},
        {PatternKind::String, "ba"},
        {PatternKind::String, "aab"},
        {PatternKind::String, "abba"},
        {PatternKind::String, "\n"},
        {PatternKind::Hex, "61 ??"},
        {PatternKind::Hex, "6? 62"},
        {PatternKind::Hex, "?2 61-62"},
        {PatternKind::Hex, "?? ?? 0a"},
        {PatternKind::Hex, "61-62 61 ?1"},
        {PatternKind::Hex, "?? ?? ?? ?? 61"},
        {PatternKind::Regex, "a+b"},
        {PatternKind::Regex, "(?s).*?ba"},
        {PatternKind::Regex, "b.*"},
        {PatternKind::Regex, "[ab]{3}"},
        {PatternKind::Regex, "ab|ba|bb"},
        {PatternKind::Regex, "(?!ab)[ab]{2}"},
        {PatternKind::Regex, "(?=a*b)a"},
        {PatternKind::Regex, "a$"},
        {PatternKind::Regex, "(?m)[ab]+$"},
        {PatternKind::Regex, "b\\b"},
        {PatternKind::Regex, "(?>a|ab)\\n"},
        {PatternKind::Regex, "(a|b)\\1"},
        {PatternKind::Regex, "(?R)?a|b"},
    };
    return pool;
}

/// Returns one to five services of one to three patterns, then both last resorts.
Config random_config(unsigned seed) {
    std::mt19937 random(seed);
    Config config;
    config.window = random() % 3 == 0 ? 1 + random() % 5 : 4096;
    config.layouts = small_layouts();
    config.services.resize(1 + random() % 5);
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        Service& service = config.services[i];
        service.name = std::to_string(i);
        service.patterns.resize(1 + random() % 3);
        for (PatternSource& pattern : service.patterns) {
            pattern = pattern_pool()[random() % pattern_pool().size()];
        }
        if (random() % 2 == 0) continue;
        service.layouts.push_back(small_layout_pool()[random() % small_layout_pool().size()]);
        if (random() % 2 == 0) service.patterns.clear();
    }
    config.services.push_back({kFallback, {}, {}});
    config.services.push_back({kTimeout, {}, {}});
    return config;
}

std::string show(unsigned seed, const Config& config, const std::string& stream) {
    constexpr const char* kKinds[] = {"string", "hex", "regex"};
    std::string text = "seed " + std::to_string(seed) + ", window " + std::to_string(config.window);
    for (const Service& service : config.services) {
        text += "; " + service.name + ":";
        for (const PatternSource& pattern : service.patterns) {
            text += std::string(" ") + kKinds[static_cast<std::size_t>(pattern.kind)] + ' ' +
                    testing::PrintToString(pattern.text);
        }
        for (const LayoutPattern& asked : service.layouts) {
            text += " " + std::string(asked.layout) + (asked.whole ? " whole" : "");
            for (const FieldCondition& condition : asked.conditions) {
                text += " " + std::string(condition.field) + " = ";
                for (const Text& value : condition.values) text += std::string(value) + ",";
            }
        }
    }
    return text + "; stream " + testing::PrintToString(stream);
}

constexpr std::string_view kAlphabet = "ab\n";

TEST(DecideMixedKinds, AgreesWithTheNaiveRule) {
    const std::vector<std::string> all = naive::strings(0, 5, kAlphabet);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        const Config config = random_config(seed);
        const Plan plan(config);
        const auto shared = dispatch::SharedPlan::build(config);
        ASSERT_TRUE(shared);
        const naive::Rule rule(config);
        for (const std::string& seen : all) {
            for (const Ending ending : kEndings) {
                const auto expected = rule.decide(seen, ending);
                ASSERT_EQ(decide(plan, as_bytes(seen), ending), expected)
                    << show(seed, config, seen) << ", ending " << static_cast<int>(ending);
                ASSERT_EQ(decide(shared->plan(), as_bytes(seen), ending), expected)
                    << "in shared memory; " << show(seed, config, seen);
            }
        }
    }
}

/// Adds two listeners, each with some of the services, and with last resorts of its own or not.
void add_listeners(unsigned seed, Config& config) {
    std::mt19937 random(seed);
    const auto any_name = [&] { return config.services[random() % config.services.size()].name; };
    for (const char* name : {"one", "two"}) {
        Listener& listener = config.listeners.emplace_back();
        listener.name = name;
        for (const Service& service : config.services) {
            if (random() % 2 == 0) listener.services.push_back(service.name);
        }
        if (random() % 2 == 0) listener.fallback = any_name();
        if (random() % 2 == 0) listener.on_timeout = any_name();
    }
}

TEST(DecideMixedKinds, AgreesWithTheNaiveRuleForEachListener) {
    const std::vector<std::string> all = naive::strings(0, 4, kAlphabet);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        Config config = random_config(seed);
        add_listeners(seed, config);
        const auto shared = dispatch::SharedPlan::build(config);
        ASSERT_TRUE(shared);
        const auto listeners = listeners_of(config);
        ASSERT_EQ(listeners.size(), 3U);
        for (std::size_t i = 0; i < listeners.size(); ++i) {
            const naive::Rule rule(config, *listeners[i]);
            for (const std::string& seen : all) {
                for (const Ending ending : kEndings) {
                    Plan::Reading reading(shared->plan(), {i});
                    ASSERT_EQ(decide(shared->plan(), as_bytes(seen), ending, reading),
                              rule.decide(seen, ending))
                        << "listener " << i << ", ending " << static_cast<int>(ending) << "; "
                        << show(seed, config, seen);
                }
            }
        }
    }
}

/// Makes some services be for some of the addresses 192.0.2.0 to 192.0.2.3 only.
void add_lists(unsigned seed, Config& config) {
    std::mt19937 random(seed);
    const auto some_prefixes = [&] {
        List<Prefix> prefixes(random() % 3);
        for (Prefix& it : prefixes) {
            const auto length = static_cast<std::uint8_t>(30 + random() % 3);
            const std::array<std::uint8_t, 4> bytes{192, 0, 2,
                                                    static_cast<std::uint8_t>(random() % 4)};
            it = {Prefix::Kind::Internet, length, IpAddress::from_bytes(bytes).first_of(length),
                  Zone()};
        }
        return prefixes;
    };
    for (Service& service : config.services) {
        if (random() % 2 == 0) continue;
        service.from = some_prefixes();
        service.not_from = some_prefixes();
    }
}

TEST(DecideMixedKinds, AgreesWithTheNaiveRuleForEachClient) {
    const std::vector<std::string> all = naive::strings(0, 4, kAlphabet);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        Config config = random_config(seed);
        add_lists(seed, config);
        if (seed % 4 == 0) add_listeners(seed, config);
        const auto shared = dispatch::SharedPlan::build(config);
        ASSERT_TRUE(shared);
        const auto listeners = listeners_of(config);
        for (const char* client : {"192.0.2.0", "192.0.2.3", "198.51.100.1", "::1"}) {
            const std::size_t listener = seed % listeners.size();
            const auto address = IpAddress::parse(client);
            const naive::Rule rule(config, *listeners[listener], address);
            for (const std::string& seen : all) {
                for (const Ending ending : kEndings) {
                    const Entrance entrance{listener, {address, Zone(), false}};
                    Plan::Reading reading(shared->plan(), entrance);
                    ASSERT_EQ(decide(shared->plan(), as_bytes(seen), ending, reading),
                              rule.decide(seen, ending))
                        << "client " << client << ", ending " << static_cast<int>(ending) << "; "
                        << show(seed, config, seen);
                }
            }
        }
    }
}

TEST(DecideMixedKinds, KeepsAVerdictForEveryContinuation) {
    const std::vector<std::string> all = naive::strings(5, 5, kAlphabet);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        const Config config = random_config(seed);
        const Plan plan(config);
        for (const std::string& stream : all) {
            std::optional<Verdict> given;
            for (std::size_t length = 0; length <= stream.size(); ++length) {
                const std::string_view seen = std::string_view(stream).substr(0, length);
                const auto now = decide(plan, as_bytes(seen), Ending::Open);
                if (given) {
                    ASSERT_EQ(now, given) << show(seed, config, stream);
                }
                given = now;
            }
        }
    }
}

// fault: C6
TEST(DecideMixedKinds, ReturnsTheSameVerdictForEveryCutOfTheStream) {
    const std::vector<std::string> all = naive::strings(1, 4, kAlphabet);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        const Config config = random_config(seed);
        const Plan plan(config);
        for (const std::string& stream : all) {
            for (const Ending ending : kEndings) {
                const auto whole = decide(plan, as_bytes(stream), ending);
                for (const auto& cuts : all_cuts(stream.size())) {
                    ASSERT_EQ(decide_in_segments(plan, stream, cuts, ending), whole)
                        << show(seed, config, stream) << " cut at " << testing::PrintToString(cuts);
                }
            }
        }
    }
}

// Rule 5 needs expressions: the window is never smaller than a pattern of fixed length.

Config searching(std::size_t window) {
    Config config;
    config.window = window;
    config.services = {{"search", {{PatternKind::Regex, "(?s).*?needle"}}, {}},
                       {"web", {{PatternKind::String, "GET "}}, {}},
                       {kFallback, {}, {}},
                       {kTimeout, {}, {}}};
    return config;
}

TEST(DecideMixedKinds, TreatsMoreAsNoWhenTheWindowIsFull) {
    const Plan plan(searching(10));
    const Verdict web{1, Reason::Match};
    const Verdict fallback{2, Reason::Fallback};
    EXPECT_EQ(decide(plan, as_bytes("GET /ned"), Ending::Open), std::nullopt);
    EXPECT_EQ(decide(plan, as_bytes("GET /needl"), Ending::Open), web);
    EXPECT_EQ(decide(plan, as_bytes("GET /needle"), Ending::Open), web);
    EXPECT_EQ(decide(plan, as_bytes("PUT /needl"), Ending::Open), fallback);
    EXPECT_EQ(decide(plan, as_bytes("PUT /needle"), Ending::Deadline), fallback);
    EXPECT_EQ(decide(plan, as_bytes("PUT needle"), Ending::Open), (Verdict{0, Reason::Match}));
}

TEST(DecideMixedKinds, TimesOutOnlyBeforeTheWindowIsFull) {
    const Plan plan(searching(10));
    EXPECT_EQ(decide(plan, as_bytes("PUT /need"), Ending::Deadline), (Verdict{3, Reason::Timeout}));
    EXPECT_EQ(decide(plan, as_bytes("PUT /needl"), Ending::Deadline),
              (Verdict{2, Reason::Fallback}));
}

// Giving up counts as no, and is reported.

Config giving_up(const std::vector<Service>& services) {
    Config config;
    config.services.assign(services.begin(), services.end());
    config.services.push_back({kFallback, {}, {}});
    return config;
}

const PatternSource kCostly{PatternKind::Regex, "(a+)+$"};
const std::string kBait = std::string(200, 'a') + '!';

TEST(DecideMixedKinds, ReportsAServiceThatGaveUpBeforeTheWinner) {
    const Plan plan(giving_up({{"no", {{PatternKind::String, "b"}}, {}},
                               {"costly", {kCostly}, {}},
                               {"later", {kCostly, {PatternKind::String, "aa"}}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes("aa"), Ending::Open), std::nullopt);
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{2, Reason::Match, 1}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Deadline), (Verdict{2, Reason::Match, 1}));
}

TEST(DecideMixedKinds, FallsBackWhenAllServicesGaveUp) {
    const Plan plan(giving_up({{"costly", {kCostly}, {}}, {"too", {kCostly}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{2, Reason::Fallback, 0}));
}

TEST(DecideMixedKinds, ReportsNoServiceAfterTheWinner) {
    const Plan plan(
        giving_up({{"first", {{PatternKind::String, "a"}}, {}}, {"costly", {kCostly}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{0, Reason::Match}));
}

TEST(DecideMixedKinds, ReportsNothingWhenAPatternOfTheWinnerGaveUp) {
    const Plan plan(giving_up({{"both", {kCostly, {PatternKind::Regex, "a"}}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes("a"), Ending::Open), (Verdict{0, Reason::Match}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{0, Reason::Match}));
}

TEST(DecideMixedKinds, ReportsAServiceThatGaveUpWhenNoneMatchesAtTheEnd) {
    const Plan plan(giving_up(
        {{"patient", {{PatternKind::Regex, "(?s).*needle"}}, {}}, {"costly", {kCostly}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Eof), (Verdict{2, Reason::Fallback, 1}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Deadline),
              (Verdict{std::nullopt, Reason::Timeout, 1}));
}

}  // namespace
}  // namespace portsplit::core
