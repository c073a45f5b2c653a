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

TEST(CheckProxy, WantsVersionTwoAndEachTypeOnce) {
    const auto issues = [](const std::string& lines) {
        return issues_of("bind = *:443\n[s]\nstring = S\nconnect = a:1\n" + lines);
    };
    EXPECT_THAT(issues("proxy = v2\nproxy-tlv = crc32c\nproxy-tlv = unique-id\n"), ElementsAre());
    EXPECT_THAT(
        issues("proxy = v1\nproxy-tlv = crc32c\n"),
        ElementsAre("f:6: proxy-tlv: only a header of version 2 has it; write proxy = v2 in "
                    "service s, or delete it"));
    EXPECT_THAT(issues("proxy-tlv = crc32c\n").size(), 1U);
    EXPECT_THAT(
        issues("proxy = v2\nproxy-tlv = crc32c\nproxy-tlv = crc32c\n"),
        ElementsAre(
            "f:7: proxy-tlv = crc32c: it has the same type as crc32c on line 6; keep one of the "
            "two"));
    EXPECT_THAT(
        issues("proxy = v2\nproxy-tlv = sni tls.sni\n"),
        ElementsAre(testing::HasSubstr("f:6: proxy-tlv = sni tls.sni: unknown; write crc32c")));
    EXPECT_THAT(issues("proxy = 2\n"), ElementsAre("f:5: proxy = 2: unknown; write no, v1 or v2"));
    EXPECT_THAT(issues_of("bind = *:443\n[s]\nstring = S\nexec = a\nproxy = v1\n"),
                ElementsAre(testing::HasSubstr("f:5: proxy: only for connect")));
}

}  // namespace
}  // namespace portsplit::config
