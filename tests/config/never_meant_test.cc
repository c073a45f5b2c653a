#include "config/never_meant.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

/// The warnings about lines of a service, each as `NAME SERVICE f:LINE: warning: TEXT`.
std::vector<std::string> warnings_of(const std::string& text) {
    std::vector<std::string> found;
    for (const Issue& issue : read(text, "f", Need::Listeners).issues) {
        found.push_back(fmt::format("{} {} {}", issue.name, issue.service, to_string(issue)));
    }
    return found;
}

std::vector<std::string> warnings_of_line(const std::string& line) {
    return warnings_of(service_of(line + "\nconnect = b:1\n"));
}

TEST(NeverMeant, WarnsOfQuotesInAClassicValue) {
    EXPECT_THAT(warnings_of_line("string = \"SSH-\""),
                ElementsAre("quotes s f:3: warning: string = \"SSH-\": the quotes are part of the "
                            "pattern; write string = SSH-, or \\22 for a quote that is meant"));
    EXPECT_THAT(warnings_of_line("string = 'GET '"),
                ElementsAre("quotes s f:3: warning: string = 'GET ': the quotes are part of the "
                            "pattern; write string = GET\\20, or \\27 for a quote that is meant"));
    EXPECT_THAT(warnings_of_line("string = \"SSH-\";"),
                ElementsAre("quotes s f:3: warning: string = \"SSH-\";: the quotes are part of the "
                            "pattern; write string = SSH-, or \\22 for a quote that is meant"));
    EXPECT_THAT(warnings_of_line("regex = \"GET \""),
                ElementsAre("quotes s f:3: warning: regex = \"GET \": the quotes are part of the "
                            "pattern; write regex = GET\\x20, or \\x22 for a quote that is meant"));
}

TEST(NeverMeant, WarnsOfQuotesInEveryOtherKeyThatReadsThem) {
    EXPECT_THAT(warnings_of("bind = *:443\nuser = \"nobody\"\n[s]\nstring = a\nexec = 'cat'\n"
                            "execarg = \"-i\"\nexecarg = \"\"\n"),
                ElementsAre("quotes  f:2: warning: user = \"nobody\": the quotes are part of the "
                            "value; write user = nobody",
                            "quotes s f:5: warning: exec = 'cat': the quotes are part of the "
                            "value; write exec = cat",
                            "quotes s f:6: warning: execarg = \"-i\": the quotes are part of the "
                            "argument; write execarg = -i",
                            "quotes s f:7: warning: execarg = \"\": the quotes are part of the "
                            "argument; write execarg ="));
}

TEST(NeverMeant, WarnsOfACommentBehindAClassicValue) {
    EXPECT_THAT(warnings_of_line("string = SSH-   # ssh"),
                ElementsAre("comment s f:3: warning: string = SSH-   # ssh: \"# ssh\" is part of "
                            "the pattern: a comment needs a line of its own; write string = SSH-, "
                            "or \\23 for a # that is meant"));
    EXPECT_THAT(warnings_of_line("regex = ^GET # x"),
                ElementsAre("comment s f:3: warning: regex = ^GET # x: \"# x\" is part of the "
                            "pattern: a comment needs a line of its own; write regex = ^GET, or "
                            "\\x23 for a # that is meant"));
    EXPECT_THAT(warnings_of("bind = *:443\n[s]\nstring = a\nexec = cat # copy\n"),
                ElementsAre("comment s f:4: warning: exec = cat # copy: \"# copy\" is part of the "
                            "value: a comment needs a line of its own; write exec = cat"));
    EXPECT_THAT(warnings_of_line("string = SSH-; # ssh"),
                ElementsAre("comment s f:3: warning: string = SSH-; # ssh: \"# ssh\" is part of "
                            "the pattern: a comment needs a line of its own; write string = SSH-;, "
                            "or \\23 for a # that is meant"));
}

