#include "config/include.h"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/load.h"
#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using Texts = std::map<std::string, std::string>;

/// Reads `/etc/main.conf`.
Loaded read_main(const std::string& text, const Texts& others, Need need = Need::Services) {
    return read(text, "/etc/main.conf", need, memory_files(others));
}

std::vector<std::string> issues_with(const std::string& text, const Texts& others) {
    return texts_of(read_main(text, others).issues);
}

/// Expects the same model from both, without issues.
void expect_same(const std::string& text, const Texts& others, const std::string& whole) {
    const Loaded loaded = read_main(text, others);
    const Loaded expected = read_main(whole, {});
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre()) << text;
    ASSERT_TRUE(expected.config) << whole;
    EXPECT_EQ(loaded.config, expected.config) << text;
}

constexpr const char* kLibraryFile = "# OpenSSH and others\n[ssh]\nstring = SSH-\n";

TEST(Include, InAServiceIsReplacedByTheEntriesOfTheFilesOnlyService) {
    const std::string whole = "[mine]\nstring = a\nstring = SSH-\nstring = b\nconnect = b:1\n";
    expect_same("[mine]\nstring = a\ninclude = ssh\nstring = b\nconnect = b:1\n",
                {{"lib/ssh.conf", kLibraryFile}}, whole);
    expect_same("services : { mine : { string = \"a\"; include = \"./s\"; connect = \"b:1\"; }; };",
                {{"/etc/s", "services : { any : { string = [ \"SSH-\", \"b\" ]; }; };"}}, whole);
}

TEST(Include, AtTheTopIsReplacedByAllOfTheFile) {
    const Texts others = {{"/etc/more",
                           "maxconn = 7\nbind = *:2\n[b]\nstring = b\nexec = b\n[c]\nstring = c\n"
                           "exec = c\n"},
                          {"/etc/none", "# nothing yet\n"}};
    expect_same(
        "bind = *:1\ninclude = ./none\ninclude = ./more\nbind = *:3\n[a]\nstring = a\n"
        "exec = a\n",
        others,
        "bind = *:1\nbind = *:2\nbind = *:3\nmaxconn = 7\n[b]\nstring = b\nexec = b\n[c]\n"
        "string = c\nexec = c\n[a]\nstring = a\nexec = a\n");
    const std::string services = "services : { a : { string = \"a\"; exec = \"a\"; }; };\n";
    const std::string include = "include = [ \"./none\", \"./more\" ];\n";
    const std::string after =
        "maxconn = 7\nbind = *:2\n[a]\nstring = a\nexec = a\n"
        "[b]\nstring = b\nexec = b\n[c]\nstring = c\nexec = c\n";
    const std::string before =
        "maxconn = 7\nbind = *:2\n[b]\nstring = b\nexec = b\n"
        "[c]\nstring = c\nexec = c\n[a]\nstring = a\nexec = a\n";
    expect_same(services + include, others, after);
    expect_same(include + services, others, before);
}

TEST(Include, ReadsEachFileInItsOwnSpelling) {
    const std::string whole = "bind = *:1\n[s]\nstring = a\\5C\nconnect = b:1\n";
    expect_same("include = ./more\n[s]\ninclude = pattern\nconnect = b:1\n",
                {{"/etc/more", "bind = [ \"*:1\" ];\n"},
                 {"lib/pattern.conf", "services : { p : { string = \"a\\\\5C\"; }; };\n"}},
                whole);
    expect_same(
        "include = \"./more\";\nservices : { s : { include = \"pattern\"; connect = \"b:1\"; }; };",
        {{"/etc/more", "bind = *:1\n"}, {"lib/pattern.conf", "[p]\nstring = a\\5C\n"}}, whole);
}

