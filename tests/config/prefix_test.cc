#include "config/prefix.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

#include "config/client_lists.h"
#include "config/key_table.h"
#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Returns the text of what was read, or what is wrong with it.
std::string read_back(std::string_view text) {
    const auto prefix = read_prefix(text);
    return prefix ? print(*prefix) : prefix.error().text;
}

TEST(ReadPrefix, HasOneTextForEveryForm) {
    struct Case {
        std::string_view written;
        std::string_view text;
    };
    const Case cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"192.0.2.7/24", "192.0.2.0/24"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"2001:DB8::/32", "2001:db8::/32"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:db8::1/128", "2001:db8::1"},
        {"::/0", "::/0"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1/120", "192.0.2.0/24"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"fe80::1%eth0", "fe80::1%eth0"},
        {"fe80::1%eth0/64", "fe80::%eth0/64"},
        {"unix", "unix"},
        {"none", "none"},
    };
    for (const Case& it : cases) {
        EXPECT_EQ(read_back(it.written), it.text) << it.written;
        EXPECT_EQ(read_back(it.text), it.text);
    }
}

TEST(ReadPrefix, SaysWhatToWriteInstead) {
    struct Case {
        std::string_view written;
        std::string_view advice;
    };
    const Case cases[] = {
        {"all", "write 0.0.0.0/0 for all of IPv4, and ::/0 for all of IPv6"},
        {"ANY", "write 0.0.0.0/0"},
        {"*", "write 0.0.0.0/0"},
        {"0/0", "not a whole address; write 0.0.0.0/0"},
        {"172.16/12", "not a whole address; write 172.16.0.0/12"},
        {"UNIX", "write unix"},
        {"unix:/run/x", "write unix"},
        {"/run/x", "write unix"},
        {"192.0.2.0/24 ; text",
         "a comment needs a line of its own, and begins with #; write "
         "192.0.2.0/24"},
        {"192.0.2.7 # text", "write 192.0.2.7"},
        {"; text", "only # begins a comment"},
        {"192.0.2.1, 192.0.2.2", "more than one value"},
        {"192.0.2.0/24 192.0.3.0/24", "more than one value"},
        {"192.0.2.0/24,", "more than one value"},
        {"fe80::/10%eth0", "the interface comes before the /; write fe80::%eth0/10"},
        {"localhost", "a name; write 127.0.0.0/8 and ::1"},
        {"office.example", "a name, and no name is looked up for a client"},
        {"[2001:db8::1]:443", "without brackets and without a port"},
        {"192.0.2.1:443", "an address with a port; write 192.0.2.1"},
        {"192.0.2.", "not a whole address; write 192.0.2.0/24"},
        {"192.0.2", "not a whole address; write 192.0.2.0/24"},
        {"192.0.*", "not a whole address; write 192.0.0.0/16"},
        {"10/8", "not a whole address; write 10.0.0.0/8"},
        {"192.0.2.1-192.0.2.9", "a range; write the prefixes"},
        {"192.0.2.0/255.255.255.0", "a netmask; write 192.0.2.0/24"},
        {"192.0.2.0/255.0.255.0", "255.0.255.0 is not the length of a prefix"},
        {"192.0.2.0/33", "write a number of bits from 0 to 32"},
        {"192.0.2.0/", "no number behind the /; write 192.0.2.0/32"},
        {"192.0.2.0/+8", "write a number of bits from 0 to 32"},
        {"2001:db8::/129", "write a number of bits from 0 to 128"},
        {"::ffff:192.0.2.0/24", "the address is that of IPv4; write 192.0.2.0/24"},
        {"::ffff:192.0.2.0/95", "write a number of bits from 96 to 128"},
        {"192.0.2.1%eth0", "only addresses of a link, those in fe80::/10"},
        {"2001:db8::1%eth0", "only addresses of a link, those in fe80::/10"},
        {"::%eth0/0", "only addresses of a link, those in fe80::/10"},
        {"fe80::%eth0/9", "only addresses of a link, those in fe80::/10"},
        {"fe80::1%2", "the number of an interface; write its name"},
        {"fe80::1%", "no interface behind the %"},
        {"fe80::1%sixteen-bytes-xx", "no interface behind the %"},
        {"300.1.1.1", "neither an address nor a prefix"},
        {"2001:db8::/32/32", "not the length of a prefix"},
    };
    for (const Case& it : cases) {
        EXPECT_THAT(read_back(it.written), HasSubstr(it.advice)) << it.written;
    }
}

TEST(ReadPrefix, KnowsWhatIsBehindThePrefix) {
    EXPECT_EQ(prefix_without_rest("192.0.2.7/24"), "192.0.2.0/24");
    EXPECT_EQ(prefix_without_rest("192.0.2.0/24"), std::nullopt);
    EXPECT_EQ(prefix_without_rest("192.0.2.7"), std::nullopt);
    EXPECT_EQ(prefix_without_rest("unix"), std::nullopt);
    EXPECT_EQ(prefix_without_rest("nonsense"), std::nullopt);
}

TEST(ReadSource, TakesOneAddress) {
    EXPECT_EQ(read_source("192.0.2.7")->address, core::IpAddress::parse("192.0.2.7"));
    EXPECT_EQ(read_source("::ffff:192.0.2.7")->address, core::IpAddress::parse("192.0.2.7"));
    EXPECT_EQ(read_source("fe80::1%eth0")->zone.name(), "eth0");
    EXPECT_TRUE(read_source("unix")->is_unix);
    for (const char* none : {"", "192.0.2.0/24", "none", "office", "192.0.2.7/32"}) {
        ASSERT_FALSE(read_source(none)) << none;
        EXPECT_EQ(read_source(none).error().text,
                  "not one address; write one such as 192.0.2.7, or unix");
    }
}