TEST(NeverMeant, WarnsOfBoth) {
    EXPECT_THAT(warnings_of_line("string = \"SSH-\" # ssh"),
                ElementsAre("comment s f:3: warning: string = \"SSH-\" # ssh: \"# ssh\" is part of "
                            "the pattern: a comment needs a line of its own; write string = SSH-, "
                            "or \\23 for a # that is meant",
                            "quotes s f:3: warning: string = \"SSH-\" # ssh: the quotes are part "
                            "of the pattern; write string = SSH-, or \\22 for a quote that is "
                            "meant"));
}

TEST(NeverMeant, WarnsOfTypographicCharacters) {
    EXPECT_THAT(
        warnings_of_line("string = \xE2\x80\x9CSSH-\xE2\x80\x9D"),
        ElementsAre("typographic s f:3: warning: string = \\E2\\80\\9CSSH-\\E2\\80\\9D: byte 1 "
                    "begins a typographic quote (U+201C), which is not the quote of a keyboard; "
                    "write \", or \\E2\\80\\9C if it is meant"));
    EXPECT_THAT(warnings_of_line("regex = SSH\xE2\x80\x93"),
                ElementsAre("typographic s f:3: warning: regex = SSH\\E2\\80\\93: byte 4 begins a "
                            "dash (U+2013), which is not the hyphen of a keyboard; write -, or "
                            "\\xE2\\x80\\x93 if it is meant"));
    EXPECT_THAT(warnings_of("bind = *:443\n[s]\nstring = a\nexec = cat\nexecarg = \xE2\x80\x94n\n"),
                ElementsAre("typographic s f:5: warning: execarg = \\E2\\80\\94n: byte 1 begins a "
                            "dash (U+2014), which is not the hyphen of a keyboard; write -"));
    EXPECT_THAT(
        warnings_of_line("string = SSH-\xC2\xA0"),
        ElementsAre("typographic s f:3: warning: string = SSH-\\C2\\A0: byte 5 begins a "
                    "no-break space (U+00A0), which is not the blank of a keyboard; write a "
                    "blank, or \\C2\\A0 if it is meant"));
    EXPECT_THAT(warnings_of_line("string = caf\xC3\xA9"), ElementsAre());
    EXPECT_THAT(warnings_of_line("string = \\E2\\80\\9CSSH-"), ElementsAre());
}

TEST(NeverMeant, WarnsOfAServersNameInAnExpression) {
    const std::string advice =
        ": an expression does not find a server's name for sure, because clients shuffle what is "
        "before it; "
        "write tls.sni = ";
    for (const auto& [regex, name] : std::vector<std::pair<std::string, std::string>>{
             {"\\x16\\x03(?s).{1,500}?\\x00\\x00\\x00\\x0b\\x00\\x09\\x00\\x00\\x06b\\.test",
              "b.test"},
             {"(?s)\\x16\\x03.{3}\\x01.{1,1200}?vpn\\.example\\.org", "vpn.example.org"},
             {"(?s).*example\\.org", "example.org"},
             {"(?i).*(www\\.)?example\\.org", "example.org"},
             {".{0,400}?mail\\.example\\.org", "mail.example.org"},
             {"(?s)\\x16\\x03.*www.example.org", "www.example.org"},
             {"(?s)^\\x16\\x03.*\\Qwww.example.org\\E", "www.example.org"},
             {"(?s).*[Ww]ww[.]example[.]org", "*.example.org"},
             {"(?s)\\x16\\x03.*(git|www)\\.example\\.org", "*.example.org"},
         }) {
        EXPECT_THAT(warnings_of_line("regex = " + regex),
                    ::testing::Contains(::testing::HasSubstr(advice + name)));
    }
    EXPECT_THAT(warnings_of_line("regex = (?s)\\x16\\x03...\\x01.{2}\\x03"), ElementsAre());
    EXPECT_THAT(warnings_of_line("regex = GET .* HTTP/1\\.1"), ElementsAre());
    EXPECT_THAT(warnings_of_line("regex = (?s).*Host: example\\.org"), ElementsAre());
    EXPECT_THAT(warnings_of_line("regex = .*/index\\.html"), ElementsAre());
    EXPECT_THAT(warnings_of_line("regex = (?s).{0,50}SSH-2\\.0-"), ElementsAre());
    EXPECT_THAT(warnings_of_line("regex = .*foo.bar"), ElementsAre());
}

