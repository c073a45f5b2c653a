#include "dispatch/options.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/command_line.h"
#include "support/loopback.h"

namespace portsplit::dispatch {
namespace {

using Read = ReadLine<CommandLine>;

Read read(std::vector<std::string> arguments) {
    return read_captured(read_command_line, "portsplit-dispatch", std::move(arguments));
}

TEST(ReadDispatchCommandLine, ServesAConnectionAndLogsToSyslogByDefault) {
    const Read result = read({"--inetd", "portsplit.conf"});
    EXPECT_EQ(result.line.serve, Serve::Connection);
    EXPECT_EQ(result.line.options.file, "portsplit.conf");
    EXPECT_EQ(result.line.options.log, "syslog");
    EXPECT_EQ(result.out + result.err, "");
}

TEST(ReadDispatchCommandLine, ReadsOptionsInAnyOrder) {
    const Read result = read({"file", "--log", "/var/log/x", "--inetd"});
    EXPECT_EQ(result.line.serve, Serve::Connection);
    EXPECT_EQ(result.line.options.file, "file");
    EXPECT_EQ(result.line.options.log, "/var/log/x");
}

TEST(ReadDispatchCommandLine, ServesAGenerationForTheCommandLineOfTheDaemon) {
    const Read result = read({"--zygote", "3", "stderr", "--help"});
    EXPECT_EQ(result.line.serve, Serve::Generation);
    EXPECT_EQ(result.line.options.version, "3");
    EXPECT_EQ(result.line.options.log, "stderr");
    EXPECT_EQ(result.line.options.file, "--help") << "the name of a file, not an option";
    EXPECT_EQ(result.out + result.err, "");
}

TEST(ReadDispatchCommandLine, PrintsHelpAndVersionAndExitsWithZero) {
    const Read help = read({"--help"});
    EXPECT_EQ(help.line.serve, Serve::Nothing);
    EXPECT_EQ(help.line.exit_code, 0);
    EXPECT_TRUE(
        help.out.starts_with("Usage: portsplit-dispatch --inetd [--listener NAME] "
                             "[--log WHERE] FILE\n"));
    const Read version = read({"--version"});
    EXPECT_EQ(version.line.serve, Serve::Nothing);
    EXPECT_EQ(version.line.exit_code, 0);
    EXPECT_TRUE(version.out.starts_with("portsplit-dispatch ")) << version.out;
    EXPECT_EQ(help.err + version.err, "");
    EXPECT_EQ(read({"-h"}).out, help.out);
    EXPECT_EQ(read({"-V"}).out, version.out);
}

TEST(ReadDispatchCommandLine, RefusesAWrongCommandLine) {
    const struct {
        std::vector<std::string> arguments;
        const char* what;
    } cases[] = {
        {{"--inetd", "--nonsense", "file"},
         "unknown option, or an option without its value: --nonsense"},
        {{"--inetd", "file", "--log"}, "unknown option, or an option without its value: --log"},
        {{"--zygote", "3", "stderr"}, "unknown option, or an option without its value: --zygote"},
        {{"-t", "file"}, "to test a file: portsplit check file"},
        {{"--configtest", "file"}, "to test a file: portsplit check file"},
        {{"--inetd", "-f", "file"}, "the file is an argument: portsplit-dispatch --inetd file"},
        {{"--inetd", "--log", "journal", "file"},
         "--log journal: not a place for the log; under systemd, stderr goes to the journal; "
         "./journal is a file of that name"},
        {{"file"}, "--inetd is missing"},
        {{}, "--inetd is missing"},
        {{"--inetd"}, "exactly one configuration file must be given"},
        {{"--inetd", "one", "two"}, "exactly one configuration file must be given"},
    };
    for (const auto& test : cases) {
        const Read result = read(test.arguments);
        EXPECT_EQ(result.line.serve, Serve::Nothing) << test.what;
        EXPECT_EQ(result.line.exit_code, 64) << test.what;
        EXPECT_EQ(result.out, "") << test.what;
        EXPECT_TRUE(result.err.starts_with("portsplit-dispatch: " + std::string(test.what) +
                                           "\nUsage: portsplit-dispatch"))
            << result.err;
    }
}

TEST(ReadDispatchCommandLine, PrintsNothingWhenStandardErrorIsTheClient) {
    loopback::Pair pair = loopback::tcp_pair();
    loopback::Child child([&] {
        for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(pair.near.get(), fd);
        }
        return read_arguments(read_command_line, "portsplit-dispatch", {"--inetd"}).exit_code;
    });
    pair.near.reset();
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (loopback::Reply{"", "end"}));
    EXPECT_EQ(child.status(), 64 << 8);
}

}  // namespace
}  // namespace portsplit::dispatch
