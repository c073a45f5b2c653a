#include "config_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.h"
#include "support/issues_of.h"
#include "support/log_text.h"
#include "sys/file.h"

namespace portsplit {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;

/// Not read: a program of the build finds the library of patterns beside itself.
constexpr const char* kNotInstalled = "/nonexistent";

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(LoadFile, ReadsAFileWithThoseItIncludes) {
    const Folder folder;
    const std::string main = folder / "main.conf";
    write_file(main, "include = ./more.conf\n[mine]\ninclude = ssh\nconnect = b:1\n");
    write_file(folder / "more.conf", "maxconn = 7\n");
    const auto loaded = load_file(main, config::Need::Services, kNotInstalled);
    ASSERT_TRUE(loaded);
    EXPECT_THAT(config::texts_of(loaded->issues), ElementsAre());
    EXPECT_THAT(loaded->origins.files,
                ElementsAre(main, folder / "more.conf", EndsWith("/patterns/ssh.conf")));
    core::Config expected;
    expected.maxconn = 7;
    expected.services = {
        {"mine", {{core::PatternKind::String, "SSH-"}}, core::Connect{{{"b", 1}}}}};
    EXPECT_EQ(loaded->config, expected);
}

TEST(LoadFile, ReturnsTheErrnoOfAFileThatCannotBeRead) {
    const Folder folder;
    const auto loaded = load_file(folder / "none.conf", config::Need::Services, kNotInstalled);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ENOENT);
}

TEST(LoadFile, ReportsAnIncludeThatCannotBeRead) {
    const Folder folder;
    const std::string main = folder / "main.conf";
    write_file(main, "include = ./none.conf\n[s]\ninclude = shh\nconnect = b:1\n");
    const auto loaded = load_file(main, config::Need::Services, kNotInstalled);
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(loaded->config);
    EXPECT_THAT(
        config::texts_of(loaded->issues),
        ElementsAre(main + ":1: include = ./none.conf: cannot read " + (folder / "none.conf") +
                        ": No such file or directory",
                    ::testing::AllOf(::testing::StartsWith(main + ":3: include = shh: cannot read"),
                                     EndsWith("; did you mean ssh?"))));
}

TEST(LogIssues, LeavesWarningsOutWhenErrorsAreTheLeast) {
    using config::Severity;
    const std::vector<config::Issue> issues = {
        {Severity::Warning, {0, 2}, "f", "odd"},
        {Severity::Error, {0, 3}, "f", "wrong"},
    };
    const std::string own = "portsplit[" + std::to_string(::getpid()) + "]: ";
    const auto logged = [&](Severity least) {
        const Folder folder;
        auto log = sys::open_log(folder / "log", sys::WithoutSyslog::Drop);
        if (!log) return std::string("no log");
        log_issues(issues, least, *log);
        return without_dates(*sys::read_file(folder / "log"));
    };
    EXPECT_EQ(logged(Severity::Error), own + "f:3: wrong\n");
    EXPECT_EQ(logged(Severity::Warning), own + "f:2: warning: odd\n" + own + "f:3: wrong\n");
}

}  // namespace
}  // namespace portsplit
