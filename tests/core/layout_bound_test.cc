#include "core/layout_bound.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/layouts.h"

namespace portsplit::core {
namespace {

std::string longest(const std::vector<std::string>& rules) {
    const auto layout = Layout::compile(layout_of(rules));
    if (!layout) return problems_of(layout.error());
    const auto bytes = longest_stream(*layout);
    return bytes ? std::to_string(*bytes) : "none";
}

TEST(LongestStream, AddsThePartsOfTheLongestAlternative) {
    EXPECT_EQ(longest({"start = 16 u16 <a 3> <b [a-z] 2-5> 00"}), "12");
    EXPECT_EQ(longest({"start = 01 | 02 u32 | 03 u8"}), "5");
    EXPECT_EQ(longest({"start = 01 (02 u8)? 03"}), "4");
    EXPECT_EQ(longest({"start = <a> 00"}), "1025");
    EXPECT_EQ(longest({"start = ..5-9 00 one one", "one = 16 | 17 18"}), "14");
}

TEST(LongestStream, CountsBracesAsTheLargestNumber) {
    EXPECT_EQ(longest({"start = 03 00 {u16-4(11-1000) {u8 E0 ..} ..}"}), "1000");
    EXPECT_EQ(longest({"start = {u8 {u8 <a>}* } 00"}), "257");
    EXPECT_EQ(longest({"start = {u8(0-3) <a>} {u8(0-4) <b>}"}), "9");
}

TEST(LongestStream, IsNoneWhereAPartRepeats) {
    EXPECT_EQ(longest({"start = (01 u8)* 02"}), "none");
    EXPECT_EQ(longest({"start = 00 (01 u8)+ 02"}), "none");
    EXPECT_EQ(longest({"start = 01 | 02 (03)* 04"}), "none");
    EXPECT_EQ(longest({"frame = 16 {u16 <>}", "start = 01 u8"}), "none");
}

}  // namespace
}  // namespace portsplit::core