TEST(Include, ResolvesPathsFromTheFolderOfTheIncludingFile) {
    struct Case {
        const char* main;
        const char* value;
        const char* path;
    };
    const Case cases[] = {
        {"/etc/main.conf", "/srv/x.conf", "/srv/x.conf"},
        {"/etc/main.conf", "./x", "/etc/x"},
        {"/etc/main.conf", "conf.d/x", "/etc/conf.d/x"},
        {"/etc/main.conf", "../x", "/etc/../x"},
        {"/etc/main.conf", "././/x", "/etc/x"},
        {"main.conf", "./x", "x"},
        {"main.conf", ".//x", "x"},
        {"main.conf", "d/x", "d/x"},
        {"./main.conf", "./x", "./x"},
        {"/main.conf", "./x", "/x"},
        {"/etc/main.conf", "x", "lib/x.conf"},
        {"main.conf", "x.conf", "lib/x.conf.conf"},
    };
    for (const Case& c : cases) {
        const Loaded loaded = read("[s]\nconnect = b:1\ninclude = "s + c.value + "\n", c.main,
                                   Need::Services, memory_files({{c.path, "[x]\nstring = y\n"}}));
        EXPECT_THAT(texts_of(loaded.issues), ElementsAre()) << c.main << " " << c.value;
        EXPECT_THAT(loaded.origins.files, ElementsAre(c.main, c.path));
    }
    expect_same("include = d/e/first\n",
                {{"/etc/d/e/first", "include = ../second\n"},
                 {"/etc/d/e/../second", "[fallback]\nexec = a\n"}},
                "[fallback]\nexec = a\n");
}

TEST(Include, KeepsTheFileAndLineOfEachPart) {
    const Loaded loaded = read_main("bind = *:1\n[mine]\nconnect = b:1\ninclude = ssh\n",
                                    {{"lib/ssh.conf", kLibraryFile}});
    EXPECT_THAT(loaded.origins.files, ElementsAre("/etc/main.conf", "lib/ssh.conf"));
    const Origin& origin = loaded.origins.services.at(0);
    EXPECT_EQ(origin.spot, (Spot{0, 2}));
    EXPECT_EQ(origin.of("connect"), (Spot{0, 3}));
    EXPECT_THAT(origin.patterns, ElementsAre(Spot{1, 3}));
}

TEST(Include, ReportsProblemsAtTheirFileAndLine) {
    EXPECT_THAT(
        issues_with("include = ./more\ntimeout = x\n[mine]\nconnect = b:1\ninclude = broken\n",
                    {{"/etc/more", "maxcon = 3\nbind = 1"},
                     {"lib/broken.conf", "[p]\nnonsense\nhex = 1\n\n"}}),
        ElementsAre(
            "/etc/main.conf:2: timeout = x: not a number of seconds from 0 to 86400, such as 0.5",
            "/etc/more:1: unknown key maxcon; did you mean maxconn?",
            "/etc/more:2: bind = 1: no port; write ADDR:PORT, such as 0.0.0.0:443, [::]:443 or "
            "*:443",
            "lib/broken.conf:2: nonsense: neither key = value, nor [service], nor # comment",
            "lib/broken.conf:3: hex = 1: half a byte; write two digits, such as 0a or ?a (at byte "
            "1)"));
}

