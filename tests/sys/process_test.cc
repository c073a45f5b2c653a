#include "sys/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/loopback.h"
#include "sys/program.h"

namespace portsplit::sys {
namespace {

using loopback::Child;
using namespace std::string_literals;

/// Returns which of the descriptors 3 to 9 are left, and of a far one, as bits of a number.
int left_by_close_all_but(std::vector<int> kept) {
    Child child([=] {
        for (int fd = 3; fd < 10; ++fd) ::dup2(0, fd);
        ::dup2(0, 100);
        close_all_but(kept);
        int left = ::fcntl(100, F_GETFD) >= 0 ? 1 : 0;
        for (int fd = 3; fd < 10; ++fd) left |= (::fcntl(fd, F_GETFD) >= 0 ? 1 : 0) << (fd - 2);
        return left;
    });
    const int status = child.status();
    return WEXITSTATUS(status);
}

TEST(CloseAllBut, LeavesThese) {
    EXPECT_EQ(left_by_close_all_but({5, 9}), 1 << 3 | 1 << 7);
    EXPECT_EQ(left_by_close_all_but({9, -1, 5, -1}), 1 << 3 | 1 << 7);
    EXPECT_EQ(left_by_close_all_but({3, 4}), 1 << 1 | 1 << 2);
    EXPECT_EQ(left_by_close_all_but({3, 3, 100}), 1 << 1 | 1);
    EXPECT_EQ(left_by_close_all_but({}), 0);
}

TEST(Reap, ReturnsNothingWithoutAChild) { EXPECT_FALSE(reap()); }

TEST(Reap, ReturnsNothingWhileEveryChildRuns) {
    const Child child([] { return ::pause(); });
    EXPECT_FALSE(reap());
}

TEST(Reap, ReturnsEachEndedChildOnce) {
    Child child([] { return 7; });
    ASSERT_TRUE(child.wait_for_end());
    const auto ended = reap();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->pid, child.pid());
    EXPECT_EQ(describe_status(ended->status), "exit=7");
    EXPECT_FALSE(reap());
    child.forget();
}

TEST(WaitForChild, WaitsForThatChildOnly) {
    Child first([] { return 1; });
    Child second([] { return 2; });
    ASSERT_TRUE(first.wait_for_end() && second.wait_for_end());
    EXPECT_EQ(describe_status(wait_for_child(second.pid())), "exit=2");
    EXPECT_EQ(describe_status(wait_for_child(first.pid())), "exit=1");
    first.forget();
    second.forget();
}

TEST(DescribeStatus, NamesAnExitOrASignal) {
    EXPECT_EQ(describe_status(0), "exit=0");
    EXPECT_EQ(describe_status(127 << 8), "exit=127");
    EXPECT_EQ(describe_status(255 << 8), "exit=255");
    EXPECT_EQ(describe_status(SIGKILL), "signal=KILL");
    EXPECT_EQ(describe_status(SIGSEGV | 0x80), "signal=SEGV") << "with a core file";
}

TEST(DescribeStatus, ReturnsTextForEveryNumber) {
    for (int status = -1000; status < 100'000; ++status) {
        const std::string text = describe_status(status);
        ASSERT_TRUE(text.starts_with("exit=") || text.starts_with("signal=")) << status;
        ASSERT_EQ(text.find_first_not_of("exitsgnal=unkownABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
                  std::string::npos)
            << text;
    }
}

TEST(DescribeStatus, NamesTheSignalThatKilledAChild) {
    Child child([] { return ::raise(SIGKILL); });
    EXPECT_EQ(describe_status(child.status()), "signal=KILL");
}

TEST(CountChildren, CountsZombiesToo) {
    EXPECT_EQ(loopback::text_of_child([] {
                  std::string counts = std::to_string(count_children());
                  const Child running([] { return ::pause(); });
                  counts += " " + std::to_string(count_children());
                  const Child dead([] { return 0; });
                  counts += dead.wait_for_end() ? " " + std::to_string(count_children()) : " never";
                  return counts;
              }),
              "0 1 2");
}

TEST(AdoptOrphans, MakesAGrandchildAChildWhenItsParentEnds) {
    EXPECT_EQ(loopback::text_of_child([] {
                  adopt_orphans();
                  int ends[2] = {-1, -1};
                  if (::pipe(ends) < 0) return "no pipe"s;
                  Child parent([&] {
                      const pid_t grandchild = ::fork();
                      if (grandchild > 0) return 0;
                      // Ends when the test closes the pipe.
                      ::close(ends[1]);
                      char none = 0;
                      return ::read(ends[0], &none, 1) == 0 ? 9 : 8;
                  });
                  if (parent.status() != 0) return "the parent failed"s;
                  const std::string adopted = std::to_string(count_children());
                  ::close(ends[1]);
                  int status = 0;
                  if (!loopback::comes_true([&] { return ::waitpid(-1, &status, WNOHANG) > 0; })) {
                      return "it did not end in time"s;
                  }
                  return adopted + " " + describe_status(status);
              }),
              "1 exit=9");
}

TEST(RefuseTracing, MakesTheProcessUndumpable) {
#if defined(__SANITIZE_ADDRESS__)
    constexpr const char* kExpected = "1 1";  // the leak check needs to trace
#else
    constexpr const char* kExpected = "1 0";
#endif
    EXPECT_EQ(loopback::text_of_child([] {
                  const auto dumpable = [] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); };
                  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
                  const std::string before = std::to_string(dumpable());
                  refuse_tracing();
                  return before + " " + std::to_string(dumpable());
              }),
              kExpected);
}

TEST(SetName, IsTheNameInPs) {
    EXPECT_EQ(loopback::text_of_child([] {
                  set_name("portsplit-dispatch");
                  return loopback::name_of(::getpid());
              }),
              "portsplit-dispa");
}

TEST(CloseOnExecFrom, KeepsTheDescriptorsBelowForTheProgram) {
    const std::string listing = loopback::output_of([] {
        for (const int fd : {3, 4, 5, 50, 900}) ::dup2(0, fd);
        close_on_exec_from(4);
        // The shell tests each number itself: a program such as ls would have descriptors of its own.
        execute("/bin/sh",
                {"sh", "-c",
                 "for fd in 0 1 2 3 4 5 50 900; do "
                 "[ -e /proc/$$/fd/$fd ] && echo $fd; done; true"},
                {});
    });
    EXPECT_EQ(listing, "0\n1\n2\n3\n");
}

TEST(IsChildOf, LooksAtTheParent) {
    EXPECT_TRUE(is_child_of(::getpid(), ::getppid()));
    EXPECT_FALSE(is_child_of(::getppid(), ::getpid()));
    EXPECT_FALSE(is_child_of(::getpid(), ::getpid()));
    EXPECT_FALSE(is_child_of(-1, ::getpid()));
}

}  // namespace
}  // namespace portsplit::sys
