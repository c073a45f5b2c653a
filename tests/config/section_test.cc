#include "config/section.h"

#include <gmock/gmock.h>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

TEST(ReadSection, ReportsUnknownAndMisplacedKeys) {
    const std::string global = "global keys are " + names_of_keys(Place::Global);
    const std::string service = "the keys of a service are " + names_of_keys(Place::Service);
    struct Case {
        const char* shown;
        std::string text;
        std::string expected;
    };
    const Case cases[] = {
        {"misspelt global", with_service("bind = *:4\nmaxcon = 3\n"),
         "f:2: unknown key maxcon; did you mean maxconn?"},
        {"misspelt in a service", service_of("string = a\nconnect = b:1\nexecargs = x\n"),
         "f:5: unknown key execargs; did you mean execarg?"},
        {"capitals", service_of("String = a\nconnect = b:1\nstring = b\n"),
         "f:3: unknown key String; did you mean string?"},
        {"nothing near, global", with_service("bind = *:4\nfoo = 1\n"),
         "f:2: unknown key foo; " + global},
        {"nothing near, in a service", service_of("string = a\nconnect = b:1\nfoobar = 1\n"),
         "f:5: unknown key foobar; " + service},
        {"field without its layout", service_of("connect = b:1\nTLS-SNI = a.test\n"),
         "f:4: unknown key TLS-SNI; a field is asked as LAYOUT.FIELD; write tls.sni = a.test"},
        {"field without its layout in libconfig",
         libconfig_service_of("host = \"a.test\"; connect = \"b:1\";"),
         "f:2: unknown key host; a field is asked as LAYOUT.FIELD; write http : { host = "
         "\"a.test\"; }"},
        {"field in a list in a list",
         libconfig_service_of("tls : { sni = ( (\"a.test\") ); }; connect = \"b:1\";") +
             "layouts : { tls : { start = \"<sni 1>\"; }; };",
         "f:2: tls.sni: a list inside a list; write its values in the outer one"},
        {"unprintable key", with_service("bind = *:4\n\x1b[2J = 1\n"),
         "f:2: unknown key \\1B[2J; " + global},
        {"global in a service", service_of("string = a\nconnect = b:1\ntimeout = 3\n"),
         "f:5: timeout: a global key; move it above the first [service]"},
        {"service's above all", with_service("bind = *:4\nstring = a\n"),
         "f:2: string: a key of a service; move it below a [service]"},
        {"field above all",
         with_service("bind = *:4\ntls.sni = a\n[layout tls]\nstart = <sni 1>\n"),
         "f:2: tls.sni: a field is asked for by a service; move it below a [service]"},
        {"global in a libconfig service",
         libconfig_service_of("string = \"a\"; connect = \"b:1\";\nwindow = 3;"),
         "f:3: window: a global key; move it out of services"},
        {"global in a listener",
         with_service("bind = *:4\n[listener l]\nbind = *:5\nmaxconn = 3\n"),
         "f:4: maxconn: a global key; move it above the first [listener NAME]"},
        {"listener's in a service", service_of("string = a\nconnect = b:1\nmaxundecided = 3\n"),
         "f:5: maxundecided: a global key; move it above the first [service]"},
        {"service's above all in libconfig",
         "exec = \"a\";\n" + libconfig_service_of("string = \"a\"; connect = \"b:1\";"),
         "f:1: exec: a key of a service; move it into a group in services"},
        {"service outside services",
         "ssh : { };\n" + libconfig_service_of("string = \"a\"; connect = \"b:1\";"),
         "f:1: unknown key ssh; write the service inside services : { ... };"},
        {"last resort outside services",
         "timeout : { };\n" + libconfig_service_of("string = \"a\"; connect = \"b:1\";"),
         "f:1: timeout = { }: a group; write the service inside services : { ... };"},
        {"misspelt services",
         "service : { };\n" + libconfig_service_of("string = \"a\"; connect = \"b:1\";"),
         "f:1: unknown key service; did you mean services?"},
    };
    for (const Case& c : cases) EXPECT_THAT(issues_of(c.text), ElementsAre(c.expected)) << c.shown;
}

