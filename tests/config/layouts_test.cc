#include "config/layouts.h"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/load.h"
#include "config/packed.h"
#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;
using Texts = std::map<std::string, std::string>;

/// A layout for tests: one name, a list and a number.
constexpr const char* kRequest =
    "[layout request]\nstart = 'R' {u8 part*}\n"
    "part = 'n' {u8 <host name 1-20>} | 'l' {u8 <can* 2>*} | 'p' <port u16> | 'm' <method [A-Z] "
    "3-8> 00\n";

Loaded read_main(const std::string& text, const Texts& others = {}) {
    return read(text, "/etc/main.conf", Need::Services, memory_files(others));
}

std::vector<std::string> issues_with(const std::string& text, const Texts& others = {}) {
    return texts_of(read_main(text, others).issues);
}

/// Returns the issues of a service of these lines, the first of which is line 5.
std::vector<std::string> issues_of_service(const std::string& lines) {
    return issues_with(std::string(kRequest) + "[s]\n" + lines + "exec = cat\n");
}

core::LayoutPattern pattern_of(const Loaded& loaded) {
    if (!loaded.config || loaded.config->services.empty()) return {};
    const auto& layouts = loaded.config->services.front().layouts;
    return layouts.size() == 1 ? layouts.front() : core::LayoutPattern{};
}

TEST(Layouts, AreReadInBothSpellings) {
    const core::LayoutPattern expected{
        "request",
        true,
        {{"can", {"h1", "h2"}}, {"host", {"*.Example.org", "b.test"}}, {"port", {"1-9"}}}};
    const Loaded classic =
        read_main(std::string(kRequest) +
                  "[s]\nrequest.host = *.Example.org\nrequest.port = 1-9\nlayout = request\n"
                  "request.host = b.test\nrequest.can = h1\nrequest.can = h2\nexec = cat\n");
    EXPECT_THAT(texts_of(classic.issues), ElementsAre());
    EXPECT_EQ(pattern_of(classic), expected);
    const Loaded libconfig = read_main(
        "layouts : { request : { start = \"'R' {u8 part*}\"; part = \"'n' {u8 <host name 1-20>} | "
        "'l' {u8 <can* "
        "2>*} | 'p' <port u16> | 'm' <method [A-Z] 3-8> 00\"; }; };\n"
        "services : { s : { layout = \"request\"; request : { port = \"1-9\"; host = [ "
        "\"*.Example.org\", \"b.test\" "
        "]; can = [ \"h1\", \"h2\" ]; }; exec = \"cat\"; }; };");
    EXPECT_THAT(texts_of(libconfig.issues), ElementsAre());
    EXPECT_EQ(libconfig.config, classic.config);
}

TEST(Layouts, AreWrittenInBothSpellingsAndPacked) {
    const Loaded loaded =
        read_main(std::string(kRequest) +
                  "[s]\nstring = X\nlayout = request\nrequest.host = a\nrequest.host = b\n"
                  "request.port = 443\nexec = cat\n[t]\nrequest.can = \\2Ax\nexec = cat\n");
    ASSERT_TRUE(loaded.config);
    const auto classic = write_classic(*loaded.config);
    ASSERT_TRUE(classic);
    EXPECT_EQ(read_main(*classic).config, loaded.config) << *classic;
    const std::string libconfig = write_libconfig(*loaded.config);
    EXPECT_EQ(read_main(libconfig).config, loaded.config) << libconfig;
    EXPECT_EQ(unpack(pack(*loaded.config), Need::Services), loaded.config);
}

TEST(Layouts, MayHaveANumberWithoutQuotesInLibconfig) {
    const Loaded loaded = read_main(
        "layouts : { p : { start = \"<port u16>\"; }; };\n"
        "services : { s : { p : { port = 443; }; exec = \"cat\"; }; };");
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    EXPECT_EQ(pattern_of(loaded), (core::LayoutPattern{"p", false, {{"port", {"443"}}}}));
}

