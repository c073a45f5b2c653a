#include "config/libconfig_scan.h"

#include <gmock/gmock.h>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

TEST(PrepareForLibconfig, ReportsWhatLibconfigDoesNot) {
    struct Case {
        const char* shown;
        const char* text;
        const char* expected;
    };
    const Case cases[] = {
        {"NUL escape", "a = 1;\nb = \"x\\x00y\";",
         "f:2: \\x00: libconfig ends the string here; a NUL byte is 00 in hex, and "
         "\"\\\\00\" in a string"},
        {"NUL escape in capitals", "b = \"\\X00\";",
         "f:1: \\X00: libconfig ends the string here; a NUL byte is 00 in hex, and "
         "\"\\\\00\" in a string"},
        {"include", "a = 1;\n  @include \"/etc/passwd\"\n",
         "f:2: @include: libconfig's own, which is not used; write include = \"./FILE\"; instead"},
        {"open comment", "a = 1;\n/* b = 2;\n", "f:2: /* without */ takes the rest of the file"},
        {"comment that only looks closed", "/*/", "f:1: /* without */ takes the rest of the file"},
        {"open string", "a = 1;\nb = \"x\n\n", "f:2: a string that is not closed with \""},
        {"open string at a backslash", "b = \"\\", "f:1: a string that is not closed with \""},
    };
    for (const Case& c : cases) {
        Issues issues;
        prepare_for_libconfig(c.text, issues.add_file("f", c.text));
        EXPECT_THAT(texts_of(issues.sorted()), ElementsAre(c.expected)) << c.shown;
    }
}

TEST(PrepareForLibconfig, KeepsCommentsAndStringsAsTheyAre) {
    const char* texts[] = {
        "# @include \"x\"\n// \" /*\n/* \" @include ** */ a = \"b\";",
        "a = \"@include /* # //\";",
        "a = \"\\\\x00\";",
        "a = \"\\\"\\\\\";",
    };
    for (const char* text : texts) {
        Issues issues;
        EXPECT_EQ(prepare_for_libconfig(text, issues.add_file("f", text)), text);
        EXPECT_THAT(issues.sorted(), ElementsAre()) << text;
    }
}

TEST(PrepareForLibconfig, AddsASuffixToIntegersOnly) {
    Issues issues;
    EXPECT_EQ(prepare_for_libconfig("a=1; b = [-2,+3]; c=0xFF; d=4L; e=5.0; f=1e3; g6=x7;",
                                    issues.add_file("f", "")),
              "a=1L; b = [-2L,+3L]; c=0xFFL; d=4L; e=5.0; f=1e3; g6=x7;");
}

}  // namespace
}  // namespace portsplit::config
