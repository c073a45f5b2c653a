#include "dispatch/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/descriptors.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using loopback::read_reply;
using loopback::Reply;
using sys::UniqueFd;

/// A started program. The destructor kills it if the test has not waited for it.
class Started {
  public:
    explicit Started(const core::Exec& exec, int err = -1,
                     const std::vector<std::string>& environment = {"PATH=/usr/bin:/bin"})
        : program_(spawn(exec, err, {}, environment)) {}
    Started(const Started&) = delete;
    Started& operator=(const Started&) = delete;
    ~Started() {
        if (!program_ || waited_for_) return;
        program_->end();
    }

    bool ok() const { return program_.ok(); }
    std::string error() const { return ok() ? "no error" : sys::error_text(program_.error().code); }

    bool send(std::string_view text) {
        return ::write(program_->input.get(), text.data(), text.size()) ==
               static_cast<ssize_t>(text.size());
    }
    void finish() { program_->input.reset(); }
    Reply answer(std::size_t enough = std::string::npos) {
        return read_reply(program_->output.get(), enough);
    }
    const UniqueFd& input() { return program_->input; }
    const UniqueFd& output() { return program_->output; }

    /// Waits for its end and returns it as the log has it.
    std::string end() {
        waited_for_ = true;
        return sys::describe_status(program_->wait());
    }
    /// Has it ended.
    std::string be_ended() {
        waited_for_ = true;
        return sys::describe_status(program_->end());
    }

  private:
    core::Result<Program, LaunchError> program_;
    bool waited_for_ = false;
};

bool is_nonblocking(const UniqueFd& fd) { return (::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0; }

/// The end of a terminal: read(2) fails with EIO (pty(7)).
const Reply kHungUp{"", "Input/output error"};

TEST(PipedProgram, ReadsItsInputUntilTheEof) {
    Started cat(program("/bin/cat", {}, core::Stdio::Pipe));
    ASSERT_TRUE(cat.ok()) << cat.error();
    ASSERT_TRUE(cat.send("one "));
    EXPECT_EQ(cat.answer(4), (Reply{"one ", "enough"}));
    ASSERT_TRUE(cat.send("two"));
    cat.finish();
    EXPECT_EQ(cat.answer(), (Reply{"two", "end"}));
    EXPECT_EQ(cat.end(), "exit=0");
}

TEST(PipedProgram, EndsWithItsOwnStatus) {
    Started failing(shell("exit 7", core::Stdio::Pipe));
    EXPECT_EQ(failing.answer(), (Reply{"", "end"}));
    EXPECT_EQ(failing.end(), "exit=7");
    Started killed(shell("kill -9 $$", core::Stdio::Pipe));
    EXPECT_EQ(killed.answer(), (Reply{"", "end"}));
    EXPECT_EQ(killed.end(), "signal=KILL");
}

TEST(PipedProgram, WritesItsErrorsToTheGivenDescriptor) {
    Started together(shell("echo out; echo err >&2", core::Stdio::Pipe));
    EXPECT_EQ(together.answer(), (Reply{"out\nerr\n", "end"}));
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd errors(ends[0]);
    UniqueFd err(ends[1]);
    Started apart(shell("echo out; echo err >&2", core::Stdio::Pipe), err.get());
    err.reset();
    EXPECT_EQ(apart.answer(), (Reply{"out\n", "end"}));
    EXPECT_EQ(read_reply(errors.get()), (Reply{"err\n", "end"}));
}

TEST(PipedProgram, StartsWithDefaultSignalsDescriptorsAndUmask) {
    sys::reset_signals();  // as in the program: the caller of the tests may ignore some
    Started probe(
        shell("grep -E '^Sig(Blk|Ign)' /proc/self/status;"
              "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done;"
              "grep flags /proc/self/fdinfo/0; umask",
              core::Stdio::Pipe));
    EXPECT_EQ(probe.answer(), (Reply{"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
                                     "0\n1\n2\nflags:\t00\n0022\n",
                                     "end"}));
}

TEST(PipedProgram, GetsTheGivenEnvironmentOnly) {
    Started env(program("/usr/bin/env", {}, core::Stdio::Pipe), -1, {"A=1", "B=2"});
    EXPECT_EQ(env.answer(), (Reply{"A=1\nB=2\n", "end"}));
}

TEST(PipedProgram, LeavesOurEndsNonBlockingAndCloseOnExec) {
    Started cat(program("/bin/cat", {}, core::Stdio::Pipe));
    for (const UniqueFd* fd : {&cat.input(), &cat.output()}) {
        EXPECT_TRUE(is_nonblocking(*fd));
        EXPECT_TRUE(closes_on_exec(fd->get()));
    }
}

TEST(Spawn, ReturnsTheErrorOfExecveAndLeavesNoZombie) {
    const Folder folder;
    std::ofstream(folder / "plain") << "text";
    for (const core::Stdio stdio : {core::Stdio::Pipe, core::Stdio::Pty}) {
        Started missing(program(folder / "missing", {}, stdio));
        EXPECT_EQ(missing.error(), "No such file or directory");
        Started plain(program(folder / "plain", {}, stdio));
        EXPECT_EQ(plain.error(), "Permission denied");
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
        EXPECT_EQ(errno, ECHILD);
    }
}

TEST(ProgramOnATerminal, LeadsASessionWithThatTerminal) {
    Started probe(
        shell("test -t 0 && test -t 1 && test -t 2 && "
              "test $$ = $(ps -o sid= -p $$ | tr -d ' ') && "
              "echo on the terminal >/dev/tty",
              core::Stdio::Pty));
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_EQ(probe.answer(), (Reply{"on the terminal\n", "Input/output error"}));
    EXPECT_EQ(probe.end(), "exit=0");
}

TEST(ProgramOnATerminal, FindsItInRawMode) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    Started cat(program("/bin/cat", {}, core::Stdio::Pty));
    ASSERT_TRUE(cat.send(all));
    EXPECT_EQ(cat.answer(256), (Reply{all, "enough"})) << "no echo, no translation, no signal";
}

