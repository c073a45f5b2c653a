#include "config/spelling.h"

#include <gmock/gmock.h>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

// fault: A2
TEST(Clean, RemovesAByteOrderMarkWithAWarning) {
    const std::string text = "\xEF\xBB\xBF" + with_service("bind = *:443\n");
    EXPECT_THAT(issues_of(text),
                ElementsAre("f:1: warning: a byte order mark, which is ignored; save the file as "
                            "plain UTF-8"));
    EXPECT_EQ(read(text, "f", Need::Listeners).config->top.bind.size(), 1u);
}

// fault: A2
TEST(Clean, RemovesCarriageReturnsWithOneWarningForAFile) {
    const std::string warning =
        "f:1: warning: lines end in CR LF; each CR is ignored; save the file with LF alone";
    const std::string classic = "bind = *:443\r\n\r\n[s]\r\nstring = a\r\nconnect = b:1\r\n";
    EXPECT_THAT(issues_of(classic), ElementsAre(warning));
    EXPECT_EQ(read(classic, "f", Need::Listeners).config->services[0].patterns[0].text, "a");
    const std::string libconfig =
        "bind = \"*:443\";\r\nservices : { s : { string = \"a\";\r\nconnect = \"b:1\"; }; };\r\n";
    EXPECT_THAT(issues_of(libconfig), ElementsAre(warning));
}

TEST(Clean, RunsBeforeTheSpellingIsDetected) {
    EXPECT_EQ(read("\xEF\xBB\xBF[s]\r\n", "f", Need::Services).spelling, Spelling::Classic);
}

// fault: A2
TEST(Clean, ReportsANulByte) {
    EXPECT_THAT(issues_of("bind = *:443\n[s]\nstring = a\0b\nbind = 1\n"s),
                ElementsAre("f:3: a NUL byte: this is not a text file; in a pattern write \\00 in "
                            "string or 00 in hex"));
}

// fault: A2
TEST(Clean, AcceptsAMissingFinalNewline) {
    EXPECT_THAT(issues_of("bind = *:443\n[s]\nstring = a\nconnect = b:1"), ElementsAre());
}

TEST(DetectSpelling, ReturnsClassicForALineThatIsJustASection) {
    struct Case {
        const char* text;
        Spelling expected;
    };
    const Case cases[] = {
        {"[s]", Spelling::Classic},
        {"a = \"1\";\n \t[s] \t\n{", Spelling::Classic},
        {"[]\n", Spelling::Classic},
        {"a =\n[ \"x\" ]\n;", Spelling::Libconfig},
        {"a =\n[\n\"x\"\n]\n;", Spelling::Libconfig},
        {"a = [s];", Spelling::Libconfig},
        {"services : { };", Spelling::Libconfig},
        // Without a service, the text is read in the spelling that it resembles.
        {"", Spelling::Classic},
        {"bind = *:443\n", Spelling::Classic},
        {"timeout = 5;\n", Spelling::Libconfig},
        {"bind = \"*:443\"\n", Spelling::Libconfig},
        {"# the \"public\" port; see below {\nbind = *:443\n", Spelling::Classic},
        {"# comment\nbind = [ \"*:443\" ];\n", Spelling::Libconfig},
    };
    for (const Case& c : cases) EXPECT_EQ(detect_spelling(c.text), c.expected) << c.text;
}

}  // namespace
}  // namespace portsplit::config
