#include "config/shadows.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "config/advice.h"
#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

constexpr const char* kLastResorts = "[fallback]\nexec = a\n[timeout]\nexec = a\n";

std::vector<std::string> warnings_of(const std::string& services) {
    return texts_of(advise(read(services + kLastResorts, "f", Need::Services)));
}

TEST(Shadows, NameBothPatternsAndShowAStream) {
    EXPECT_THAT(
        warnings_of("[web]\nstring = GET\\20\nstring = GET /\nexec = a\n"
                    "[api]\nstring = GET\\20/api\nstring = PUT\nhex = 50 55 54\nexec = b\n"),
        ElementsAre("f:3: warning: service web: pattern \"GET /\" never decides, for what fits it, "
                    "such as \"GET /\", fits \"GET \" of service web on line 2 first; delete it",
                    "f:6: warning: service api: pattern \"GET /api\" never decides, for what fits "
                    "it, such as \"GET /api\", fits \"GET \" of service web on line 2 first; "
                    "delete it",
                    "f:8: warning: service api: pattern \"50 55 54\" never decides, for what fits "
                    "it, such as \"PUT\", fits \"PUT\" of service api on line 7 first; delete it"));
}

TEST(Shadows, ServiceThatCanNeverWinIsOneWarning) {
    EXPECT_THAT(
        warnings_of("[a]\nstring = G\nexec = a\n[b]\nstring = P\nexec = b\n"
                    "[c]\nstring = GET\nstring = PUT\nstring = POST\nexec = c\n"),
        ElementsAre("f:7: warning: service c: it can never win, for what fits it, such as \"GET\", "
                    "goes to a on line 2, b on line 5; move it up or delete it"));
}

TEST(Shadows, AreNamedWhereTheyStandInOtherFiles) {
    const Files files = memory_files({{"lib/web.conf", "[web]\nstring = GET /\n"}});
    const std::string own = "[own]\nstring = GET\nexec = a\n";
    const std::string included = "[web]\ninclude = web\nexec = a\n";
    EXPECT_THAT(
        texts_of(advise(read(own + included + kLastResorts, "f", Need::Services, files))),
        ElementsAre(
            "f:4: warning: service web: it can never win, for what fits it, such as \"GET /\", "
            "goes to own on line 2; move it up or delete it"));
    const std::string longer = "[own]\nstring = GET /x\nexec = a\n";
    EXPECT_THAT(
        texts_of(advise(read(included + longer + kLastResorts, "f", Need::Services, files))),
        ElementsAre(
            "f:4: warning: service own: it can never win, for what fits it, such as \"GET /x\", "
            "goes to web at lib/web.conf:2; move it up or delete it"));
}

}  // namespace
}  // namespace portsplit::config
