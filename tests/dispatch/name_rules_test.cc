#include "dispatch/name_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// integration/names.bats compares the same rules with getaddrinfo(3).

namespace portsplit::dispatch {
namespace {

using Names = std::vector<std::string>;

NameRules of_resolv_conf(const std::string& text) {
    NameTexts texts;
    texts.resolv_conf = text;
    return name_rules(texts);
}

TEST(NameRules, AreTheSystemsDefaultsWithoutFiles) {
    const NameRules rules = name_rules({});
    EXPECT_EQ(rules.sources, (std::vector{NameSource::Hosts, NameSource::Dns}));
    EXPECT_EQ(rules.search, Names{});
    EXPECT_EQ(rules.ndots, 1U);
    EXPECT_TRUE(rules.as_top_level);
    EXPECT_TRUE(rules.ipv6);
    EXPECT_FALSE(rules.over_tcp);
}

TEST(NameRules, SearchTheDomainsOfTheLastLine) {
    struct Case {
        std::string text;
        Names expected;
    };
    const Case cases[] = {
        {"search a.example b.example\n", {"a.example", "b.example"}},
        {"search a.example\tb.example", {"a.example", "b.example"}},
        {"search\t a.example  \r\n", {"a.example"}},
        {"search a.example.net a.example\n", {"a.example.net", "a.example"}},
        {"search .\n", {""}},
        {"search a.example. .b.example\n", {"a.example", "b.example"}},
        {"domain a.example b.example\n", {"a.example"}},
        {"domain a.example\nsearch b.example\n", {"b.example"}},
        {"search b.example\ndomain a.example\n", {"a.example"}},
        {"search a.example\nsearch\nsearch \n", {"a.example"}},
        {"#search a.example\n;search b.example\n search c.example\nsearched d.example\n", {}},
    };
    for (const Case& c : cases) EXPECT_EQ(of_resolv_conf(c.text).search, c.expected) << c.text;
}

TEST(NameRules, SearchTheDomainOfTheHostIfNoOtherIsNamed) {
    NameTexts texts;
    texts.host_name = "web.own.example";
    EXPECT_EQ(name_rules(texts).search, Names{"own.example"});
    texts.resolv_conf = "search a.example\n";
    EXPECT_EQ(name_rules(texts).search, Names{"a.example"});
    EXPECT_EQ(name_rules({.resolv_conf = {},
                          .nsswitch_conf = {},
                          .localdomain = {},
                          .res_options = {},
                          .host_name = "web"})
                  .search,
              Names{});
}

TEST(NameRules, PreferTheEnvironmentToTheFile) {
    NameTexts texts;
    texts.resolv_conf = "search a.example\noptions ndots:2\n";
    texts.localdomain = "b.example c.example";
    texts.res_options = "ndots:3";
    EXPECT_EQ(name_rules(texts).search, (Names{"b.example", "c.example"}));
    EXPECT_EQ(name_rules(texts).ndots, 3U);
    texts.localdomain = "";
    EXPECT_EQ(name_rules(texts).search, Names{});
}

TEST(NameRules, FollowTheOptions) {
    EXPECT_EQ(of_resolv_conf("options ndots:0\n").ndots, 0U);
    EXPECT_EQ(of_resolv_conf("options rotate ndots:4\n").ndots, 4U);
    EXPECT_EQ(of_resolv_conf("options ndots:99\n").ndots, 15U);
    EXPECT_EQ(of_resolv_conf("options ndots:x\n").ndots, 0U);
    EXPECT_FALSE(of_resolv_conf("options no-tld-query\n").as_top_level);
    EXPECT_FALSE(of_resolv_conf("options\tno-aaaa\n").ipv6);
    EXPECT_TRUE(of_resolv_conf("options edns0 use-vc\n").over_tcp);
}

TEST(NameRules, TakeTheSourcesInTheOrderOfTheFile) {
    using enum NameSource;
    struct Case {
        std::string line;
        std::vector<NameSource> expected;
    };
    const Case cases[] = {
        {"files dns", {Hosts, Dns}},
        {"dns files", {Dns, Hosts}},
        {"files", {Hosts}},
        {"dns", {Dns}},
        {"resolve", {Hosts, Dns}},
        {"mymachines resolve [!UNAVAIL=return] files myhostname dns", {Hosts, Dns}},
        {"files mdns4_minimal [NOTFOUND=return] dns", {Hosts, Dns}},
        {"db files", {Hosts}},
        {"myhostname", {Hosts, Dns}},
        {"", {Hosts, Dns}},
    };
    for (const Case& c : cases) {
        NameTexts texts;
        texts.nsswitch_conf = "# hosts: none\npasswd: files\n hosts:\t" + c.line + "\n";
        EXPECT_EQ(name_rules(texts).sources, c.expected) << c.line;
    }
}

TEST(NamesToAsk, BeginWithTheNameItselfFromNdotsOn) {
    NameRules rules;
    rules.search = {"a.example", "b.example"};
    EXPECT_EQ(names_to_ask("db", rules), (Names{"db.a.example.", "db.b.example.", "db."}));
    EXPECT_EQ(names_to_ask("x.db", rules), (Names{"x.db.", "x.db.a.example.", "x.db.b.example."}));
    rules.ndots = 2;
    EXPECT_EQ(names_to_ask("x.db", rules), (Names{"x.db.a.example.", "x.db.b.example.", "x.db."}));
    rules.ndots = 0;
    EXPECT_EQ(names_to_ask("db", rules), (Names{"db.", "db.a.example.", "db.b.example."}));
}

TEST(NamesToAsk, AreOnlyTheNameIfItHasAFinalDot) {
    NameRules rules;
    rules.search = {"a.example"};
    rules.ndots = 3;
    EXPECT_EQ(names_to_ask("db.", rules), Names{"db."});
    EXPECT_EQ(names_to_ask("x.db.", rules), Names{"x.db."});
}

TEST(NamesToAsk, HaveTheRootOnce) {
    NameRules rules;
    rules.search = {"", "a.example"};
    EXPECT_EQ(names_to_ask("db", rules), (Names{"db.", "db.a.example."}));
}

TEST(NamesToAsk, LeaveATopLevelNameOutOnRequest) {
    NameRules rules;
    rules.as_top_level = false;
    EXPECT_EQ(names_to_ask("db", rules), Names{"db."});
    rules.search = {"a.example"};
    EXPECT_EQ(names_to_ask("db", rules), Names{"db.a.example."});
    EXPECT_EQ(names_to_ask("x.db", rules), (Names{"x.db.", "x.db.a.example."}));
}

}  // namespace
}  // namespace portsplit::dispatch
