#include "dispatch/launch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using loopback::Pair;
using loopback::Reply;
using namespace std::string_literals;

/// Starts a program on a socket, as a dispatcher does, and returns what it writes there.
/// @param prepare  runs in the child before `launch`, with the socket
Reply said_by(const core::Exec& exec, const std::vector<std::string>& environment = {},
              const std::function<void(int)>& prepare = {}) {
    Pair pair = loopback::tcp_pair();
    Child child([&] {
        sys::reset_signals({SIGPIPE, SIGHUP});
        const int fd = pair.near.get();
        if (prepare) prepare(fd);
        return exit_code(launch(exec, {fd, fd, fd}, {}, environment));
    });
    pair.near.reset();
    return loopback::read_reply(pair.far.get());
}

/// A command that prints lines of its own /proc/self/status.
std::string grep(const std::string& fields) { return "grep -E '" + fields + "' /proc/self/status"; }

using Entries = std::vector<std::string>;

Origin ends_of(const std::string& peer, const std::string& local) {
    return {{*sys::Address::from(core::Endpoint{core::Text(peer), 50022}),
             *sys::Address::from(core::Endpoint{core::Text(local), 443})}};
}

TEST(CleanEnvironment, HoldsThePathOnly) {
    EXPECT_EQ(clean_environment(),
              (Entries{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}));
}

TEST(ProgramEnvironment, NamesBothAddressesInEveryConvention) {
    EXPECT_EQ(program_environment({"PATH=/bin"}, program("a"), ends_of("192.0.2.7", "192.0.2.1"),
                                  "ssh", core::Reason::Match),
              (Entries{"PATH=/bin", "PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match", "PROTO=TCP",
                       "TCPREMOTEIP=192.0.2.7", "TCPREMOTEPORT=50022", "TCPLOCALIP=192.0.2.1",
                       "TCPLOCALPORT=443", "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=50022",
                       "REMOTE_HOST=192.0.2.7"}));
}

TEST(ProgramEnvironment, SetsProtoTcpAndNoBracketsForIPv6) {
    EXPECT_EQ(program_environment({}, program("a"), ends_of("2001:db8::7", "2001:db8::1"), "web",
                                  core::Reason::Fallback),
              (Entries{"PORTSPLIT_SERVICE=web", "PORTSPLIT_REASON=fallback", "PROTO=TCP",
                       "TCPREMOTEIP=2001:db8::7", "TCPREMOTEPORT=50022", "TCPLOCALIP=2001:db8::1",
                       "TCPLOCALPORT=443", "REMOTE_ADDR=2001:db8::7", "REMOTE_PORT=50022",
                       "REMOTE_HOST=2001:db8::7"}));
}

TEST(ProgramEnvironment, WritesAnIPv4MappedAddressAsIPv4) {
    const Entries entries =
        program_environment({}, program("a"), ends_of("::ffff:192.0.2.7", "::ffff:192.0.2.1"),
                            "web", core::Reason::Timeout);
    EXPECT_EQ(entries[1], "PORTSPLIT_REASON=timeout");
    EXPECT_EQ(entries[3], "TCPREMOTEIP=192.0.2.7");
    EXPECT_EQ(entries[5], "TCPLOCALIP=192.0.2.1");
}

TEST(ProgramEnvironment, ReplacesInheritedEntriesOfTheSameName) {
    EXPECT_EQ(program_environment({"REMOTE_ADDR=203.0.113.9", "PROTO=UDP", "PROTOCOL=kept",
                                   "REMOTE_ADDR=twice", "PORTSPLIT_SERVICE=forged", "HOME=/"},
                                  program("a"), ends_of("192.0.2.7", "192.0.2.1"), "ssh",
                                  core::Reason::Match),
              (Entries{"PROTOCOL=kept", "HOME=/", "PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match",
                       "PROTO=TCP", "TCPREMOTEIP=192.0.2.7", "TCPREMOTEPORT=50022",
                       "TCPLOCALIP=192.0.2.1", "TCPLOCALPORT=443", "REMOTE_ADDR=192.0.2.7",
                       "REMOTE_PORT=50022", "REMOTE_HOST=192.0.2.7"}));
}