TEST(Include, ReportsBothFilesOfAContradiction) {
    struct Case {
        const char* shown;
        std::string text;
        Texts others;
        std::string expected;
    };
    const Case cases[] = {
        {"one key in two files",
         "timeout = 2\ninclude = ./more\n[fallback]\nexec = a\n",
         {{"/etc/more", "\ntimeout = 3\n"}},
         "/etc/more:2: timeout = 3: set at /etc/main.conf:1 already; keep one of the two"},
        {"the include stands first",
         "include = ./more\ntimeout = 2\n[fallback]\nexec = a\n",
         {{"/etc/more", "timeout = 3\n"}},
         "/etc/main.conf:2: timeout = 2: set at /etc/more:1 already; keep one of the two"},
        {"one file twice",
         "include = ./more\ninclude = ./more\n[fallback]\nexec = a\n",
         {{"/etc/more", "timeout = 3\n"}},
         "/etc/more:1: timeout = 3: set on line 1 already; keep one of the two"},
        {"pty and stdio",
         "[s]\nstring = a\nexec = a\nstdio = pipe\ninclude = ./more\n",
         {{"/etc/more", "[x]\npty = yes\n"}},
         "/etc/more:2: pty = yes: contradicts stdio at /etc/main.conf:4; keep one of the two"},
        {"two actions",
         "[s]\nstring = a\nexec = a\ninclude = ./more\n",
         {{"/etc/more", "[x]\nconnect = b:1\n"}},
         "/etc/more:2: service s has two actions, connect on line 2 and exec at /etc/main.conf:3; "
         "keep one of the two"},
        {"exec's key beside connect",
         "[s]\nstring = a\nconnect = b:1\ninclude = ./more\n",
         {{"/etc/more", "[x]\nstderr = null\n"}},
         "/etc/more:2: stderr: only for exec, and service s has connect at /etc/main.conf:3; "
         "delete it"},
        {"one service twice",
         "include = ./more\n[s]\nstring = a\nexec = a\n",
         {{"/etc/more", "[s]\nstring = b\nexec = b\n"}},
         "/etc/main.conf:2: service s is already defined at /etc/more:1; keep one, or choose "
         "another name"},
        {"one bind twice",
         "include = ./more\nbind = *:1\n[fallback]\nexec = a\n",
         {{"/etc/more", "bind = *:1\n"}},
         "/etc/main.conf:2: bind = *:1: taken by bind = *:1 at /etc/more:1; delete one of the two"},
        {"a loop",
         "include = ./more\nbind = 127.0.0.1:1\n",
         {{"/etc/more", "services : { fallback : { connect = \"127.0.0.1:1\"; }; };"}},
         "/etc/more:1: connect = \"127.0.0.1:1\": leads back to bind = 127.0.0.1:1 at "
         "/etc/main.conf:2, without end; write the port of another program"},
        {"a pattern of a last resort",
         "[fallback]\nexec = a\ninclude = ./more\n",
         {{"/etc/more", "[x]\nstring = a\n"}},
         "/etc/more:2: service fallback at /etc/main.conf:1 has no patterns: it takes the "
         "connections that no pattern decides; delete this one"},
    };
    for (const Case& c : cases) {
        EXPECT_THAT(issues_with(c.text, c.others), ElementsAre(c.expected)) << c.shown;
    }
}

TEST(Include, InAServiceReportsAFileThatIsNotOneService) {
    const std::string wanted = "; a file for a service holds one service and nothing else";
    struct Case {
        const char* text;
        std::string expected;
    };
    const Case cases[] = {
        {"bind = *:1\n[s]\nstring = a\n",
         "include = ./x: bind at /etc/x:1 is outside of a service"},
        {"string = a\n", "include = ./x: string at /etc/x:1 is outside of a service"},
        {"# nothing\n", "include = ./x: no service in it"},
        {"[a]\nstring = a\n[b]\n[c]\n",
         "include = ./x: more than one service, a at /etc/x:1 and b at /etc/x:3"},
    };
    for (const Case& c : cases) {
        EXPECT_THAT(issues_with("[s]\nconnect = b:1\ninclude = ./x\n", {{"/etc/x", c.text}}),
                    ElementsAre("/etc/main.conf:3: " + c.expected + wanted))
            << c.text;
    }
}

TEST(Include, FollowsIncludesOfIncludedFiles) {
    expect_same("[s]\ninclude = ssh\nconnect = b:1\n",
                {{"lib/ssh.conf", "include = ./ssh2.conf\n"},
                 {"lib/ssh2.conf", "[x]\ninclude = strings\n"},
                 {"lib/strings.conf", kLibraryFile}},
                "[s]\nstring = SSH-\nconnect = b:1\n");
}

TEST(Include, ReportsTheProblemsOfAFileOnceWhenItIsIncludedTwice) {
    const Texts others = {{"lib/p.conf", "[p]\nregex = [\r\nwindow = 1\r\n"}};
    EXPECT_THAT(
        issues_with("[a]\nexec = a\ninclude = p\n[b]\nexec = b\ninclude = p\n", others),
        ElementsAre(
            "lib/p.conf:2: warning: lines end in CR LF; each CR is ignored; save the file "
            "with LF alone",
            "lib/p.conf:2: regex = [: missing terminating ] for character class (at byte 2)",
            "lib/p.conf:3: window: a global key; move it above the first [service]"));
}

