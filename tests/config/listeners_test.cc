#include "config/listeners.h"

#include <gmock/gmock.h>

#include "core/entrance.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

/// Returns a classic file with these lines between a service `web` and the last line.
std::string with_web(const std::string& lines) {
    return "bind = *:80\ntimeout = 2\n" + lines + "[web]\nstring = GET\nconnect = a:1\n";
}

core::Config config_in(const std::string& text, Need need = Need::Listeners) {
    const Loaded loaded = read(text, "f", need);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    return loaded.config.value_or(core::Config());
}

TEST(Listeners, HaveWhatStandsAboveTheServicesUnlessTheySetIt) {
    const core::Config config =
        config_in(with_web("[listener one]\nbind = 127.0.0.1:81\n"
                           "[listener two]\nbind = *:82\nbind = *:83\ntimeout = 5\nservices = web\n"
                           "fallback = web\non-timeout = web\n"));
    const auto listeners = core::listeners_of(config);
    ASSERT_EQ(listeners.size(), 3U);
    core::Listener main;
    main.bind = {{"*", 80}};
    main.timeout = std::chrono::seconds(2);
    EXPECT_EQ(*listeners[0], main);
    core::Listener one = main;
    one.name = "one";
    one.bind = {{"127.0.0.1", 81}};
    EXPECT_EQ(*listeners[1], one);
    core::Listener two;
    two.name = "two";
    two.bind = {{"*", 82}, {"*", 83}};
    two.timeout = std::chrono::seconds(5);
    two.services = {"web"};
    two.fallback = "web";
    two.on_timeout = "web";
    EXPECT_EQ(*listeners[2], two);
}

TEST(Listeners, AreTheSameInLibconfig) {
    const core::Config classic =
        config_in(with_web("[listener one]\nbind = *:81\nservices = web\ntimeout = 5\n"));
    const std::string services = "services : { web : { string = \"GET\"; connect = \"a:1\"; }; };";
    EXPECT_EQ(
        config_in("bind = \"*:80\"; timeout = 2;"
                  "listeners : { one : { bind = \"*:81\"; services = \"web\"; timeout = 5; }; };" +
                  services),
        classic);
    EXPECT_EQ(config_in("bind = \"*:80\"; timeout = 2;"
                        "listeners = ( { name = \"one\"; bind = \"*:81\"; services = [ \"web\" ];"
                        "timeout = 5; } );" +
                        services),
              classic);
}

TEST(Listeners, JoinASectionForMainWithTheBindsAbove) {
    const core::Config config = config_in(
        with_web("[listener main]\nbind = *:81\ntimeout = 9\n[listener b]\nbind = *:82\n"));
    const auto listeners = core::listeners_of(config);
    ASSERT_EQ(listeners.size(), 2U);
    EXPECT_EQ(listeners[0]->bind, (core::List<core::Endpoint>{{"*", 80}, {"*", 81}}));
    EXPECT_EQ(listeners[0]->timeout, std::chrono::seconds(9));
    EXPECT_EQ(listeners[1]->timeout, std::chrono::seconds(2)) << "not that of the section";
}

TEST(Listeners, MayNameServicesWithoutPatternsAsLastResorts) {
    config_in(
        with_web("[listener one]\nbind = *:81\nfallback = plain\non-timeout = other\n"
                 "[plain]\nconnect = b:1\n[other]\nconnect = c:1\n"));
}

TEST(Listeners, MayHaveNoBindWhereTheSocketsArePassed) {
    config_in("[listener one]\n[web]\nstring = GET\nconnect = a:1\n", Need::Services);
}

