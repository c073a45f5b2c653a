#include "config/describe.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "config/classic.h"
#include "config/key_table.h"
#include "config/libconfig.h"
#include "support/issues_of.h"
#include "support/random_config.h"

namespace portsplit::config {
namespace {

TEST(Describe, EscapesStringAndKeepsHexAndRegex) {
    core::Config config;
    config.services = {{"s",
                        {{core::PatternKind::String, "\\"},
                         {core::PatternKind::Hex, "16 ?? 5C"},
                         {core::PatternKind::Regex, "\\x20\"+[#;]"}},
                        core::Connect{{{"b", 1}}}}};
    EXPECT_EQ(*write_classic(config),
              "[s]\n"
              "string  = \\5C\n"
              "hex     = 16 ?? 5C\n"
              "regex   = \\x20\"+[#;]\n"
              "connect = b:1\n");
    EXPECT_EQ(write_libconfig(config),
              "services : {\n"
              "    s : {\n"
              "        string  = \"\\\\5C\";\n"
              "        hex     = \"16 ?? 5C\";\n"
              "        regex   = \"\\\\x20\\\"+[#;]\";\n"
              "        connect = \"b:1\";\n"
              "    };\n"
              "};\n");
    config.services[0].patterns = {{core::PatternKind::Regex, "a "}};
    EXPECT_EQ(to_string(write_classic(config).error()),
              "service s: regex: a blank at an end, which the classic spelling cannot express; use "
              "libconfig's");
}

TEST(Describe, SurvivesWritingAndReadingInBothSpellings) {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        const bool speak_classic = seed % 2 == 0;
        const core::Config config = RandomConfig(seed, speak_classic).make();
        const std::string libconfig = write_libconfig(config);
        ASSERT_TRUE(read(libconfig, "f", Need::Services).config == config) << libconfig;
        if (!speak_classic) continue;
        const auto classic = write_classic(config);
        ASSERT_TRUE(classic) << to_string(classic.error());
        ASSERT_TRUE(read(*classic, "f", Need::Services).config == config) << *classic;
    }
}

TEST(RandomConfig, SetsEachKeyThatHasAMember) {
    std::set<std::string_view> named;
    for (unsigned seed = 0; seed < 200; ++seed) {
        const Document document = describe(RandomConfig(seed, true).make());
        const auto add = [&](const Section& section) {
            for (const Entry& entry : section.entries) {
                // A condition on a field of a layout is no key.
                if (const Key* key = find_key(entry.key)) named.insert(key->name);
            }
        };
        add(document.global);
        for (const Section& listener : document.listeners) add(listener);
        for (const Section& service : document.services) add(service);
    }
    for (const Key& key : keys()) {
        if (!key.takes.field || !key.takes.alias_of.empty()) continue;
        EXPECT_TRUE(named.contains(key.name)) << key.name << ": set it in random_config.h";
    }
}

TEST(Describe, GivesTheSameTextWhenReadAndWrittenAgain) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        const core::Config config = RandomConfig(seed, true).make();
        const std::string once = write_libconfig(config);
        EXPECT_EQ(write_libconfig(*read(once, "f", Need::Services).config), once);
    }
}

}  // namespace
}  // namespace portsplit::config