TEST(Include, ReportsThePathThatItCannotReadAndANearName) {
    const Texts others = {{"lib/ssh.conf", kLibraryFile}, {"lib/README", ""}};
    struct Case {
        const char* value;
        const char* expected;
    };
    const Case cases[] = {
        {"shh", "include = shh: cannot read lib/shh.conf: no such file; did you mean ssh?"},
        {"sip",
         "include = sip: cannot read lib/sip.conf: no such file; a file beside this one is ./sip"},
        {"README",
         "include = README: cannot read lib/README.conf: no such file; a file beside "
         "this one is ./README"},
        {"https",
         "include = https: cannot read lib/https.conf: no such file; write include = tls, which "
         "recognises https too"},
        {"smtp",
         "include = smtp: cannot read lib/smtp.conf: no such file; the server of smtp speaks "
         "first, so its client cannot be recognised; see portsplit-patterns(7)"},
        {"./ssh", "include = ./ssh: cannot read /etc/ssh: no such file"},
        {"\"ssh\"",
         "include = \"ssh\": cannot read lib/\"ssh\".conf: no such file; no quotes in this "
         "spelling; write include = ssh"},
        {"./ssh # x",
         "include = ./ssh # x: cannot read /etc/ssh # x: no such file; a comment needs a line of "
         "its own; write include = ./ssh"},
        {"", "include = : empty; write a value or delete the line"},
        {"a\x1b", "include = a\\1B: a control character; write printable text"},
    };
    for (const Case& c : cases) {
        EXPECT_THAT(issues_with("[s]\nconnect = b:1\ninclude = "s + c.value + "\n", others),
                    ElementsAre("/etc/main.conf:3: "s + c.expected))
            << c.value;
    }
    EXPECT_THAT(issues_with("include = 5;\nservices : { s : { include = ( ( ) ); }; };", {}),
                ElementsAre("/etc/main.conf:1: include = 5: not a string; write it in double "
                            "quotes",
                            "/etc/main.conf:2: include = ( ): a list inside a list; write its "
                            "values in the outer one"));
}

TEST(Include, ReportsNoMissingKeyWhenAnIncludeFailed) {
    EXPECT_THAT(issues_with("include = ./x\n", {}),
                ElementsAre("/etc/main.conf:1: include = ./x: cannot read /etc/x: no such file"));
    EXPECT_THAT(
        texts_of(
            read_main("include = ./x\n", {{"/etc/x", "include = ./y\n"}}, Need::Listeners).issues),
        ElementsAre("/etc/x:1: include = ./y: cannot read /etc/y: no such file"));
    EXPECT_THAT(
        issues_with("[s]\ninclude = ./x\n", {{"/etc/x", "a = ;\n[\"\"];"s}}),
        ElementsAre(
            "/etc/x:1: libconfig cannot read on, here or just before; write key = value; with "
            "strings in double quotes, lists as [ \"a\", \"b\" ] and groups as name : { ... };"));
    EXPECT_THAT(issues_with("[s]\ninclude = ./x\n[t]\ninclude = ./x\n", {{"/etc/x", "\0"s}}),
                ElementsAre("/etc/x:1: a NUL byte: this is not a text file; in a pattern write "
                            "\\00 in string or 00 in hex"));
}

TEST(Include, IsAnErrorWhenTheCallerReadsNoFiles) {
    EXPECT_THAT(issues_of("include = ssh\n", Need::Services),
                ElementsAre("f:1: include = ssh: no file can be included here"));
}

