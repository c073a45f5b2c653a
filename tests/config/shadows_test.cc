#include "config/shadows.h"

#include <gmock/gmock.h>

#include "issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

TEST(Shadows, NameBothPatterns) {
    EXPECT_THAT(issues_of("bind = *:443\n"
                          "[web]\nstring = GET \nstring = GET /\nexec = a\n"
                          "[api]\nstring = GET\\20/api\nstring = PUT\nstring = PUT\nexec = b\n"),
                ElementsAre("f:3: warning: string: blanks at the end of the value are dropped; "
                            "write \\20 for one that belongs to it",
                            "f:4: warning: service web: pattern GET / never decides, for GET of "
                            "service web on line 3 takes its streams; delete it",
                            "f:7: warning: service api: pattern GET /api never decides, for GET of "
                            "service web on line 3 takes its streams; delete it",
                            "f:9: warning: service api: pattern PUT never decides, for PUT of "
                            "service api on line 8 takes its streams; delete it"));
}

TEST(Shadows, ServiceThatCanNeverWinIsOneWarning) {
    EXPECT_THAT(issues_of("bind = *:443\n"
                          "[a]\nstring = G\nexec = a\n"
                          "[b]\nstring = P\nexec = b\n"
                          "[c]\nstring = GET\nstring = PUT\nstring = POST\nexec = c\n"),
                ElementsAre("f:8: warning: service c can never win, for earlier patterns take all "
                            "its streams (on line 3, on line 6); move it up or delete it"));
}

}  // namespace
}  // namespace portsplit::config