TEST(Listeners, ReportWhatIsWrong) {
    struct Case {
        const char* shown;
        std::string text;
        std::string expected;
    };
    const Case cases[] = {
        {"no bind", with_web("[listener one]\n"),
         "f:3: listener one has no bind; write where it listens, such as bind = *:443"},
        {"an unknown service", with_web("[listener one]\nbind = *:81\nservices = wbe\n"),
         "f:5: services = wbe: no service has this name; did you mean web?"},
        {"an unknown fallback", with_web("[listener one]\nbind = *:81\nfallback = 127.0.0.1:80\n"),
         "f:5: fallback = 127.0.0.1:80: no service has this name; write the name of one"},
        {"an unknown service at the deadline",
         with_web("[listener one]\nbind = *:81\non-timeout = wep\n"),
         "f:5: on-timeout = wep: no service has this name; did you mean web?"},
        {"a name twice", with_web("[listener one]\nbind = *:81\n[listener one]\nbind = *:82\n"),
         "f:5: listener one is already defined on line 3; keep one, or choose another name"},
        {"a name with a blank", with_web("[listener one two]\nbind = *:81\n"),
         "f:3: listener one two: a name is printable ASCII without blanks, =, ] and \""},
        {"an address twice", with_web("[listener one]\nbind = 127.0.0.1:80\n"),
         "f:4: bind = 127.0.0.1:80: taken by bind = *:80 on line 1; delete one of the two"},
        {"a target that leads back",
         "bind = *:80\n[listener one]\nbind = *:81\n[web]\nstring = GET\nconnect = 127.0.0.1:81\n",
         "f:6: connect = 127.0.0.1:81: leads back to bind = *:81 on line 3, without end; write the "
         "port of another program"},
        {"a key of a listener above", "services = web\n" + with_web(""),
         "f:1: services: a key of a listener; move it below a [listener NAME]"},
        {"a key of a listener in a service", with_web("") + "on-timeout = web\n",
         "f:6: on-timeout: a key of a listener; move it below a [listener NAME]"},
        {"a key of a service in a listener", with_web("[listener one]\nbind = *:81\nstring = a\n"),
         "f:5: string: a key of a service; move it below a [service]"},
        {"a key of the whole file in a listener",
         with_web("[listener one]\nbind = *:81\npid = /a\n"),
         "f:5: pid: a global key; move it above the first [listener NAME]"},
        {"an unknown key", with_web("[listener one]\nbind = *:81\ncolour = a\n"),
         "f:5: unknown key colour; the keys of a listener are " + names_of_keys(Place::Listener)},
        {"a misspelt header", with_web("[listner one]\nbind = *:81\n"),
         "f:3: [listner one]: not the beginning of a listener; write [listener one]"},
        {"no deadline", with_web("[listener one]\nbind = *:81\ntimeout = 0\n"),
         "f:5: warning: timeout = 0: a client that sends nothing is never closed; write a number "
         "of seconds such as 3"},
        {"no group",
         "bind = \"*:80\"; listeners = \"one\";"
         "services : { fallback : { connect = \"a:1\"; }; };",
         "f:1: listeners: not a group; write listeners : { ... };"},
    };
    for (const Case& c : cases) EXPECT_THAT(issues_of(c.text), ElementsAre(c.expected)) << c.shown;
}

TEST(Listeners, RefuseWhatCannotBeTheNameOfAnInterface) {
    const auto errors = [](const std::string& name) {
        return issues_of(with_service("bind = *:80\ninterface = " + name + "\n"));
    };
    const auto text = [](const std::string& name) {
        return "f:2: interface = " + name +
               ": no interface can be called so: a name has 1 to 15 characters, and no blank, / or "
               ":; see: ip link";
    };
    EXPECT_THAT(errors("abcdefghijklmno"), ElementsAre());
    EXPECT_THAT(errors("abcdefghijklmnop"), ElementsAre(text("abcdefghijklmnop")));
    EXPECT_THAT(errors("eth0:1"), ElementsAre(text("eth0:1")));
    EXPECT_THAT(errors("a/b"), ElementsAre(text("a/b")));
    EXPECT_THAT(errors("eth0 eth1"), ElementsAre(text("eth0 eth1")));
    // Of a section, and of what a section has from the top.
    EXPECT_THAT(issues_of(with_service("[listener a]\nbind = *:80\ninterface = a/b\n")),
                ElementsAre("f:3" + text("a/b").substr(3)));
    EXPECT_THAT(issues_of(with_service("interface = a/b\n[listener a]\nbind = *:80\n")),
                ElementsAre("f:1" + text("a/b").substr(3)));
}

}  // namespace
}  // namespace portsplit::config