TEST(Include, ReportsACircleWithItsFiles) {
    const std::string advice = "; delete one of these includes";
    EXPECT_THAT(issues_with("\ninclude = ./main.conf\n", {}),
                ElementsAre("/etc/main.conf:2: include = ./main.conf: a file that includes itself: "
                            "/etc/main.conf:2 includes /etc/main.conf" +
                            advice));
    EXPECT_THAT(
        issues_with("bind = *:1\n\ninclude = ./b\n", {{"/etc/b", "include = /etc/main.conf\n"}}),
        ElementsAre("/etc/b:1: include = /etc/main.conf: a file that includes itself: "
                    "/etc/main.conf:3 includes /etc/b:1 includes /etc/main.conf" +
                    advice));
    EXPECT_THAT(issues_with("include = ./b\n", {{"/etc/b", "[s]\ninclude = a\n"},
                                                {"lib/a.conf", "[a]\ninclude = b\nstring = x\n"},
                                                {"lib/b.conf", "[b]\n\ninclude = a\n"}}),
                ElementsAre("lib/b.conf:3: include = a: a file that includes itself: "
                            "lib/a.conf:2 includes lib/b.conf:3 includes lib/a.conf" +
                            advice));
}

TEST(Include, ReportsMoreThanSixteenNestedFiles) {
    Texts others;
    for (int i = 1; i < 40; ++i) {
        others["/etc/" + std::to_string(i)] = "include = ./" + std::to_string(i + 1) + "\n";
    }
    others["/etc/16"] = "[fallback]\nexec = a\n";
    expect_same("include = ./2\n", others, "[fallback]\nexec = a\n");
    others["/etc/16"] = "include = ./17\n";
    EXPECT_THAT(issues_with("include = ./2\n", others),
                ElementsAre("/etc/16:1: include = ./17: 17 files deep; at most 16 are possible: "
                            "/etc/main.conf:1 includes /etc/2:1 includes /etc/3:1 includes "
                            "/etc/4:1 includes /etc/5:1 includes /etc/6:1 includes /etc/7:1 "
                            "includes /etc/8:1 includes /etc/9:1 includes /etc/10:1 includes "
                            "/etc/11:1 includes /etc/12:1 includes /etc/13:1 includes /etc/14:1 "
                            "includes /etc/15:1 includes /etc/16:1 includes /etc/17"));
}

TEST(Include, ReportsMoreThanAThousandFiles) {
    Texts others;
    std::string text;
    for (std::size_t i = 1; i < kMostFiles; ++i) {
        const std::string number = std::to_string(i);
        others["/etc/" + number] = "[s" + number + "]\nregex = (" + number + ")\nexec = a\n";
        text.append("include = ./").append(number).append("\n");
    }
    EXPECT_EQ(read_main(text, others).config->services.size(), kMostFiles - 1);
    others["/etc/x"] = "[x]\nstring = x\nexec = a\n";
    EXPECT_THAT(issues_with(text + "include = ./x\n", others),
                ElementsAre("/etc/main.conf:1000: include = ./x: more than 1000 files; at most "
                            "1000 are possible"));
}

// fault: A3
TEST(Include, ReportsMoreThanSixteenMebibytes) {
    // Each file includes the next one twice. Without a limit, the text would double with each file.
    Texts others = {{"/etc/15", "#" + std::string(1024, 'x') + "\n"}};
    for (int i = 1; i < 15; ++i) {
        const std::string include = "include = ./" + std::to_string(i + 1) + "\n";
        others["/etc/" + std::to_string(i)] = include + include;
    }
    EXPECT_THAT(issues_with("include = ./1\n", others),
                ElementsAre("/etc/1:2: include = ./2: the configuration has more than "
                            "16777216 bytes with it; at most 16777216 are possible"));
}

TEST(Include, IsReplacedInWrittenText) {
    const Loaded loaded = read_main("include = ./more\n[s]\ninclude = ssh\nconnect = b:1\n",
                                    {{"lib/ssh.conf", kLibraryFile}, {"/etc/more", "maxconn = 3"}});
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(*write_classic(*loaded.config),
              "maxconn = 3\n\n[s]\nstring  = SSH-\nconnect = b:1\n");
    EXPECT_EQ(read(write_libconfig(*loaded.config), "f", Need::Services).config, loaded.config);
}

}  // namespace
}  // namespace portsplit::config
