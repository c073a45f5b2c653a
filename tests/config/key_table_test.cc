#include "config/key_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/placeholder.h"
#include "config/value.h"
#include "core/model.h"

namespace portsplit::config {
namespace {

const Key& key_named(std::string_view name) {
    const Key* key = find_key(name);
    if (key == nullptr) std::abort();
    return *key;
}

TEST(KeyTable, HasEachNameOnceInASectionWithOneLineOfHelp) {
    for (const Place section : {Place::Global, Place::Listener, Place::Service}) {
        std::set<std::string_view> names;
        for (const Key& key : keys()) {
            if (!stands_in(key, section)) continue;
            EXPECT_TRUE(names.insert(key.name).second) << key.name;
            EXPECT_EQ(find_key(key.name, section), &key) << key.name;
        }
    }
    for (const Key& key : keys()) {
        ASSERT_NE(find_key(key.name), nullptr) << key.name;
        EXPECT_EQ(find_key(key.name)->name, key.name);
        EXPECT_FALSE(key.help.empty()) << key.name;
        EXPECT_EQ(key.help.find('\n'), std::string_view::npos) << key.name;
        EXPECT_FALSE(placeholder(key).empty()) << key.name;
        const bool has_words = key.takes.type == Type::Word || key.takes.type == Type::LogItem;
        EXPECT_EQ(has_words, !key.takes.words.empty()) << key.name;
    }
    EXPECT_EQ(find_key("nonsense"), nullptr);
    EXPECT_EQ(find_key("bind", Place::Service), nullptr);
}

/// Compares the default text of a key with the default of its member in the model.
struct DefaultsAgree {
    const Key& key;

