#include "core/field_values.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace portsplit::core {
namespace {

struct Kept {
    std::string text;
    FieldValue value;
};

Kept random_value(std::mt19937& random) {
    const auto below = [&](std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
    };
    Kept it;
    for (std::size_t size = below(4) == 0 ? below(300) : below(4); size > 0; --size) {
        it.text += static_cast<char>(below(256));
    }
    it.value.begin = below(70'000);
    it.value.end = it.value.begin + (below(2) == 0 ? it.text.size() : below(300));
    it.value.certain = it.value.end + (below(2) == 0 ? 0 : below(20'000));
    return it;
}

TEST(FieldValues, AreReadAsTheyWereAdded) {
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
        FieldValues values;
        std::vector<Kept> expected;
        std::vector<std::size_t> bytes;
        for (int k = 0; k < i % 20; ++k) {
            bytes.push_back(values.bytes());
            expected.push_back(random_value(random));
            expected.back().value.text = expected.back().text;
            values.add(expected.back().value);
        }
        ASSERT_EQ(values.size(), expected.size());
        ASSERT_EQ(values.empty(), expected.empty());
        for (std::size_t from = 0; from < expected.size(); ++from) {
            std::size_t k = from;
            for (const FieldValue& value : values.since(bytes[from])) {
                const FieldValue& it = expected[k].value;
                ASSERT_EQ(value.text, expected[k++].text);
                ASSERT_EQ(value.begin, it.begin);
                ASSERT_EQ(value.end, it.end);
                ASSERT_EQ(value.certain, it.certain);
            }
            ASSERT_EQ(k, expected.size());
        }
        const auto none = values.since(values.bytes());
        ASSERT_TRUE(none.begin() == none.end());
    }
}

TEST(FieldValues, TakeFewBytesForEachMemberOfALongList) {
    FieldValues values;
    for (std::size_t at = 0; at < 16'384; at += 2) values.add({"a", at + 1, at + 2, at + 2});
    EXPECT_LE(values.bytes(), 5U * values.size());
}

}  // namespace
}  // namespace portsplit::core
