#include "daemon/options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "support/command_line.h"

namespace portsplit::daemon {
namespace {

using Read = ReadLine<CommandLine>;

Read read(std::vector<std::string> arguments) {
    return read_captured(read_command_line, "portsplitd", std::move(arguments));
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

TEST(ReadCommandLine, ReadsWhatAProgramThatTakesOverIsStartedWith) {
    for (const int log : {5, -1}) {
        Options options;
        options.name = "/sbin/portsplitd";
        options.file = "--file";
        options.log = "syslog";
        options.idle_exit = std::chrono::seconds(90);
        std::vector<std::string> arguments = arguments_to_take_over(options, {3, 4, log});
        EXPECT_EQ(arguments.front(), "/sbin/portsplitd");
        EXPECT_EQ(arguments.at(1), "--take-over");
        arguments.erase(arguments.begin());
        const Read result = read(std::move(arguments));
        EXPECT_TRUE(result.line.serve) << result.err;
        EXPECT_EQ(result.line.options.file, "--file");
        EXPECT_EQ(result.line.options.log, "syslog");
        EXPECT_EQ(result.line.options.idle_exit, std::chrono::seconds(90));
        ASSERT_TRUE(result.line.options.take_over);
        EXPECT_EQ(result.line.options.take_over->state, 3);
        EXPECT_EQ(result.line.options.take_over->text, 4);
        EXPECT_EQ(result.line.options.take_over->log, log);
    }
    const Read asked = read({"--can-take", "1.2"});
    EXPECT_FALSE(asked.line.serve);
    EXPECT_EQ(asked.line.can_take, "1.2");
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
    EXPECT_EQ(read({"-h"}).out, help.out);
    EXPECT_EQ(read({"-V"}).out, version.out);
}

void expect_refused(const std::vector<std::string>& arguments, const std::string& reason) {
    const Read result = read(arguments);
    EXPECT_FALSE(result.line.serve) << reason;
    EXPECT_EQ(result.line.exit_code, 64) << reason;
    EXPECT_EQ(result.err, "portsplitd: " + reason + "\nTry portsplitd --help.\n");
    EXPECT_EQ(result.out, "");
}

TEST(ReadCommandLine, RefusesToTakeOverFromAnythingElse) {
    for (const char* descriptors :
         {"", "3", "3,4", "3,4,", "-1,4,5", "3,-1,5", "3,4,-2", "a,b,c"}) {
        expect_refused({"--take-over", descriptors, "file"},
                       "--take-over is for portsplitd itself, at an upgrade");
    }
}

TEST(ReadCommandLine, RefusesAWrongNumberOfFiles) {
    expect_refused({}, "exactly one configuration file must be given");
    expect_refused({"one", "two"}, "exactly one configuration file must be given");
    expect_refused({"check", "two"}, "check is a command of portsplit: portsplit check FILE");
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
    expect_refused({"-x", "file"}, reason + "-x");
    expect_refused({"--log", "off", "file"},
                   "--log off: not a place for the log; /dev/null drops every line; ./off is a "
                   "file of that name");
    for (const char* test : {"-t", "-c", "--test", "--check"}) {
        expect_refused({test, "file"}, "to test a file: portsplit check file");
    }
    for (const char* names : {"-f", "--config"}) {
        expect_refused({names, "file"}, "the file is an argument: portsplitd file");
        expect_refused({"--log", "x", names, "file"}, "the file is an argument: portsplitd file");
    }
}

}  // namespace
}  // namespace portsplit::daemon
