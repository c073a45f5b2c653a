#include "core/regex_items.h"

#include <gtest/gtest.h>

namespace portsplit::core {
namespace {

TEST(WithSmallRepeats, ShortensNumbersInBracesOnly) {
    struct Case {
        const char* text;
        const char* expected;
    };
    for (const Case& it : {
             Case{"a{32}b", "a{1}b"},
             Case{"(?:x|y){0,500}\\x13", "(?:x|y){0,1}\\x13"},
             Case{"a{2,}?[0-9]{10,20}+", "a{1,}?[0-9]{1,1}+"},
             Case{"a{00}", "a{0}"},
             Case{"a\\{32}b32", "a\\{32}b32"},
             Case{"a\\\\{32}", "a\\\\{1}"},
             Case{"", ""},
             Case{"{", "{"},
             Case{"a{12", "a{1"},
         }) {
        EXPECT_EQ(with_small_repeats(it.text), it.expected);
    }
}

}  // namespace
}  // namespace portsplit::core
