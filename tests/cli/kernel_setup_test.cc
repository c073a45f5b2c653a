#include "cli/kernel_setup.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::cli {
namespace {

core::IpAddress ip(const char* text) { return *core::IpAddress::parse(text); }

// What `ip -j` and `nft -j` print (iproute2 6.1, nftables 1.0.6).
constexpr const char* kRules =
    R"([{"priority":0,"src":"all","table":"local"},)"
    R"({"priority":5053,"src":"127.0.0.1","iif":"lo","ipproto":"tcp","sport":22,"table":"5053"},)"
    R"({"priority":5053,"src":"203.0.113.5","fwmark":"0x1000000","fwmask":"0x1000000","table":"5053"},)"
    R"({"priority":100,"src":"203.0.113.6","table":"7"},)"
    R"({"priority":101,"src":"203.0.113.0","srclen":24,"table":"5053"},)"
    R"({"priority":32766,"src":"all","table":"main"}])";
constexpr const char* kRoutes =
    R"([{"type":"local","dst":"default","dev":"lo","scope":"host","flags":[]}])";
constexpr const char* kMarked =
    R"({"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"inet"}},)"
    R"({"set":{"name":"other_hosts4","elem":[{"concat":["203.0.113.5",22]},{"concat":["203.0.113.5",80]}]}},)"
    R"({"set":{"name":"this_host6","elem":[{"concat":["2001:db8::1",22]}]}},{"set":{"name":"empty"}},)"
    R"({"chain":{"name":"prerouting"}}]})";

TEST(ReadRules, KeepsThoseOfOneSourceThatLeadToTheTable) {
    EXPECT_EQ(read_rules(kRules), (std::vector<TurningRule>{
                                      {.from = ip("127.0.0.1"), .source_port = 22},
                                      {.from = ip("203.0.113.5"), .asks_for_mark = true},
                                  }));
}

TEST(HasTurningRoute, IsTrueForTheDefaultRouteToThisMachine) {
    EXPECT_TRUE(has_turning_route(kRoutes));
    EXPECT_FALSE(has_turning_route("[]"));
    EXPECT_FALSE(has_turning_route(R"([{"type":"local","dst":"192.0.2.0/24","dev":"lo"}])"));
    EXPECT_FALSE(has_turning_route(R"([{"dst":"default","gateway":"192.0.2.1","dev":"eth0"}])"));
}

TEST(ReadMarked, KeepsTheMembersOfEverySet) {
    const std::set<std::pair<core::IpAddress, std::uint16_t>> expected{
        {ip("203.0.113.5"), 22}, {ip("203.0.113.5"), 80}, {ip("2001:db8::1"), 22}};
    EXPECT_EQ(read_marked(kMarked), expected);
}

// ip(8) prints nothing, or half a list and a message, for a family or a table that the kernel does not have.
TEST(KernelSetup, IsEmptyForATextThatIsSomethingElse) {
    for (const char* text :
         {"", "[", "null", "{}", "[1]", "[{}]", R"({"nftables":1})",
          R"({"nftables":[1,{"set":2}]})",
          R"({"nftables":[{"set":{"elem":[{"concat":[1,2]},{"concat":["x",1]},3]}}]})",
          R"({"nftables":[{"set":{"elem":[{"concat":["192.0.2.1",65536]}]}}]})",
          R"([{"src":"192.0.2.1","table":"5053","sport":"x"}])", R"([{"src":1,"table":"5053"}])"}) {
        EXPECT_TRUE(read_rules(text).empty()) << text;
        EXPECT_FALSE(has_turning_route(text)) << text;
        EXPECT_TRUE(read_marked(text).empty()) << text;
    }
}

class MissingFor : public testing::Test {
  protected:
    const KernelSetup complete_{.rules = read_rules(kRules),
                                .has_route_v4 = true,
                                .has_route_v6 = true,
                                .marked = read_marked(kMarked)};
    const std::string no_mark_ =
        "no rule of nftables marks its answers (table inet portsplit_transparent)";
    const std::string no_rule_ =
        "no rule of policy routing sends its answers through the routing table 5053";
};

TEST_F(MissingFor, IsEmptyIfEverythingIsThere) {
    EXPECT_TRUE(missing_for(complete_, ip("203.0.113.5"), 80).empty());
    EXPECT_TRUE(missing_for(complete_, ip("127.0.0.1"), 22).empty());
}

TEST_F(MissingFor, HasEachThingThatIsMissing) {
    const std::vector<std::string> all{no_mark_, no_rule_,
                                       "the routing table 5053 has no local route for IPv6"};
    EXPECT_EQ(missing_for({}, ip("2001:db8::1"), 22), all);
    EXPECT_EQ(missing_for(complete_, ip("2001:db8::1"), 22), std::vector{no_rule_});
    EXPECT_EQ(missing_for(complete_, ip("203.0.113.5"), 81), std::vector{no_mark_});
    KernelSetup other = complete_;
    other.has_route_v4 = false;
    EXPECT_EQ(missing_for(other, ip("127.0.0.1"), 22),
              std::vector<std::string>{"the routing table 5053 has no local route for IPv4"});
}

TEST_F(MissingFor, LoopbackNeedsNoMarkButARuleForThePort) {
    EXPECT_EQ(missing_for(complete_, ip("127.0.0.1"), 80), std::vector{no_rule_});
    KernelSetup other = complete_;
    other.rules = {{.from = ip("127.0.0.1"), .asks_for_mark = true}};
    EXPECT_EQ(missing_for(other, ip("127.0.0.1"), 22), std::vector{no_rule_});
}

}  // namespace
}  // namespace portsplit::cli