TEST(ListsOfClients, AreReadAtTheTopInListenersAndInServices) {
    const Loaded loaded = read(
        "bind = *:1\nallow = 192.0.2.0/24\nallow = ::1\ndeny = 192.0.2.9\n"
        "[listener in]\nbind = *:2\nallow = 198.51.100.0/24\n"
        "[a]\nstring = a\nconnect = b:1\nfrom = unix\nnot-from = 192.0.2.1\n",
        "f", Need::Listeners);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    ASSERT_TRUE(loaded.config);
    const core::Config& config = *loaded.config;
    EXPECT_EQ(config.top.allow.size(), 2U);
    ASSERT_EQ(config.listeners.front().allow.size(), 1U) << "a list replaces that of the top";
    EXPECT_EQ(print(config.listeners.front().allow.front()), "198.51.100.0/24");
    EXPECT_EQ(config.listeners.front().deny, config.top.deny);
    EXPECT_EQ(print(config.services.front().from.front()), "unix");
    EXPECT_EQ(print(config.services.front().not_from.front()), "192.0.2.1");
}

TEST(ListsOfClients, HaveNoPrefixInBoth) {
    EXPECT_THAT(
        issues_of("bind = *:1\nallow = 192.0.2.7/24\ndeny = ::1\ndeny = 192.0.2.0/24\n"
                  "[fallback]\nconnect = a:1\n"),
        ElementsAre(HasSubstr("f:2: warning: allow = 192.0.2.7/24: it has bits behind the "
                              "prefix, which do not count; write 192.0.2.0/24"),
                    "f:4: deny = 192.0.2.0/24: allow has it, too, on line 2; keep one of the "
                    "two"));
    EXPECT_THAT(
        issues_of("bind = *:1\n[a]\nstring = a\nconnect = a:1\nnot-from = unix\n"
                  "from = unix\n"),
        ElementsAre("f:5: not-from = unix: from has it, too, on line 6; keep one of the two"));
    // What a listener has from the top counts; what it replaces does not.
    EXPECT_THAT(issues_of(with_service("bind = *:1\nallow = ::1\n[listener in]\nbind = *:2\n"
                                       "deny = ::1\n")),
                ElementsAre("f:5: deny = ::1: allow has it, too, on line 2; keep one of the two"));
    EXPECT_THAT(issues_of(with_service("bind = *:1\nallow = ::1\n[listener in]\nbind = *:2\n"
                                       "deny = ::1\nallow = ::/0\n")),
                ElementsAre());
}

Loaded read_with(const std::string& list, const std::string& lines) {
    return read("bind = *:1\n" + lines + "[fallback]\nconnect = a:1\n", "f", Need::Listeners,
                memory_files({{"list", list}}));
}

TEST(ListsOfClients, ComeFromFiles) {
    const Loaded loaded =
        read_with("# office\n192.0.2.0/24\n\n2001:db8::/32\n", "allow = @list\nallow = ::1\n");
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    ASSERT_EQ(loaded.config->top.allow.size(), 3U);
    EXPECT_EQ(print(loaded.config->top.allow[1]), "2001:db8::/32");
    const Loaded in_libconfig = read(
        "bind = \"*:1\"; allow = [ \"@list\", \"::1\" ]; services : { fallback : { connect = "
        "\"a:1\"; }; };",
        "f", Need::Listeners, memory_files({{"list", "192.0.2.0/24\n2001:db8::/32\n"}}));
    EXPECT_EQ(in_libconfig.config, loaded.config);
}

TEST(ListsOfClients, NameTheLineOfTheFile) {
    EXPECT_THAT(texts_of(read_with("192.0.2.0/24\noffice\n@other\n", "deny = @list\n").issues),
                ElementsAre(HasSubstr("list:2: deny = office: a name, and no name is looked up"),
                            "list:3: @other: a list in a list"));
    EXPECT_THAT(texts_of(read_with("", "deny = @other\n").issues),
                ElementsAre("f:2: deny = @other: cannot read other: no such file"));
}

TEST(ListsOfClients, StayListsWhenTheyAreEmpty) {
    const Loaded allow = read_with("# nobody\n", "allow = @list\n");
    EXPECT_THAT(texts_of(allow.issues),
                ElementsAre(HasSubstr("f:2: warning: allow: a list without a value")));
    ASSERT_EQ(allow.config->top.allow.size(), 1U);
    EXPECT_EQ(print(allow.config->top.allow.front()), "none");
    const Loaded deny = read_with("# nobody\n", "deny = @list\n");
    EXPECT_THAT(texts_of(deny.issues), ElementsAre());
    // Together with another value, an empty file changes nothing.
    const Loaded both = read_with("# nobody\n", "allow = @list\nallow = ::1\n");
    EXPECT_THAT(texts_of(both.issues), ElementsAre());
    EXPECT_EQ(both.config->top.allow.size(), 1U);
    const Loaded empty =
        read("bind = \"*:1\"; allow = []; services : { fallback : { connect = \"a:1\"; }; };", "f",
             Need::Listeners);
    ASSERT_EQ(empty.config->top.allow.size(), 1U);
}

}  // namespace
}  // namespace portsplit::config
