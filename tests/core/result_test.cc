#include "core/result.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>

namespace portsplit::core {
namespace {

using Outcome = Result<std::string, int>;

TEST(Result, HoldsAValueOrAnError) {
    const Outcome value(std::string("text"));
    EXPECT_TRUE(value.ok());
    EXPECT_TRUE(value);
    EXPECT_EQ(*value, "text");
    EXPECT_EQ(value->size(), 4U);
    const Outcome error(7);
    EXPECT_FALSE(error.ok());
    EXPECT_FALSE(error);
    EXPECT_EQ(error.error(), 7);
}

TEST(Result, MovesItsValueOut) {
    Result<std::unique_ptr<int>, int> result(std::make_unique<int>(5));
    const std::unique_ptr<int> taken = *std::move(result);
    EXPECT_EQ(*taken, 5);
}

TEST(ResultDeathTest, AbortsWhenTheCallerReadsTheValueOfAnError) {
    Outcome error(7);
    const testing::KilledBySignal is_abort(SIGABRT);
    EXPECT_EXIT(static_cast<void>(*error), is_abort, "");
    EXPECT_EXIT(static_cast<void>(*std::as_const(error)), is_abort, "");
    EXPECT_EXIT(static_cast<void>(error->size()), is_abort, "");
    EXPECT_EXIT(static_cast<void>(*std::move(error)), is_abort, "");
}

TEST(ResultDeathTest, AbortsWhenTheCallerReadsTheErrorOfAValue) {
    const Outcome value(std::string("text"));
    EXPECT_EXIT(static_cast<void>(value.error()), testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace portsplit::core
