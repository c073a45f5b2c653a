// Spares of the zygote: it replaces those that serve or were killed, and retries a fork that failed.

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "dispatch/spares.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/running_zygote.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using loopback::comes_true;
using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;

// fault: B8
TEST_F(ZygoteTest, ForksMoreSparesWhenAllHaveSilentClients) {
    ASSERT_EQ(next(), "ready");
    std::vector<Pair> pairs;
    for (std::uint64_t id = 1; id <= 3 * kSpares; ++id) {
        pairs.push_back(loopback::tcp_pair());
        hand_over(id, pairs.back().near);
        pairs.back().near.reset();
    }
    Pair& last = pairs.back();
    ASSERT_TRUE(send_all(last.far.get(), ".last"));
    EXPECT_EQ(read_reply(last.far.get(), 5), (Reply{".last", "enough"}));
}

TEST_F(ZygoteTest, ReplacesSparesThatWereKilled) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(comes_true([&] { return child_named("portsplit-spare") != -1; }));
    for (const pid_t child : loopback::children_of(zygote().pid())) {
        ::kill(child, SIGKILL);
        ASSERT_TRUE(loopback::wait_for_state(child, 'Z'));
    }
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    ASSERT_TRUE(send_all(pair.far.get(), ".served"));
    EXPECT_EQ(read_reply(pair.far.get(), 7), (Reply{".served", "enough"}));
}

// fault: F5
TEST_F(ZygoteTest, PausesBeforeItReplacesSparesThatWereKilled) {
    ASSERT_EQ(next(), "ready");
    constexpr std::chrono::milliseconds kWatched{500};
    constexpr std::size_t kPause = 100;
    std::set<pid_t> killed;
    const auto begin = sys::Clock::now();
    ASSERT_TRUE(comes_true([&] {
        for (const pid_t child : loopback::children_of(zygote().pid())) {
            ::kill(child, SIGKILL);
            killed.insert(child);
        }
        return sys::Clock::now() - begin >= kWatched;
    }));
    const auto taken =
        std::chrono::duration_cast<std::chrono::milliseconds>(sys::Clock::now() - begin).count();
    // At most eight spares are forked after each pause, and eight at the start.
    EXPECT_LE(killed.size(), (static_cast<std::size_t>(taken) / kPause + 2) * kSpares)
        << "in " << taken << " ms";
    EXPECT_GT(killed.size(), kSpares) << "the zygote did fork again";
}

/// Traces processes (ptrace(2)), and kills the first one that receives a message: after recvmsg(2) has
/// returned in the kernel, before the process runs on. Not movable between threads.
class KillerAtReceive {
  public:
    explicit KillerAtReceive(std::vector<pid_t> pids) : pids_(std::move(pids)) {
        for (const pid_t pid : pids_) {
            // It is stopped before the test sends anything, so it receives nothing unseen.
            int status = 0;
            ok_ = ok_ && ::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) == 0 &&
                  ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0 &&
                  ::waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
                  ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr) == 0;
        }
    }
    KillerAtReceive(const KillerAtReceive&) = delete;
    KillerAtReceive& operator=(const KillerAtReceive&) = delete;

    ~KillerAtReceive() {
        for (const pid_t pid : pids_) end(pid);
    }

    bool ok() const { return ok_; }

    /// Lets the processes run on to their next system call or back from it.
    /// @returns true once one has been killed
    bool step() {
        for (const pid_t pid : pids_) {
            int status = 0;
            if (::waitpid(pid, &status, WNOHANG | __WALL) != pid || !WIFSTOPPED(status)) continue;
            __ptrace_syscall_info info{};
            ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                receives_[pid] = info.entry.nr == SYS_recvmsg;
            } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && receives_[pid] &&
                       info.exit.rval > 0) {
                end(pid);
                return true;
            }
            ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
        }
        return false;
    }

  private:
    /// Kills a process. Its parent learns of that only after its tracer has (ptrace(2)).
    static void end(pid_t pid) {
        ::kill(pid, SIGKILL);
        int status = 0;
        while (::waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) continue;
    }

    std::vector<pid_t> pids_;
    std::map<pid_t, bool> receives_;
    bool ok_ = true;
};

// fault: F5
TEST_F(ZygoteTest, ReportsASpareThatWasKilledWithAConnection) {
    ASSERT_EQ(next(), "ready");
    std::vector<pid_t> spares;
    ASSERT_TRUE(comes_true([&] {
        spares = loopback::children_of(zygote().pid());
        return spares.size() == kSpares;
    }));
    KillerAtReceive killer(spares);
    ASSERT_TRUE(killer.ok()) << sys::error_text(errno);
    Pair pair = loopback::tcp_pair();
    hand_over(42, pair.near);
    pair.near.reset();
    ASSERT_TRUE(comes_true([&] { return killer.step(); }));
    EXPECT_EQ(next(), "reaped 42");
    EXPECT_EQ(read_reply(pair.far.get()).bytes, "");
}

/// A zygote that cannot fork until the test lifts the limit on processes (setrlimit(2)).
class ForklessZygoteTest : public ZygoteTest {
  protected:
    static void limit_processes() {
        const rlimit one{.rlim_cur = 1, .rlim_max = 1000};
        ::setrlimit(RLIMIT_NPROC, &one);
    }
    ForklessZygoteTest() : ZygoteTest(&serve, &limit_processes) {}
};

// fault: B4
TEST_F(ForklessZygoteTest, RetriesWithoutABusyLoopUntilItCanFork) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    ASSERT_TRUE(send_all(pair.far.get(), ".served"));
    hand_over(1, pair.near);
    pair.near.reset();
    const auto before = processor_time();
    EXPECT_EQ(loopback::events_of(pair.far.get(), POLLIN, std::chrono::milliseconds(500)), 0);
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(50));
    const rlimit enough{.rlim_cur = 1000, .rlim_max = 1000};
    // prlimit(2) needs a process of the same user.
    Child lifter([&] {
        if (::geteuid() == 0 && !sys::become(kWithoutRights)) return 98;
        return ::prlimit(zygote().pid(), RLIMIT_NPROC, &enough, nullptr);
    });
    ASSERT_EQ(lifter.status(), 0);
    EXPECT_EQ(read_reply(pair.far.get(), 7), (Reply{".served", "enough"}));
    loopback::finish(pair.far.get());
    EXPECT_EQ(next(), "reaped 1");
    retire();
    EXPECT_TRUE(
        log().starts_with("portsplit[PID]: cannot fork, clients wait until it works again: "
                          "Resource temporarily unavailable\n"));
}

}  // namespace
}  // namespace portsplit::dispatch
