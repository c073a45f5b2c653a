#include "core/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/hex.h"
#include "support/naive.h"

namespace portsplit::core {
namespace {

using Entry = PrefixTree::Entry;
using First = PrefixTree::First;

constexpr auto kNone = std::nullopt;

/// Returns what the tree must find, from one pattern after the other.
First scan(const std::vector<Entry>& entries, std::string_view seen) {
    First first;
    for (const Entry& entry : entries) {
        const std::size_t known = std::min(seen.size(), entry.sets.size());
        bool fits = true;
        for (std::size_t i = 0; i < known; ++i) {
            fits &= entry.sets[i].holds(static_cast<std::uint8_t>(seen[i]));
        }
        if (!fits) continue;
        auto& smallest = known == entry.sets.size() ? first.matching : first.open;
        if (!smallest || entry.service < *smallest) smallest = entry.service;
    }
    return first;
}

/// Returns an entry for each pattern in the notation of hex; its index is the service.
std::vector<Entry> services_of(const std::vector<std::string>& texts) {
    std::vector<Entry> entries;
    entries.reserve(texts.size());
    for (const std::string& text : texts) {
        entries.push_back({*parse_hex(text), static_cast<std::uint32_t>(entries.size())});
    }
    return entries;
}

std::string show(const std::vector<Entry>& entries) {
    std::string text;
    for (const Entry& entry : entries) {
        text += std::to_string(entry.service) + ":";
        for (const ByteSet& set : entry.sets) {
            text += ' ' + std::to_string(set.low) + '-' + std::to_string(set.high);
            if (set.mask != 0) text += '&' + std::to_string(set.mask);
        }
        text += "; ";
    }
    return text;
}

void expect_find(const PrefixTree& tree, std::string_view seen, First expected,
                 const std::string& what) {
    PrefixTree::Numbers begun;
    const First found = tree.find(as_bytes(seen), begun);
    EXPECT_EQ(found.matching, expected.matching)
        << what << "matching, seen " << testing::PrintToString(seen);
    EXPECT_EQ(found.open, expected.open) << what << "open, seen " << testing::PrintToString(seen);
}

/// Compares the tree with the scan for every stream.
void expect_scan(const std::vector<Entry>& entries, const std::vector<std::string>& streams) {
    const PrefixTree tree(entries);
    for (const std::string& seen : streams) expect_find(tree, seen, scan(entries, seen), "");
    if (testing::Test::HasFailure()) ADD_FAILURE() << show(entries);
}

TEST(PrefixTree, FindsNothingWithoutPatterns) {
    expect_find(PrefixTree(), "", {}, "");
    expect_find(PrefixTree(), "a", {}, "");
}

TEST(PrefixTree, FindsMatchingAndOpenServicesApart) {
    const PrefixTree tree(services_of({"61 62", "61", "63"}));
    expect_find(tree, "", {kNone, 0}, "");
    expect_find(tree, "a", {1, 0}, "");
    expect_find(tree, "ab", {0, kNone}, "");
    expect_find(tree, "ax", {1, kNone}, "");
    expect_find(tree, "c", {2, kNone}, "");
    expect_find(tree, "x", {kNone, kNone}, "");
}

TEST(PrefixTree, FindsTheFirstOfServicesWithTheSamePattern) {
    const std::vector<Entry> twice{{*parse_hex("61 62"), 7}, {*parse_hex("61 62"), 3}};
    expect_find(PrefixTree(twice), "a", {kNone, 3}, "");
    expect_find(PrefixTree(twice), "ab", {3, kNone}, "");
}

TEST(PrefixTree, FollowsEverySetThatHoldsAByte) {
    const PrefixTree tree(services_of({"3? 01", "?8 02", "30-38 03", "38 04", "?? 05"}));
    expect_find(tree, "8", {kNone, 0}, "");
    expect_find(tree, "8\x01", {0, kNone}, "");
    expect_find(tree, "8\x02", {1, kNone}, "");
    expect_find(tree, "8\x03", {2, kNone}, "");
    expect_find(tree, "8\x04", {3, kNone}, "");
    expect_find(tree, "8\x05", {4, kNone}, "");
    expect_find(tree, "8\x06", {kNone, kNone}, "");
    expect_find(tree, "\x98", {kNone, 1}, "");
}

/// Returns the expressions that have begun, sorted, as text.
std::string begun(const PrefixTree& tree, std::string_view seen) {
    PrefixTree::Numbers numbers;
    (void)tree.find(as_bytes(seen), numbers);
    std::sort(numbers.begin(), numbers.end());
    std::string text;
    for (const std::uint32_t number : numbers) text += std::to_string(number) + " ";
    return text;
}

TEST(PrefixTree, ListsTheExpressionsOfWhichABeginningIsWhole) {
    const PrefixTree tree({{*parse_hex("61 62"), 0, 0},
                           {*parse_hex("61"), 1, 1},
                           {*parse_hex("60-63"), 2, 2},
                           {*parse_hex("7a 7a"), 3, 3}});
    EXPECT_EQ(begun(tree, ""), "");
    EXPECT_EQ(begun(tree, "a"), "1 2 ");
    EXPECT_EQ(begun(tree, "ab"), "0 1 2 ");
    EXPECT_EQ(begun(tree, "ax"), "1 2 ");
    EXPECT_EQ(begun(tree, "z"), "");
    EXPECT_EQ(begun(tree, "zz"), "3 ") << "compared without nodes";
    EXPECT_EQ(begun(tree, "zy"), "");
}

TEST(PrefixTree, AnswersMoreWithinABeginningAndNothingAfterIt) {
    const PrefixTree tree({{*parse_hex("61 62"), 0, 0}, {*parse_hex("61 62"), 1}});
    expect_find(tree, "a", {kNone, 0}, "");
    expect_find(tree, "ab", {1, kNone}, "");
    EXPECT_EQ(begun(tree, "ab"), "0 ");
    const PrefixTree alone({{*parse_hex("61 62"), 0, 0}});
    expect_find(alone, "a", {kNone, 0}, "");
    expect_find(alone, "ab", {kNone, kNone}, "");
    EXPECT_EQ(begun(alone, "ab"), "0 ");
}

TEST(PrefixTree, TellsWhereTheMostExpressionsBegin) {
    EXPECT_EQ(PrefixTree().largest_crowd().expressions, 0U);
    const PrefixTree tree({{*parse_hex("61"), 0, 0},
                           {*parse_hex("61 62"), 1, 1},
                           {*parse_hex("62"), 2, 2},
                           {*parse_hex("61 62"), 3},
                           {*parse_hex("?1 ??"), 4, 4}});
    EXPECT_EQ(tree.largest_crowd().expressions, 3U);
    EXPECT_EQ(tree.largest_crowd().bytes, "ab");
}

TEST(PrefixTreeExhaustively, AgreesWithAScanForThreePatternsOfOverlappingSets) {
    const char* const tokens[] = {"10", "1f", "1?", "?f", "0f-10", "??"};
    std::vector<std::string> patterns;
    for (const std::string first : tokens) {
        patterns.push_back(first);
        for (const std::string second : tokens) patterns.push_back(first + second);
    }
    const std::vector<std::string> streams = naive::strings(0, 3, "\x0f\x10\x1f");
    for (const std::string& first : patterns) {
        for (const std::string& second : patterns) {
            for (const std::string& third : patterns) {
                expect_scan(services_of({first, second, third}), streams);
                ASSERT_FALSE(HasFailure());
            }
        }
    }
}

TEST(PrefixTreeExhaustively, AgreesWithAScanForEveryChoiceOfShortStrings) {
    // Bit i of a choice is set if pattern i is used. Services count backwards, so that their order
    // differs from the order of the patterns.
    const std::vector<std::string> patterns{"61",     "62",     "6161",   "6162",   "6261",
                                            "616161", "616162", "616261", "626161", "626262"};
    const std::vector<std::string> streams = naive::strings(0, 4, "ab");
    for (std::size_t choice = 0; choice < std::size_t{1} << patterns.size(); ++choice) {
        std::vector<Entry> entries;
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            if ((choice >> i & 1) == 0) continue;
            entries.push_back(
                {*parse_hex(patterns[i]), static_cast<std::uint32_t>(patterns.size() - i)});
        }
        expect_scan(entries, streams);
        ASSERT_FALSE(HasFailure());
    }
}

/// Returns patterns of few different sets, so that they share beginnings, repeat and overlap.
std::vector<Entry> random_entries(std::mt19937& random, std::size_t count) {
    const auto below = [&](std::size_t limit) { return random() % limit; };
    const std::vector<ByteSet> sets{*parse_hex("61 61 61 62 62 63 6? ?1 61-62 62-64 ??")};
    std::vector<Entry> entries(count);
    for (Entry& entry : entries) {
        entry.service = static_cast<std::uint32_t>(below(count));
        entry.sets.resize(1 + below(6));
        for (ByteSet& set : entry.sets) set = sets[below(sets.size())];
    }
    return entries;
}

TEST(PrefixTreeAtRandom, AgreesWithAScanForManyServices) {
    const std::vector<std::string> streams = naive::strings(0, 5, "abq");
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937 random(seed);
        expect_scan(random_entries(random, 1 + random() % 300), streams);
        ASSERT_FALSE(HasFailure()) << "seed " << seed;
    }
}

TEST(PrefixTreeAtRandom, AgreesWithAScanForTenThousandServices) {
    std::mt19937 random(1);
    std::vector<Entry> entries(10'000);
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
        entries[i].service = i;
        for (const char digit : "svc-" + std::to_string(random() % 100'000)) {
            entries[i].sets.push_back(ByteSet::only(static_cast<std::uint8_t>(digit)));
        }
    }
    const PrefixTree tree(entries);
    for (int i = 0; i < 1000; ++i) {
        const std::string stream = "svc-" + std::to_string(random() % 120'000);
        const std::string_view seen = std::string_view(stream).substr(0, random() % 10);
        expect_find(tree, seen, scan(entries, seen), "");
        ASSERT_FALSE(HasFailure());
    }
}

}  // namespace
}  // namespace portsplit::core