TEST(ReadSection, ReportsBothLinesOfARepeatedKey) {
    EXPECT_THAT(issues_of(with_service("bind = *:4\ntimeout = 2\nmaxconn = 3\ntimeout = 5\n")),
                ElementsAre("f:4: timeout = 5: set on line 2 already; keep one of the two"));
    EXPECT_THAT(issues_of(service_of("string = a\nexec = x\nexec = y\n")),
                ElementsAre("f:5: exec = y: set on line 4 already; keep one of the two"));
}

TEST(ReadSection, ReportsAValueOfTheWrongLibconfigType) {
    struct Case {
        const char* shown;
        std::string setting;
        std::string expected;
    };
    const Case cases[] = {
        {"number for an address", "bind = 443;",
         "f:1: bind = 443: not a string; write it in double quotes"},
        {"fraction for a user", "user = 1.5;",
         "f:1: user = 1.5: not a string; write it in double quotes"},
        {"string for a number", "maxconn = \"10\";",
         "f:1: maxconn = \"10\": not a number; write one without quotes"},
        {"string for seconds", "timeout = \"2.5\";",
         "f:1: timeout = \"2.5\": not a number; write one without quotes"},
        {"boolean for a number", "maxconn = true;",
         "f:1: maxconn = true: not a number; write one without quotes"},
        {"fraction for a whole number", "maxconn = 1.5;",
         "f:1: maxconn = 1.5: not a whole number from 0 to 1000000"},
        {"number beyond 32 bits", "maxconn = 4294967306;",
         "f:1: maxconn = 4294967306: not a whole number from 0 to 1000000"},
        {"negative seconds", "timeout = -2.5;",
         "f:1: timeout = -2.5: not a number of seconds from 0 to 86400, such as 0.5"},
        {"endless seconds", "timeout = 1e999;",
         "f:1: timeout = inf: not a number of seconds from 0 to 86400, such as 0.5"},
        {"seconds too fine", "timeout = 1e-4;",
         "f:1: timeout = 0.0001: finer than a millisecond; write at most three digits after the "
         "point"},
        {"list for a scalar", "timeout = [ 5 ];", "f:1: timeout: a list; write one value"},
        {"list in a list", "bind = ( ( \"*:443\" ) );",
         "f:1: bind = ( ): a list inside a list; write its values in the outer one"},
    };
    for (const Case& c : cases) {
        const std::string text =
            c.setting + "\nservices : { fallback : { connect = \"b:1\"; }; };\n";
        EXPECT_THAT(issues_of(text, Need::Services), ElementsAre(c.expected)) << c.shown;
    }
    EXPECT_THAT(issues_of(libconfig_service_of("string = 5; exec = \"a\"; pty = 1;")),
                ElementsAre("f:2: string = 5: not a string; write it in double quotes",
                            "f:2: pty = 1: not a string; write it in double quotes"));
}

TEST(ReadSection, AcceptsTheNumberOfAUserAndAGroupWithoutQuotes) {
    const auto loaded = read(
        "user = 65534;\ngroup = 65534;\n" + libconfig_service_of("string = \"a\"; exec = \"b\";"),
        "f", Need::Listeners);
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->user, "65534");
    EXPECT_EQ(loaded.config->group, "65534");
}

TEST(ReadSection, AcceptsAScalarForAListKeyAndAnEmptyListAsNoValue) {
    const auto loaded =
        read(libconfig_service_of("string = ( \"a\" ); connect = \"b:1\";"), "f", Need::Listeners);
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->top.bind.size(), 1u);
    EXPECT_EQ(loaded.config->services[0].patterns.size(), 1u);
    EXPECT_THAT(issues_of("bind = [ ]; services : { fallback : { connect = [ ]; }; };"),
                ElementsAre("f:1: no bind; write where to listen, such as bind = \"*:443\"",
                            "f:1: service fallback has no action; write connect = \"HOST:PORT\" "
                            "or exec = \"PROGRAM\""));
}

TEST(ReadSection, ResolvesEscapesInStringOnlyInBothSpellings) {
    const auto classic = read(service_of("string = \\00a\\7f\nexec = /x\\41\nexecarg = \\41\n"),
                              "f", Need::Listeners);
    const auto libconfig =
        read(libconfig_service_of(
                 "string = \"\\\\00a\\\\7f\"; exec = \"/x\\\\41\"; execarg = \"\\\\41\";"),
             "f", Need::Listeners);
    ASSERT_TRUE(classic.config);
    EXPECT_EQ(classic.config, libconfig.config);
    EXPECT_EQ(classic.config->services[0].patterns[0].text, core::Text("\0a\x7f", 3));
    const auto& exec = std::get<core::Exec>(classic.config->services[0].action);
    EXPECT_EQ(exec.program, "/x\\41");
    EXPECT_THAT(exec.arguments, ElementsAre("\\41"));
}

