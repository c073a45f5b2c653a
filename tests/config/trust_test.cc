#include "config/trust.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

/// In these tests every user can write files whose path has `open`, and a path with `script` is one.
Surroundings surroundings() {
    const auto writable = [](const std::string& path) {
        return path.find("open") == path.npos ? "" : path;
    };
    return {.writable_by_all = writable,
            .program_writable_by_all = writable,
            .is_script = [](const std::string& path) { return path.find("script") != path.npos; }};
}

std::vector<std::string> warnings_of(const std::string& text, const std::string& file,
                                     const Surroundings& around = surroundings()) {
    const Files files = memory_files({{"/etc/open.conf", "timeout = 2\n"}});
    std::vector<std::string> found;
    for (const Issue& issue : check_trust(read(text, file, Need::Services, files), around)) {
        found.push_back(fmt::format("{} {} {}", issue.name, issue.service, to_string(issue)));
    }
    return found;
}

TEST(CheckTrust, WarnsOfAConfigurationFileThatEveryUserCanWrite) {
    EXPECT_THAT(warnings_of("user = www\n[fallback]\nexec = cat\n", "/open/f"),
                ElementsAre("writable  /open/f:1: warning: every user can write /open/f, and so "
                            "choose where clients go and what runs as www; chmod o-w /open/f"));
    EXPECT_THAT(
        warnings_of("include = ./open.conf\n[fallback]\nexec = cat\n", "/etc/f"),
        ElementsAre("writable  /etc/open.conf:1: warning: every user can write "
                    "/etc/open.conf, and so choose where clients go and what runs as the user that "
                    "starts Portsplit; chmod o-w /etc/open.conf"));
}

TEST(CheckTrust, WarnsOfTheFileEvenIfItHasErrors) {
    EXPECT_THAT(
        warnings_of("nonsense\n", "/open/f"),
        ElementsAre(
            "writable  /open/f:1: warning: every user can write /open/f, and so "
            "choose where clients go and what runs as the user that starts Portsplit; chmod o-w "
            "/open/f"));
}

// fault: A5
TEST(CheckTrust, WarnsOfAProgramThatEveryUserCanWrite) {
    EXPECT_THAT(warnings_of("user = www\n[a]\nstring = a\nexec = /open/x\n", "f"),
                ElementsAre("writable a f:4: warning: service a: every user can write /open/x, and "
                            "so choose what runs as www; chmod o-w /open/x"));
}

TEST(CheckTrust, WarnsOfUnixSocketsThatEveryUserCanReplace) {
    EXPECT_THAT(
        warnings_of("bind = unix:/run/a.sock\nbind = unix:/open/b.sock,mode=0600\n"
                    "[a]\nstring = a\nconnect = 127.0.0.1:1\nconnect = unix:/open/c.sock\n",
                    "f"),
        ElementsAre(
            "writable  f:2: warning: every user can replace the socket bind = "
            "unix:/open/b.sock,mode=0600, and so take its clients; chmod o-w /open",
            "writable a f:6: warning: service a: every user can replace the socket connect = "
            "unix:/open/c.sock, and so take its clients; chmod o-w /open"));
    EXPECT_THAT(warnings_of("bind = unix:@open/b\n[a]\nstring = a\nconnect = unix:@open/c\n", "f"),
                ElementsAre());
}

TEST(CheckTrust, WarnsWhereEveryUserCanSayWhoTheClientIs) {
    const std::string end = "proxy-from = unix\n[fallback]\nconnect = 127.0.0.1:1\n";
    const std::string before =
        "proxy-from-all  f:1: warning: proxy-from = unix, and every user of this machine may "
        "connect to bind = unix:";
    for (const char* bind : {"/run/a", "/run/a,user=www", "/run/a,mode=0662"}) {
        EXPECT_THAT(
            warnings_of(fmt::format("bind = unix:{}\n{}", bind, end), "f"),
            ElementsAre(before + bind +
                        ", and so say who the client is; write its mode, such as mode=0660"));
    }
    EXPECT_THAT(
        warnings_of("bind = unix:@a\n" + end, "f"),
        ElementsAre(before + "@a, and so say who the client is; write a path and its mode, such "
                             "as unix:/run/NAME.sock,mode=0660"));
    for (const char* bind : {"unix:/run/a,mode=0664", "127.0.0.1:1"}) {
        EXPECT_THAT(warnings_of(fmt::format("bind = {}\n{}", bind, end), "f"), ElementsAre());
    }
    EXPECT_THAT(warnings_of("bind = unix:/run/a\nproxy-from = 127.0.0.1\n[fallback]\nconnect = "
                            "127.0.0.1:1\n",
                            "f"),
                ElementsAre());
}

TEST(CheckTrust, LooksAtTheListenersSections) {
    EXPECT_THAT(
        warnings_of("[listener b]\nbind = unix:/open/b.sock\n[fallback]\nconnect = 127.0.0.1:1\n",
                    "f"),
        ElementsAre("writable  f:2: warning: every user can replace the socket bind = "
                    "unix:/open/b.sock, and so take its clients; chmod o-w /open"));
}

TEST(CheckTrust, WarnsOfAScriptThatGetsTheSocket) {
    const std::string warning =
        "service a: exec = /script is a script, and its stdio is socket: if it ends before it has "
        "read all that the client sent, the client's connection is reset; write stdio = pipe";
    EXPECT_THAT(warnings_of("[a]\nstring = a\nexec = /script\n", "f"),
                ElementsAre("script a f:3: warning: " + warning));
    EXPECT_THAT(warnings_of("[a]\nstring = a\nexec = /script\nstdio = socket\n", "f"),
                ElementsAre("script a f:3: warning: " + warning));
    for (const std::string stdio : {"pipe", "pty"}) {
        EXPECT_THAT(warnings_of("[a]\nstring = a\nexec = /script\nstdio = " + stdio + "\n", "f"),
                    ElementsAre());
    }
}

TEST(CheckTrust, WarnsOfTcpdWithoutArgumentZero) {
    for (const char* program : {"tcpd", "/usr/sbin/tcpd"}) {
        const std::string text = "[fallback]\nexec = " + std::string(program) + "\n";
        for (const char* itself : {"", "argv0 = tcpd\n", "argv0 = /usr/sbin/tcpd\n"}) {
            EXPECT_THAT(
                warnings_of(text + itself, "f"),
                ElementsAre("tcpd fallback f:2: warning: service fallback: tcpd starts the program "
                            "that argument 0 names, which is tcpd itself, without end; write argv0 "
                            "= PROGRAM, such as /usr/sbin/sshd"))
                << itself;
        }
        EXPECT_THAT(warnings_of(text + "argv0 = /usr/sbin/sshd\n", "f"), ElementsAre());
        EXPECT_THAT(warnings_of(text + "argv0 = my-tcpd\n", "f"), ElementsAre());
    }
    EXPECT_THAT(warnings_of("[fallback]\nexec = my-tcpd\n", "f"), ElementsAre());
}

TEST(CheckTrust, CallsNoLookUpThatIsEmpty) {
    EXPECT_THAT(warnings_of("[a]\nstring = a\nexec = /open/script\n", "/open/f", {}),
                ElementsAre());
}

}  // namespace
}  // namespace portsplit::config
