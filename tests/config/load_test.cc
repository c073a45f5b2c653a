#include "config/load.h"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>

#include "config/key_table.h"
#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using ::testing::ElementsAre;

TEST(Read, ReadsTheExampleOfTheManualOfPortsplitOne) {
    const Loaded loaded = read(
        "# Portsplit 1.0\n"
        "bind = 0.0.0.0:9090\n"
        "bind = :::9090\n"
        "timeout = 2\n"
        "maxconn=10\n"
        "pid = /run/portsplit.pid\n"
        "\n"
        "[ssh]\n"
        "string = SSH-\n"
        "connect = ::1:22\n"
        "\n"
        "[vpn]\n"
        "string = \\00\\0E\\38\n"
        "string = \\00\\0E\\40\n"
        "exec = /usr/sbin/pppd\n"
        "execarg = notty\n"
        "execarg = noauth\n"
        "pty = yes\n"
        "\n"
        "[timeout]\n"
        "connect = localhost:22\n",
        "f", Need::Listeners);
    EXPECT_THAT(loaded.issues, ElementsAre());
    EXPECT_EQ(loaded.spelling, Spelling::Classic);
    core::Config expected;
    expected.top.bind = {{"0.0.0.0", 9090}, {"::", 9090}};
    expected.top.timeout = 2s;
    expected.maxconn = 10;
    expected.pid = "/run/portsplit.pid";
    expected.services = {
        {"ssh", {{core::PatternKind::String, "SSH-"}}, core::Connect{{{"::1", 22}}}},
        {"vpn",
         {{core::PatternKind::String, core::Text("\0\x0e\x38", 3)},
          {core::PatternKind::String, core::Text("\0\x0e\x40", 3)}},
         core::Exec{"/usr/sbin/pppd", {"notty", "noauth"}, core::Stdio::Pty}},
        {"timeout", {}, core::Connect{{{"localhost", 22}}}}};
    EXPECT_EQ(loaded.config, expected);
}

TEST(Read, ReturnsTheSameModelFromBothSpellings) {
    const Loaded classic = read(
        "bind    = 0.0.0.0:443\n"
        "bind    = [::]:443\n"
        "timeout = 2.5\n"
        "[ssh]\n"
        "string  = SSH-\n"
        "connect = 127.0.0.1:22\n"
        "[web]\n"
        "string  = GET\\20\n"
        "string  = POST\\20\n"
        "exec    = /usr/sbin/httpd\n"
        "execarg = -i\n"
        "[fallback]\n"
        "connect = 127.0.0.1:8443\n",
        "f", Need::Listeners);
    const Loaded libconfig = read(
        "bind     = [ \"0.0.0.0:443\", \"[::]:443\" ];\n"
        "timeout  = 2.5;\n"
        "services : {\n"
        "  ssh  : { string = \"SSH-\"; connect = \"127.0.0.1:22\"; };\n"
        "  web  : { string = [ \"GET \", \"POST \" ];\n"
        "           exec = \"/usr/sbin/httpd\"; execarg = [ \"-i\" ]; };\n"
        "  fallback : { connect = \"127.0.0.1:8443\"; };\n"
        "};\n",
        "f", Need::Listeners);
    EXPECT_THAT(classic.issues, ElementsAre());
    EXPECT_THAT(libconfig.issues, ElementsAre());
    EXPECT_EQ(classic.spelling, Spelling::Classic);
    EXPECT_EQ(libconfig.spelling, Spelling::Libconfig);
    ASSERT_TRUE(classic.config);
    EXPECT_EQ(classic.config, libconfig.config);
}

