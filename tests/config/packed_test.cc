#include "config/packed.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/example_config.h"
#include "support/random_config.h"

namespace portsplit::config {
namespace {

TEST(Packed, IsReadAsTheSameConfiguration) {
    EXPECT_EQ(unpack(pack(example()), Need::Services), example());
}

TEST(Packed, IsReadAsTheSameConfigurationOfAnyContent) {
    for (unsigned seed = 0; seed < 1000; ++seed) {
        const core::Config config = RandomConfig(seed, false).make();
        ASSERT_EQ(unpack(pack(config), Need::Services), config) << "seed " << seed;
    }
}

TEST(Packed, MayHaveNoServicesWhereNoneAreNeeded) {
    core::Config config = example();
    config.services.clear();
    EXPECT_EQ(unpack(pack(config), Need::Global), config);
    EXPECT_FALSE(unpack(pack(config), Need::Services));
}

TEST(Packed, IsRefusedWhenItIsCut) {
    const std::string packed = pack(example());
    for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_FALSE(unpack(std::string_view(packed).substr(0, size), Need::Services)) << size;
    }
}

TEST(Packed, IsRefusedWithAKindThatDoesNotExist) {
    core::Config config;
    config.pid = "/run/x";
    std::string packed = pack(config);
    // Before it: the length of the name, the number of entries, `pid` with its length, whether it is a list,
    // and the number of values.
    const std::size_t kind = 4 + 4 + (4 + 3) + 4 + 4;
    ASSERT_EQ(packed[kind], static_cast<char>(Kind::String));
    packed[kind] = static_cast<char>(static_cast<int>(Kind::List) + 1);
    EXPECT_FALSE(unpack(packed, Need::Global));
}

TEST(Packed, IsRefusedWithBytesBehindIt) {
    EXPECT_FALSE(unpack(pack(example()) + '\0', Need::Services));
}

// Whatever the bytes are: a valid configuration or nothing, and no access outside of them.
TEST(Packed, IsRefusedOrValidWithAnyByteChanged) {
    const std::string packed = pack(example());
    for (std::size_t at = 0; at < packed.size(); ++at) {
        for (const char byte : {'\0', '\x01', '\x7f', '\xff'}) {
            std::string changed = packed;
            changed[at] = byte;
            const auto config = unpack(changed, Need::Services);
            if (config) {
                EXPECT_EQ(unpack(pack(*config), Need::Services), config) << at;
            }
        }
    }
}

TEST(Packed, ReservesNoMoreThanTheBytesCanHold) {
    // The name of the global section is empty, and it has 2^32 - 1 entries.
    const std::string packed = std::string(4, '\0') + std::string(4, '\xff');
    EXPECT_FALSE(unpack(packed, Need::Services));
}

}  // namespace
}  // namespace portsplit::config
