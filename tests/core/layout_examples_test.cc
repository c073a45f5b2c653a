#include "core/layout_examples.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "support/layouts.h"
#include "support/naive_layout.h"
#include "support/random_layout.h"

namespace portsplit::core {
namespace {

constexpr std::size_t kWindow = 16'384;

std::vector<std::string> examples_of(const LayoutSource& source, const char* field,
                                     const std::string& value) {
    return find_layout_examples(source, {"test", false, {{Text(field), {Text(value)}}}}, kWindow,
                                8);
}

TEST(FindLayoutExamples, FindsNoneForAnExpressionThatNoNumberFits) {
    const LayoutSource source = layout_of({"start = 'R' <port u16>"});
    EXPECT_TRUE(examples_of(source, "port", "~x").empty());
    EXPECT_FALSE(examples_of(source, "port", "~[0-9]").empty());
}

TEST(FindLayoutExamples, TakesExpressionsThatAreNoneForAStream) {
    const LayoutSource source = layout_of({"start = 'R' {u8 <name>}"});
    EXPECT_FALSE(examples_of(source, "name", "~.*").empty());
    EXPECT_NO_THROW(examples_of(source, "name", "~"));
    EXPECT_TRUE(examples_of(source, "name", "~(?!)").empty());
    EXPECT_NO_THROW(examples_of(source, "name", "~x\\Kz"));
}

TEST(FindLayoutExamples, MakesNoStreamThatIsLongerThanTheWindow) {
    EXPECT_TRUE(
        examples_of(layout_of({"start = {u32(4000000000-4294967295) <f>}"}), "f", "*").empty());
    EXPECT_TRUE(examples_of(layout_of({"start = ..16384 <f 1>"}), "f", "*").empty());
    EXPECT_FALSE(examples_of(layout_of({"start = ..16383 <f 1>"}), "f", "*").empty());
}

TEST(FindLayoutExamples, FindsStreamsThatTheOracleReads) {
    std::mt19937 random(1);
    std::size_t found = 0;
    for (int i = 0; i < 20'000; ++i) {
        const LayoutSource source = RandomLayout(random).make();
        const auto layout = Layout::compile(source);
        if (!layout) continue;
        naive::LayoutReader oracle(source);
        for (const Layout::Field& field : layout->fields()) {
            for (const std::string& stream : examples_of(source, Text(field.name).c_str(), "*")) {
                const auto read = oracle.read(stream);
                ASSERT_NE(read.outcome, naive::LayoutReader::Outcome::Failed) << show(source);
                ASSERT_FALSE(read.fields.at(std::string(field.name)).values.empty())
                    << show(source);
                ++found;
            }
        }
    }
    EXPECT_GT(found, 1'000U);
}

}  // namespace
}  // namespace portsplit::core
