#include "config/listener_warnings.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/warnings.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

/// Returns the warnings about a file without errors.
std::vector<std::string> warnings_of(const std::string& text) {
    const Loaded loaded = read(text, "f", Need::Listeners);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    return texts_of(advise(loaded));
}

const std::string kLastResorts = "[fallback]\nconnect = a:8\n[timeout]\nconnect = a:9\n";

TEST(AdviseByListener, LeavesOutWhatDoesNotHoldForOneOfTheListenersThatAsk) {
    const std::string services =
        "[web]\nstring = G\nconnect = a:1\n[get]\nstring = GET\nconnect = a:2\n" + kLastResorts;
    const std::string main = "bind = *:80\n";
    EXPECT_THAT(warnings_of(main + services),
                ElementsAre("f:5: warning: service get: it can never win: streams that fit it, "
                            "such as \"GET\", go to web on line 3; move it up or delete it"));
    EXPECT_THAT(warnings_of(main + "[listener b]\nbind = *:81\nservices = get\n" + services),
                ElementsAre());
    EXPECT_EQ(
        warnings_of(main + "[listener b]\nbind = *:81\nservices = web\nservices = get\n" + services)
            .size(),
        1U);
    EXPECT_EQ(warnings_of("[listener a]\nbind = *:81\nservices = web\n"
                          "[listener b]\nbind = *:82\nservices = get\n" +
                          services),
              std::vector<std::string>());
}

TEST(AdviseByListener, NamesTheListenerThatLacksALastResort) {
    const std::string services = "[web]\nstring = G\nconnect = a:1\n";
    EXPECT_THAT(
        warnings_of("[listener a]\nbind = *:80\nfallback = web\non-timeout = web\n"
                    "[listener b]\nbind = *:81\nfallback = web\n" +
                    services),
        ElementsAre("f:1: warning: listener b: no [timeout]: a client that sends too little is "
                    "closed at the deadline, which an outsider can see; add [timeout] with the "
                    "server that the port should look like"));
    // Said once where it holds for all.
    EXPECT_EQ(
        warnings_of("[listener a]\nbind = *:80\n[listener b]\nbind = *:81\n" + services).size(),
        2U);
}

TEST(AdviseByListener, WarnsOfAServiceThatNoListenerAsks) {
    EXPECT_THAT(warnings_of("[listener a]\nbind = *:80\nservices = web\n"
                            "[web]\nstring = G\nconnect = a:1\n"
                            "[ssh]\nstring = SSH\nconnect = a:2\n" +
                            kLastResorts),
                ElementsAre("f:7: warning: service ssh: it never gets a client: no listener has it "
                            "in services, fallback or on-timeout; add it to one, or delete it"));
}

constexpr const char* kNeverChooses =
    "f:5: warning: listener b: it never chooses a service: those that it asks have no pattern or "
    "are for "
    "other clients (from), and so are its fallback and its on-timeout; name one of these, or "
    "change allow or "
    "from";

TEST(AdviseByListener, WarnsOfAListenerThatNeverChooses) {
    const std::vector<std::string> warnings = warnings_of(
        "[listener a]\nbind = *:80\nfallback = plain\non-timeout = plain\n"
        "[listener b]\nbind = *:81\nservices = plain\n"
        "[plain]\nconnect = a:1\n");
    EXPECT_TRUE(std::ranges::count(warnings, std::string(kNeverChooses)))
        << testing::PrintToString(warnings);
}

TEST(AdviseByListener, WarnsOfAListenerWhoseClientsHaveNoService) {
    const auto warns = [](const std::string& listener, const std::string& service) {
        const std::vector<std::string> warnings = warnings_of(
            "[listener a]\nbind = *:80\nfallback = plain\non-timeout = plain\n[plain]\nconnect = "
            "a:1\n"
            "[web]\nstring = G\nconnect = a:2\n" +
            service + "[listener b]\nservices = web\n" + listener);
        return std::ranges::any_of(warnings, [](const std::string& it) {
            return it.find("listener b: it never chooses a service") != it.npos;
        });
    };
    const std::string bind = "bind = *:81\n";
    EXPECT_FALSE(warns(bind, ""));
    EXPECT_TRUE(warns(bind + "allow = none\n", ""));
    EXPECT_TRUE(warns(bind, "from = none\n"));
    EXPECT_TRUE(warns(bind, "from = unix\n"));
    EXPECT_FALSE(warns("bind = unix:/run/b\n", "from = unix\n"));
    EXPECT_FALSE(warns(bind + "proxy-from = 10.0.0.1\n", "from = unix\n"))
        << "the header may say so";
    EXPECT_TRUE(warns(bind + "allow = 10.0.0.0/8\n", "from = 192.168.0.0/16\n"));
    EXPECT_TRUE(warns(bind + "allow = 10.0.0.0/8\n", "from = 2001:db8::/32\n"));
    EXPECT_FALSE(warns(bind + "allow = 10.0.0.0/8\n", "from = 10.1.0.0/16\n"));
    EXPECT_FALSE(warns(bind + "allow = 10.1.2.3\n", "from = 10.0.0.0/8\nfrom = unix\n"));
}

TEST(AdviseByClient, ComparesAServiceWithThoseThatAllOfItsClientsMayHave) {
    const auto warnings = [](const std::string& web, const std::string& get) {
        return warnings_of("bind = *:80\n[web]\nstring = G\nconnect = a:1\n" + web +
                           "[get]\nstring = GET\nconnect = a:2\n" + get + kLastResorts)
            .size();
    };
    const std::string inside = "from = 192.0.2.0/24\n";
    EXPECT_EQ(warnings("", ""), 1U);
    // Others than those inside come to the second service.
    EXPECT_EQ(warnings(inside, ""), 0U);
    EXPECT_EQ(warnings(inside, "from = 198.51.100.0/24\n"), 0U);
    // All that may have the second service go to the first.
    EXPECT_EQ(warnings("", inside), 1U);
    EXPECT_EQ(warnings(inside, inside), 1U);
}

TEST(AdviseByClient, KnowsALastResortThatIsForSome) {
    const std::string services =
        "[web]\nstring = G\nconnect = a:1\n[timeout]\nconnect = a:9\n[fallback]\nconnect = a:8\n";
    EXPECT_THAT(warnings_of("bind = *:80\n" + services + "from = 192.0.2.0/24\n"), ElementsAre());
}

}  // namespace
}  // namespace portsplit::config