TEST(ReadSection, WarnsOfABadEscapeInClassicAndReportsItInLibconfig) {
    const std::string text = service_of("string = a\\zb\nconnect = b:1\n");
    EXPECT_THAT(issues_of(text),
                ElementsAre("f:3: warning: string = a\\zb: \\z is no escape here and stays as it "
                            "is; write \\5C for a backslash"));
    EXPECT_THAT(issues_of(service_of("string = \\x16\\x03\nstring = a\\n\nconnect = b:1\n")),
                ElementsAre("f:3: warning: string = \\x16\\x03: \\x16 is no escape here and stays "
                            "as it is; write \\16",
                            "f:4: warning: string = a\\n: \\n is no escape here and stays as it "
                            "is; write \\0A for a line feed"));
    EXPECT_EQ(read(text, "f", Need::Listeners).config->services[0].patterns[0].text, "a\\zb");
    EXPECT_THAT(issues_of(libconfig_service_of("string = \"a\\\\zb\"; connect = \"b:1\";")),
                ElementsAre("f:2: string = \"a\\zb\": \\z is no escape here; write \\\\5C for a "
                            "backslash"));
}

TEST(ReadSection, KeepsHexAndRegexAsWrittenInBothSpellings) {
    const auto classic =
        read(service_of("regex = [A-Z]+\\x20/ # \"\nhex =  16 03 00-04 ?? 3? \nexec = a\n"), "f",
             Need::Listeners);
    const auto libconfig = read(
        libconfig_service_of("regex = \"[A-Z]+\\\\x20/ # \\\"\"; hex = \"16 03 00-04 ?? 3?\\t\"; "
                             "exec = \"a\";"),
        "f", Need::Listeners);
    ASSERT_TRUE(classic.config);
    EXPECT_EQ(classic.config, libconfig.config);
    const core::List<core::PatternSource> patterns = {
        {core::PatternKind::Hex, "16 03 00-04 ?? 3?"},
        {core::PatternKind::Regex, "[A-Z]+\\x20/ # \""}};
    EXPECT_EQ(classic.config->services[0].patterns, patterns);
}

TEST(ReadSection, ReportsTheByteAtWhichAPatternIsWrong) {
    struct Case {
        const char* line;
        const char* text;
        const char* excerpt;
    };
    const Case cases[] = {
        {"hex = 16 0g", "hex = 16 0g: not a hex digit; a byte is two of 0-9, a-f and ? (at byte 5)",
         "    16 0g\n"
         "        ^\n"},
        {"hex = 1", "hex = 1: half a byte; write two digits, such as 0a or ?a (at byte 1)",
         "    1\n"
         "    ^\n"},
        {"hex = 04-00", "hex = 04-00: a range that ends before it begins (at byte 3)",
         "    04-00\n"
         "      ^\n"},
        {"hex = 00-?4",
         "hex = 00-?4: a range between bytes with ?; write both ends in full (at byte 3)",
         "    00-?4\n"
         "      ^\n"},
        {"hex = 00-", "hex = 00-: a range without an end, such as 00-04 (at byte 3)",
         "    00-\n"
         "      ^\n"},
        {"regex = a(b", "regex = a(b: missing closing parenthesis (at byte 4)",
         "    a(b\n"
         "       ^\n"},
        {"regex = a**+",
         "regex = a**+: quantifier does not follow a repeatable item (at byte "
         "3)",
         "    a**+\n"
         "      ^\n"},
        {"regex = \xC3\xA9\t(", "regex = \\C3\\A9\\09(: missing closing parenthesis (at byte 5)",
         "    ...(\n"
         "        ^\n"},
        {"hex =",
         "hex = : empty; write what the first bytes of the stream are, or an empty string for all "
         "clients",
         ""},
        {"regex =",
         "regex = : empty; write what the first bytes of the stream are, or an empty string for "
         "all clients",
         ""},
        {"regex = a*",
         "regex = a*: matches before the first byte, and so every stream; use fallback for clients "
         "that fit no other service, or an empty string for all clients",
         ""},
    };
    for (const Case& c : cases) {
        const auto issues =
            read(service_of("connect = b:1\n" + std::string(c.line) + "\n"), "f", Need::Services)
                .issues;
        ASSERT_EQ(issues.size(), 1u) << c.line;
        EXPECT_EQ(to_string(issues[0]), std::string("f:4: ") + c.text);
        EXPECT_EQ(issues[0].excerpt, c.excerpt) << c.line;
    }
    EXPECT_THAT(issues_of(libconfig_service_of("hex = 16; regex = true; connect = \"b:1\";")),
                ElementsAre("f:2: hex = 16: not a string; write it in double quotes",
                            "f:2: regex = true: not a string; write it in double quotes"));
}