TEST(ProgramEnvironment, NamesPathsAndTheUserOfAUnixDomainClient) {
    Origin origin{{sys::Address::of_unix(""), sys::Address::of_unix("/run/a b")}};
    origin.credentials = sys::Credentials{33, 34, 4711};
    EXPECT_EQ(program_environment({"PATH=/bin", "TCPREMOTEIP=192.0.2.9"}, program("a"), origin,
                                  "ssh", core::Reason::Match),
              (Entries{"PATH=/bin", "PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match", "PROTO=IPC",
                       "IPCLOCALPATH=/run/a\\20b", "IPCREMOTEEUID=33", "IPCREMOTEEGID=34"}));
    origin.ends.peer = sys::Address::of_unix("/tmp/c");
    origin.credentials.reset();
    EXPECT_EQ(program_environment({}, program("a"), origin, "ssh", core::Reason::Match),
              (Entries{"PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match", "PROTO=IPC",
                       "IPCREMOTEPATH=/tmp/c", "IPCLOCALPATH=/run/a\\20b"}));
    EXPECT_EQ(program_environment({"PROTO=IPC", "IPCREMOTEEUID=7"}, program("a"), origin, "ssh",
                                  core::Reason::Match)
                  .front(),
              "PROTO=IPC")
        << "a UCSPI server knows better";
    origin.is_named = true;
    EXPECT_EQ(program_environment({"PROTO=IPC", "IPCREMOTEEUID=0", "TCPREMOTEHOST=balancer"},
                                  program("a"), origin, "ssh", core::Reason::Match),
              (Entries{"PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match", "PROTO=IPC",
                       "IPCREMOTEPATH=/tmp/c", "IPCLOCALPATH=/run/a\\20b"}))
        << "it is the balancer's";
}

TEST(ProgramEnvironment, HasNothingOfTheBalancerThatASuperServerSawBehindAHeader) {
    Origin origin = ends_of("192.0.2.7", "192.0.2.1");
    origin.is_named = true;
    const Entries entries = program_environment(
        {"REMOTE_HOST=balancer.example", "TCPREMOTEHOST=balancer.example", "TCPREMOTEINFO=root",
         "TCPREMOTEPORT=77", "IPCREMOTEEUID=0", "SOCAT_PEERADDR=127.0.0.9", "HOME=/"},
        program("a"), origin, "ssh", core::Reason::Match);
    EXPECT_EQ(entries.front(), "HOME=/");
    EXPECT_EQ(entries.back(), "REMOTE_HOST=192.0.2.7");
    EXPECT_EQ(entries.size(), 11U);
}

TEST(ProgramEnvironment, KeepsANameThatASuperServerLookedUp) {
    const auto host_after = [](const std::string& host) {
        return program_environment({"REMOTE_HOST=" + host}, program("a"),
                                   ends_of("192.0.2.7", "192.0.2.1"), "ssh", core::Reason::Match);
    };
    EXPECT_EQ(host_after("client.example.org").front(), "REMOTE_HOST=client.example.org");
    for (const char* host : {"", "203.0.113.9", "::1"}) {
        EXPECT_EQ(host_after(host).back(), "REMOTE_HOST=192.0.2.7") << host;
    }
}

TEST(ProgramEnvironment, AddsWhatTheServicePassesAndSets) {
    ::setenv("PASSED", "from the daemon", 1);
    ::setenv("PATH_OF_DAEMON", "not passed", 1);
    core::Exec exec = program("a");
    exec.passenv = {"PASSED", "NOT_SET"};
    exec.env = {"HOME=/srv", "EMPTY=", "PATH=/opt/bin", "LINE=a=b c", "PORTSPLIT_REASON=mine"};
    EXPECT_EQ(program_environment({"PATH=/bin"}, exec, {}, "git", core::Reason::Match),
              (Entries{"PASSED=from the daemon", "PORTSPLIT_SERVICE=git", "HOME=/srv",
                       "EMPTY=", "PATH=/opt/bin", "LINE=a=b c", "PORTSPLIT_REASON=mine"}));
}

