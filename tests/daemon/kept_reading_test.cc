#include "daemon/kept_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/packed.h"
#include "support/random_config.h"
#include "sys/file.h"

namespace portsplit::daemon {
namespace {

/// Returns a reading as a reader makes it.
std::shared_ptr<const Reading> reading(const core::Config& config) {
    auto memory = sys::new_memory("portsplit.conf");
    EXPECT_TRUE(sys::write_all(memory->get(), config::pack(config)));
    auto facts = unpack_facts(pack_facts(config, std::nullopt));
    return std::make_shared<Reading>(Reading{*std::move(facts), *std::move(memory)});
}

TEST(KeptReading, IsTheSameConfiguration) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        const core::Config config = config::RandomConfig(seed, seed % 2 == 0).make();
        const auto text = text_of(*reading(config));
        ASSERT_TRUE(text) << seed;
        const sys::User user{7, 8, {9, 10}, true};
        const auto kept = reading_of(*text, user, config::Need::Services);
        ASSERT_TRUE(kept) << kept.error() << "\n" << *text;
        EXPECT_EQ(*sys::read_memory((*kept)->packed.get()), config::pack(config)) << *text;
        EXPECT_EQ(pack_facts((*kept)->config, std::nullopt),
                  pack_facts(reading(config)->config, std::nullopt));
        ASSERT_TRUE((*kept)->user);
        EXPECT_EQ((*kept)->user->uid, 7U);
        EXPECT_EQ((*kept)->user->groups, (std::vector<gid_t>{9, 10}));
    }
}

TEST(KeptReading, SaysWhyTheConfigurationCannotBeRead) {
    const auto kept = reading_of("bind = 127.0.0.1:1\ncolour = red\n[a]\nconnect = 127.0.0.1:2\n",
                                 std::nullopt, config::Need::Listeners);
    ASSERT_FALSE(kept);
    EXPECT_THAT(kept.error(), testing::StartsWith("the configuration in use cannot be read: "));
    EXPECT_THAT(kept.error(), testing::HasSubstr("colour"));
}

TEST(KeptReading, HasNumbersForTheOwnersOfSockets) {
    core::Config config;
    config.top.bind = {{"unix:/run/a,mode=0600,user=daemon", 0}};
    core::Service service;
    service.name = "one";
    service.patterns = {{core::PatternKind::String, "one"}};
    service.action = core::Connect{{{"127.0.0.1", 9}}};
    config.services = {service};
    auto before = std::make_shared<Reading>();
    {
        auto named = reading(config);
        static_cast<Facts&>(*before) = *named;
        before->packed.reset(::dup(named->packed.get()));
    }
    before->config.top.bind = {{"unix:/run/a,mode=0600,user=1", 0}};
    const auto text = text_of(*before);
    ASSERT_TRUE(text);
    const auto kept = reading_of(*text, std::nullopt, config::Need::Listeners);
    ASSERT_TRUE(kept) << kept.error();
    EXPECT_EQ((*kept)->config.top.bind.front().host, "unix:/run/a,mode=0600,user=1");
}

}  // namespace
}  // namespace portsplit::daemon
