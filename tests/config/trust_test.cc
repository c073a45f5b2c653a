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

TEST(CheckTrust, WarnsOfAProgramThatEveryUserCanWrite) {
    EXPECT_THAT(warnings_of("user = www\n[a]\nstring = a\nexec = /open/x\n", "f"),
                ElementsAre("writable a f:4: warning: service a: every user can write /open/x, and "
                            "so choose what runs as www; chmod o-w /open/x"));
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
