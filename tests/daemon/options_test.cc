#include "daemon/options.h"

#include <getopt.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace portsplit::daemon {
namespace {

struct Read {
    CommandLine line;
    std::string out;
    std::string err;
};

Read read(std::vector<std::string> arguments) {
    std::string program = "portsplitd";
    std::vector<char*> argv{program.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    optind = 0;  // getopt_long(3) begins anew
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    CommandLine line = read_command_line(static_cast<int>(argv.size() - 1), argv.data());
    std::fflush(stdout);
    std::string out = testing::internal::GetCapturedStdout();
    return {std::move(line), std::move(out), testing::internal::GetCapturedStderr()};
}

TEST(ReadCommandLine, ServesAFileWithTheDefaults) {
    const Read result = read({"portsplit.conf"});
    EXPECT_TRUE(result.line.serve);
    EXPECT_EQ(result.line.options.file, "portsplit.conf");
    EXPECT_EQ(result.line.options.log, "stderr");
    EXPECT_EQ(result.line.options.ready_fd, -1);
    EXPECT_EQ(result.line.options.idle_exit.count(), 0);
    EXPECT_EQ(result.out + result.err, "");
}

TEST(ReadCommandLine, ReadsEveryOption) {
    const Read result = read({"--log", "syslog", "file", "--ready-fd", "2", "--idle-exit", "90"});
    EXPECT_TRUE(result.line.serve);
    EXPECT_EQ(result.line.options.file, "file");
    EXPECT_EQ(result.line.options.log, "syslog");
    EXPECT_EQ(result.line.options.ready_fd, 2);
    EXPECT_EQ(result.line.options.idle_exit, std::chrono::seconds(90));
}

TEST(ReadCommandLine, PrintsHelpAndVersionAndExitsWithZero) {
    const Read help = read({"--help"});
    EXPECT_FALSE(help.line.serve);
    EXPECT_EQ(help.line.exit_code, 0);
    EXPECT_EQ(help.out.substr(0, 18), "Usage: portsplitd ");
    const Read version = read({"--version"});
    EXPECT_FALSE(version.line.serve);
    EXPECT_EQ(version.line.exit_code, 0);
    EXPECT_EQ(version.out.substr(0, 11), "portsplitd ");
}

void expect_refused(const std::vector<std::string>& arguments, const std::string& reason) {
    const Read result = read(arguments);
    EXPECT_FALSE(result.line.serve) << reason;
    EXPECT_EQ(result.line.exit_code, 64) << reason;
    EXPECT_EQ(result.err, "portsplitd: " + reason + "\nTry portsplitd --help.\n");
    EXPECT_EQ(result.out, "");
}

TEST(ReadCommandLine, RefusesAWrongNumberOfFiles) {
    expect_refused({}, "exactly one configuration file must be given");
    expect_refused({"one", "two"}, "exactly one configuration file must be given");
}

TEST(ReadCommandLine, RefusesAReadyFdThatIsNotOpen) {
    for (const char* number : {"x", "-1", "2x", "98765"}) {
        expect_refused({"--ready-fd", number, "file"},
                       "--ready-fd must be the number of an open descriptor");
    }
}

TEST(ReadCommandLine, RefusesAnIdleLimitThatIsNoWholeNumberFromOneOn) {
    for (const char* seconds : {"0", "-5", "1.5", "99999999999999999999"}) {
        expect_refused({"--idle-exit", seconds, "file"},
                       "--idle-exit must be a whole number of seconds from 1 on");
    }
}

TEST(ReadCommandLine, RefusesAnUnknownOptionAndAMissingValue) {
    const std::string reason = "unknown option, or an option without its value: ";
    expect_refused({"--colour", "file"}, reason + "--colour");
    expect_refused({"--log"}, reason + "--log");
}

}  // namespace
}  // namespace portsplit::daemon
