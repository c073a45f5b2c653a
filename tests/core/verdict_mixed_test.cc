// Configurations that mix all kinds of patterns: the verdict is what the rule makes of the answers
// that each pattern gives on its own; neither segments nor time change it; and a window too small
// for a pattern turns its "more" into "no".

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.h"
#include "support/answer_text.h"
#include "support/verdict_text.h"

namespace portsplit::core {
namespace {

constexpr Ending kEndings[] = {Ending::Open, Ending::EndOfStream, Ending::Deadline};
constexpr unsigned kConfigurations = 400;

// Overlapping, of all kinds; some look ahead, some never end, and one gives up at once.
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

/// One to five services of one to three patterns, in front of both last resorts.
Config random_config(unsigned seed) {
    std::mt19937 random(seed);
    Config config;
    config.window = random() % 3 == 0 ? 1 + random() % 5 : 4096;
    config.services.resize(1 + random() % 5);
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        Service& service = config.services[i];
        service.name = std::to_string(i);
        service.patterns.resize(1 + random() % 3);
        for (PatternSource& pattern : service.patterns) {
            pattern = pattern_pool()[random() % pattern_pool().size()];
        }
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
    }
    return text + "; stream " + testing::PrintToString(stream);
}

std::vector<std::string> streams(std::size_t shortest, std::size_t longest) {
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i < all.size() && all[i].size() < longest; ++i) {
        for (const char byte : {'a', 'b', '\n'}) all.push_back(all[i] + byte);
    }
    std::erase_if(all, [&](const std::string& stream) { return stream.size() < shortest; });
    return all;
}

/// The decision rule, sentence by sentence, over patterns that know nothing of each other.
class NaiveRule {
  public:
    explicit NaiveRule(const Config& config) : window_(config.window) {
        for (const Service& service : config.services) {
            auto& patterns = services_.emplace_back();
            for (const PatternSource& source : service.patterns) {
                patterns.push_back(*compile(source));
                window_ = std::max(window_, patterns.back()->shortest_match());
            }
        }
    }

    std::optional<Verdict> decide(std::string_view stream, Ending ending) const {
        const std::string_view seen = stream.substr(0, window_);
        std::vector<Answer> answers = ask(seen);
        if (const auto verdict = certain(answers, seen)) return verdict;
        const bool is_full = seen.size() == window_;
        if (ending == Ending::Open && !is_full) return std::nullopt;
        std::replace(answers.begin(), answers.end(), Answer::More, Answer::No);
        const auto verdict = certain(answers, seen);
        if (verdict->reason == Reason::Match || is_full) return verdict;
        if (ending == Ending::Deadline) {
            return Verdict{timeout(), Reason::Timeout, verdict->gave_up};
        }
        if (!seen.empty()) return verdict;
        return Verdict{std::nullopt, Reason::Eof, verdict->gave_up};
    }

  private:
    std::size_t fallback() const { return services_.size() - 2; }
    std::size_t timeout() const { return services_.size() - 1; }

    std::vector<Answer> ask(std::string_view seen) const {
        std::vector<Answer> answers;
        for (const auto& patterns : services_) {
            Answer best = Answer::No;
            for (const auto& pattern : patterns) {
                best = std::max(best, pattern->answer(as_bytes(seen)));
            }
            answers.push_back(best);
        }
        return answers;
    }

    /// Rules 2 and 3.
    std::optional<Verdict> certain(const std::vector<Answer>& answers,
                                   std::string_view seen) const {
        for (std::size_t i = 0; i < answers.size(); ++i) {
            if (answers[i] == Answer::More) return std::nullopt;
            if (answers[i] == Answer::Match) return Verdict{i, Reason::Match, gave_up(i, seen)};
        }
        return Verdict{fallback(), Reason::Fallback, gave_up(services_.size(), seen)};
    }

    /// The first service before the winner that has a pattern which gave up.
    std::optional<std::size_t> gave_up(std::size_t winner, std::string_view seen) const {
        for (std::size_t i = 0; i < winner; ++i) {
            for (const auto& pattern : services_[i]) {
                if (pattern->answer(as_bytes(seen)) == Answer::GaveUp) return i;
            }
        }
        return std::nullopt;
    }

    std::size_t window_;
    std::vector<std::vector<std::unique_ptr<const Pattern>>> services_;
};

TEST(DecideMixedKinds, IsWhatTheRuleMakesOfTheAnswers) {
    const std::vector<std::string> all = streams(0, 5);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        const Config config = random_config(seed);
        const Plan plan(config);
        const NaiveRule rule(config);
        for (const std::string& seen : all) {
            for (const Ending ending : kEndings) {
                ASSERT_EQ(decide(plan, as_bytes(seen), ending), rule.decide(seen, ending))
                    << show(seed, config, seen) << ", ending " << static_cast<int>(ending);
            }
        }
    }
}

