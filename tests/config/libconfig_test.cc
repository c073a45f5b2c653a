#include "config/libconfig.h"

#include <gmock/gmock.h>

#include "support/example_config.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

Value value(int line, Kind kind, const char* text) { return {{0, line}, kind, text}; }

Entry scalar(const char* key, int line, Kind kind, const char* text) {
    return {key, {0, line}, false, {value(line, kind, text)}};
}

Section service(const char* name, int line, std::vector<Entry> entries) {
    return {name, Spelling::Libconfig, {0, line}, std::move(entries)};
}

TEST(ReadLibconfig, ReturnsSettingsWithLinesAndKinds) {
    const char* text =
        "a = 1; b = 2.5;\n"
        "c = True\n"
        "d = [ \"x\",\n"
        "      \"y\" ];\n"
        "e : { }; f = ( ( ) ); g = 99999999999; h = 0x10; i = 1e-5;\n"
        "services : {\n"
        "  s : { string = \"a\\n\\x41\\\\00\"; };\n"
        "  t :\n"
        "  { }\n"
        "};\n"
        "j = \"\";\n";
    Issues issues;
    const auto document = read_libconfig(text, issues.add_file("f", text));
    EXPECT_THAT(issues.sorted(), ElementsAre());
    ASSERT_TRUE(document);
    const std::vector<Entry> global = {
        scalar("a", 1, Kind::Integer, "1"),
        scalar("b", 1, Kind::Float, "2.5"),
        scalar("c", 2, Kind::Boolean, "true"),
        {"d", {0, 3}, true, {value(3, Kind::String, "x"), value(4, Kind::String, "y")}},
        scalar("e", 5, Kind::Group, "{ }"),
        {"f", {0, 5}, true, {value(5, Kind::List, "( )")}},
        scalar("g", 5, Kind::Integer, "99999999999"),
        scalar("h", 5, Kind::Integer, "16"),
        scalar("i", 5, Kind::Float, "0.00001"),
        {"j", {0, 11}, false, {value(11, Kind::String, "")}, 2},
    };
    EXPECT_EQ(document->global.entries, global);
    EXPECT_EQ(document->global.spelling, Spelling::Libconfig);
    const std::vector<Section> services = {
        service("s", 7, {scalar("string", 7, Kind::String, "a\nA\\00")}), service("t", 8, {})};
    EXPECT_EQ(document->services, services);
}

TEST(ReadLibconfig, ReadsServicesFromAListOfGroupsWithNames) {
    const char* text =
        "services = (\n"
        "  { name = \"http/1.1\"; string = \"GET\"; },\n"
        "  { string = \"x\";\n"
        "    name = \"b\"; } );";
    Issues issues;
    const auto document = read_libconfig(text, issues.add_file("f", text));
    EXPECT_THAT(issues.sorted(), ElementsAre());
    ASSERT_TRUE(document);
    const std::vector<Section> services = {
        service("http/1.1", 2, {scalar("string", 2, Kind::String, "GET")}),
        service("b", 4, {scalar("string", 3, Kind::String, "x")})};
    EXPECT_EQ(document->services, services);
}

// fault: A2
TEST(ReadLibconfig, ReportsWhatLibconfigCannotParse) {
    const std::string cannot_read_on =
        "libconfig cannot read on, here or just before; write key = value; with strings in double "
        "quotes, lists as [ \"a\", \"b\" ] and groups as name : { ... };";
    struct Case {
        const char* shown;
        std::string text;
        std::string expected;
    };
    const Case cases[] = {
        {"syntax", "a = 1;\nb = ;\n", "f:2: " + cannot_read_on},
        {"syntax at the end, never beyond the last line", "a = {\n", "f:1: " + cannot_read_on},
        {"address without quotes", "bind = 0.0.0.0:1; services : { };", "f:1: " + cannot_read_on},
        {"key with a dot", "services : {\n s : { log = \"tls.sni = x\"; tls.sni = \"a\"; }; };",
         "f:2: tls.sni: a key with a dot is of the classic spelling; here, write tls : { sni = "
         "\"VALUE\"; }"},
        {"a dot in a text", "a = \"tls.sni = x\";\nb = ;", "f:2: " + cannot_read_on},
        {"same key", "a = 1;\n\na = 2;",
         "f:3: a key or service that its group has already; write several values as a list: [ "
         "\"a\", \"b\" ]"},
        {"same service", "services : { s : { };\n s : { }; };",
         "f:2: a key or service that its group has already; write several values as a list: [ "
         "\"a\", \"b\" ]"},
        {"mixed array", "a = [ 1,\n \"x\" ];",
         "f:2: values of different types in one [ ]; write all of them in double quotes"},
        {"nested too deeply", "a=(" + std::string(20000, '('), "f:1: libconfig: memory exhausted"},
        {"service that is no group", "services : {\n s = \"a\"; };",
         "f:2: s: not a group; write s : { ... };"},
        {"services that is no group", "services = \"a\";",
         "f:1: services: not a group; write services : { ... };"},
        {"service without a name", "services = (\n { string = \"a\"; } );",
         "f:2: services: each element of the list is a group with a name; write { name = \"NAME\"; "
         "... }"},
        {"name that is no string", "services = (\n { name = 1; } );",
         "f:2: services: each element of the list is a group with a name; write { name = \"NAME\"; "
         "... }"},
        {"element that is no group", "services = ( \"a\" );",
         "f:1: services: each element of the list is a group with a name; write { name = \"NAME\"; "
         "... }"},
    };
    for (const Case& c : cases) {
        Issues issues;
        read_libconfig(c.text, issues.add_file("f", c.text));
        EXPECT_THAT(texts_of(issues.sorted()), ElementsAre(c.expected)) << c.shown;
    }
}

