#include "config/setup_warnings.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "config/load.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

/// Returns the warnings about a file without errors, each behind its name.
std::vector<std::string> warnings_of(const std::string& text) {
    const Loaded loaded = read(text, "f", Need::Listeners);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    std::vector<std::string> warnings;
    for (const Issue& issue : advise_on_setup(*loaded.config, loaded.origins)) {
        warnings.push_back(std::string(issue.name) + "  " + to_string(issue));
    }
    return warnings;
}

const std::string kWeb = "[web]\nstring = G\nconnect = a:1\n";

TEST(AdviseOnSetup, WarnsOfABalancerThatTheListenerDenies) {
    const auto warnings = [](const std::string& lists) {
        return warnings_of("bind = *:443\nproxy-from = 192.0.2.10\n" + lists + kWeb);
    };
    const auto text = [](const std::string& lists, const std::string& advice) {
        return ElementsAre(
            "balancer-denied  f:2: warning: proxy-from = 192.0.2.10: " + lists +
            " shuts this balancer out, and with it all its clients; these lists are about the "
            "balancer, not about the client of its header; " +
            advice);
    };
    EXPECT_THAT(warnings(""), ElementsAre());
    EXPECT_THAT(warnings("allow = 198.51.100.0/24\n"), text("allow", "add it to allow"));
    EXPECT_THAT(warnings("deny = 192.0.2.0/24\n"),
                text("deny", "add it to allow, or take it out of deny"));
    EXPECT_THAT(warnings("allow = 192.0.2.0/24\ndeny = 192.0.2.10\n"),
                text("allow and deny", "add it to allow, or take it out of deny"));
    EXPECT_THAT(warnings("allow = 192.0.2.0/24\ndeny = 192.0.2.0/28\n"),
                text("allow and deny", "add it to allow, or take it out of deny"));
    EXPECT_THAT(warnings("allow = 192.0.2.0/24\n"), ElementsAre());
    EXPECT_THAT(warnings("deny = 192.0.2.11\n"), ElementsAre());
    EXPECT_THAT(warnings("allow = 192.0.2.10\ndeny = 0.0.0.0/0\n"), ElementsAre());
}

TEST(AdviseOnSetup, TakesAPrefixOfBalancersAsDeniedIfAllOfItIs) {
    const auto count = [](const std::string& lists) {
        return warnings_of("bind = *:443\n" + lists + kWeb).size();
    };
    EXPECT_EQ(count("proxy-from = 10.0.0.0/8\nallow = 192.0.2.0/24\n"), 1U);
    EXPECT_EQ(count("proxy-from = 10.0.0.0/8\nallow = 10.1.2.3\n"), 0U);
    EXPECT_EQ(count("proxy-from = 10.0.0.0/8\ndeny = 10.1.2.3\n"), 0U);
    EXPECT_EQ(count("proxy-from = 10.0.0.0/8\ndeny = 0.0.0.0/0\n"), 1U);
    EXPECT_EQ(count("proxy-from = 10.0.0.0/8\ndeny = ::/0\n"), 0U);
    EXPECT_EQ(count("proxy-from = none\nallow = none\n"), 0U);
    EXPECT_EQ(count("proxy-from = unix\nallow = 10.0.0.0/8\n"), 1U);
    EXPECT_EQ(count("proxy-from = unix\nallow = unix\n"), 0U);
    EXPECT_EQ(count("proxy-from = unix\nproxy-from = 10.0.0.1\nallow = 192.0.2.1\n"), 2U);
}

TEST(AdviseOnSetup, NamesTheListenerWhoseListsDenyABalancer) {
    EXPECT_THAT(warnings_of("proxy-from = 10.0.0.1\n"
                            "[listener a]\nbind = *:80\n"
                            "[listener b]\nbind = *:81\ndeny = 10.0.0.0/8\n" +
                            kWeb),
                ElementsAre(::testing::StartsWith(
                    "balancer-denied  f:1: warning: listener b: proxy-from = 10.0.0.1: deny ")));
}

