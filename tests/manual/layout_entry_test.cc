#include "manual/layout_entry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portsplit::manual {
namespace {

using namespace std::string_literals;

const std::string kMeow =
    "# Meow: the greeting.\n"
    "# Source: RFC 1, section 2\n"
    "# Said by cats,\n"
    "# mostly.\n"
    "# Field name: who meows.\n"
    "#   To whom is not said.\n"
    "# Field age: the age.\n"
    "[layout meow]\n"
    "start = 'MEOW' {u8 <name name>} <age u8>\n";

TEST(LayoutEntry, ReadsTitleSourceNotesAndFields) {
    const auto entry = read_layout_entry(kMeow, "meow.conf");
    ASSERT_TRUE(entry.ok()) << entry.error();
    EXPECT_EQ(entry->name, "meow");
    EXPECT_EQ(entry->title, "Meow: the greeting.");
    EXPECT_EQ(entry->source, "RFC 1, section 2");
    EXPECT_EQ(entry->notes, "Said by cats, mostly.");
    ASSERT_EQ(entry->fields.size(), 2U);
    EXPECT_EQ(entry->fields[0].name, "name");
    EXPECT_EQ(entry->fields[0].meaning, "who meows. To whom is not said.");
    EXPECT_EQ(entry->fields[1].meaning, "the age.");
    EXPECT_EQ(entry->lines,
              (std::vector{"[layout meow]"s, "start = 'MEOW' {u8 <name name>} <age u8>"s}));
}

TEST(LayoutEntry, NamesTheFirstProblem) {
    struct Case {
        std::string text;
        std::string problem;
    };
    const std::string head = "# Meow.\n# Source: RFC 1\n";
    const std::vector<Case> cases = {
        {"[layout meow]\nstart = 00\n", "f:1: the first comment, a title, is missing"},
        {"# Meow.\n[layout meow]\nstart = 00\n", "f:2: no comment that begins with Source:"},
        {head + "[meow]\nstring = MEOW\n", "f: no section [layout NAME] behind the comments"},
        {head + "[layout meow]\nstart = 00 <x u8>\n",
         "f: 0 comments about field x; write one, `# Field x: ...`"},
        {head + "# Field x: a.\n[layout meow]\nstart = 00\n",
         "f: a comment about field x, which the layout does not have"},
        {head + "[layout meow]\nstart = 00 | 00 01\n",
         "f:4: warning: layout meow: start: an alternative that is never taken: an earlier one "
         "begins "
         "with all of its bytes, such as 00 01; move it up (at byte 6)"},
    };
    for (const Case& wrong : cases) {
        const auto entry = read_layout_entry(wrong.text, "f");
        ASSERT_FALSE(entry.ok()) << wrong.text;
        EXPECT_EQ(entry.error(), wrong.problem);
    }
}

TEST(LayoutEntry, ShowsWhatItReadsInARecording) {
    const LayoutEntry entry = *read_layout_entry(kMeow, "meow.conf");
    const Reading whole = read_stream(entry.layout, "MEOW\3TO\xff\7");
    EXPECT_EQ(whole.end, Reading::End::Fits);
    EXPECT_EQ(whole.values, "name=to\\FF age=7");
    EXPECT_TRUE(whole.is_of_layout());
    const Reading part = read_stream(entry.layout, "MEOW\3TO");
    EXPECT_EQ(part.end, Reading::End::NeedsMore);
    EXPECT_FALSE(part.is_of_layout());
    EXPECT_TRUE(read_stream(entry.layout, "MEOW\3TOM").is_of_layout());
    EXPECT_FALSE(read_stream(entry.layout, "PURR").is_of_layout());
}

}  // namespace
}  // namespace portsplit::manual
