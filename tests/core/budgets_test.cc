#include "core/budgets.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>

namespace portsplit::core {
namespace {

using Cause = Penalty::Cause;

TEST(Budgets, AreAPartOfMaxconnWithoutALimitInTheFile) {
    Config config;
    Budget budget = budget_of(config, config.top);
    EXPECT_EQ(budget.source, 100U);
    EXPECT_EQ(budget.source_local, 0U);
    EXPECT_EQ(budget.undecided, 500U);
    EXPECT_TRUE(budget.shares_undecided);
    EXPECT_EQ(budget.rate, Rate{});
    EXPECT_EQ(budget.crash_penalty, 60U);
    EXPECT_EQ(budget.crash_penalty_local, 0U);
    EXPECT_EQ(budget.undecided_penalty, 0U);
    EXPECT_EQ(budget.rate_penalty, 0U);
    config.maxconn = 9;
    budget = budget_of(config, config.top);
    EXPECT_EQ(budget.source, 8U) << "the fewest";
    EXPECT_EQ(budget.undecided, 8U);
    config.maxconn = 0;
    budget = budget_of(config, config.top);
    EXPECT_EQ(budget.source, 0U) << "no limit";
    EXPECT_EQ(budget.undecided, 0U);
}

TEST(Budgets, AreWhatTheFileSays) {
    Config config;
    config.top.maxconn_source = 3;
    config.top.maxundecided = 0;
    config.top.rate_source = {20, 10};
    config.top.penalty = {{Cause::Crash, 0, 5}, {Cause::Undecided, 0, 2}, {Cause::Rate, 0, 7}};
    const Budget budget = budget_of(config, config.top);
    EXPECT_EQ(budget.source, 3U);
    EXPECT_EQ(budget.source_local, 3U);
    EXPECT_EQ(budget.undecided, 0U);
    EXPECT_FALSE(budget.shares_undecided);
    EXPECT_EQ(budget.rate, (Rate{20, 10}));
    EXPECT_EQ(budget.crash_penalty, 5U);
    EXPECT_EQ(budget.crash_penalty_local, 5U);
    EXPECT_EQ(budget.undecided_penalty, 2U);
    EXPECT_EQ(budget.rate_penalty, 7U);
}

Config four_services() {
    Config config;
    for (const char* name : {"none", "all", "source", "last"}) {
        config.services.emplace_back().name = name;
    }
    config.services[1].maxconn = 3;
    config.services[2].maxconn_source = 2;
    return config;
}

TEST(ServiceBudgets, AreThoseOfTheServicesWithLimits) {
    const Config config = four_services();
    const auto budgets = service_budgets(config);
    ASSERT_EQ(budgets.size(), 2U);
    EXPECT_EQ(budgets[0].name, "all");
    EXPECT_EQ(budgets[0].all, 3U);
    EXPECT_EQ(budgets[0].source, 0U);
    EXPECT_EQ(budgets[1].name, "source");
    EXPECT_EQ(budgets[1].source, 2U);
    const auto limited = limited_services(config);
    EXPECT_EQ(budget_index(limited, 1), 0U);
    EXPECT_EQ(budget_index(limited, 2), 1U);
    EXPECT_EQ(budget_index(limited, 0), 2U) << "no limits";
    EXPECT_EQ(budget_index(limited, 3), 2U);
    EXPECT_EQ(budget_index({}, 0), 0U);
}

TEST(AsksDaemon, OnlyWhereAServiceHasLimitsOrAHeaderNamesTheClient) {
    EXPECT_TRUE(asks_daemon(four_services()));
    Config config;
    config.services.emplace_back().name = "none";
    EXPECT_FALSE(asks_daemon(config));
    config.listeners.emplace_back().proxy_from.emplace_back();
    EXPECT_TRUE(asks_daemon(config));
}

TEST(PenaltyIn, IsThatOfTheCauseAndTheCode) {
    const List<Penalty> list{{Cause::Exit, 5, 50}, {Cause::Exit, 3, 30}, {Cause::Signal, 0, 10}};
    EXPECT_EQ(penalty_in(list, Cause::Exit, 3), 30U);
    EXPECT_EQ(penalty_in(list, Cause::Exit, 5), 50U);
    EXPECT_EQ(penalty_in(list, Cause::Exit, 0), std::nullopt);
    EXPECT_EQ(penalty_in(list, Cause::Signal), 10U);
    EXPECT_EQ(penalty_in(list, Cause::Crash), std::nullopt);
}

TEST(KeyOf, IsTheKeyThatAnAdministratorChanges) {
    const char* const keys[kRefusals] = {"-",       "maxconn-source", "rate-source", "penalty",
                                         "maxconn", "maxconn-source", "maxundecided"};
    for (std::size_t i = 0; i < kRefusals; ++i) {
        EXPECT_STREQ(key_of(static_cast<Refusal>(i)), keys[i]);
    }
}

}  // namespace
}  // namespace portsplit::core
