#include "core/verdict.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "support/services.h"

namespace portsplit::core {
namespace {

using namespace std::string_literals;

/// Returns "SERVICE REASON", with `close` if there is no service, or "undecided".
std::string outcome(const Config& config, std::string_view seen, Ending ending = Ending::Open) {
    const Plan plan(config);
    const std::optional<Verdict> verdict = decide(plan, as_bytes(seen), ending);
    if (!verdict) return "undecided";
    const Text name = verdict->service ? plan.service(*verdict->service).name : "close";
    return std::string(name) + " " + std::string(to_string(verdict->reason));
}

/// `long` is declared first and needs more bytes than `short`, which begins like it.
Config overlapping() {
    return config_of({{"long", {"ab"}}, {"short", {"a"}}, {kFallback, {}}, {kTimeout, {}}});
}

Config ssh_or_web() {
    return config_of(
        {{"ssh", {"SSH-"}}, {"web", {"GET ", "POST "}}, {kFallback, {}}, {kTimeout, {}}});
}

Config without_last_resorts() { return config_of({{"ssh", {"SSH-"}}, {"web", {"GET "}}}); }

TEST(ReasonToString, ReturnsTheWordOfTheLog) {
    EXPECT_EQ(to_string(Reason::Match), "match");
    EXPECT_EQ(to_string(Reason::Fallback), "fallback");
    EXPECT_EQ(to_string(Reason::Timeout), "timeout");
    EXPECT_EQ(to_string(Reason::Eof), "eof");
}

// Rules 1 and 2: which service matches, and their order.

TEST(Decide, ReturnsTheServiceAtTheLastByteOfItsPattern) {
    EXPECT_EQ(outcome(ssh_or_web(), "SSH"), "undecided");
    EXPECT_EQ(outcome(ssh_or_web(), "SSH-"), "ssh match");
    EXPECT_EQ(outcome(ssh_or_web(), "SSH-2.0-OpenSSH_9.2\r\n"), "ssh match");
}

TEST(Decide, ReturnsTheServiceWhenAnyOfItsPatternsMatches) {
    EXPECT_EQ(outcome(ssh_or_web(), "GET / HTTP/1.1"), "web match");
    EXPECT_EQ(outcome(ssh_or_web(), "POST / HTTP/1.1"), "web match");
}

TEST(Decide, WaitsWhileAnEarlierServiceCanStillWin) {
    EXPECT_EQ(outcome(overlapping(), "a"), "undecided");
    EXPECT_EQ(outcome(overlapping(), "ab"), "long match");
}

TEST(Decide, ReturnsALaterServiceOnceTheEarlierOneAnswersNo) {
    EXPECT_EQ(outcome(overlapping(), "ac"), "short match");
}

TEST(Decide, DoesNotWaitForALaterService) {
    const Config config = config_of({{"short", {"a"}}, {"long", {"ab"}}});
    EXPECT_EQ(outcome(config, "a"), "short match");
    EXPECT_EQ(outcome(config, "ab"), "short match");
}

TEST(Decide, PrefersTheEarlierOfTwoServicesWithOnePattern) {
    EXPECT_EQ(outcome(config_of({{"first", {"a"}}, {"second", {"a"}}}), "a"), "first match");
}

TEST(Decide, ComparesBytesOfAnyValue) {
    const Config config = config_of({{"vpn", {"\0\x0e\x38"s}}, {"tls", {"\x16\x03"}}});
    EXPECT_EQ(outcome(config, "\0\x0e"s), "undecided");
    EXPECT_EQ(outcome(config, "\0\x0e\x38\xff"s), "vpn match");
    EXPECT_EQ(outcome(config, "\x16\x03\x01"), "tls match");
}

// Rule 3: fallback.

TEST(Decide, FallsBackAtTheFirstByteThatFitsNoService) {
    EXPECT_EQ(outcome(ssh_or_web(), "P"), "undecided");
    EXPECT_EQ(outcome(ssh_or_web(), "PO"), "undecided");
    EXPECT_EQ(outcome(ssh_or_web(), "PU"), "fallback fallback");
    EXPECT_EQ(outcome(ssh_or_web(), "\x16"), "fallback fallback");
}

TEST(Decide, TreatsFallbackAsALastResortAtAnyPlace) {
    const Config config = config_of({{kTimeout, {}}, {kFallback, {}}, {"ssh", {"SSH-"}}});
    EXPECT_EQ(outcome(config, ""), "undecided");
    EXPECT_EQ(outcome(config, "SSH-"), "ssh match");
    EXPECT_EQ(outcome(config, "G"), "fallback fallback");
    EXPECT_EQ(outcome(config, "S", Ending::Deadline), "timeout timeout");
}

TEST(Decide, FallsBackBeforeTheFirstByteWithFallbackAlone) {
    const Config config = config_of({{kFallback, {}}});
    EXPECT_EQ(outcome(config, ""), "fallback fallback");
    EXPECT_EQ(outcome(config, "", Ending::Deadline), "fallback fallback");
    EXPECT_EQ(outcome(config, "", Ending::Eof), "fallback fallback");
}

TEST(Decide, WaitsForTheFirstByteWithBothLastResortsAlone) {
    const Config config = config_of({{kFallback, {}}, {kTimeout, {}}});
    EXPECT_EQ(outcome(config, ""), "undecided");
    EXPECT_EQ(outcome(config, "x"), "fallback fallback");
    EXPECT_EQ(outcome(config, "", Ending::Deadline), "timeout timeout");
    EXPECT_EQ(outcome(config, "", Ending::Eof), "close eof");
}

TEST(Decide, WaitsForTheFirstByteWithTimeoutAlone) {
    const Config config = config_of({{kTimeout, {}}});
    EXPECT_EQ(outcome(config, ""), "undecided");
    EXPECT_EQ(outcome(config, "x"), "close fallback");
    EXPECT_EQ(outcome(config, "", Ending::Deadline), "timeout timeout");
    EXPECT_EQ(outcome(config, "", Ending::Eof), "close eof");
}

TEST(Decide, ReturnsAServiceWithAnEmptyStringBeforeTheFirstByte) {
    const Config config = config_of({{"smtp", {""}}, {kFallback, {}}, {kTimeout, {}}});
    for (const Ending ending : {Ending::Open, Ending::Eof, Ending::Deadline}) {
        EXPECT_EQ(outcome(config, "", ending), "smtp match");
    }
    EXPECT_EQ(outcome(config, "x"), "smtp match");
}

// Rule 4: the deadline and EOF.

TEST(Decide, ReturnsTheMatchingServiceAtTheDeadlineAsAMatch) {
    EXPECT_EQ(outcome(overlapping(), "a", Ending::Deadline), "short match");
}

TEST(Decide, ReturnsTheMatchingServiceAtEofAsAMatch) {
    EXPECT_EQ(outcome(overlapping(), "a", Ending::Eof), "short match");
}

TEST(Decide, ReturnsTheFirstOfSeveralMatchingServicesAtTheDeadline) {
    const Config config = config_of({{"abc", {"abc"}}, {"ab", {"ab"}}, {"a", {"a"}}});
    EXPECT_EQ(outcome(config, "ab", Ending::Deadline), "ab match");
    EXPECT_EQ(outcome(config, "a", Ending::Deadline), "a match");
}

TEST(Decide, TimesOutWhenTheClientSentNothing) {
    EXPECT_EQ(outcome(ssh_or_web(), "", Ending::Deadline), "timeout timeout");
}

TEST(Decide, TimesOutWhenTheClientSentTooLittle) {
    EXPECT_EQ(outcome(ssh_or_web(), "SSH", Ending::Deadline), "timeout timeout");
}

TEST(Decide, FallsBackAtEofAfterTooFewBytes) {
    EXPECT_EQ(outcome(ssh_or_web(), "SSH", Ending::Eof), "fallback fallback");
}

TEST(Decide, ClosesAtEofWithoutAByte) {
    EXPECT_EQ(outcome(ssh_or_web(), "", Ending::Eof), "close eof");
}

TEST(Decide, ReturnsACertainVerdictForEveryEnding) {
    for (const Ending ending : {Ending::Open, Ending::Eof, Ending::Deadline}) {
        EXPECT_EQ(outcome(ssh_or_web(), "SSH-", ending), "ssh match");
        EXPECT_EQ(outcome(ssh_or_web(), "x", ending), "fallback fallback");
    }
}

// Rule 5: the window.

TEST(Decide, ReturnsAVerdictWhenTheWindowIsFull) {
    Config config = overlapping();
    config.window = 2;
    EXPECT_EQ(outcome(config, "a"), "undecided");
    EXPECT_EQ(outcome(config, "ab"), "long match");
    EXPECT_EQ(outcome(config, "aa"), "short match");
    EXPECT_EQ(outcome(config, "ba"), "fallback fallback");
}

TEST(Decide, IgnoresBytesBeyondTheWindow) {
    Config config = ssh_or_web();
    config.window = 5;
    EXPECT_EQ(outcome(config, "POST " + std::string(100000, 'x')), "web match");
    EXPECT_EQ(outcome(config, "POSTS" + std::string(100000, 'x')), "fallback fallback");
}

TEST(Decide, LooksAtTheLongestPrefixWhenTheWindowIsSmaller) {
    Config config = ssh_or_web();
    for (const std::size_t window : {std::size_t{0}, std::size_t{1}, std::size_t{4}}) {
        config.window = window;
        EXPECT_EQ(outcome(config, "POST"), "undecided") << window;
        EXPECT_EQ(outcome(config, "POST "), "web match") << window;
    }
}

// Rule 6: missing last resorts.

TEST(Decide, ClosesWhenFallbackIsMissing) {
    EXPECT_EQ(outcome(without_last_resorts(), "x"), "close fallback");
    EXPECT_EQ(outcome(without_last_resorts(), "S", Ending::Eof), "close fallback");
}

TEST(Decide, ClosesWhenTimeoutIsMissing) {
    EXPECT_EQ(outcome(without_last_resorts(), "", Ending::Deadline), "close timeout");
    EXPECT_EQ(outcome(without_last_resorts(), "S", Ending::Deadline), "close timeout");
}

TEST(Decide, ClosesAtOnceWithoutServices) { EXPECT_EQ(outcome(Config{}, ""), "close fallback"); }

}  // namespace
}  // namespace portsplit::core
