#include "core/resource_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::core {
namespace {

TEST(ResourceLimit, HasASoftAndAHardValue) {
    EXPECT_EQ(resource_limit_in("nofile 1024"), (ResourceLimit{Resource::Nofile, 1024, 1024}));
    EXPECT_EQ(resource_limit_in("nofile 1024:4096"), (ResourceLimit{Resource::Nofile, 1024, 4096}));
    EXPECT_EQ(resource_limit_in("core \t 0:unlimited"),
              (ResourceLimit{Resource::Core, 0, ResourceLimit::kUnlimited}));
    EXPECT_EQ(resource_limit_in("as unlimited"),
              (ResourceLimit{Resource::As, ResourceLimit::kUnlimited, ResourceLimit::kUnlimited}));
    EXPECT_EQ(resource_limit_in("stack 18446744073709551614")->soft, UINT64_MAX - 1);
}

TEST(ResourceLimit, HasTheNamesOfPrlimit) {
    for (std::size_t i = 0; i < kResourceCount; ++i) {
        const auto limit = resource_limit_in(std::string(kResourceWords[i]) + " 1");
        ASSERT_TRUE(limit) << kResourceWords[i];
        EXPECT_EQ(limit->resource, static_cast<Resource>(i));
    }
}

TEST(ResourceLimit, IsNothingElse) {
    for (const char* text :
         {"", "nofile", "nofile ", " nofile 1", "nofile 1 ", "nofile -1", "nofile 1:", "nofile :1",
          "nofile 2:1", "nofile unlimited:1", "nofile 1:2:3", "nofile 1k", "NOFILE 1", "files 1",
          "nofile 18446744073709551615", "nofile 18446744073709551616", "nofile=1"}) {
        EXPECT_FALSE(resource_limit_in(text)) << text;
    }
}

TEST(NiceIn, IsFromMinus20To19) {
    EXPECT_EQ(nice_in("-20"), -20);
    EXPECT_EQ(nice_in("0"), 0);
    EXPECT_EQ(nice_in("19"), 19);
    for (const char* text : {"", "-21", "20", "+1", " 1", "1 ", "1.5", "x"}) {
        EXPECT_FALSE(nice_in(text)) << text;
    }
}

}  // namespace
}  // namespace portsplit::core
