#include "daemon/facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "support/random_config.h"

namespace portsplit::daemon {
namespace {

/// Returns what facts have of a configuration.
core::Config without_details(core::Config config) {
    config.services.clear();
    const auto clear = [](core::Listener& listener) {
        listener.allow.clear();
        listener.deny.clear();
        listener.proxy_from.clear();
    };
    clear(config.top);
    for (core::Listener& listener : config.listeners) clear(listener);
    return config;
}

core::Config global_config(unsigned seed) {
    core::Config config = config::RandomConfig(seed, false).make();
    return without_details(std::move(config));
}

const sys::User kUser{1, 2, {3, 4, 5}};

void expect_same(const std::optional<Facts>& facts, const core::Config& config,
                 const std::optional<sys::User>& user) {
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->config, config);
    ASSERT_EQ(facts->user.has_value(), user.has_value());
    if (!user) return;
    EXPECT_EQ(facts->user->uid, user->uid);
    EXPECT_EQ(facts->user->gid, user->gid);
    EXPECT_EQ(facts->user->groups, user->groups);
}

TEST(Facts, AreReadAsTheyWerePacked) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        const core::Config config = global_config(seed);
        for (const std::optional<sys::User>& user :
             {std::optional<sys::User>(), std::optional(kUser),
              std::optional(sys::User{1, 2, {}})}) {
            expect_same(unpack_facts(pack_facts(config, user)), config, user);
        }
    }
}

TEST(Facts, HaveNoServices) {
    core::Config config = config::RandomConfig(1, false).make();
    const auto facts = unpack_facts(pack_facts(config, kUser));
    expect_same(facts, without_details(std::move(config)), kUser);
}

TEST(Facts, SayWhomEachListenerServes) {
    const auto address_of = [](const char* host) { return *sys::Address::from({host, 1}); };
    core::Config config;
    core::Listener& two = config.listeners.emplace_back();
    two.name = "two";
    two.allow = {{core::Prefix::Kind::Internet, 24, *core::IpAddress::parse("192.0.2.0"), {}}};
    core::Listener& three = config.listeners.emplace_back(two);
    three.name = "three";
    three.deny = {{core::Prefix::Kind::Internet, 32, *core::IpAddress::parse("192.0.2.9"), {}}};
    const auto facts = unpack_facts(pack_facts(config, std::nullopt));
    ASSERT_TRUE(facts);
    const Admission& admission = facts->admission;
    EXPECT_TRUE(admission.admits(0, address_of("198.51.100.1")));
    EXPECT_FALSE(admission.admits(1, address_of("198.51.100.1")));
    EXPECT_TRUE(admission.admits(1, address_of("192.0.2.9")));
    EXPECT_FALSE(admission.admits(2, address_of("192.0.2.9")));
    EXPECT_TRUE(admission.admits(2, address_of("192.0.2.8")));
    EXPECT_FALSE(admission.admits(2, sys::Address()));
}

TEST(Facts, AreRefusedWhenTheyAreCut) {
    const std::string packed = pack_facts(global_config(1), kUser);
    for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_FALSE(unpack_facts(std::string_view(packed).substr(0, size))) << size;
    }
}

TEST(Facts, AreRefusedWithBytesBehindThem) {
    EXPECT_FALSE(unpack_facts(pack_facts(global_config(1), kUser) + '\0'));
}

TEST(Facts, AreRefusedWithMoreGroupsThanBytes) {
    std::string packed = pack_facts(global_config(1), kUser);
    // The number of groups is the last of four numbers; times four it would be small again.
    const std::size_t groups = packed.find('\3', 12);
    ASSERT_EQ(groups, 16U);
    packed[groups + 7] = '\x40';
    EXPECT_FALSE(unpack_facts(packed));
    std::fill_n(packed.begin() + static_cast<std::ptrdiff_t>(groups), 8, '\xff');
    EXPECT_FALSE(unpack_facts(packed));
}

TEST(Facts, AreRefusedWhenTheyAreRubbish) {
    EXPECT_FALSE(unpack_facts(""));
    for (const char byte : {'\0', '\1', 'x', '\xff'}) {
        for (std::size_t size = 1; size < 50; ++size) {
            EXPECT_FALSE(unpack_facts(std::string(size, byte))) << size;
        }
    }
}

// Whatever the bytes are: facts or nothing, and no access outside of them.
// fault: F8
TEST(Facts, AreRefusedOrReadWithAnyByteChanged) {
    const std::string packed = pack_facts(global_config(1), kUser);
    for (std::size_t at = 0; at < packed.size(); ++at) {
        for (const char byte : {'\0', '\x01', '\x7f', '\xff'}) {
            std::string changed = packed;
            changed[at] = byte;
            const auto facts = unpack_facts(changed);
            if (facts)
                expect_same(unpack_facts(pack_facts(facts->config, facts->user)), facts->config,
                            facts->user);
        }
    }
}

TEST(UnpackProblems, ReturnsWhatWasPackedAndZeroForAnythingElse) {
    EXPECT_EQ(unpack_problems(pack_problems(7)), 7U);
    EXPECT_EQ(unpack_problems(""), 0U);
    EXPECT_EQ(unpack_problems(pack_problems(7) + "x"), 0U);
}

}  // namespace
}  // namespace portsplit::daemon