/// For each key a value that is not its default.
const std::map<std::string_view, const char*> kSamples = {
    {"bind", "*:443"},        {"timeout", "2.5"},      {"maxconn", "7"},
    {"window", "512"},        {"pid", "/run/a.pid"},   {"user", "www-data"},
    {"group", "www"},         {"string", "\\00a"},     {"hex", "16 03"},
    {"regex", "[a-z]"},       {"connect", "b:1"},      {"exec", "/bin/a"},
    {"execarg", "-x"},        {"stdio", "pipe"},       {"pty", "yes"},
    {"stderr", "client"},     {"include", "./x"},      {"log", "start"},
    {"keepalive", "9"},       {"nodelay", "no"},       {"half-closed", "60"},
    {"idle", "3600.5"},       {"argv0", "b"},          {"directory", "/srv"},
    {"umask", "077"},         {"env", "A=b"},          {"passenv", "A"},
    {"grace", "5"},           {"layout", "x"},         {"connect-timeout", "2"},
    {"services", "s"},        {"fallback", "s"},       {"on-timeout", "s"},
    {"allow", "::1"},         {"deny", "::1"},         {"from", "::1"},
    {"not-from", "::1"},      {"proxy", "v1"},         {"proxy-tlv", "crc32c"},
    {"proxy-from", "::1"},    {"interface", "eth0"},   {"freebind", "yes"},
    {"mptcp", "yes"},         {"transparent", "yes"},  {"user-timeout", "90"},
    {"sandbox", "off"},       {"maxconn-source", "8"}, {"maxundecided", "0"},
    {"rate-source", "20/10"}, {"penalty", "crash 5"},  {"limit", "nofile 9"},
    {"nice", "-5"},
};

/// A file of one service that uses a key; one with an action that the key goes with.
std::string sample_file(const Key& key, Spelling spelling) {
    std::map<std::string_view, std::string> settings = {{"bind", "*:80"}, {"string", "x"}};
    settings[key.takes.place == Place::Exec ? "exec" : "connect"] = "a:1";
    if (settings.contains("exec")) settings["exec"] = "a";
    settings[key.name] = kSamples.at(key.name);
    if (key.name == kProxyTlv) settings["proxy"] = "v2";
    if (key.name == kPenalty && key.takes.place == Place::Exec) settings[key.name] = "exit:5 10";
    std::string global;
    std::string listener;
    std::string service;
    for (const auto& [name, text] : settings) {
        const Key& used = name == key.name ? key : *find_key(name);
        std::string value = text;
        if (spelling == Spelling::Libconfig) {
            for (std::size_t at = 0; (at = value.find('\\', at)) != value.npos; at += 2) {
                value.insert(at, 1, '\\');
            }
            const bool is_number =
                used.takes.type == Type::Seconds || used.takes.type == Type::Number;
            if (!is_number) value.insert(0, "\"").append("\"");
        }
        std::string& section = stands_in(used, Place::Service)  ? service
                               : stands_in(used, Place::Global) ? global
                                                                : listener;
        section.append(name).append(" = ").append(value).append("\n");
    }
    if (!listener.empty() && spelling == Spelling::Classic) {
        global += "[listener l]\nbind = *:81\n" + listener;
    } else if (!listener.empty()) {
        global += "listeners : { l : { bind = \"*:81\";\n" + listener + "} };\n";
    }
    if (spelling == Spelling::Classic) return global + "[s]\n" + service;
    return global + "services : { s : {\n" + service + "} }\n";
}

TEST(Read, ReadsEachKeyOfTheTableFromBothSpellings) {
    std::set<std::string_view> names;
    for (const Key& key : keys()) names.insert(key.name);
    EXPECT_EQ(kSamples.size(), names.size()) << "each key needs a sample";
    core::Config connecting;
    connecting.top.bind = {{"*", 80}};
    connecting.services = {{"s", {{core::PatternKind::String, "x"}}, core::Connect{{{"a", 1}}}}};
    core::Config starting = connecting;
    starting.services[0].action = core::Exec{"a", {}};
    const Files files = memory_files(
        {{"x", "[x]\nstring = y\n"}, {"lib/layouts/x.conf", "[layout x]\nstart = 16\n"}});
    for (const Key& key : keys()) {
        ASSERT_TRUE(kSamples.contains(key.name)) << key.name;
        const std::string classic_text = sample_file(key, Spelling::Classic);
        const Loaded classic = read(classic_text, "f", Need::Listeners, files);
        const Loaded libconfig =
            read(sample_file(key, Spelling::Libconfig), "f", Need::Listeners, files);
        EXPECT_THAT(texts_of(classic.issues), ElementsAre()) << classic_text;
        EXPECT_THAT(texts_of(libconfig.issues), ElementsAre()) << key.name;
        ASSERT_TRUE(classic.config) << key.name;
        EXPECT_EQ(libconfig.config, classic.config) << key.name;
        core::Config listening = connecting;
        listening.listeners.push_back({"l", {{"*", 81}}});
        EXPECT_NE(classic.config, listening) << key.name << " is read and lost";
        EXPECT_NE(classic.config, connecting) << key.name << " is read and lost";
        EXPECT_NE(classic.config, starting) << key.name << " is read and lost";
    }
}

