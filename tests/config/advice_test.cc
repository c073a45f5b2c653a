#include "config/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/load.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

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

TEST(Advice, IsNoneForServicesThatKeepApart) {
    EXPECT_THAT(advice_for(service("ssh", "string = SSH-") + service("web", "regex = [A-Z]+ /")),
                ElementsAre());
}

TEST(Advice, NamesTheServiceThatAnotherWaitsFor) {
    EXPECT_THAT(
        advice_for(service("admin", "string = GET /admin") + service("web", "regex = GET\\x20/?")),
        ElementsAre("waits f:5: warning: service web: \"GET \" is enough for it, but service admin "
                    "on line 1 may want it too; a client that now waits is served at the deadline "
                    "only; move it up, or ask for more bytes"));
}

TEST(Advice, NamesTheServiceThatAllStreamsFoundGoTo) {
    EXPECT_THAT(advice_for(service("any", "regex = [A-Z]+\\x20") +
                           service("web", "regex = (GET|POST)\\x20/")),
                ElementsAre("never-wins f:4: warning: service web: all streams found for it go to "
                            "service any on line 1, such as \"GET /\"; move it up, or make the two "
                            "differ"));
}

TEST(Advice, IsOneForAServiceThatCanNeverWin) {
    const Loaded loaded = read(service("a", "string = G") + service("b", "string = GET") +
                                   "[fallback]\nexec = a\n[timeout]\nexec = a\n",
                               "f", Need::Services);
    const auto warnings = advise(loaded);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings[0].name, "never-wins");
}

TEST(Advice, IsGivenForExpressionsThatNeverDecide) {
    EXPECT_THAT(advice_for(service("a", "regex = x(?=y)z")),
                ElementsAre("never-matches f:2: warning: service a: nothing was found that regex "
                            "\"x(?=y)z\" matches; try it with portsplit explain"));
    EXPECT_THAT(advice_for(service("a", "regex = a$")),
                ElementsAre("never-matches f:2: warning: service a: nothing was found that regex "
                            "\"a$\" matches; leave out $, for that a stream ends there is never "
                            "certain"));
    EXPECT_THAT(
        advice_for(service("a", "regex = (a+)+$")),
        ElementsAre("never-certain f:2: warning: service a: nothing was found at which regex "
                    "\"(a+)+$\" is certain, and \"aaa\" and then \"a\" again and again leaves it "
                    "open up to the deadline or the full window; leave out $, for that a stream "
                    "ends there is never certain"));
    EXPECT_THAT(
        advice_for(service("a", "regex = (?s).*?jabber")),
        ElementsAre(
            "holds-all f:2: warning: service a: regex \"(?s).*?jabber\" says no to no first "
            "byte: \"s\" again and again, which fits nothing else, reaches no fallback "
            "before the deadline or the full window; give its search a limit, such as "
            ".{0,50}?"));
}

TEST(LastResorts, AreMissed) {
    const auto missed_in = [](const char* text) {
        std::vector<std::string> texts;
        for (const Issue& issue : advise(read(text, "f", Need::Services))) {
            texts.push_back(to_string(issue));
        }
        return texts;
    };
    const char* no_fallback =
        "f:1: warning: no [fallback]: bytes that fit no service end in a reset, which a prober can "
        "see; give it the action of the server that the port should look like";
    const char* no_timeout =
        "f:1: warning: no [timeout]: a client that sends too little is cut off at the deadline, "
        "which a prober can see; give it the action of the server that the port should look like";
    EXPECT_THAT(missed_in("[s]\nstring = a\nexec = a\n"), ElementsAre(no_fallback, no_timeout));
    EXPECT_THAT(missed_in("[fallback]\nexec = a\n"), ElementsAre(no_timeout));
    EXPECT_THAT(missed_in("[timeout]\nexec = a\n"), ElementsAre(no_fallback));
    EXPECT_THAT(missed_in("[timeout]\nexec = a\n[fallback]\nexec = a\n"), ElementsAre());
    EXPECT_THAT(missed_in("timeout = 0\n[fallback]\nexec = a\n"), ElementsAre());
    EXPECT_THAT(missed_in("nonsense"), ElementsAre());
}

TEST(Advice, HasANameThatCanBeSilenced) {
    const auto names = warning_names();
    for (const Issue& issue :
         advise(read("[a]\nregex = (?s).*x$\nexec = a\n", "f", Need::Services))) {
        EXPECT_NE(std::find(names.begin(), names.end(), issue.name), names.end()) << issue.name;
    }
}

}  // namespace
}  // namespace portsplit::config
