#include "core/remainder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "core/hex.h"

namespace portsplit::core {
namespace {

ByteSets sets_of(const std::string& text) { return *parse_hex(text); }

TEST(Remainder, IsEmptyWhenOneSequenceTakesAll) {
    Remainder left(sets_of("16 03 ??"));
    EXPECT_FALSE(left.is_empty());
    EXPECT_TRUE(left.take(sets_of("16")));
    EXPECT_TRUE(left.is_empty());
}

TEST(Remainder, IsEmptyWhenSeveralTakeAllTogether) {
    Remainder left(sets_of("16 03 ?? 01"));
    EXPECT_TRUE(left.take(sets_of("16 03 01-FF")));
    EXPECT_FALSE(left.take(sets_of("16 03 07 01"))) << "taken already";
    EXPECT_FALSE(left.is_empty());
    EXPECT_TRUE(left.take(sets_of("?? 03 00 01")));
    EXPECT_TRUE(left.is_empty());
}

TEST(Remainder, KeepsAStreamThatALongerSequenceWouldTakeInPart) {
    Remainder left(sets_of("16"));
    EXPECT_FALSE(left.take(sets_of("16 03")));
    EXPECT_FALSE(left.is_empty());
}

TEST(Remainder, TakesNothingThatWouldLeaveTooManyParts) {
    std::string any;
    std::string one;
    for (std::size_t i = 0; i <= Remainder::kMostParts; ++i) any += "?? ";
    for (std::size_t i = 0; i <= Remainder::kMostParts; ++i) one += "41 ";
    Remainder left(sets_of(any));
    EXPECT_FALSE(left.take(sets_of(one)));
    EXPECT_TRUE(left.take(sets_of("41")));
}

/// Sequences of up to three of these sets. The streams have a byte of each kind that they tell apart.
const std::vector<std::string> kSets{"40", "41", "40-41", "42", "4?", "??", "41-42"};

std::string random_sets(std::mt19937& random, std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        text +=
            kSets[std::uniform_int_distribution<std::size_t>(0, kSets.size() - 1)(random)] + " ";
    }
    return text;
}

/// Returns true if three bytes begin with these sets.
bool fits(const ByteSets& sets, const std::string& stream) {
    return std::equal(sets.begin(), sets.end(), stream.begin(), [](const ByteSet& set, char byte) {
        return set.holds(static_cast<std::uint8_t>(byte));
    });
}

TEST(RemainderOfRandomSets, IsEmptyOnlyWhenEveryStreamIsTaken) {
    std::vector<std::string> streams;
    for (const char a : std::string("0@ABD")) {
        for (const char b : std::string("0@ABD")) {
            for (const char c : std::string("0@ABD")) streams.push_back({a, b, c});
        }
    }
    std::mt19937 random(1);
    int empty = 0;
    for (int i = 0; i < 20'000; ++i) {
        const ByteSets whole = sets_of(random_sets(random, 3));
        Remainder left(whole);
        std::vector<std::string> expected;
        std::copy_if(streams.begin(), streams.end(), std::back_inserter(expected),
                     [&](const std::string& stream) { return fits(whole, stream); });
        for (int taken = 0; taken < 4; ++taken) {
            const ByteSets sets = sets_of(random_sets(random, 1 + random() % 3));
            const std::size_t before = expected.size();
            std::erase_if(expected, [&](const std::string& stream) { return fits(sets, stream); });
            ASSERT_EQ(left.take(sets), expected.size() < before);
            ASSERT_EQ(left.is_empty(), expected.empty());
        }
        empty += left.is_empty() ? 1 : 0;
    }
    EXPECT_GT(empty, 1000);
}

}  // namespace
}  // namespace portsplit::core