TEST(ProgramEnvironment, HasTheFieldsThatCame) {
    core::Exec exec = program("a");
    exec.env = {"SITE tls.sni", "HOST tls.sni", "A=b", "NAME=set"};
    EXPECT_EQ(program_environment({"HOST=inherited", "PORTSPLIT_TLS_ALPN=inherited"}, exec, {},
                                  "git", core::Reason::Match,
                                  {{"PORTSPLIT_TLS_SNI", "a.test"},
                                   {"PORTSPLIT_TLS_ALPN", std::nullopt},
                                   {"SITE", "a.test"},
                                   {"HOST", std::nullopt},
                                   {"NAME", "a.test"}}),
              (Entries{"PORTSPLIT_SERVICE=git", "PORTSPLIT_REASON=match",
                       "PORTSPLIT_TLS_SNI=a.test", "SITE=a.test", "A=b", "NAME=set"}));
}

TEST(ProgramEnvironment, SetsTermForATerminalOnly) {
    const auto term_of = [](core::Exec exec, const Entries& base) {
        std::string terms;
        for (const std::string& entry :
             program_environment(base, exec, {}, "sh", core::Reason::Match)) {
            if (entry.starts_with("TERM=")) terms += entry;
        }
        return terms;
    };
    core::Exec terminal = program("a", {}, core::Stdio::Pty);
    EXPECT_EQ(term_of(terminal, {}), "TERM=vt100");
    EXPECT_EQ(term_of(terminal, {"TERM=linux"}), "TERM=linux");
    terminal.env = {"TERM=xterm"};
    EXPECT_EQ(term_of(terminal, {}), "TERM=xterm");
    EXPECT_EQ(term_of(program("a"), {}), "");
    EXPECT_EQ(term_of(program("a", {}, core::Stdio::Pipe), {}), "");
}

TEST(Launch, PutsTheSocketOnDescriptorsZeroOneAndTwo) {
    EXPECT_EQ(said_by(shell("echo out; echo err >&2; printf in >&0")),
              (Reply{"out\nerr\nin", "end"}));
}

TEST(Launch, LeavesUnreadBytesToTheProgram) {
    Pair pair = loopback::tcp_pair();
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "every byte"));
    loopback::finish(pair.far.get());
    Child child([&] {
        const int fd = pair.near.get();
        return exit_code(launch(program("/bin/cat"), {fd, fd, fd}, {}, {}));
    });
    pair.near.reset();
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (Reply{"every byte", "end"}));
    EXPECT_EQ(child.status(), 0);
}

TEST(Launch, PassesTheGivenEnvironmentOnly) {
    EXPECT_EQ(said_by(program("/usr/bin/env"), {"A=1", "B=two words"}),
              (Reply{"A=1\nB=two words\n", "end"}));
}

TEST(Launch, SetsArgumentZeroToTheConfiguredName) {
    EXPECT_EQ(said_by(program("sh", {"-c", "echo \"$0\"; tr '\\0' ' ' </proc/$$/cmdline", "zero"})),
              (Reply{"zero\nsh -c echo \"$0\"; tr '\\0' ' ' </proc/$$/cmdline zero ", "end"}));
}

// fault: D2
TEST(Launch, RestoresDefaultSignalsAndAnEmptyMask) {
    EXPECT_EQ(said_by(shell(grep("^Sig(Ign|Blk)")), {},
                      [](int) {
                          sigset_t all;
                          sigfillset(&all);
                          ::sigprocmask(SIG_BLOCK, &all, nullptr);
                      }),
              (Reply{"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", "end"}));
}

TEST(Launch, SetsTheUmask) {
    core::Exec exec = shell("umask");
    const auto wide_open = [](int) { ::umask(0); };
    EXPECT_EQ(said_by(exec, {}, wide_open), (Reply{"0022\n", "end"}));
    exec.umask = "0007";
    EXPECT_EQ(said_by(exec, {}, wide_open), (Reply{"0007\n", "end"}));
    exec.umask = "77";
    EXPECT_EQ(said_by(exec, {}, wide_open), (Reply{"0077\n", "end"}));
}

TEST(Launch, SetsArgumentZeroAsTheServiceWrites) {
    core::Exec exec = program("sh", {"-c", "cat /proc/$$/cmdline"});
    exec.argv0 = "in.fingerd";
    EXPECT_EQ(said_by(exec), (Reply{"in.fingerd\0-c\0cat /proc/$$/cmdline\0"s, "end"}));
}

