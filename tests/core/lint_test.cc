#include "core/lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "support/layouts.h"
#include "support/services.h"

namespace portsplit::core {

void PrintTo(const Finding& it, std::ostream* out) {
    *out << to_string(it.kind) << " service " << it.service << " pattern " << it.pattern << " by "
         << it.by_service << " example '" << it.example << "'";
    if (it.repeated) *out << " and " << *it.repeated;
}

namespace {

using Kind = Finding::Kind;

std::vector<Finding> findings_of(const std::vector<std::vector<PatternSource>>& patterns) {
    return lint(Plan(services_of(patterns)));
}

TEST(Lint, FindsNothingForServicesWithoutCommonStreams) {
    EXPECT_EQ(findings_of({{string("SSH-")},
                           {hex("16 03 ?? ?? ?? 01")},
                           {regex("(GET|POST) /"), string("PUT ")}}),
              std::vector<Finding>{});
}

TEST(Lint, FindsAServiceThatWaitsForAnEarlierOne) {
    EXPECT_EQ(findings_of({{string("GET /admin")}, {string("GET ")}}),
              (std::vector<Finding>{{Kind::Waits, 1, 0, 0, "GET "}}));
    EXPECT_EQ(findings_of({{regex("[A-Z]+ /admin")}, {hex("47 45 54")}}),
              (std::vector<Finding>{{Kind::Waits, 1, 0, 0, "GET"}}));
}

TEST(Lint, FindsAServiceThatWaitsThoughItsOtherStreamsAreLost) {
    EXPECT_EQ(
        findings_of({{string("GET /admin"), string("PUT")}, {string("GET "), string("PUT x")}}),
        (std::vector<Finding>{{Kind::Waits, 1, 0, 0, "GET "}}));
}

TEST(Lint, FindsAServiceThatNeverWins) {
    EXPECT_EQ(findings_of({{regex("[A-Z]+ ")}, {regex("(GET|POST) /")}}),
              (std::vector<Finding>{{Kind::NeverWins, 1, 0, 0, "GET /"}}));
}

TEST(Lint, FindsNothingForAServiceThatWinsSomeOfItsStreams) {
    EXPECT_EQ(findings_of({{string("GET ")}, {regex("(GET|POST) /")}}), std::vector<Finding>{});
}

/// Returns a service that asks the layout of `with_layout`.
Service asking(const std::vector<FieldCondition>& conditions, bool whole = false) {
    Service service;
    service.layouts.push_back({"test", whole, {conditions.begin(), conditions.end()}});
    return service;
}

/// Returns `SERVICE by SERVICE` of each finding about services that ask a layout.
std::string layout_findings_of(const std::vector<Service>& services) {
    Config config;
    config.layouts.push_back(
        layout_of({"start = 'R' part* 'E'",
                   "part = 'h' {u8 <host name>} | 'p' <port u8> | 'l' {u8 {u8 <can*>}*}"}));
    config.services.assign(services.begin(), services.end());
    std::string text;
    for (std::size_t i = 0; i < services.size(); ++i) config.services[i].name = std::to_string(i);
    for (const Finding& it : lint(Plan(config))) {
        EXPECT_EQ(it.kind, Kind::NeverWins);
        EXPECT_EQ(Plan(config).ask(as_bytes(it.example)).service, it.by_service);
        text += std::to_string(it.service) + " by " + std::to_string(it.by_service) + "; ";
    }
    return text;
}

TEST(Lint, FindsAServiceThatAsksALayoutAndNeverWins) {
    Service pattern;
    pattern.patterns.push_back(regex("R[hpl]"));
    const Service host = asking({{"host", {"a.test"}}});
    EXPECT_EQ(layout_findings_of({pattern, host}), "1 by 0; ");
    EXPECT_EQ(layout_findings_of({asking({}, true), host}), "1 by 0; ");
    EXPECT_EQ(layout_findings_of({asking({}, true), asking({}, true)}), "1 by 0; ");
    const Service two = asking({{"can", {"h2"}}, {"host", {"*.test"}}});
    EXPECT_EQ(layout_findings_of({two, two}), "1 by 0; ");
    EXPECT_EQ(layout_findings_of({asking({{"host", {"~[a-z.]+"}}, {"port", {"1-9"}}}),
                                  asking({{"host", {"a.test", "b.test"}}, {"port", {"5"}}})}),
              "1 by 0; ");
}

TEST(Lint, FindsNothingForAServiceThatWinsSomeStreamsOfItsLayout) {
    Service pattern;
    pattern.patterns.push_back(string("Rh"));
    const Service host = asking({{"host", {"a.test"}}});
    EXPECT_EQ(layout_findings_of({pattern, host}), "") << "what comes before the name differs";
    EXPECT_EQ(layout_findings_of({host, asking({}, true)}), "");
    EXPECT_EQ(layout_findings_of({host, asking({{"port", {"1"}}})}), "");
    EXPECT_EQ(layout_findings_of({host, asking({{"host", {"a.test", "b.test"}}})}), "");
    EXPECT_EQ(layout_findings_of({asking({{"can", {"h2"}}}), host}), "") << "no list has to come";
    const auto hosts = [](const char* above, const char* below) {
        return layout_findings_of({asking({{"host", {above}}}), asking({{"host", {below}}})});
    };
    EXPECT_EQ(hosts("a.test", "*.test"), "");
    EXPECT_EQ(hosts("a.test", ".a.test"), "");
    EXPECT_EQ(hosts("a*", "*.test"), "");
    EXPECT_EQ(hosts("a*", "*t"), "");
    EXPECT_EQ(hosts("~[a-m].*", "*.test"), "");
    EXPECT_EQ(hosts("a", "a*"), "");
    EXPECT_EQ(layout_findings_of({asking({{"port", {"1"}}}), asking({{"port", {"1-9"}}})}), "");
    EXPECT_EQ(layout_findings_of({asking({{"port", {"0"}}}), asking({{"host", {"x"}}})}), "");
}

TEST(Lint, FindsAnExpressionThatNeverMatches) {
    EXPECT_EQ(findings_of({{regex("x(?=y)z")}}),
              (std::vector<Finding>{{Kind::NeverMatches, 0, 0, 0, ""}}));
}

TEST(Lint, FindsAnExpressionThatIsNeverCertain) {
    const auto found = findings_of({{regex("SSH-[a-z]*$")}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, Kind::NeverCertain);
    EXPECT_TRUE(found[0].repeated);
}

TEST(Lint, FindsAnExpressionThatHoldsAllStreams) {
    const auto found = findings_of({{regex("(?s).*?jabber")}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, Kind::HoldsAll);
}

TEST(Lint, FindsNothingForAnOpenRepeatThatRulesOutSomeFirstByte) {
    EXPECT_EQ(findings_of({{regex("[A-Z]+ ")}}), std::vector<Finding>{});
}

TEST(Lint, FindsNothingWhenTheSearchForAMatchIsNotComplete) {
    EXPECT_EQ(findings_of({{regex("(?:ab){10}c")}}), std::vector<Finding>{});
}

TEST(Lint, SearchesTheFirstExpressionsOnlyButChecksAllFixedPatterns) {
    std::vector<std::vector<PatternSource>> patterns(kMostSearched, {regex("x")});
    patterns[0] = {regex("[A-Z]+ ")};
    patterns.push_back({regex("no(?=w)t")});
    patterns.push_back({string("GET ")});
    const std::vector<Finding> found = findings_of(patterns);
    const auto of_service = [&](std::size_t service) {
        return std::count_if(found.begin(), found.end(),
                             [&](const Finding& it) { return it.service == service; });
    };
    EXPECT_EQ(of_service(kMostSearched), 0) << "the expression beyond the limit was searched";
    EXPECT_EQ(of_service(kMostSearched + 1), 1) << "the string was not checked";
    EXPECT_EQ(findings_of({{regex("no(?=w)t")}}).size(), 1U);
}

TEST(FindingKind, HasTheNameThatUsersWrite) {
    EXPECT_EQ(to_string(Kind::NeverWins), "never-wins");
    EXPECT_EQ(to_string(Kind::Waits), "waits");
    EXPECT_EQ(to_string(Kind::NeverMatches), "never-matches");
    EXPECT_EQ(to_string(Kind::NeverCertain), "never-certain");
    EXPECT_EQ(to_string(Kind::HoldsAll), "holds-all");
}

}  // namespace
}  // namespace portsplit::core