TEST(Layouts, ReportWhatIsWrongWithAField) {
    EXPECT_THAT(
        issues_of_service("request.hots = a\n"),
        ElementsAre(
            "/etc/main.conf:5: request.hots: no field hots in layout request; did you mean host?"));
    EXPECT_THAT(
        issues_of_service("request.x = a\n"),
        ElementsAre(
            "/etc/main.conf:5: request.x: no field x in layout request; its fields are host, can, "
            "port or method"));
    EXPECT_THAT(issues_of_service("request.port = ssh\n"),
                ElementsAre("/etc/main.conf:5: request.port = ssh: this field is a number; write "
                            "one such as 443, or a range "
                            "such as 1-1024; portsplit-patterns(7) has what the numbers of the "
                            "library's layouts mean (at byte 1)"));
    EXPECT_THAT(
        issues_of_service("request.host = a*b\n"),
        ElementsAre(
            "/etc/main.conf:5: request.host = a*b: a * in the middle; write it at one end, ~EXPR "
            "for an expression, or \\2A for a * (at byte 2)"));
    EXPECT_THAT(issues_of_service("request.method = get\n"),
                ElementsAre("/etc/main.conf:5: warning: service s: request.method = get never "
                            "fits: a value of this "
                            "field has no g; its bytes are A-Z"));
}

TEST(Layouts, ReportWhatIsWrongWithARule) {
    EXPECT_THAT(
        issues_with("[layout x]\nstart = 'a' <y>\nmore = 16\n[s]\nx.y = a\nexec = cat\n"),
        ElementsAre(
            "/etc/main.conf:2: layout x: start: a field without an end; write its exact size, a "
            "set, or fixed bytes directly behind it, of which no part may be absent (at byte 5)",
            "/etc/main.conf:3: warning: layout x: more: a rule that no other uses; delete it"));
    EXPECT_THAT(issues_with("[layout exec]\nstart = 16\n[s]\nstring = a\nexec = cat\n"),
                ElementsAre("/etc/main.conf:1: layout exec: a key has this name; choose another"));
    EXPECT_THAT(
        issues_with("[layout x]\n[s]\nlayout = x\nexec = cat\n"),
        ElementsAre("/etc/main.conf:1: layout x: no rule; write start = and how a stream begins"));
    EXPECT_THAT(
        issues_with(
            "[layout x]\nstart = 16\n[layout x]\nstart = 17\n[s]\nlayout = x\nexec = cat\n"),
        ElementsAre(
            "/etc/main.conf:3: layout x is already defined on line 1; keep one of the two"));
}

TEST(Layouts, ComeFromTheLibrary) {
    const Texts library{{"lib/layouts/request.conf", kRequest},
                        {"lib/layouts/tls.conf", "[layout other]\nstart = 16\n"}};
    const Loaded loaded = read_main("[s]\nrequest.host = a\nexec = cat\n", library);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    EXPECT_EQ(pattern_of(loaded), (core::LayoutPattern{"request", false, {{"host", {"a"}}}}));
    EXPECT_THAT(issues_with("[s]\nreqest.host = a\nexec = cat\n", library),
                ElementsAre("/etc/main.conf:2: no layout reqest; did you mean request?"));
    EXPECT_THAT(
        issues_with("[s]\nlayout = other\nexec = cat\n", library),
        ElementsAre(
            "/etc/main.conf:2: no layout other; the library has request or tls; or write [layout "
            "other] with its rules"));
    EXPECT_THAT(
        issues_with("[s]\ntls.sni = a\nexec = cat\n", library),
        ElementsAre(
            "/etc/main.conf:2: no layout tls in lib/layouts/tls.conf; write [layout tls] there"));
    EXPECT_THAT(issues_with("[s]\na/x.sni = a\nexec = cat\n", library),
                ::testing::Contains(::testing::HasSubstr("no layout")));
}

TEST(Layouts, ProposeTheNameOfWhichLettersAreSwapped) {
    const Texts library{{"lib/layouts/rtsp.conf", ""}, {"lib/layouts/tls.conf", ""}};
    EXPECT_THAT(issues_with("[s]\ntsl.sni = a\nexec = cat\n", library),
                ElementsAre("/etc/main.conf:2: no layout tsl; did you mean tls?"));
}

TEST(Layouts, AreNoFields) {
    EXPECT_THAT(
        issues_with("[s]\nlayout = tls.sni\nexec = cat\n"),
        ElementsAre("/etc/main.conf:2: layout = tls.sni: a field, not a layout; write tls.sni = * "
                    "for clients that have one, or layout = tls"));
    EXPECT_THAT(
        issues_with("services : { s : { layout = \"tls.sni\"; exec = \"cat\"; }; };"),
        ElementsAre("/etc/main.conf:1: layout = \"tls.sni\": a field, not a layout; write tls : { "
                    "sni = \"*\"; } for clients that have one, or layout = \"tls\""));
}