TEST(NeverMeant, WarnsOfHexAsText) {
    EXPECT_THAT(warnings_of_line("string = 0x16"),
                ElementsAre("hex-looking s f:3: warning: string = 0x16: a string is text, and this "
                            "looks like bytes in hex; write hex = 16"));
    EXPECT_THAT(warnings_of(libconfig_service_of("string = \"16 03 01\"; connect = \"b:1\";")),
                ElementsAre("hex-looking s f:2: warning: string = \"16 03 01\": a string is text, "
                            "and this looks like bytes in hex; write hex = \"16 03 01\""));
}

TEST(NeverMeant, IsSilentAboutWhatMayBeMeant) {
    for (const char* line :
         {"string = \\22SSH-\\22", "string = SSH-\\20\\23 x", "string = a\"b\"", "string = #",
          "string = it's", "regex = (?x) GET # the method", "regex = (?sx)GET # x", "string = a;",
          "string = \\30x16", "regex = \"a\" \"b\"", "hex = 16 03"}) {
        EXPECT_THAT(warnings_of_line(line), ElementsAre()) << line;
    }
    EXPECT_THAT(warnings_of(libconfig_service_of("string = [ \"\\\"a\\\"\", \"b # c\" ]; "
                                                 "connect = \"b:1\";")),
                ElementsAre());
}

TEST(NeverMeant, IsAnErrorThatNamesTheCauseWhereTheValueCannotBeRead) {
    EXPECT_THAT(
        issues_of("bind = \"127.0.0.1:18999\"\n"
                  "timeout = \"2\"\n"
                  "maxconn = 5 # five\n"
                  "pid = \"/run/p.pid\"\n"
                  "user = nobody # x\n"
                  "[s]\n"
                  "string = a\n"
                  "hex = \"16 03\"\n"
                  "hex = 16 03 # tls\n"
                  "regex = (GET # x\n"
                  "connect = 127.0.0.1:22 # here\n"
                  "connect = 127.0.0.1:22;\n"
                  "connect = nowhere # there\n"
                  "[t]\n"
                  "string = b\n"
                  "exec = \"/bin/cat\"\n"
                  "stdio = 'pipe'\n"),
        ElementsAre(
            "f:1: bind = \"127.0.0.1:18999\": no quotes in this spelling; write bind = "
            "127.0.0.1:18999",
            "f:2: timeout = \"2\": no quotes in this spelling; write timeout = 2",
            "f:3: maxconn = 5 # five: a comment needs a line of its own; write maxconn = 5",
            "f:4: pid = \"/run/p.pid\": no quotes in this spelling; write pid = /run/p.pid",
            "f:5: user = nobody # x: a comment needs a line of its own; write user = nobody",
            "f:8: hex = \"16 03\": no quotes in this spelling; write hex = 16 03",
            "f:9: hex = 16 03 # tls: a comment needs a line of its own; write hex = 16 03",
            "f:10: regex = (GET # x: missing closing parenthesis (at byte 9)",
            "f:11: connect = 127.0.0.1:22 # here: a comment needs a line of its own; write connect "
            "= 127.0.0.1:22",
            "f:12: connect = 127.0.0.1:22;: no semicolon in this spelling; write connect = "
            "127.0.0.1:22",
            "f:13: connect = nowhere # there: no port; write HOST:PORT, such as 127.0.0.1:8443",
            "f:16: exec = \"/bin/cat\": no quotes in this spelling; write exec = /bin/cat",
            "f:17: stdio = 'pipe': no quotes in this spelling; write stdio = pipe"));
}

}  // namespace
}  // namespace portsplit::config
