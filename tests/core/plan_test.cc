#include "core/plan.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/answer_text.h"
#include "support/naive.h"
#include "support/services.h"

namespace portsplit::core {
namespace {

constexpr std::size_t kDefaultWindow = 16384;

Answer ask(const Plan& plan, std::string_view seen) { return plan.ask(as_bytes(seen)).answer; }

TEST(Plan, KeepsItsConfiguration) {
    const Config config = config_of({{"ssh", {"SSH-"}}, {"web", {"GET ", "POST "}}});
    const Plan plan(config);
    EXPECT_EQ(plan.config(), config);
    EXPECT_EQ(plan.service(1).name, "web");
}

TEST(Plan, HasTheWindowOfTheConfiguration) {
    Config config = config_of({{"ssh", {"SSH-"}}});
    EXPECT_EQ(Plan(config).window(), kDefaultWindow);
    config.window = 100;
    EXPECT_EQ(Plan(config).window(), 100U);
}

TEST(Plan, HasAWindowOfAtLeastItsLongestPattern) {
    Config config = config_of({{"a", {"12345678", "1"}}, {"b", {"123"}}});
    config.window = 2;
    EXPECT_EQ(Plan(config).window(), 8U);
}

TEST(Plan, FindsTheLastResortsAtAnyPlace) {
    const Plan plan(config_of({{kTimeout, {}}, {"ssh", {"SSH-"}}, {kFallback, {}}}));
    EXPECT_EQ(Plan::Reading(plan).last_resorts().timeout, 0U);
    EXPECT_EQ(Plan::Reading(plan).last_resorts().fallback, 2U);
}

TEST(Plan, HasNoLastResortWhenTheConfigurationHasNone) {
    const Plan plan(config_of({{"ssh", {"SSH-"}}, {"fallbacks", {"f"}}}));
    EXPECT_EQ(Plan::Reading(plan).last_resorts().timeout, std::nullopt);
    EXPECT_EQ(Plan::Reading(plan).last_resorts().fallback, std::nullopt);
}

TEST(PlanAsk, AnswersMatchWhenOnePatternMatchesAndAnotherNeedsMore) {
    const Plan plan(config_of({{"web", {"GET /index", "GET "}}}));
    EXPECT_EQ(ask(plan, "GET "), Answer::Match);
}

TEST(PlanAsk, AnswersMoreWhenOnePatternMayStillMatch) {
    const Plan plan(config_of({{"web", {"GET ", "POST "}}}));
    EXPECT_EQ(ask(plan, "PO"), Answer::More);
}

TEST(PlanAsk, AnswersNoWhenEveryPatternDoes) {
    const Plan plan(config_of({{"web", {"GET ", "POST "}}}));
    EXPECT_EQ(ask(plan, "PU"), Answer::No);
}

TEST(PlanAsk, AnswersNoForTheLastResortsBeforeAnyByte) {
    const Plan plan(config_of({{kFallback, {}}, {kTimeout, {}}}));
    EXPECT_EQ(ask(plan, ""), Answer::No);
}

TEST(PlanAsk, AgreesWithTheNaiveAnswerForEveryShortStream) {
    const std::vector<std::string> streams = naive::strings(0, 5);
    for (const naive::Prefixes& prefixes : naive::sets_of_prefixes(3)) {
        const Plan plan(config_of({{"service", prefixes}}));
        for (const std::string& seen : streams) {
            ASSERT_EQ(ask(plan, seen), naive::answer(prefixes, seen))
                << show({prefixes}) << "seen '" << seen << "'";
        }
    }
}

/// A plan whose only listener of its own asks `plain`, and whose `main` asks a layout, too.
Plan plan_with_listener() {
    Config config;
    config.layouts = {{"letter", {{"start", "<first 1> <second 1>"}}}};
    config.services.resize(2);
    config.services[0].name = "asking";
    config.services[0].layouts = {{"letter", false, {{"first", {"a"}}}}};
    config.services[1].name = "plain";
    config.services[1].patterns = {{PatternKind::String, "ab"}};
    Listener& listener = config.listeners.emplace_back();
    listener.name = "other";
    listener.services = {"plain"};
    config.log = {"letter.first"};
    return Plan(config);
}

TEST(Plan, ReadsNoLayoutThatTheListenerDoesNotAsk) {
    const Plan plan = plan_with_listener();
    const Bytes seen = as_bytes("ab");
    Plan::Reading main(plan);
    EXPECT_EQ(plan.ask(seen, main).service, 0U);
    EXPECT_EQ(plan.values_of("letter", "first", seen, main).size(), 1U);
    Plan::Reading other(plan, {1});
    EXPECT_EQ(plan.ask(seen, other).service, 1U);
    EXPECT_EQ(plan.values_of("letter", "first", seen, other).size(), 0U);
    EXPECT_TRUE(plan.asks({0}, 0));
    EXPECT_FALSE(plan.asks({1}, 0));
}

Prefix prefix(std::string_view address, std::uint8_t length) {
    return {Prefix::Kind::Internet, length, *IpAddress::parse(address), Zone()};
}

Entrance from(std::string_view address) { return {0, {*IpAddress::parse(address), Zone(), false}}; }

TEST(Plan, AsksAServiceForTheSourcesThatItIsForOnly) {
    Config config;
    config.services.resize(4);
    config.services[0].name = "inside";
    config.services[0].patterns = {{PatternKind::String, "a"}};
    config.services[0].from = {prefix("192.0.2.0", 24)};
    config.services[1].name = "all";
    config.services[1].patterns = {{PatternKind::String, "ab"}};
    config.services[2].name = kFallback;
    config.services[2].not_from = {prefix("198.51.100.0", 24)};
    config.services[3].name = kTimeout;
    const Plan plan(config);
    EXPECT_FALSE(plan.needs_zone());

    Plan::Reading inside(plan, from("192.0.2.7"));
    EXPECT_EQ(plan.ask(as_bytes("ab"), inside).service, 0U);
    EXPECT_TRUE(plan.asks(from("192.0.2.7"), 0));
    EXPECT_EQ(inside.last_resorts().fallback, 2U);

    Plan::Reading outside(plan, from("198.51.100.7"));
    EXPECT_EQ(plan.ask(as_bytes("ab"), outside).service, 1U);
    EXPECT_FALSE(plan.asks(from("198.51.100.7"), 0));
    EXPECT_EQ(outside.last_resorts().fallback, std::nullopt);
    EXPECT_EQ(outside.last_resorts().timeout, 3U);

    Plan::Reading unknown(plan);
    EXPECT_EQ(plan.ask(as_bytes("ab"), unknown).service, 1U);
    EXPECT_EQ(unknown.last_resorts().fallback, 2U);
}

TEST(Plan, AdmitsWhomTheListenerAllows) {
    Config config;
    config.services.resize(1);
    config.services[0].name = "all";
    config.services[0].patterns = {{PatternKind::String, ""}};
    config.top.deny = {prefix("192.0.2.0", 24)};
    Listener& other = config.listeners.emplace_back();
    other.name = "other";
    other.allow = {prefix("192.0.2.0", 24)};
    const Plan plan(config);
    const Source source = from("192.0.2.7").source;
    EXPECT_FALSE(plan.admits({0, source}));
    EXPECT_TRUE(plan.admits({1, source}));
    EXPECT_TRUE(plan.admits({0, {}}));
    EXPECT_FALSE(plan.admits({1, {}}));
    EXPECT_FALSE(plan.asks({0, source}, 0));
    Plan::Reading denied(plan, {0, source});
    EXPECT_EQ(decide(plan, {}, Ending::Open, denied), (Verdict{std::nullopt, Reason::Denied}));
    Plan::Reading admitted(plan, {1, source});
    EXPECT_EQ(decide(plan, {}, Ending::Open, admitted), (Verdict{0, Reason::Match}));
}

TEST(Plan, ExpectsAHeaderFromBalancersOnly) {
    Config config;
    config.services.resize(1);
    config.services[0].name = "near";
    config.services[0].patterns = {{PatternKind::String, ""}};
    config.services[0].from = {prefix("198.51.100.0", 24)};
    config.top.proxy_from = {prefix("192.0.2.0", 24)};
    config.top.deny = {prefix("198.51.100.7", 32)};
    config.listeners.emplace_back().name = "other";
    const Plan plan(config);
    const Source balancer = from("192.0.2.7").source;
    EXPECT_TRUE(plan.expects_header({0, balancer}));
    EXPECT_FALSE(plan.expects_header({1, balancer})) << "another listener";
    EXPECT_FALSE(plan.expects_header(from("198.51.100.7")));
    EXPECT_FALSE(plan.expects_header({}));
    // Behind the header, the client counts for services and the balancer for the listener.
    const Entrance behind{0, from("198.51.100.7").source, balancer};
    EXPECT_FALSE(plan.expects_header(behind)) << "there is one header";
    EXPECT_TRUE(plan.admits(behind));
    EXPECT_TRUE(plan.asks(behind, 0));
    EXPECT_FALSE(plan.asks({0, balancer, balancer}, 0));
    Plan::Reading reading(plan, behind);
    EXPECT_EQ(decide(plan, {}, Ending::Open, reading), (Verdict{0, Reason::Match}));
    config.top.proxy_from = {Prefix{}};
    EXPECT_FALSE(Plan(config).expects_header({0, balancer})) << "none is nobody";
}

}  // namespace
}  // namespace portsplit::core