TEST(Layouts, AreDescribedInTheSpellingOfTheFile) {
    EXPECT_THAT(issues_with("services : { s : { layout = \"x\"; exec = \"cat\"; }; };"),
                ElementsAre("/etc/main.conf:1: no layout x; write layouts : { x : { ... }; }; with "
                            "its rules"));
    EXPECT_THAT(
        issues_with("log = \"x.a\"; layouts : { x : { start = \"<a 1>\"; }; };\n"
                    "services : { s : { string = \"a\"; exec = \"cat\"; }; };"),
        ElementsAre("/etc/main.conf:1: warning: log = \"x.a\": never there: no service asks layout "
                    "x, so it is not read; write layout = \"x\" in place of a pattern, or a "
                    "condition such as x : { a = \"*\"; }, in a service"));
    EXPECT_THAT(
        issues_with("layout : { x : { start = \"<a 1>\"; }; };\n"
                    "services : { s : { x : { a = \"b\"; }; exec = \"cat\"; }; };"),
        ElementsAre("/etc/main.conf:1: layout: a group of layouts is called layouts; write layouts "
                    ": { ... };"));
}

TEST(Layouts, BeginWithTheWordLayout) {
    const std::string rest = "\nstart = <a 1>\n[s]\nx.a = b\nexec = cat\n";
    for (const std::string header : {"[Layout x]", "[layouts x]", "[layuot  x]"}) {
        EXPECT_THAT(issues_with(header + rest),
                    ElementsAre("/etc/main.conf:1: " + header +
                                ": not the beginning of a layout; write [layout x]"));
    }
    EXPECT_THAT(issues_with("[layout  x]" + rest), ElementsAre());
}

TEST(Layouts, ReportKeysOfAServiceWithoutItsHeader) {
    EXPECT_THAT(
        issues_with("[layout x]\nstart = 16\nlayout = x\nexec = cat -n\n[s]\nstring = "
                    "a\nexec = cat\n"),
        ElementsAre("/etc/main.conf:3: layout x: layout: a key of a service, and no rule here uses "
                    "it; write [NAME] above it, where the service begins",
                    "/etc/main.conf:4: layout x: exec: a key of a service, and no rule here uses "
                    "it; write [NAME] above it, where the service begins"));
    // Only strange, not wrong.
    EXPECT_THAT(
        issues_with("layouts : { x : { start = \"16\"; hex = \"16 03\"; }; };\n"
                    "services : { s : { string = \"a\"; exec = \"cat\"; }; };"),
        ElementsAre(
            "/etc/main.conf:1: warning: layout x: hex: a key of a service, and no rule here "
            "uses it; move it into a group in services"));
    // A rule may have such a name.
    EXPECT_THAT(
        issues_with("[layout x]\nstart = 16 string\nstring = 'a\n[s]\nstring = a\nexec = cat\n"),
        ElementsAre(::testing::HasSubstr("layout x: string: a ' without its end")));
}

TEST(Layouts, ReadValuesFromAFile) {
    const Texts others{{"/etc/sites.txt", "# ours\na.test\n\n *.b.test \n"},
                       {"/srv/more", "c.test\n"}};
    const Loaded loaded = read_main(std::string(kRequest) +
                                        "[s]\nrequest.host = @sites.txt\nrequest.host = x.test\n"
                                        "request.host = @/srv/more\nexec = cat\n",
                                    others);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    EXPECT_EQ(pattern_of(loaded),
              (core::LayoutPattern{
                  "request", false, {{"host", {"a.test", "*.b.test", "x.test", "c.test"}}}}));
}

TEST(Layouts, LetNothingFitAListWithoutAValue) {
    const Texts others{{"/etc/sites.txt", "# none yet\n\n"}};
    const Loaded loaded = read_main(
        std::string(kRequest) + "[s]\nrequest.host = @sites.txt\nrequest.port = 1\nexec = cat\n",
        others);
    EXPECT_THAT(
        texts_of(loaded.issues),
        ElementsAre("/etc/main.conf:5: warning: request.host: a list without a value, such as a "
                    "file without a line; no client fits it"));
    EXPECT_EQ(pattern_of(loaded),
              (core::LayoutPattern{"request", false, {{"host", {"~(?!)"}}, {"port", {"1"}}}}));
    // Another value still fits.
    EXPECT_EQ(
        pattern_of(read_main(std::string(kRequest) +
                                 "[s]\nrequest.host = @sites.txt\nrequest.host = a\nexec = cat\n",
                             others)),
        (core::LayoutPattern{"request", false, {{"host", {"~(?!)", "a"}}}}));
}

