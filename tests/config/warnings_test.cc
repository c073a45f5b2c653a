#include "config/warnings.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "core/lint.h"
#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

/// Each advice as its name and its whole text, but for those of the last resorts.
std::vector<std::string> advice_for(const std::string& services) {
    const Loaded loaded =
        read(services + "[fallback]\nexec = a\n[timeout]\nexec = a\n", "f", Need::Services);
    std::vector<std::string> texts;
    for (const Issue& issue : advise(loaded)) {
        texts.push_back(std::string(issue.name) + " " + to_string(issue));
    }
    return texts;
}

std::string service(const std::string& name, const std::string& pattern) {
    return "[" + name + "]\n" + pattern + "\nexec = a\n";
}

TEST(Advise, ReturnsNothingForServicesThatDiffer) {
    EXPECT_THAT(advice_for(service("ssh", "string = SSH-") + service("web", "regex = [A-Z]+ /")),
                ElementsAre());
}

TEST(Advise, WarnsOfAServiceThatWaitsForAnEarlierOne) {
    EXPECT_THAT(
        advice_for(service("admin", "string = GET /admin") + service("web", "regex = GET\\x20/?")),
        ElementsAre("waits f:5: warning: service web: \"GET \" matches it, but service admin on "
                    "line 1 still answers more; a client that sends only this is served at the "
                    "deadline; move it up, or match more bytes"));
}

TEST(Advise, WarnsOfAServiceWhoseStreamsGoToAnEarlierOne) {
    EXPECT_THAT(advice_for(service("any", "regex = [A-Z]+\\x20") +
                           service("web", "regex = (GET|POST)\\x20/")),
                ElementsAre("never-wins f:4: warning: service web: all streams found for it go to "
                            "service any on line 1, such as \"GET /\"; move it up, or make the two "
                            "differ"));
}

TEST(Advise, WarnsOnceOfAServiceThatCanNeverWin) {
    const Loaded loaded = read(service("a", "string = G") + service("b", "string = GET") +
                                   "[fallback]\nexec = a\n[timeout]\nexec = a\n",
                               "f", Need::Services);
    EXPECT_THAT(texts_of(advise(loaded)),
                ElementsAre("f:4: warning: service b: it can never win: streams that fit it, such "
                            "as \"GET\", go to a on line 2; move it up or delete it"));
}

TEST(Advise, WarnsOfExpressionsThatNeverDecide) {
    EXPECT_THAT(advice_for(service("a", "regex = x(?=y)z")),
                ElementsAre("never-matches f:2: warning: service a: no stream was found that regex "
                            "\"x(?=y)z\" matches; try it with portsplit explain"));
    EXPECT_THAT(advice_for(service("a", "regex = a$")),
                ElementsAre("never-matches f:2: warning: service a: no stream was found that regex "
                            "\"a$\" matches; remove the $: it never matches here"));
    EXPECT_THAT(
        advice_for(service("a", "regex = (a+)+$")),
        ElementsAre(
            "never-certain f:2: warning: service a: no stream was found that regex \"(a+)+$\" "
            "matches for certain; with \"aaa\" and then \"a\" again and again it stays undecided "
            "until the deadline or a full window; remove the $: it never matches here"));
    EXPECT_THAT(advice_for(service("a", "regex = (?s).*?jabber")),
                ElementsAre("holds-all f:2: warning: service a: regex \"(?s).*?jabber\" can match "
                            "after any first byte: \"s\" again and again stays undecided until the "
                            "deadline or a full window; limit its search, such as .{0,50}?"));
}

/// @param differ  the expressions begin with different bytes
std::vector<std::string> advice_for_expressions(int count, bool differ) {
    std::string text = "[fallback]\nexec = a\n[timeout]\nexec = a\n";
    for (int i = 0; i < count; ++i) {
        const std::string number = std::to_string(1000 + i);
        text.append("[s").append(number).append("]\nregex = ");
        text.append(differ ? number + "x*" : "x*" + number).append("\nexec = a\n");
    }
    std::vector<std::string> texts;
    for (const Issue& issue : advise(read(text, "f", Need::Services))) {
        if (issue.name == "many-expressions") texts.push_back(to_string(issue));
    }
    return texts;
}

TEST(Advise, WarnsOfManyExpressionsForOneStream) {
    EXPECT_THAT(advice_for_expressions(499, false), ElementsAre());
    EXPECT_THAT(advice_for_expressions(500, false),
                ElementsAre("f:1: warning: a stream that begins with \"1\" is compared with 500 "
                            "expressions, one after the other, about 0.2 us each; begin them with "
                            "different bytes, or write strings"));
    EXPECT_THAT(advice_for_expressions(500, true), ElementsAre());
}

