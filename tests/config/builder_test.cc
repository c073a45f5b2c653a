#include "config/builder.h"

#include <gmock/gmock.h>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

// fault: A4
TEST(Builder, ReportsAMissingBindServiceActionOrPattern) {
    struct Case {
        const char* shown;
        std::string text;
        std::string expected;
    };
    const Case cases[] = {
        {"no bind", with_service(""), "f:1: no bind; write where to listen, such as bind = *:443"},
        {"no bind in libconfig", "services : { fallback : { exec = \"a\"; }; };",
         "f:1: no bind; write where to listen, such as bind = \"*:443\""},
        {"no service", "bind = *:443\n",
         "f:1: no service; write a [NAME] line and below it what it does"},
        {"no service in libconfig", "bind = \"*:443\";",
         "f:1: no service; write services : { NAME : { ... }; };"},
        {"an empty group of services", "bind = \"*:443\"; services : { };",
         "f:1: no service; write services : { NAME : { ... }; };"},
        {"no action", service_of("string = a\n"),
         "f:2: service s has no action; write connect = HOST:PORT or exec = PROGRAM"},
        {"no action but arguments", service_of("string = a\nexecarg = x\n"),
         "f:2: service s has no action; write connect = HOST:PORT or exec = PROGRAM"},
        {"no action in libconfig", libconfig_service_of("string = \"a\";"),
         "f:1: service s has no action; write connect = \"HOST:PORT\" or exec = \"PROGRAM\""},
        {"no pattern", service_of("exec = a\n"),
         "f:2: service s has no pattern; write the bytes that its streams begin with, such as "
         "string = SSH-"},
        {"fallback in another case", "bind = *:443\n[Fallback]\nexec = a\n",
         "f:2: service Fallback has no pattern; did you mean [fallback]? names are case-sensitive"},
        {"timeout in another case in libconfig",
         "bind = \"*:443\"; services : { TIMEOUT : { exec = \"a\"; }; };",
         "f:1: service TIMEOUT has no pattern; did you mean timeout? names are case-sensitive"},
        {"fallback misspelt", "bind = *:443\n[fallbck]\nexec = a\n",
         "f:2: service fallbck has no pattern; did you mean [fallback]?"},
        {"fallback as others call it", "bind = *:443\n[defualt]\nexec = a\n",
         "f:2: service defualt has no pattern; did you mean [fallback]?"},
        {"no pattern in libconfig", libconfig_service_of("exec = \"a\";"),
         "f:1: service s has no pattern; write the bytes that its streams begin with, such as "
         "string = \"SSH-\""},
    };
    for (const Case& c : cases) EXPECT_THAT(issues_of(c.text), ElementsAre(c.expected)) << c.shown;
}

TEST(Builder, AcceptsAFileWithoutBindWhenTheCallerDoesNotListen) {
    EXPECT_THAT(issues_of(with_service(""), Need::Services), ElementsAre());
}

// fault: A4
TEST(Builder, ReportsBothLinesOfAContradiction) {
    struct Case {
        const char* shown;
        std::string text;
        std::vector<std::string> expected;
    };
    const Case cases[] = {
        {"two actions",
         service_of("string = a\nexec = x\nexecarg = y\nconnect = b:1\n"),
         {"f:6: service s has two actions, connect on line 6 and exec on line 4; keep one of the "
          "two"}},
        {"two actions, the other way round",
         service_of("string = a\nconnect = b:1\nexec = x\n"),
         {"f:5: service s has two actions, connect on line 4 and exec on line 5; keep one of the "
          "two"}},
        {"keys of exec beside connect",
         service_of("string = a\nexecarg = x\nexecarg = y\nconnect = b:1\nstdio = pty\npty = "
                    "yes\nstderr = null\n"),
         {"f:4: execarg: only for exec, and service s has connect on line 6; delete it",
          "f:7: stdio: only for exec, and service s has connect on line 6; delete it",
          "f:8: pty: only for exec, and service s has connect on line 6; delete it",
          "f:9: stderr: only for exec, and service s has connect on line 6; delete it"}},
        {"one service twice",
         service_of("string = a\nconnect = b:1\n[t]\nstring = c\nexec = x\n[s]\nstring = b\nexec = "
                    "x\n"),
         {"f:8: service s is already defined on line 2; keep one, or choose another name"}},
        {"one bind twice",
         with_service("bind = 0.0.0.0:443\nbind = [::]:443\nbind = 0.0.0.0:443\n"),
         {"f:3: bind = 0.0.0.0:443: taken by bind = 0.0.0.0:443 on line 1; delete one of the two"}},
        {"one address in two forms",
         with_service("# x\nbind = [::ffff:7f00:1]:1930\nbind = 127.0.0.1:01930\n"),
         {"f:3: bind = 127.0.0.1:01930: taken by bind = [::ffff:7f00:1]:1930 on line 2; delete one "
          "of the two"}},
        {"one address in two forms in libconfig",
         "bind = [ \"[::1]:80\", \"[0::1]:80\" ];\nservices : { fallback : {\nconnect = "
         "\"b:1\"; }; };",
         {"f:1: bind = \"[0::1]:80\": taken by bind = \"[::1]:80\" on line 1; delete one of the "
          "two"}},
        {"relay to its own bind in another form",
         "bind = [0::1]:80\n[fallback]\nconnect = [::1]:80\n",
         {"f:3: connect = [::1]:80: leads back to bind = [0::1]:80 on line 1, without end; write "
          "the port of another program"}},
        {"an address of every address",
         with_service("bind = [2001:db8::1]:443\nbind = *:443\n"),
         {"f:2: bind = *:443: taken by bind = [2001:db8::1]:443 on line 1; delete one of the two"}},
        {"relay to its own bind",
         "bind = 192.0.2.1:443\nbind = *:80\n[fallback]\nconnect = b:1\nconnect = localhost:80\n",
         {"f:5: connect = localhost:80: leads back to bind = *:80 on line 2, without end; write "
          "the port of another program"}},
        {"relay to its own bind in libconfig",
         "bind = [ \"127.0.0.1:443\",\n \"[::1]:443\" ];\nservices : { fallback : {\nconnect = "
         "\"[::1]:443\"; }; };",
         {"f:4: connect = \"[::1]:443\": leads back to bind = \"[::1]:443\" on line 2, without "
          "end; write the port of another program"}},
    };
    for (const Case& c : cases) {
        EXPECT_THAT(issues_of(c.text), ::testing::ElementsAreArray(c.expected)) << c.shown;
    }
}