TEST(AdviseOnSetup, WarnsOfOptionsWithoutEffectOnUnixSockets) {
    const auto text = [](int line, const std::string& begin) {
        return "no-effect  f:" + std::to_string(line) + ": warning: " + begin +
               " is a Unix-domain socket; delete it";
    };
    EXPECT_THAT(
        warnings_of("bind = unix:/run/a\ninterface = eth0\nfreebind = yes\nmptcp = yes\n" + kWeb),
        ElementsAre(text(2, "interface has no effect: every bind"),
                    text(3, "freebind has no effect: every bind"),
                    text(4, "mptcp has no effect: every bind")));
    EXPECT_THAT(warnings_of("bind = unix:/run/a\nfreebind = no\nmptcp = no\n" + kWeb),
                ElementsAre());
    EXPECT_THAT(warnings_of("bind = unix:/run/a\nbind = *:80\nmptcp = yes\n" + kWeb),
                ElementsAre());
    // One of the listeners that have it from the top uses it.
    const std::string two = "[listener a]\nbind = *:80\n[listener b]\nbind = unix:/run/b\n";
    EXPECT_THAT(warnings_of("mptcp = yes\n" + two + kWeb), ElementsAre());
    EXPECT_THAT(warnings_of(two + "mptcp = yes\n" + kWeb),
                ElementsAre(text(5, "listener b: mptcp has no effect: every bind here")));
    EXPECT_THAT(warnings_of("mptcp = yes\n[listener b]\nbind = unix:/run/b\n" + kWeb),
                ElementsAre(text(1, "mptcp has no effect: every bind")));
}

std::vector<std::string> warnings_of_transparent(const std::string& top,
                                                 const std::string& service) {
    return warnings_of(top + "[web]\nstring = G\ntransparent = yes\n" + service);
}

TEST(AdviseOnSetup, WarnsOfATransparentServiceWithoutATargetForOneFamily) {
    EXPECT_THAT(
        warnings_of_transparent("bind = *:80\n", "connect = 10.0.0.1:1\nconnect = 10.0.0.2:1\n"),
        ElementsAre("one-family  f:4: warning: service web: transparent = yes, and all its targets "
                    "are IPv4 addresses: clients of IPv6, whom bind = *:80 takes, are closed; add "
                    "a target of IPv6, or write from = 0.0.0.0/0"));
    EXPECT_THAT(
        warnings_of_transparent("bind = [::1]:80\nbind = 0.0.0.0:80\n",
                                "connect = [2001:db8::1]:1\n"),
        ElementsAre("one-family  f:5: warning: service web: transparent = yes, and all its targets "
                    "are IPv6 addresses: clients of IPv4, whom bind = 0.0.0.0:80 takes, are "
                    "closed; add a target of IPv4, or write from = ::/0"));
}

TEST(AdviseOnSetup, KnowsWhereAClientOfTheOtherFamilyCannotCome) {
    const auto count = [](const std::string& top, const std::string& service) {
        return warnings_of_transparent(top, service).size();
    };
    const std::string v4 = "connect = 10.0.0.1:1\n";
    EXPECT_EQ(count("bind = [::]:80\n", v4), 1U);
    EXPECT_EQ(count("bind = 0.0.0.0:80\n", v4), 0U);
    EXPECT_EQ(count("bind = *:80\n", v4 + "connect = [::1]:1\n"), 0U);
    EXPECT_EQ(count("bind = *:80\n", v4 + "connect = name:1\n"), 0U);
    EXPECT_EQ(count("bind = *:80\n", v4 + "from = 0.0.0.0/0\n"), 0U);
    EXPECT_EQ(count("bind = *:80\n", v4 + "from = 2001:db8::/32\n"), 1U);
    EXPECT_EQ(count("bind = *:80\n", v4 + "not-from = ::/0\n"), 0U);
    EXPECT_EQ(count("bind = *:80\n", v4 + "not-from = ::/1\n"), 1U);
    EXPECT_EQ(count("bind = *:80\nallow = 10.0.0.0/8\n", v4), 0U);
    EXPECT_EQ(count("bind = *:80\ndeny = ::/0\n", v4), 0U);
    // A listener that does not ask the service.
    const std::string two = "[listener a]\nbind = 0.0.0.0:80\n[listener b]\nbind = *:81\n";
    EXPECT_EQ(count(two, v4), 1U);
    EXPECT_EQ(count(two + "services = x\n", v4 + "[x]\nstring = X\nconnect = b:1\n"), 0U);
    EXPECT_EQ(
        count(two + "services = x\nfallback = web\n", v4 + "[x]\nstring = X\nconnect = b:1\n"), 1U);
}

TEST(AdviseOnSetup, IsSilentAboutATargetThatIsNotTransparent) {
    EXPECT_THAT(warnings_of("bind = *:80\n[web]\nstring = G\nconnect = 10.0.0.1:1\n"),
                ElementsAre());
}

}  // namespace
}  // namespace portsplit::config