TEST(ReadLibconfig, ReportsOtherErrorsBesideANulEscape) {
    EXPECT_THAT(
        issues_of(libconfig_service_of("string = \"\\x00\";\nconnect = \"b\";")),
        ElementsAre("f:2: \\x00: libconfig ends the string here; a NUL byte is 00 in hex, and "
                    "\"\\\\00\" in a string",
                    "f:3: connect = \"b\": no port; write HOST:PORT, such as "
                    "127.0.0.1:8443"));
}

TEST(WriteLibconfig, AlignsValuesAndIndentsServices) {
    EXPECT_EQ(write_libconfig(example()),
              "bind    = [ \"0.0.0.0:443\", \"[::]:443\" ];\n"
              "timeout = 2.5;\n"
              "\n"
              "services : {\n"
              "    ssh : {\n"
              "        string  = \"SSH-\";\n"
              "        connect = \"127.0.0.1:22\";\n"
              "    };\n"
              "\n"
              "    web : {\n"
              "        string  = [ \"GET \", \"\\\\00\\\\5C\" ];\n"
              "        exec    = \"/usr/sbin/httpd\";\n"
              "        execarg = [ \"-i\", \"\" ];\n"
              "        stdio   = \"pipe\";\n"
              "        stderr  = \"null\";\n"
              "    };\n"
              "\n"
              "    fallback : {\n"
              "        connect = [ \"127.0.0.1:8443\", \"[::1]:8443\" ];\n"
              "    };\n"
              "};\n");
}

TEST(WriteLibconfig, WritesAListWhenANameIsNoIdentifier) {
    core::Config config;
    config.services = {{"http/1.1", {{core::PatternKind::String, "GET"}}, core::Exec{"a", {}}},
                       {"timeout", {}, core::Exec{"b", {}}}};
    EXPECT_EQ(write_libconfig(config),
              "services = (\n"
              "    {\n"
              "        name   = \"http/1.1\";\n"
              "        string = \"GET\";\n"
              "        exec   = \"a\";\n"
              "    },\n"
              "    {\n"
              "        name = \"timeout\";\n"
              "        exec = \"b\";\n"
              "    }\n"
              ");\n");
}

TEST(WriteLibconfig, WritesALongListWithOneValueOnALine) {
    core::Config config;
    config.services = {
        {"fallback", {}, core::Exec{"a", {core::Text(50, 'x'), core::Text(50, 'y')}}}};
    EXPECT_EQ(write_libconfig(config),
              "services : {\n"
              "    fallback : {\n"
              "        exec    = \"a\";\n"
              "        execarg = [\n"
              "            \"" +
                  std::string(50, 'x') +
                  "\",\n"
                  "            \"" +
                  std::string(50, 'y') +
                  "\"\n"
                  "        ];\n"
                  "    };\n"
                  "};\n");
}

TEST(WriteLibconfig, WritesMoreThanFiveHundredServicesAsAList) {
    core::Config config;
    for (std::size_t i = 0; i < 501; ++i) {
        const core::Text name("s" + std::to_string(i));
        config.services.push_back(
            {name, {{core::PatternKind::String, name}}, core::Connect{{{"a", 1}}}});
    }
    const std::string text = write_libconfig(config);
    EXPECT_TRUE(text.starts_with("services = (\n"));
    EXPECT_EQ(read(text, "f", Need::Services).config, config);
    config.services.pop_back();
    EXPECT_TRUE(write_libconfig(config).starts_with("services : {\n"));
}

}  // namespace
}  // namespace portsplit::config