// fault: A4
TEST(Builder, ReportsAPatternOfFallbackOrTimeout) {
    EXPECT_THAT(issues_of("bind = *:443\n[timeout]\nstring = a\nstring = b\nconnect = b:1\n"),
                ElementsAre("f:3: service timeout has no patterns: it takes the connections that "
                            "no pattern decides; delete this one",
                            "f:4: service timeout has no patterns: it takes the connections that "
                            "no pattern decides; delete this one"));
    EXPECT_THAT(issues_of("bind = *:443\n[fallback]\nstring = a\nexec = b\n"),
                ElementsAre("f:3: service fallback has no patterns: it takes the connections that "
                            "no pattern decides; delete this one"));
}

TEST(Builder, AcceptsFallbackAboveOtherServices) {
    EXPECT_THAT(issues_of("bind = *:443\n[fallback]\nexec = a\n[s]\nstring = a\nexec = b\n"),
                ElementsAre());
}

TEST(Builder, ReportsAnInvalidServiceName) {
    EXPECT_THAT(
        issues_of("bind = *:443\n"
                  "[a b]\nstring = a\nexec = x\n"
                  "[]\nstring = b\nexec = x\n"
                  "[-]\nstring = c\nexec = x\n"),
        ElementsAre("f:2: service a b: a name is printable ASCII without blanks, =, ] and \"",
                    "f:5: service : no name; give it one",
                    "f:8: service -: - means no service in the log; choose another name"));
}

TEST(Builder, WarnsOfALastResortInAnotherCaseThatHasAPattern) {
    EXPECT_THAT(issues_of(service_of("string = a\nexec = x\n[Fallback]\nstring = b\nexec = x\n"
                                     "[TimeOut]\nstring = c\nexec = x\n")),
                ElementsAre("f:5: warning: service Fallback: a service like any other: names are "
                            "case-sensitive, and only [fallback] takes clients that match nothing",
                            "f:8: warning: service TimeOut: a service like any other: names are "
                            "case-sensitive, and only [timeout] takes clients that are undecided "
                            "at the deadline"));
}

TEST(Builder, WarnsOfATimeoutOfZero) {
    EXPECT_THAT(issues_of(with_service("bind = *:443\ntimeout = 0\n")),
                ElementsAre("f:2: warning: timeout = 0: a client that sends nothing is never "
                            "closed; write a number of seconds such as 3"));
}

// fault: A3
TEST(Builder, ReportsMoreThanTenThousandServices) {
    std::string text = "bind = *:443\n";
    for (std::size_t i = 0; i <= kMostServices; ++i) {
        text +=
            "[s" + std::to_string(i) + "]\nstring = " + std::to_string(100000 + i) + "\nexec = x\n";
    }
    EXPECT_THAT(issues_of(text),
                ElementsAre("f:30002: 10001 services; at most 10000 are possible"));
}

// fault: A2
TEST(Builder, ReportsEveryProblemOfAFileAtOnce) {
    EXPECT_THAT(
        issues_of("bind = 1\n"
                  "timeout = soon\n"
                  "maxcon = 5\n"
                  "[s]\n"
                  "hex = \n"
                  "connect = :1\n"
                  "[s]\n"
                  "exec = a/b\n"),
        ElementsAre("f:1: bind = 1: no port; write ADDR:PORT, such as 0.0.0.0:443, "
                    "[::]:443 or *:443",
                    "f:2: timeout = soon: not a number of seconds from 0 to 86400, such as "
                    "0.5",
                    "f:3: unknown key maxcon; did you mean maxconn?",
                    "f:5: hex = : empty; write what the first bytes of the stream are, or an empty "
                    "string for all clients",
                    "f:6: connect = :1: neither a host name nor an address; write one such "
                    "as 127.0.0.1:8443",
                    "f:7: service s has no pattern; write the bytes that its streams begin "
                    "with, such as string = SSH-",
                    "f:7: service s is already defined on line 4; keep one, or choose another name",
                    "f:8: exec = a/b: neither an absolute path nor a bare name; begin it "
                    "with /"));
}

TEST(Builder, ReportsTheRightLineBesideAnUnreadableValue) {
    EXPECT_THAT(issues_of("bind = 1\nbind = *:443\n[fallback]\nconnect = b\nconnect = [::1]:443\n"),
                ElementsAre("f:1: bind = 1: no port; write ADDR:PORT, such as 0.0.0.0:443, "
                            "[::]:443 or *:443",
                            "f:4: connect = b: no port; write HOST:PORT, such as 127.0.0.1:8443",
                            "f:5: connect = [::1]:443: leads back to bind = *:443 on line 2, "
                            "without end; write the port of another program"));
}

}  // namespace
}  // namespace portsplit::config