TEST(Layouts, LeaveOutAByteOrderMarkOfAFileOfValues) {
    const Texts others{{"/etc/sites.txt",
                        "\xEF\xBB\xBF"
                        "a.test\n"}};
    const Loaded loaded =
        read_main(std::string(kRequest) + "[s]\nrequest.host = @sites.txt\nexec = cat\n", others);
    EXPECT_THAT(
        texts_of(loaded.issues),
        ElementsAre("/etc/sites.txt:1: warning: a byte order mark, which is ignored; save the "
                    "file as plain UTF-8"));
    EXPECT_EQ(pattern_of(loaded), (core::LayoutPattern{"request", false, {{"host", {"a.test"}}}}));
}

TEST(Layouts, TakeAFileOfValuesAsAConfigurationIsTaken) {
    const auto issues = [](const std::string& sites) {
        return issues_with(std::string(kRequest) + "[s]\nrequest.host = @sites.txt\nexec = cat\n",
                           {{"/etc/sites.txt", sites}});
    };
    EXPECT_THAT(
        issues("a.test\nb.test\r\nc.test\r"),
        ElementsAre("/etc/sites.txt:2: warning: lines end in CR LF; each CR is ignored; save the "
                    "file with LF alone"));
    EXPECT_THAT(
        issues(std::string("a.test\n\0\n", 9)),
        ElementsAre("/etc/sites.txt:2: a NUL byte: this is not a text file; in a pattern write "
                    "\\00 in string or 00 in hex"));
}

TEST(Layouts, WarnOfQuotesAndCommentsInAValue) {
    EXPECT_THAT(issues_of_service("request.host = \"a.test\"\n"),
                ElementsAre("/etc/main.conf:5: warning: request.host = \"a.test\": the quotes are "
                            "part of the value; write request.host = a.test"));
    EXPECT_THAT(
        issues_of_service("request.host = a.test # main\n"),
        ElementsAre("/etc/main.conf:5: warning: request.host = a.test # main: \"# main\" is "
                    "part of the value: a comment needs a line of its own; write "
                    "request.host = a.test"));
    const Texts others{{"/etc/sites.txt", "\"a.test\"\nb.test # main\n"}};
    const std::string line =
        "/etc/sites.txt:1: warning: request.host = \"a.test\": the quotes are "
        "part of the value; write a.test";
    EXPECT_THAT(
        issues_with(std::string(kRequest) + "[s]\nrequest.host = @sites.txt\nexec = cat\n", others),
        ElementsAre(line,
                    "/etc/sites.txt:2: warning: request.host = b.test # main: \"# main\" is "
                    "part of the value: a comment needs a line of its own; write b.test"));
}

TEST(Layouts, NameTheLineOfTheFileWithABadValue) {
    const Texts others{{"/etc/sites.txt", "a.test\na*b\n@more\n"}};
    EXPECT_THAT(
        issues_with(std::string(kRequest) + "[s]\nrequest.host = @sites.txt\nexec = cat\n", others),
        ElementsAre(
            "/etc/sites.txt:2: request.host = a*b: a * in the middle; write it at one end, ~EXPR "
            "for an expression, or \\2A for a * (at byte 2)",
            "/etc/sites.txt:3: @more: a list in a list; write \\40 for an @"));
    EXPECT_THAT(issues_of_service("request.host = @\n"),
                ElementsAre("/etc/main.conf:5: request.host = @: no file behind the @; write "
                            "@FILE, or \\40 for an @"));
    EXPECT_THAT(
        issues_of_service("request.host = @none\n"),
        ElementsAre("/etc/main.conf:5: request.host = @none: cannot read /etc/none: no such file"));
}

TEST(Layouts, AreNoPatternsOfALastResort) {
    EXPECT_THAT(
        issues_with(std::string(kRequest) +
                    "[fallback]\nlayout = request\nrequest.host = a\nexec = cat\n"),
        ElementsAre(
            "/etc/main.conf:5: service fallback has no patterns: it takes the connections that no "
            "pattern decides; delete this one",
            "/etc/main.conf:6: service fallback has no patterns: it takes the connections that no "
            "pattern decides; delete this one"));
}

