#include "cli/silence.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/warnings.h"

namespace portsplit::cli {
namespace {

config::Issue warning(std::string_view name, const std::string& service) {
    return {.severity = config::Severity::Warning, .name = name, .service = service};
}

bool covers(const std::vector<std::string>& words, const config::Issue& issue) {
    const auto silence = Silence::from(words);
    return silence && silence->covers(issue);
}

TEST(Silence, CoversEveryWarningOfAName) {
    EXPECT_TRUE(covers({"waits"}, warning("waits", "web")));
    EXPECT_TRUE(covers({"waits"}, warning("waits", "")));
    EXPECT_FALSE(covers({"waits"}, warning("shadowed", "web")));
}

TEST(Silence, CoversTheWarningsOfOneServiceWhenTheWordNamesIt) {
    EXPECT_TRUE(covers({"waits:web"}, warning("waits", "web")));
    EXPECT_FALSE(covers({"waits:web"}, warning("waits", "web2")));
    EXPECT_FALSE(covers({"waits:web"}, warning("waits", "")));
    EXPECT_FALSE(covers({"waits:web"}, warning("shadowed", "web")));
}

TEST(Silence, CoversWhatAnyOfItsWordsCovers) {
    const std::vector<std::string> words = {"shadowed", "waits:web"};
    EXPECT_TRUE(covers(words, warning("waits", "web")));
    EXPECT_TRUE(covers(words, warning("shadowed", "chat")));
    EXPECT_FALSE(covers(words, warning("waits", "chat")));
}

TEST(Silence, CoversNoIssueWithoutAName) {
    for (const char* service : {"", "web"}) {
        EXPECT_FALSE(covers({"waits", "waits:web"}, warning("", service)));
    }
    EXPECT_FALSE(covers({}, warning("waits", "web")));
}

TEST(Silence, TakesTheNameOfEachWarning) {
    for (const std::string_view name : config::warning_names()) {
        EXPECT_TRUE(Silence::from({std::string(name)})) << name;
    }
}

TEST(Silence, RefusesAWordThatNamesNoWarning) {
    for (const std::string word : {"wait", "", ":web", "Waits", "waits,shadowed"}) {
        const auto silence = Silence::from({"waits", word});
        ASSERT_FALSE(silence) << word;
        EXPECT_TRUE(silence.error().starts_with("--silence " + word +
                                                ": no such warning; there are shadowed, "))
            << silence.error();
    }
}

}  // namespace
}  // namespace portsplit::cli
