#include "config/key_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/value.h"
#include "core/model.h"

namespace portsplit::config {
namespace {

TEST(OptionTable, HasEachKeyOnceWithOneLineOfHelp) {
    std::set<std::string_view> keys;
    for (const Option& option : options()) {
        EXPECT_TRUE(keys.insert(option.key).second) << option.key;
        EXPECT_EQ(find_option(option.key), &option) << option.key;
        EXPECT_FALSE(option.help.empty()) << option.key;
        EXPECT_EQ(option.help.find('\n'), std::string_view::npos) << option.key;
        EXPECT_FALSE(form(option).empty()) << option.key;
        EXPECT_EQ(option.type == Type::Word, !option.words.empty()) << option.key;
        EXPECT_TRUE(option.alias_of.empty() || find_option(option.alias_of) != nullptr);
    }
    EXPECT_EQ(find_option("nonsense"), nullptr);
}

/// What an option's default text is read as, and what the model has.
struct DefaultsAgree {
    const Option& option;

    template <typename Owner, typename T>
    void operator()(T Owner::*field) const {
        if (option.default_text.empty()) {
            EXPECT_EQ(Owner{}.*field, T{}) << option.key;
        } else {
            EXPECT_EQ(Owner{}.*field, *parse<T>(option, option.default_text)) << option.key;
        }
    }
    template <typename Owner, typename T>
    void operator()(std::vector<T> Owner::*field) const {
        EXPECT_TRUE((Owner{}.*field).empty()) << option.key;
        EXPECT_TRUE(option.default_text.empty()) << option.key;
    }
    void operator()(core::PatternKind) const {
        EXPECT_TRUE(option.default_text.empty()) << option.key;
    }
    void operator()(std::monostate) const {
        EXPECT_TRUE(option.default_text.empty()) << option.key;
    }
};

TEST(OptionTable, HasTheDefaultsOfTheModel) {
    for (const Option& option : options()) std::visit(DefaultsAgree{option}, option.field);
}

TEST(OptionTable, HasAWordForEachEnumerator) {
    const Option& stdio = *find_option("stdio");
    EXPECT_EQ(print(stdio, core::Stdio::Socket), "socket");
    EXPECT_EQ(print(stdio, core::Stdio::Pipe), "pipe");
    EXPECT_EQ(print(stdio, core::Stdio::Pty), "pty");
    EXPECT_EQ(form(stdio), "socket|pipe|pty");
    const Option& to = *find_option("stderr");
    EXPECT_EQ(print(to, core::StderrTo::Log), "log");
    EXPECT_EQ(print(to, core::StderrTo::Null), "null");
    EXPECT_EQ(print(to, core::StderrTo::Client), "client");
}

TEST(OptionTable, HasAFieldForEachKindOfPattern) {
    EXPECT_EQ(find_option("string")->field, Field(core::PatternKind::String));
    EXPECT_EQ(find_option("hex")->field, Field(core::PatternKind::Hex));
    EXPECT_EQ(find_option("regex")->field, Field(core::PatternKind::Regex));
    EXPECT_EQ(form(*find_option("hex")), "HEX");
    EXPECT_EQ(form(*find_option("regex")), "EXPRESSION");
}

TEST(OptionTable, HasIncludeInBothPlaces) {
    const Option& include = *find_option(kInclude);
    EXPECT_TRUE(stands_in(include, Place::Global));
    EXPECT_TRUE(stands_in(include, Place::Service));
    EXPECT_TRUE(include.repeatable);
    EXPECT_EQ(form(include), "NAME|PATH");
    EXPECT_TRUE(stands_in(*find_option("bind"), Place::Global));
    EXPECT_FALSE(stands_in(*find_option("bind"), Place::Service));
}

TEST(OptionTable, KnowsWhatMeansNothingWithoutExec) {
    std::set<std::string_view> keys;
    for (const Option& option : options()) {
        if (describes_exec(option)) keys.insert(option.key);
    }
    EXPECT_EQ(keys, (std::set<std::string_view>{"execarg", "pty", "stderr", "stdio"}));
}

}  // namespace
}  // namespace portsplit::config