TEST(DecideMixedKinds, NeverChangesAVerdictItHasGiven) {
    const std::vector<std::string> all = streams(5, 5);
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

/// Serves a stream that arrives in pieces. Bit i of `cuts` cuts it behind byte i.
std::optional<Verdict> serve(const Plan& plan, std::string_view stream, std::size_t cuts,
                             Ending ending) {
    for (std::size_t length = 1; length < stream.size(); ++length) {
        if ((cuts >> (length - 1) & 1) == 0) continue;
        const auto verdict = decide(plan, as_bytes(stream.substr(0, length)), Ending::Open);
        if (verdict) return verdict;
    }
    return decide(plan, as_bytes(stream), ending);
}

TEST(DecideMixedKinds, DoesNotDependOnHowTheStreamWasCut) {
    const std::vector<std::string> all = streams(1, 4);
    for (unsigned seed = 0; seed < kConfigurations; ++seed) {
        const Config config = random_config(seed);
        const Plan plan(config);
        for (const std::string& stream : all) {
            for (const Ending ending : kEndings) {
                const auto whole = decide(plan, as_bytes(stream), ending);
                const std::size_t ways = std::size_t{1} << (stream.size() - 1);
                for (std::size_t cuts = 1; cuts < ways; ++cuts) {
                    ASSERT_EQ(serve(plan, stream, cuts, ending), whole)
                        << show(seed, config, stream) << " cut as " << cuts;
                }
            }
        }
    }
}

// Rule 5, which patterns of fixed length alone could not show: the window is never below theirs.

Config searching(std::size_t window) {
    Config config;
    config.window = window;
    config.services = {{"search", {{PatternKind::Regex, "(?s).*?needle"}}, {}},
                       {"web", {{PatternKind::String, "GET "}}, {}},
                       {kFallback, {}, {}},
                       {kTimeout, {}, {}}};
    return config;
}

TEST(DecideMixedKinds, TakesAFullWindowForTheEnd) {
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

TEST(DecideMixedKinds, TimesOutBeforeTheWindowIsFullAndNotAfter) {
    const Plan plan(searching(10));
    EXPECT_EQ(decide(plan, as_bytes("PUT /need"), Ending::Deadline), (Verdict{3, Reason::Timeout}));
    EXPECT_EQ(decide(plan, as_bytes("PUT /needl"), Ending::Deadline),
              (Verdict{2, Reason::Fallback}));
}

// Giving up counts as no, and is told.

Config giving_up(const std::vector<Service>& services) {
    Config config;
    config.services = services;
    config.services.push_back({kFallback, {}, {}});
    return config;
}

const PatternSource kCostly{PatternKind::Regex, "(a+)+$"};
const std::string kBait = std::string(200, 'a') + '!';

TEST(DecideMixedKinds, PassesAServiceThatGaveUpAndTellsWhich) {
    const Plan plan(giving_up({{"no", {{PatternKind::String, "b"}}, {}},
                               {"costly", {kCostly}, {}},
                               {"later", {kCostly, {PatternKind::String, "aa"}}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes("aa"), Ending::Open), std::nullopt);
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{2, Reason::Match, 1}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Deadline), (Verdict{2, Reason::Match, 1}));
}

TEST(DecideMixedKinds, FallsBackWhenAllGaveUp) {
    const Plan plan(giving_up({{"costly", {kCostly}, {}}, {"too", {kCostly}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{2, Reason::Fallback, 0}));
}

TEST(DecideMixedKinds, TellsOfNoServiceBehindTheWinner) {
    const Plan plan(
        giving_up({{"first", {{PatternKind::String, "a"}}, {}}, {"costly", {kCostly}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{0, Reason::Match}));
}

TEST(DecideMixedKinds, TellsNothingOfAWinnerOfWhichOnePatternGaveUp) {
    const Plan plan(giving_up({{"both", {kCostly, {PatternKind::Regex, "a"}}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes("a"), Ending::Open), (Verdict{0, Reason::Match}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Open), (Verdict{0, Reason::Match}));
}

TEST(DecideMixedKinds, TellsWhoGaveUpWhenTheEndFindsNobody) {
    const Plan plan(giving_up(
        {{"patient", {{PatternKind::Regex, "(?s).*needle"}}, {}}, {"costly", {kCostly}, {}}}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::EndOfStream),
              (Verdict{2, Reason::Fallback, 1}));
    EXPECT_EQ(decide(plan, as_bytes(kBait), Ending::Deadline),
              (Verdict{std::nullopt, Reason::Timeout, 1}));
}

}  // namespace
}  // namespace portsplit::core
