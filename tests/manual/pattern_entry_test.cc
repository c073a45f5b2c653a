#include "manual/pattern_entry.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::manual {
namespace {

using namespace std::string_literals;

TEST(PatternEntry, ReadsTitleSourceNotesAndPatterns) {
    const auto entry = read_pattern_entry(
        "# Meow: the greeting.\n"
        "# Source: RFC 1, section 2\n"
        "# Said by cats,\n"
        "# mostly.\n"
        "[meow]\n"
        "string = MEOW\n"
        "hex = 00 01\n",
        "meow.conf");
    ASSERT_TRUE(entry.ok()) << entry.error();
    EXPECT_EQ(entry->title, "Meow: the greeting.");
    EXPECT_EQ(entry->source, "RFC 1, section 2");
    EXPECT_EQ(entry->notes, "Said by cats, mostly.");
    EXPECT_EQ(entry->lines, (std::vector{"string = MEOW"s, "hex = 00 01"s}));
    EXPECT_EQ(entry->service.name, "meow");
    EXPECT_EQ(entry->service.patterns.size(), 2U);
}

TEST(PatternEntry, NamesTheFirstProblem) {
    struct Case {
        std::string text;
        std::string problem;
    };
    const std::vector<Case> cases = {
        {"[meow]\nstring = MEOW\n", "f:1: the first comment, a title, is missing"},
        {"# Meow.\n[meow]\nstring = MEOW\n", "f:2: no comment that begins with Source:"},
        {"# Meow.\n# Source: RFC 1\n[meow]\nstring = MEOW\n[purr]\nstring = PURR\n",
         "f:3: service meow has no action; "},
        {"# Meow.\n# Source: RFC 1\n[meow]\nstring = MEOW\nstrong = PURR\n",
         "f:5: unknown key strong"},
    };
    for (const Case& wrong : cases) {
        const auto entry = read_pattern_entry(wrong.text, "f");
        ASSERT_FALSE(entry.ok()) << wrong.text;
        EXPECT_EQ(entry.error().substr(0, wrong.problem.size()), wrong.problem);
    }
}

}  // namespace
}  // namespace portsplit::manual