TEST(ReadSection, ReportsAHexPatternLongerThanTheLargestWindow) {
    const auto hex_of = [](std::size_t bytes) {
        std::string text = "hex = ";
        for (std::size_t i = 0; i < bytes; ++i) text += "??";
        return service_of("connect = b:1\n" + text + "\n");
    };
    EXPECT_THAT(issues_of(hex_of(core::kLargestWindow)), ElementsAre());
    EXPECT_THAT(issues_of(hex_of(core::kLargestWindow + 1)),
                ElementsAre("f:4: hex = " + std::string(60, '?') +
                            "...: 65537 bytes; at most 65536 can be looked at"));
}

TEST(ReadSection, ReadsPtyAsStdio) {
    struct Case {
        const char* lines;
        core::Stdio expected;
    };
    const Case cases[] = {
        {"pty = yes\n", core::Stdio::Pty},
        {"pty = true\n", core::Stdio::Pty},
        {"pty = no\n", core::Stdio::Socket},
        {"pty = false\n", core::Stdio::Socket},
        {"pty = yes\nstdio = pty\n", core::Stdio::Pty},
        {"stdio = pipe\npty = no\n", core::Stdio::Pipe},
        {"stdio = socket\npty = no\n", core::Stdio::Socket},
    };
    for (const Case& c : cases) {
        const auto loaded =
            read(service_of("string = a\nexec = x\n" + std::string(c.lines)), "f", Need::Services);
        ASSERT_TRUE(loaded.config) << c.lines;
        EXPECT_EQ(std::get<core::Exec>(loaded.config->services[0].action).stdio, c.expected)
            << c.lines;
    }
    for (const char* value : {"true", "\"yes\""}) {
        const auto loaded = read(
            libconfig_service_of("string = \"a\"; exec = \"x\"; pty = " + std::string(value) + ";"),
            "f", Need::Services);
        ASSERT_TRUE(loaded.config) << value;
        EXPECT_EQ(std::get<core::Exec>(loaded.config->services[0].action).stdio, core::Stdio::Pty);
    }
}

TEST(ReadSection, ReportsBothLinesWhenPtyContradictsStdio) {
    EXPECT_THAT(issues_of(service_of("string = a\nexec = x\nstdio = pipe\npty = yes\n")),
                ElementsAre("f:6: pty = yes: contradicts stdio on line 5; keep one of the two"));
    EXPECT_THAT(issues_of(service_of("string = a\nexec = x\npty = no\nstdio = pty\n")),
                ElementsAre("f:5: pty = no: contradicts stdio on line 6; keep one of the two"));
}

TEST(ReadSection, ReturnsTheSpotOfEachValue) {
    const auto loaded =
        read("bind = *:1\n[s]\nconnect = a:1\nstring = a\nconnect = b:2\nstring = b\n", "f",
             Need::Listeners);
    const Origin& origin = loaded.origins.services.at(0);
    EXPECT_EQ(origin.spot, (Spot{0, 2}));
    EXPECT_EQ(origin.of("connect", 0), (Spot{0, 3}));
    EXPECT_EQ(origin.of("connect", 1), (Spot{0, 5}));
    EXPECT_THAT(origin.patterns, ElementsAre(Spot{0, 4}, Spot{0, 6}));
    EXPECT_EQ(origin.of("exec"), (Spot{0, 2}));
    EXPECT_FALSE(origin.has("exec"));
    EXPECT_EQ(loaded.origins.global.of("bind"), (Spot{0, 1}));
}

}  // namespace
}  // namespace portsplit::config