TEST(ProgramOnATerminal, ClosesTheTerminalWhenItEnds) {
    Started gone(shell("exit 3", core::Stdio::Pty));
    EXPECT_EQ(gone.answer(), kHungUp);
    EXPECT_EQ(gone.end(), "exit=3");
}

TEST(ProgramOnATerminal, GetsSighupWhenOurEndsAreClosed) {
    auto reader = spawn(program("/bin/cat", {}, core::Stdio::Pty), -1, {}, {});
    ASSERT_TRUE(reader);
    reader->input.reset();
    reader->output.reset();
    EXPECT_EQ(sys::describe_status(reader->wait()), "signal=HUP");
}

TEST(ProgramOnPipes, EndsWhenTheDispatcherWantsIt) {
    Started waits(shell("echo here; exec tail -f /dev/null"));
    ASSERT_EQ(waits.answer(5), (Reply{"here\n", "enough"}));
    EXPECT_EQ(waits.be_ended(), "signal=HUP");
}

TEST(ProgramOnPipes, EndsWhenTheDispatcherDies) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    const pid_t dispatcher = ::fork();
    if (dispatcher == 0) {
        const auto started = spawn(shell("exec tail -f /dev/null"), writer.get(), {}, {});
        ::_exit(started ? 0 : 1);
    }
    writer.reset();
    ASSERT_EQ(sys::wait_for_child(dispatcher), 0);
    EXPECT_EQ(read_reply(reader.get()), (Reply{"", "end"})) << "the program has the pipe";
}

TEST(ProgramOnPipes, OfAKilledKeeperHasItsStatus) {
    auto waits = spawn(shell("echo $PPID; exec tail -f /dev/null"), -1, {}, {"PATH=/usr/bin:/bin"});
    ASSERT_TRUE(waits);
    std::string text;
    while (text.find('\n') == std::string::npos) {
        const Reply reply = read_reply(waits->output.get(), 1);
        ASSERT_EQ(reply.end, "enough");
        text += reply.bytes;
    }
    const auto keeper = static_cast<pid_t>(std::stoi(text));
    ASSERT_EQ(::kill(keeper, SIGKILL), 0);
    EXPECT_EQ(sys::describe_status(waits->wait()), "signal=KILL");
}

}  // namespace
}  // namespace portsplit::dispatch
