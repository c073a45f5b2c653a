#include "config/passing.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

constexpr const char* kLayout = "[layout tls]\nstart = <sni 1> <alpn 1>\n";

TEST(CheckLog, WarnsOfAValueThatIsThereTwice) {
    EXPECT_THAT(
        issues_of(
            std::string("log = tls.sni\nlog = end\nlog = tls.sni\nlog = end\n") + kLayout +
                "[s]\nlayout = tls\nlog = tls.sni\nlog = tls.alpn\nlog = tls.alpn\nexec = a\n",
            Need::Services),
        ElementsAre(
            "f:3: warning: log = tls.sni: there already on line 1; delete one of the two",
            "f:4: warning: log = end: there already on line 2; delete one of the two",
            "f:11: warning: log = tls.alpn: there already on line 10; delete one of the two"));
}

TEST(CheckEnv, WarnsOfAVariableThatIsSetTwice) {
    EXPECT_THAT(
        issues_of(std::string(kLayout) +
                      "[s]\nlayout = tls\nexec = a\nenv = A tls.sni\nenv = A tls.alpn\nenv = B=1\n"
                      "env = B=2\nenv = C=none\nenv = C tls.sni\nenv = D=1\n",
                  Need::Services),
        ElementsAre(
            "f:6: warning: env = A tls.sni: never there: env = A tls.alpn on line 7 sets A, too, "
            "and the last one counts; delete one of the two",
            "f:8: warning: env = B=1: never there: env = B=2 on line 9 sets B, too, and the last "
            "one counts; delete one of the two",
            "f:11: warning: env = C tls.sni: never there: env = C=none on line 10 sets C, too, and "
            "a text comes before a field; delete one of the two"));
}

TEST(CheckEnv, IsSilentAboutValuesThatCannotBeRead) {
    EXPECT_THAT(issues_of("[s]\nstring = a\nexec = a\nenv = b\nenv = c\n", Need::Services),
                ElementsAre(::testing::HasSubstr("env = b: no variable"),
                            ::testing::HasSubstr("env = c: no variable")));
}

}  // namespace
}  // namespace portsplit::config
