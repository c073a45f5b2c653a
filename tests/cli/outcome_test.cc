#include "cli/outcome.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::cli {
namespace {

/// A service ssh for streams that begin with SSH-, and the last resorts.
core::Config config() {
    core::Config config;
    config.services.push_back({"ssh", {{core::PatternKind::String, "SSH-"}}, core::Exec{}});
    config.services.push_back({core::kFallback, {}, core::Exec{}});
    config.services.push_back({core::kTimeout, {}, core::Exec{}});
    return config;
}

Case client(const std::string& bytes, core::Ending ending = core::Ending::Deadline) {
    return {.name = "a", .line = 7, .bytes = bytes, .ending = ending, .service = "ssh"};
}

Outcome outcome(const Case& it, const core::Config& config = cli::config()) {
    return outcome_of(core::Plan(config), it);
}

TEST(OutcomeOf, HasTheWordsOfTheLogAndTheByteThatExplainPrints) {
    EXPECT_EQ(outcome(client("SSH-2.0")), (Outcome{"ssh", core::Reason::Match, 4}));
    EXPECT_EQ(outcome(client("SX")), (Outcome{"fallback", core::Reason::Fallback, 2}));
}

TEST(OutcomeOf, DecidesAtTheDeadlineOrAtTheEnd) {
    EXPECT_EQ(outcome(client("SS")), (Outcome{"timeout", core::Reason::Timeout, 2}));
    EXPECT_EQ(outcome(client("SS", core::Ending::Eof)),
              (Outcome{"fallback", core::Reason::Fallback, 2}));
    EXPECT_EQ(outcome(client("")), (Outcome{"timeout", core::Reason::Timeout, 0}));
    EXPECT_EQ(outcome(client("", core::Ending::Eof)), (Outcome{"-", core::Reason::Eof, 0}));
}

TEST(OutcomeOf, KeepsADecisionThatFellBeforeTheEnd) {
    EXPECT_EQ(outcome(client("SSH-", core::Ending::Eof)), (Outcome{"ssh", core::Reason::Match, 4}));
}

TEST(OutcomeOf, HasNoServiceWhenTheConnectionIsClosed) {
    core::Config one = config();
    one.services.resize(1);
    EXPECT_EQ(outcome(client("x"), one), (Outcome{"-", core::Reason::Fallback, 1}));
}

TEST(IsExpected, ComparesWhatTheCaseNames) {
    const Outcome outcome{"ssh", core::Reason::Match, 4};
    Case it = client("");
    EXPECT_TRUE(is_expected(it, outcome));
    it.reason = core::Reason::Match;
    it.certain = 4;
    EXPECT_TRUE(is_expected(it, outcome));
    it.certain = 5;
    EXPECT_FALSE(is_expected(it, outcome));
    it.certain = 4;
    it.reason = core::Reason::Timeout;
    EXPECT_FALSE(is_expected(it, outcome));
    it.reason = core::Reason::Match;
    it.service = "web";
    EXPECT_FALSE(is_expected(it, outcome));
}

TEST(FailureText, NamesTheCaseItsLineAndBothDecisions) {
    Case it = client("");
    const Outcome outcome{"-", core::Reason::Eof, 0};
    EXPECT_EQ(failure_text("f.cases", it, outcome, Colour::Plain),
              "f.cases:7: a: expected service=ssh, got service=- reason=eof certain=0\n");
    it.reason = core::Reason::Match;
    it.certain = 4;
    EXPECT_EQ(failure_text("f.cases", it, outcome, Colour::Terminal),
              "\x1b[1;31mf.cases:7:\x1b[0m a: expected service=ssh reason=match certain=4, got "
              "service=- reason=eof certain=0\n");
}

TEST(SummaryText, CountsTheCases) {
    EXPECT_EQ(summary_text(12, 1, Colour::Plain), "12 cases: 11 as expected, 1 not\n");
    EXPECT_EQ(summary_text(1, 0, Colour::Plain), "1 case: 1 as expected, 0 not\n");
    EXPECT_EQ(summary_text(2, 0, Colour::Terminal),
              "2 cases: \x1b[1;32m2 as expected, 0 not\x1b[0m\n");
}

TEST(TapText, HasTheDifferenceInABlockBelowACaseThatFailed) {
    EXPECT_EQ(tap_head(3), "TAP version 13\n1..3\n");
    const Case it = client("");
    EXPECT_EQ(tap_text("f.cases", 1, it, {"ssh", core::Reason::Match, 4}), "ok 1 - a\n");
    EXPECT_EQ(tap_text("f \"x\"\xff.cases", 2, it, {"-", core::Reason::Eof, 0}),
              "not ok 2 - a\n"
              "  ---\n"
              "  message: not the expected decision\n"
              "  severity: fail\n"
              "  found: \"service=- reason=eof certain=0\"\n"
              "  wanted: \"service=ssh\"\n"
              "  at:\n"
              "    file: \"f \\\"x\\\"\xef\xbf\xbd.cases\"\n"
              "    line: 7\n"
              "  ...\n");
}

TEST(TapText, HasNoDirectiveFromTheNameOfACase) {
    Case it = client("");
    it.name = "a \\ # TODO";
    EXPECT_EQ(tap_text("f", 1, it, {"ssh", core::Reason::Match, 4}), "ok 1 - a \\\\ \\# TODO\n");
}

}  // namespace
}  // namespace portsplit::cli