// --- fields that are passed on ---

TEST(PassedFields, AreReadInBothSpellings) {
    const std::string layout(kRequest);
    const Loaded classic =
        read_main("log = start\nlog = request.host\n" + layout +
                  "[s]\nrequest.port = 1\nlog = no\nlog = request.can\nexec = cat\nenv = A=b c\n"
                  "env = HOST request.host\n");
    EXPECT_THAT(texts_of(classic.issues), ElementsAre());
    ASSERT_TRUE(classic.config);
    EXPECT_THAT(classic.config->log, ElementsAre("start", "request.host"));
    EXPECT_THAT(classic.config->services[0].log, ElementsAre("no", "request.can"));
    EXPECT_THAT(std::get<core::Exec>(classic.config->services[0].action).env,
                ElementsAre("A=b c", "HOST request.host"));
    const auto written = write_libconfig(*classic.config);
    EXPECT_EQ(read_main(written).config, classic.config) << written;
    EXPECT_EQ(read_main(*write_classic(*classic.config)).config, classic.config);
    EXPECT_EQ(unpack(pack(*classic.config), Need::Services), classic.config);
}

TEST(PassedFields, AreValuesOfTheirOwn) {
    const std::string more = "more than one word; write each as a value of its own";
    EXPECT_THAT(issues_of_service("request.port = 1\nlog = end request.port\nlog = request.port,"
                                  "request.host\nenv = A request.port request.host\n"),
                ElementsAre("/etc/main.conf:6: log = end request.port: " + more,
                            "/etc/main.conf:7: log = request.port,request.host: " + more,
                            "/etc/main.conf:8: env = A request.port request.host: neither "
                            "NAME=VALUE nor a name and a field, such as SITE tls.sni"));
}

TEST(PassedFields, ReportWhatIsWrongWithThem) {
    EXPECT_THAT(
        issues_of_service("request.port = 1\nlog = request.hots\nlog = on\nlog = end\n"
                          "log = start\nenv = A request.x\nenv = A b\nenv = =b\n"
                          "env = PATH request.host\n"),
        ElementsAre(
            "/etc/main.conf:6: log = request.hots: no field hots in layout request; did you "
            "mean host?",
            "/etc/main.conf:7: log = on: unknown; write end, start, no or all, or a field such as "
            "tls.sni",
            "/etc/main.conf:9: log = start: end on line 8; keep one of the two",
            "/etc/main.conf:10: env = A request.x: no field x in layout request; its fields "
            "are host, can, port or method",
            "/etc/main.conf:11: env = A b: neither NAME=VALUE nor a name and a field, such as "
            "SITE tls.sni",
            "/etc/main.conf:12: env = =b: no variable; write NAME=VALUE, or NAME LAYOUT.FIELD "
            "for a field",
            "/etc/main.conf:13: env = PATH request.host: PATH must not come from a client: "
            "programs "
            "find code by it, or take it for the word of Portsplit; choose another name, such as "
            "SITE"));
}

TEST(PassedFields, WarnOfALayoutThatNoServiceAsks) {
    const std::string warning =
        ": never there: no service asks layout request, so it is not read; write layout = request "
        "in place of a pattern, or a condition such as request.host = *, in a service";
    EXPECT_THAT(issues_with("log = request.host\n" + std::string(kRequest) +
                            "[s]\nstring = x\nexec = cat\nenv = A request.host\n"),
                ElementsAre("/etc/main.conf:1: warning: log = request.host" + warning,
                            "/etc/main.conf:8: warning: env = A request.host" + warning));
    // One that the library has is found there; one that is nowhere is an error.
    const Texts library{{"lib/layouts/greeting.conf", "[layout greeting]\nstart = <word 2>\n"}};
    EXPECT_THAT(
        issues_with("log = greeting.word\nlog = nowhere.x\n[s]\ngreeting.word = ab\n"
                    "exec = cat\n",
                    library),
        ElementsAre("/etc/main.conf:2: no layout nowhere; the library has greeting; or write "
                    "[layout nowhere] with its rules"));
}

TEST(SplitField, NeedsALayoutAndAField) {
    EXPECT_EQ(core::split_field("tls.sni"), (core::FieldName{"tls", "sni"}));
    for (const char* key : {"tls", ".sni", "tls.", "."})
        EXPECT_FALSE(core::split_field(key)) << key;
}

}  // namespace
}  // namespace portsplit::config
