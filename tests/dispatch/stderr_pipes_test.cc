#include "dispatch/stderr_pipes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using sys::UniqueFd;

core::Config with_program() {
    core::Config config;
    config.services = {service("web", {"."}, program("/bin/cat"))};
    return config;
}

struct TwoEnds {
    UniqueFd reading;
    UniqueFd writing;
};

TwoEnds new_pipe() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd copy_of(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

void write_to(const UniqueFd& fd, const std::string& text) {
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

class StderrPipesTest : public testing::Test {
  protected:
    /// Steps while there is something to read.
    std::string lines() {
        for (int i = 0; i < 1000 && is_readable(); ++i) pipes_.step(true);
        return log_.lines();
    }
    bool is_readable() {
        pollfd entry{.fd = pipes_.fd(), .events = POLLIN, .revents = 0};
        return ::poll(&entry, 1, 0) == 1;
    }

    static constexpr pid_t kProcess = 4711;
    LogOfLines log_;
    StderrPipes pipes_ = *StderrPipes::create(with_program(), log_.log());
};

TEST_F(StderrPipesTest, HasNoDescriptorsWhereNoServiceNeedsThem) {
    core::Config config = with_program();
    std::get<core::Exec>(config.services[0].action).stderr_to = core::StderrTo::Null;
    EXPECT_LT(StderrPipes::create(config, log_.log())->fd(), 0);
}

TEST_F(StderrPipesTest, WritesLinesWithTheNameOfTheService) {
    TwoEnds pipe = new_pipe();
    pipes_.watch(kProcess, "web", std::move(pipe.reading));
    write_to(pipe.writing, "one\ntwo\x1b[2J\nunfinished");
    EXPECT_EQ(lines(),
              "stderr of service web: one\n"
              "stderr of service web: two\\x1b[2J\n");
    pipe.writing.reset();
    EXPECT_EQ(lines(), "stderr of service web: unfinished\n");
    EXPECT_FALSE(is_readable());
}

TEST_F(StderrPipesTest, WritesWhatAProcessWroteBeforeItEndedAndReadsOn) {
    TwoEnds pipe = new_pipe();
    pipes_.watch(kProcess, "web", std::move(pipe.reading));
    write_to(pipe.writing, "before\n");
    pipes_.on_end(kProcess);
    EXPECT_EQ(log_.lines(), "stderr of service web: before\n");
    write_to(pipe.writing, "a child of it\n");
    EXPECT_EQ(lines(), "stderr of service web: a child of it\n");
}

TEST_F(StderrPipesTest, WritesWhatIsThereAtTheEndAndDoesNotWait) {
    TwoEnds pipe = new_pipe();
    TwoEnds other = new_pipe();
    pipes_.watch(kProcess, "web", std::move(pipe.reading));
    pipes_.watch(kProcess + 1, "web", std::move(other.reading));
    write_to(pipe.writing, "last words");
    pipes_.finish();
    EXPECT_EQ(log_.lines(), "stderr of service web: last words\n");
}

TEST_F(StderrPipesTest, CountsWhatIsTooMuchAndReadsItAll) {
    TwoEnds pipe = new_pipe();
    pipes_.watch(kProcess, "web", std::move(pipe.reading));
    std::string all;
    for (int i = 0; i < 20; ++i) {
        write_to(pipe.writing, std::string(30000, '\n'));
        all += lines();
    }
    EXPECT_EQ(std::ranges::count(all, '\n'), StderrLines::kWritten);
    EXPECT_NE(pipes_.due(), sys::Clock::time_point::max());
    pipe.writing.reset();
    EXPECT_EQ(lines(), std::to_string(20 * 30000 - StderrLines::kWritten) +
                           " lines of stderr of service web were left out\n");
    EXPECT_FALSE(is_readable());
}

TEST_F(StderrPipesTest, ReadsLittleInAStepAndEachPipeInItsTurn) {
    std::vector<TwoEnds> pipes(20);
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        pipes[i] = new_pipe();
        pipes_.watch(static_cast<pid_t>(kProcess + i), "web", std::move(pipes[i].reading));
        write_to(pipes[i].writing, std::string(60000, '\n'));
    }
    TwoEnds last = new_pipe();
    pipes_.watch(1, "last", std::move(last.reading));
    write_to(last.writing, "line\n");
    pipes_.step(true);
    EXPECT_EQ(log_.lines().find("last"), std::string::npos) << "not all pipes are read in one step";
    std::string all;
    for (int i = 0; i < 3; ++i) {
        pipes_.step(true);
        all += log_.lines();
    }
    EXPECT_NE(all.find("stderr of service last: line\n"), std::string::npos);
}

TEST_F(StderrPipesTest, TakesNothingButTheReadingEndOfAPipe) {
    TwoEnds pipe = new_pipe();
    std::array<int, 2> sockets{-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
    const UniqueFd far(sockets[1]);
    write_to(far, "socket\n");
    pipes_.watch(kProcess, "web", UniqueFd(sockets[0]));
    pipes_.watch(kProcess, "web", UniqueFd(::open("/proc/self/exe", O_RDONLY)));
    pipes_.watch(kProcess, "web", UniqueFd(::open("/dev/zero", O_RDONLY)));
    const std::string again = "/proc/self/fd/" + std::to_string(pipe.reading.get());
    pipes_.watch(kProcess, "web", UniqueFd(::open(again.c_str(), O_RDWR)));
    pipes_.watch(kProcess, "web", UniqueFd(::open(again.c_str(), O_PATH)));
    pipes_.watch(kProcess, "web", copy_of(pipe.writing));
    write_to(pipe.writing, "writing end\n");
    EXPECT_FALSE(is_readable());
    EXPECT_EQ(lines(), "");
}

TEST_F(StderrPipesTest, SaysOnceThatItCannotReadAPipeThatDidNotArrive) {
    for (int i = 0; i < 3; ++i) pipes_.watch(kProcess, "web", UniqueFd());
    EXPECT_EQ(log_.lines(),
              "cannot read the standard error of service web, too many descriptors are open: a "
              "program that writes there gets SIGPIPE\n");
}

// A compromised dispatcher keeps a copy of the reading end, takes its flags away, and reads from it, too.
TEST_F(StderrPipesTest, NeverWaitsForWhatAnotherHasRead) {
    Child zygote([] {
        LogOfLines log;
        StderrPipes pipes = *StderrPipes::create(with_program(), log.log());
        TwoEnds pipe = new_pipe();
        const UniqueFd copy = copy_of(pipe.reading);
        pipes.watch(kProcess, "web", std::move(pipe.reading));
        if (::fcntl(copy.get(), F_SETFL, 0) < 0) return 1;
        pipes.on_end(kProcess);  // reads, though poll(2) would not have told it to
        return 0;
    });
    ASSERT_TRUE(zygote.wait_for_end());
    EXPECT_EQ(sys::describe_status(zygote.status()), "exit=0");
}

// epoll(7) goes on with an open file of which others have a descriptor.
TEST_F(StderrPipesTest, ForgetsAPipeAfterItsEndThoughAnotherHasIt) {
    TwoEnds pipe = new_pipe();
    const UniqueFd copy = copy_of(pipe.reading);
    pipes_.watch(kProcess, "web", std::move(pipe.reading));
    pipe.writing.reset();
    pipes_.step(true);
    EXPECT_FALSE(is_readable());
}

TEST_F(StderrPipesTest, LeavesDescriptorsForOtherWork) {
    Child child([] {
        const rlimit few{.rlim_cur = 128, .rlim_max = 128};
        ::setrlimit(RLIMIT_NOFILE, &few);
        LogOfLines log;
        StderrPipes pipes = *StderrPipes::create(with_program(), log.log());
        std::vector<UniqueFd> writing;
        while (pipes.has_room() && writing.size() < 100) {
            TwoEnds pipe = new_pipe();
            pipes.watch(static_cast<pid_t>(writing.size() + 1), "web", std::move(pipe.reading));
            writing.push_back(writing.empty() ? std::move(pipe.writing) : UniqueFd());
        }
        if (writing.size() != 96) return 1;
        TwoEnds one_more = new_pipe();
        pipes.watch(100, "web", std::move(one_more.reading));
        return log.lines().starts_with("cannot read the standard error of service web") ? 0 : 2;
    });
    EXPECT_EQ(sys::describe_status(child.status()), "exit=0");
}

TEST_F(StderrPipesTest, MayHaveAPipeForEachConnectionAndForksHaveTheLimitOfBefore) {
    Child child([] {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 100;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        LogOfLines log;
        const StderrPipes pipes = *StderrPipes::create(with_program(), log.log());
        if (sys::descriptor_limit() <= 1000) return 1;
        pipes.leave_in_fork();
        return sys::descriptor_limit() == 100 ? 0 : 2;
    });
    EXPECT_EQ(sys::describe_status(child.status()), "exit=0");
}

}  // namespace
}  // namespace portsplit::dispatch