TEST(Advise, WarnsOfAMissingFallbackOrTimeout) {
    const auto missed_in = [](const char* text) {
        std::vector<std::string> texts;
        for (const Issue& issue : advise(read(text, "f", Need::Services))) {
            texts.push_back(to_string(issue));
        }
        return texts;
    };
    const char* no_fallback =
        "f:1: warning: no [fallback]: clients that match nothing are reset, which an outsider can "
        "see; add [fallback] with the server that the port should look like";
    const char* no_timeout =
        "f:1: warning: no [timeout]: a client that sends too little is closed at the deadline, "
        "which an outsider can see; add [timeout] with the server that the port should look like";
    EXPECT_THAT(missed_in("[s]\nstring = a\nexec = a\n"), ElementsAre(no_fallback, no_timeout));
    EXPECT_THAT(missed_in("[fallback]\nexec = a\n"), ElementsAre(no_timeout));
    EXPECT_THAT(missed_in("[timeout]\nexec = a\n"), ElementsAre(no_fallback));
    EXPECT_THAT(missed_in("[timeout]\nexec = a\n[fallback]\nexec = a\n"), ElementsAre());
    EXPECT_THAT(missed_in("timeout = 0\n[fallback]\nexec = a\n"), ElementsAre());
    EXPECT_THAT(missed_in("nonsense"), ElementsAre());
}

TEST(Advise, WarnsOfLastResortsBesideAnEmptyString) {
    const auto advice = [](const std::string& text) {
        return texts_of(advise(read(text, "f", Need::Services)));
    };
    EXPECT_THAT(advice(service("smtp", "string =")), ElementsAre());
    EXPECT_THAT(
        advice(service("ssh", "string = SSH-") + service("smtp", "string =") +
               service("web", "string = GET") + "[fallback]\nexec = a\n[timeout]\nexec = a\n"),
        ElementsAre(
            "f:5: warning: service smtp: \"\" matches it, but service ssh on line 1 still "
            "answers more; a client that sends only this is served at the deadline; move it "
            "up, or match more bytes",
            "f:7: warning: service web: it can never win: streams that fit it, such as "
            "\"GET\", go to smtp on line 5; move it up or delete it",
            "f:10: warning: service fallback: it can never win: service smtp on line 4 has "
            "an empty string, which fits every stream; delete one of the two",
            "f:12: warning: service timeout: it can never win: service smtp on line 4 has an "
            "empty string, which fits every stream; delete one of the two"));
}

TEST(Advise, WarnsOfAFieldThatComesAfterThePatternHasDecided) {
    const auto late = [](const std::string& services) {
        const std::string layout = "[layout x]\nstart = 16 <a 1> <b 2>\n";
        std::vector<std::string> texts;
        for (const Issue& issue : advise(read(layout + services, "f", Need::Services))) {
            if (issue.name == "late") texts.push_back(to_string(issue));
        }
        return texts;
    };
    const auto text = [](int line, const std::string& value, int bytes) {
        return fmt::format(
            "f:{}: warning: service s: {}: missing unless it comes with the first "
            "bytes: a pattern of the service decides after {} bytes of a stream such "
            "as \"",
            line, value, bytes);
    };
    const std::string below = "[t]\nx.b = zz\nexec = a\n";
    EXPECT_THAT(
        late("[s]\nhex = 16 ??\nexec = a\nlog = x.a\nlog = x.b\nenv = B x.b\n" + below),
        ElementsAre(StartsWith(text(7, "log = x.b", 2)), StartsWith(text(8, "env = B x.b", 2))));
    EXPECT_THAT(late("[s]\nregex = \\x16.{3}\nexec = a\nlog = x.b\n" + below), ElementsAre());
    // The service above waits for the field.
    EXPECT_THAT(late(below + "[s]\nhex = 16\nexec = a\nlog = x.b\n"), ElementsAre());
    EXPECT_THAT(late("[s]\nlayout = x\nexec = a\nlog = x.b\n" + below), ElementsAre());
    EXPECT_THAT(late("[s]\nstring = SSH-\nexec = a\nlog = x.b\n" + below), ElementsAre());
}

