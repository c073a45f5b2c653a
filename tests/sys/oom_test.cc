#include "sys/oom.h"

#include <gtest/gtest.h>

#include <string>

#include "support/child.h"

namespace portsplit::sys {
namespace {

TEST(OomScoreAdjust, IsWhatWasSet) {
    const auto before = oom_score_adjust();
    ASSERT_TRUE(before);
    // Anyone may raise it.
    EXPECT_EQ(loopback::text_of_child([&] {
                  if (!set_oom_score_adjust(*before + 1)) return std::string("not set");
                  return std::to_string(oom_score_adjust().value_or(-1));
              }),
              std::to_string(*before + 1));
    EXPECT_EQ(oom_score_adjust(), before) << "of the parent";
    EXPECT_FALSE(set_oom_score_adjust(4711));
}

}  // namespace
}  // namespace portsplit::sys