TEST(Read, ReturnsNoConfigurationAfterAnError) {
    const Loaded loaded = read(with_service("bind = 1\n"), "f", Need::Listeners);
    EXPECT_FALSE(loaded.config);
    EXPECT_THAT(texts_of(loaded.issues),
                ElementsAre("f:1: bind = 1: no port; write ADDR:PORT, such as 0.0.0.0:443, "
                            "[::]:443 or *:443"));
    EXPECT_THAT(loaded.origins.files, ElementsAre("f"));
}

TEST(Read, ReturnsTheConfigurationAfterAWarning) {
    const Loaded loaded = read(with_service("bind = *:443\ntimeout = 0\n"), "f", Need::Listeners);
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(texts_of(loaded.issues),
                ElementsAre("f:2: warning: timeout = 0: a client that sends nothing is never "
                            "closed; write a number of seconds such as 3"));
}

TEST(Read, ReportsIssuesOfAnEmptyFileOnLineOne) {
    EXPECT_THAT(issues_of(""),
                ElementsAre("f:1: no bind; write where to listen, such as bind = *:443",
                            "f:1: no service; write a [NAME] line and below it what it does"));
}

TEST(CheckSurroundings, ReportsMissingProgramsUsersAndGroups) {
    const Loaded loaded = read(
        "bind = *:443\nuser = noboby\ngroup = nogruop\n"
        "[s]\nstring = a\n\nexec = /usr/sbin/htpd\n"
        "[t]\nstring = b\nexec = /bin/sh -c x\n"
        "[u]\nstring = c\nexec = true\n"
        "[v]\nstring = d\nconnect = b:1\n",
        "f", Need::Listeners);
    ASSERT_TRUE(loaded.config);
    const auto why_not = [](const std::string& program) {
        return program == "true" ? ""s : "no such file"s;
    };
    const auto exists = [](const std::string&) { return true; };
    const auto missing = [](const std::string&) { return false; };
    const std::string programs[] = {
        "f:7: exec = /usr/sbin/htpd: no such file; name an executable program",
        "f:10: exec = /bin/sh -c x: no such file; name an executable program (its arguments go "
        "into execarg, one in each)"};
    EXPECT_THAT(texts_of(check_surroundings(loaded, {why_not, {}, missing, missing})),
                ElementsAre("f:2: user = noboby: no such user; create it or name another",
                            "f:3: group = nogruop: no such group; create it or name another",
                            programs[0], programs[1]));
    EXPECT_THAT(texts_of(check_surroundings(loaded, {why_not, {}, exists, exists})),
                ElementsAre(programs[0], programs[1]));
    const Loaded wrong = read("bind = 1\nuser = noboby\n", "f", Need::Listeners);
    ASSERT_FALSE(wrong.config);
    EXPECT_THAT(texts_of(check_surroundings(wrong, {why_not, {}, missing, missing})),
                ElementsAre("f:2: user = noboby: no such user; create it or name another"));
    EXPECT_THAT(check_surroundings(loaded, {}), ElementsAre()) << "no function, no issue";
    EXPECT_THAT(check_surroundings(read("", "f", Need::Services), {why_not, {}, missing, missing}),
                ElementsAre());
}

TEST(CheckSurroundings, ReportsMissingDirectories) {
    const Loaded loaded = read(
        "bind = *:443\n[s]\nstring = a\nexec = cat\ndirectory = /nowhere\n"
        "[t]\nstring = b\nexec = cat\n",
        "f", Need::Listeners);
    const auto why_not = [](const std::string& path) {
        return path == "/" ? ""s : "No such file or directory"s;
    };
    EXPECT_THAT(texts_of(check_surroundings(loaded, {.why_no_folder = why_not})),
                ElementsAre("f:5: directory = /nowhere: No such file or directory; create it or "
                            "name another"));
}

}  // namespace
}  // namespace portsplit::config