TEST(WarningNames, HaveTheNameOfEveryWarning) {
    EXPECT_THAT(
        warning_names(),
        ElementsAre("shadowed", "never-wins", "waits", "never-matches", "never-certain",
                    "holds-all", "many-expressions", "not-asked", "never-chooses", "no-fallback",
                    "no-timeout", "no-deadline", "quotes", "comment", "hex-looking", "typographic",
                    "server-name", "never-fits", "host-bits", "proxy-from-all", "balancer-denied",
                    "no-effect", "one-family", "layout", "not-read", "late", "twice", "window",
                    "outer-name", "backslash", "blanks", "case", "writable", "script", "tcpd",
                    "byte-order-mark", "cr-lf"));
}

constexpr const char* kLastResorts = "[fallback]\nexec = a\n[timeout]\nexec = a\n";

std::vector<std::string> warnings_of(const std::string& services) {
    return texts_of(advise(read(services + kLastResorts, "f", Need::Services)));
}

// fault: A4
TEST(Advise, WarnsOfAPatternThatAnEarlierOneShadows) {
    EXPECT_THAT(
        warnings_of("[web]\nstring = GET\\20\nstring = GET /\nexec = a\n"
                    "[api]\nstring = GET\\20/api\nstring = PUT\nhex = 50 55 54\nexec = b\n"),
        ElementsAre(
            "f:3: warning: service web: pattern \"GET /\" never decides: a stream that fits it, "
            "such as \"GET /\", also fits \"GET \" of service web on line 2; delete it",
            "f:6: warning: service api: pattern \"GET /api\" never decides: a stream that fits it, "
            "such as \"GET /api\", also fits \"GET \" of service web on line 2; delete it",
            "f:8: warning: service api: pattern \"50 55 54\" never decides: a stream that fits it, "
            "such as \"PUT\", also fits \"PUT\" of service api on line 7; delete it"));
}

TEST(Advise, WarnsOnceOfAServiceThatSeveralShadow) {
    EXPECT_THAT(warnings_of("[a]\nstring = G\nexec = a\n[b]\nstring = P\nexec = b\n"
                            "[c]\nstring = GET\nstring = PUT\nstring = POST\nexec = c\n"),
                ElementsAre("f:7: warning: service c: it can never win: streams that fit it, such "
                            "as \"GET\", go to a on line 2, b on line 5; move it up or delete it"));
}

TEST(Advise, WarnsOfAnExpressionThatBeginsWithAnEarlierPattern) {
    EXPECT_THAT(
        warnings_of("[tls]\nhex = 16 03 01-FF\nhex = 16 03 00\nexec = a\n"
                    "[new]\nregex = (?s)\\x16\\x03...\\x01.{2}\\x13\nexec = b\n"
                    "[ssh]\nstring = SSH-\nregex = SSH-2.*x\nexec = c\n"),
        ElementsAre("f:5: warning: service new: it can never win: streams that fit it, such "
                    "as \"\\16\\03x16\\01\\01\\01\\13\", go to tls on line 2, tls on line 3; "
                    "move it up or delete it",
                    "f:10: warning: service ssh: pattern \"SSH-2.*x\" never decides: a "
                    "stream that fits it, such as \"SSH-2.x\", also fits \"SSH-\" of service "
                    "ssh on line 9; delete it"));
    EXPECT_THAT(
        warnings_of("[tls]\nhex = 16 03 01-FF\nhex = 16 03 00\n"
                    "regex = (?s)\\x16\\x03...\\x01.{2}\\x13\nexec = a\n"),
        ElementsAre("f:4: warning: service tls: pattern "
                    "\"(?s)\\x16\\x03...\\x01.{2}\\x13\" never decides: a stream that fits "
                    "it, such as \"\\16\\03x16\\01\\01\\01\\13\", also fits an earlier "
                    "pattern, such as \"16 03 01-FF\" of service tls on line 2; delete it"));
}

TEST(Advise, ReportsThePlaceOfAnEarlierServiceInAnotherFile) {
    const Files files = memory_files({{"lib/web.conf", "[web]\nstring = GET /\n"}});
    const std::string own = "[own]\nstring = GET\nexec = a\n";
    const std::string included = "[web]\ninclude = web\nexec = a\n";
    EXPECT_THAT(texts_of(advise(read(own + included + kLastResorts, "f", Need::Services, files))),
                ElementsAre("f:4: warning: service web: it can never win: streams that fit it, "
                            "such as \"GET /\", go to own on line 2; move it up or delete it"));
    const std::string longer = "[own]\nstring = GET /x\nexec = a\n";
    EXPECT_THAT(
        texts_of(advise(read(included + longer + kLastResorts, "f", Need::Services, files))),
        ElementsAre("f:4: warning: service own: it can never win: streams that fit it, such as "
                    "\"GET /x\", go to web at lib/web.conf:2; move it up or delete it"));
}

}  // namespace
}  // namespace portsplit::config