TEST(Launch, EntersTheDirectory) {
    const Folder folder;
    core::Exec exec = shell("pwd -P");
    EXPECT_EQ(said_by(exec, {},
                      [&](int) {
                          if (::chdir(folder.path().c_str()) < 0) ::_exit(9);
                      }),
              (Reply{"/\n", "end"}));
    exec.directory = "/proc/self/../1/..";
    EXPECT_EQ(said_by(exec), (Reply{"/proc\n", "end"}));
}

TEST(Launch, StartsNoProgramOutsideItsDirectory) {
    core::Exec exec = shell("echo started");
    exec.directory = "/nowhere";
    Pair pair = loopback::tcp_pair();
    EXPECT_EQ(loopback::text_of_child([&] {
                  const int fd = pair.near.get();
                  const LaunchError error = launch(exec, {fd, fd, fd}, {}, {});
                  return (error.stage == Stage::Directory ? "directory: " : "") +
                         sys::error_text(error.code);
              }),
              "directory: No such file or directory");
    pair.near.reset();
    EXPECT_EQ(loopback::read_reply(pair.far.get()), (Reply{"", "end"}));
}

TEST(Launch, MakesASession) {
    // pid, process group, session: the first, fifth and sixth field (proc(5)).
    EXPECT_EQ(said_by(shell("read pid name state parent group session rest </proc/$$/stat; "
                            "[ $pid = $group ] && [ $pid = $session ] && echo one")),
              (Reply{"one\n", "end"}));
}

// fault: D2
TEST(Launch, LeavesNoOtherDescriptorOpen) {
    EXPECT_EQ(said_by(shell("for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done"), {},
                      [](int fd) {
                          for (const int other : {3, 17, 255, 900}) ::dup2(fd, other);
                      }),
              (Reply{"0\n1\n2\n", "end"}));
}

TEST(Launch, SetsBlockingModeOnInputAndOutput) {
    Pair in = loopback::tcp_pair();
    Pair out = loopback::tcp_pair();
    Child child([&] {
        for (const Pair* pair : {&in, &out}) sys::set_blocking(pair->near.get(), false);
        const int fd = out.near.get();
        return exit_code(launch(shell("grep flags /proc/self/fdinfo/0 /proc/self/fdinfo/1"),
                                {in.near.get(), fd, fd}, {}, {}));
    });
    out.near.reset();
    EXPECT_EQ(loopback::read_reply(out.far.get()),
              (Reply{"/proc/self/fdinfo/0:flags:\t02\n/proc/self/fdinfo/1:flags:\t02\n", "end"}));
}

// fault: D1
TEST(Launch, ReturnsTheErrorAndWritesNothingWhenExecveFails) {
    const Folder folder;
    std::ofstream(folder / "plain") << "text";
    struct Case {
        std::string path;
        std::string error;
        int exit_code;
    };
    for (const Case& one : {Case{folder / "missing", "No such file or directory", 127},
                            Case{folder / "plain" + "/below", "Not a directory", 127},
                            Case{folder / "plain", "Permission denied", 126},
                            Case{"no-such-program", "No such file or directory", 127}}) {
        Pair pair = loopback::tcp_pair();
        EXPECT_EQ(loopback::text_of_child([&] {
                      const int fd = pair.near.get();
                      const LaunchError error = launch(program(one.path), {fd, fd, fd}, {}, {});
                      return (error.stage == Stage::Start ? "start: " : "") +
                             sys::error_text(error.code) + ", " + std::to_string(exit_code(error));
                  }),
                  "start: " + one.error + ", " + std::to_string(one.exit_code));
        pair.near.reset();
        EXPECT_EQ(loopback::read_reply(pair.far.get()), (Reply{"", "end"})) << one.path;
    }
}

TEST(ExitCode, FollowsTheShell) {
    EXPECT_EQ(exit_code({Stage::Start, ENOENT}), 127);
    EXPECT_EQ(exit_code({Stage::Start, ENOTDIR}), 127);
    EXPECT_EQ(exit_code({Stage::Directory, ENOENT}), 126) << "the program may be there";
    for (const int code : {EACCES, ENOEXEC, E2BIG, ENOMEM, EPERM, ETXTBSY}) {
        EXPECT_EQ(exit_code({Stage::Start, code}), 126) << code;
    }
}

}  // namespace
}  // namespace portsplit::dispatch