    template <typename Owner, typename T>
    void operator()(T Owner::*field) const {
        if (key.default_text.empty()) {
            EXPECT_EQ(Owner{}.*field, T{}) << key.name;
        } else {
            EXPECT_EQ(Owner{}.*field, *parse<T>(key, key.default_text)) << key.name;
        }
    }
    /// The default follows from other keys.
    template <typename Owner, typename T>
    void operator()(std::optional<T> Owner::*field) const {
        EXPECT_EQ(Owner{}.*field, std::nullopt) << key.name;
        EXPECT_FALSE(key.default_text.empty()) << key.name;
    }
    template <typename Owner, typename T>
    void operator()(core::List<T> Owner::*field) const {
        EXPECT_TRUE((Owner{}.*field).empty()) << key.name;
        // Without a word, the log has its lines all the same.
        if (key.takes.type != Type::LogItem) {
            EXPECT_EQ(key.default_text, "") << key.name;
        }
    }
    template <typename Owner>
    void operator()(const Enumerated<Owner>& field) const {
        const std::size_t number = field.get(Owner{});
        if (key.takes.type == Type::YesNo) {
            EXPECT_EQ(number == key.takes.yes, *parse<bool>(key, key.default_text)) << key.name;
        } else {
            EXPECT_EQ(number, *parse_word(key, key.default_text)) << key.name;
        }
    }
    void operator()(core::PatternKind) const { EXPECT_EQ(key.default_text, "") << key.name; }
};

TEST(KeyTable, HasTheDefaultsOfTheModel) {
    for (const Key& key : keys()) {
        if (key.takes.field) std::visit(DefaultsAgree{key}, *key.takes.field);
    }
}

TEST(KeyTable, HasAWordForEachEnumerator) {
    const auto word_of = [](std::string_view name, auto enumerator) {
        return key_named(name).takes.words[static_cast<std::size_t>(enumerator)];
    };
    EXPECT_EQ(word_of("stdio", core::Stdio::Socket), "socket");
    EXPECT_EQ(word_of("stdio", core::Stdio::Pipe), "pipe");
    EXPECT_EQ(word_of("stdio", core::Stdio::Pty), "pty");
    EXPECT_EQ(word_of("stderr", core::StderrTo::Log), "log");
    EXPECT_EQ(word_of("stderr", core::StderrTo::Null), "null");
    EXPECT_EQ(word_of("stderr", core::StderrTo::Client), "client");
    EXPECT_EQ(word_of("log", core::LogLines::End), "end");
    EXPECT_EQ(word_of("log", core::LogLines::Start), "start");
    EXPECT_EQ(word_of("log", core::LogLines::None), "no");
    EXPECT_EQ(word_of("log", core::LogLines::All), "all");
}

TEST(KeyTable, HasAliasesOfKeysWithTheSameMember) {
    std::set<std::string_view> aliases;
    for (const Key& key : keys()) {
        if (key.takes.alias_of.empty()) continue;
        aliases.insert(key.name);
        const Key* today = find_key(key.takes.alias_of);
        ASSERT_NE(today, nullptr) << key.name;
        EXPECT_EQ(today->takes.type, Type::Word) << key.name;
        EXPECT_EQ(today->takes.place, key.takes.place) << key.name;
        EXPECT_LT(key.takes.yes, today->takes.words.size()) << key.name;
    }
    EXPECT_EQ(aliases, (std::set<std::string_view>{"pty"}));
}

TEST(KeyTable, HasAKeyForEachKindOfPattern) {
    EXPECT_EQ(find_key("string")->takes.field, Field(core::PatternKind::String));
    EXPECT_EQ(find_key("hex")->takes.field, Field(core::PatternKind::Hex));
    EXPECT_EQ(find_key("regex")->takes.field, Field(core::PatternKind::Regex));
}

TEST(KeyTable, TakesThePlaceOfAKeyFromItsMember) {
    EXPECT_EQ(key_named("pid").takes.place, Place::Global);
    EXPECT_EQ(key_named("bind").takes.place, Place::Listening);
    EXPECT_EQ(key_named("services").takes.place, Place::Listener);
    EXPECT_EQ(key_named("string").takes.place, Place::Service);
    EXPECT_EQ(key_named("stdio").takes.place, Place::Exec);
    EXPECT_EQ(key_named("pty").takes.place, Place::Exec);
    EXPECT_EQ(key_named("connect").takes.place, Place::Connect);
    EXPECT_EQ(key_named("include").takes.place, Place::Both);
}

TEST(KeyTable, HasLimitsOfConnectionsInEachPlace) {
    struct Case {
        const char* name;
        Place section;
        Place place;
    };
    for (const Case& c : {Case{"maxconn", Place::Global, Place::Global},
                          Case{"maxconn", Place::Service, Place::Service},
                          Case{"maxconn-source", Place::Global, Place::Listening},
                          Case{"maxconn-source", Place::Listener, Place::Listening},
                          Case{"maxconn-source", Place::Service, Place::Service},
                          Case{"maxundecided", Place::Listener, Place::Listening},
                          Case{"rate-source", Place::Listener, Place::Listening},
                          Case{"penalty", Place::Global, Place::Listening},
                          Case{"penalty", Place::Listener, Place::Listening},
                          Case{"penalty", Place::Service, Place::Exec}}) {
        const Key* key = find_key(c.name, c.section);
        ASSERT_NE(key, nullptr) << c.name;
        EXPECT_EQ(key->takes.place, c.place) << c.name;
    }
    EXPECT_EQ(find_key("maxconn", Place::Listener), nullptr);
    EXPECT_EQ(find_key("maxundecided", Place::Service), nullptr);
    EXPECT_EQ(find_key("rate-source", Place::Service), nullptr);
}

TEST(StandsIn, IsTrueForTheSectionsOfAKeysPlace) {
    struct Case {
        const char* name;
        bool in_global;
        bool in_listener;
        bool in_service;
    };
    for (const Case& c : {Case{"bind", true, true, false}, Case{"pid", true, false, false},
                          Case{"services", false, true, false}, Case{"string", false, false, true},
                          Case{"execarg", false, false, true}, Case{"connect", false, false, true},
                          Case{"include", true, false, true}}) {
        const Key* key = find_key(c.name);
        ASSERT_NE(key, nullptr) << c.name;
        EXPECT_EQ(stands_in(*key, Place::Global), c.in_global) << c.name;
        EXPECT_EQ(stands_in(*key, Place::Listener), c.in_listener) << c.name;
        EXPECT_EQ(stands_in(*key, Place::Service), c.in_service) << c.name;
    }
}

TEST(Takes, MakesAKeyRepeatableWhenItsMemberIsAList) {
    for (const char* name : {"bind", "string", "connect", "execarg", "include", "penalty"}) {
        EXPECT_TRUE(key_named(name).takes.repeatable) << name;
    }
    for (const char* name :
         {"timeout", "maxconn", "pid", "user", "exec", "stdio", "pty", "rate-source"}) {
        EXPECT_FALSE(key_named(name).takes.repeatable) << name;
    }
}

}  // namespace
}  // namespace portsplit::config
