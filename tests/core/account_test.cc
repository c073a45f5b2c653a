#include "core/account.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "services.h"

namespace portsplit::core {
namespace {

Config mixed() {
    Config config = config_of({{"web", {"GET ", "POST "}}, {kFallback, {}}, {"ssh", {"SSH-"}}});
    config.services[0].patterns.push_back({PatternKind::Hex, "50 ?? 58"});
    config.services[0].patterns.push_back({PatternKind::Regex, "P[A-Z]+ /"});
    return config;
}

TEST(Account, TellsTheByteThatMadeEachAnswerCertain) {
    const auto accounts = account(Plan(mixed()), as_bytes("PUT /x"));
    ASSERT_EQ(accounts.size(), 3U);
    const std::vector<Certainty> expected = {
        {Answer::No, 1}, {Answer::No, 2}, {Answer::No, 3}, {Answer::Match, 5}};
    EXPECT_EQ(accounts[0].patterns, expected);
    EXPECT_EQ(accounts[0].service, (Certainty{Answer::Match, 5}));
    EXPECT_EQ(accounts[2].service, (Certainty{Answer::No, 1}));
}

TEST(Account, OfAServiceThatSaysNoIsCertainWithItsLastPattern) {
    const auto accounts = account(Plan(mixed()), as_bytes("PO1"));
    EXPECT_EQ(accounts[0].service, (Certainty{Answer::No, 3}));
}

TEST(Account, OfAServiceThatMatchesIsCertainWithItsFirstPatternToMatch) {
    const Plan plan(config_of({{"web", {"GET /index", "GET "}}}));
    EXPECT_EQ(account(plan, as_bytes("GET /index"))[0].service, (Certainty{Answer::Match, 4}));
}

TEST(Account, OfAServiceThatGivesUpIsCertainWithItsLastPatternToo) {
    Config config = config_of({{"web", {"GET "}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?R)?a|b"});
    const Plan plan(config);
    const auto accounts = account(plan, as_bytes("GEX"));
    EXPECT_EQ(accounts[0].patterns[1], (Certainty{Answer::GaveUp, 0}));
    EXPECT_EQ(accounts[0].service, (Certainty{Answer::GaveUp, 3}));
    EXPECT_EQ(account(plan, as_bytes("GE"))[0].service, (Certainty{Answer::More, 2}));
    EXPECT_EQ(account(plan, as_bytes("GET /"))[0].service, (Certainty{Answer::Match, 4}));
}

TEST(Account, OfAnOpenAnswerCountsAllThatWasSeen) {
    const auto accounts = account(Plan(mixed()), as_bytes("PO"));
    EXPECT_EQ(accounts[0].service, (Certainty{Answer::More, 2}));
}

TEST(Account, OfALastResortIsNoFromTheBeginning) {
    EXPECT_EQ(account(Plan(mixed()), {})[1].service, (Certainty{Answer::No, 0}));
}

TEST(Account, IgnoresWhatIsBeyondTheWindow) {
    Config config = config_of({{"a", {"ab"}}});
    config.services[0].patterns.push_back({PatternKind::Regex, "(?s).*?x"});
    config.window = 4;
    const auto accounts = account(Plan(config), as_bytes("....x"));
    EXPECT_EQ(accounts[0].patterns[1], (Certainty{Answer::More, 4}));
}

TEST(BytesNeeded, IsTheFirstNumberOfBytesAtWhichTheVerdictStands) {
    const Plan plan(mixed());
    for (const std::string stream : {"GET /", "SSH-2.0", "PUT /x", "x", "PO1", ""}) {
        std::size_t smallest = 0;
        while (
            smallest < stream.size() &&
            !decide(plan, as_bytes(std::string_view(stream).substr(0, smallest)), Ending::Open)) {
            ++smallest;
        }
        EXPECT_EQ(bytes_needed(plan, as_bytes(stream)), smallest) << stream;
    }
}

TEST(BytesNeeded, IsAllThatWasSeenWhileNothingIsDecided) {
    EXPECT_EQ(bytes_needed(Plan(mixed()), as_bytes("PO")), 2U);
}

}  // namespace
}  // namespace portsplit::core
