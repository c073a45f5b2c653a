#include "core/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::core {
namespace {

TEST(AsBytes, ReturnsEveryByteOfATextWithoutItsNul) {
    const std::string text("a\0\xFF", 3);
    const Bytes bytes = as_bytes(text);
    ASSERT_EQ(bytes.size(), 3U);
    EXPECT_EQ(static_cast<const void*>(bytes.data()), text.data());
    EXPECT_TRUE(as_bytes("").empty());
}

TEST(ToNumber, ReturnsEachByteFrom0To255) {
    for (unsigned number = 0; number <= 255; ++number) {
        EXPECT_EQ(to_number(std::byte(number)), number);
    }
}

}  // namespace
}  // namespace portsplit::core
