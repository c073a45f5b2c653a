// Each test installs a filter in a child: it cannot be left again.

#include "sys/seccomp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "support/child.h"
#include "sys/process.h"

#if !defined(__SANITIZE_ADDRESS__)  // a process of such a build makes calls of its own at its end

namespace portsplit::sys {
namespace {

/// Returns how a child ends that makes this call under a filter: `exit=N`, or the signal.
std::string end_of(std::vector<AllowedCall> calls, const std::function<long()>& call) {
    calls.push_back({SYS_exit_group});
    loopback::Child child([&] {
        if (!refuse_new_privileges() || !allow_only(calls)) return 99;
        return call() < 0 ? 1 : 0;
    });
    return describe_status(child.status());
}

long raw_fcntl(std::uint64_t fd, std::uint64_t command) {
    return ::syscall(SYS_fcntl, fd, command, 0UL);
}

TEST(AllowOnly, AllowsACallOfTheList) {
    EXPECT_EQ(end_of({{SYS_getppid}, {SYS_getpid}}, [] { return ::syscall(SYS_getpid); }),
              "exit=0");
}

TEST(AllowOnly, EndsTheProcessAtAnyOtherCall) {
    EXPECT_EQ(end_of({{SYS_getppid}}, [] { return ::syscall(SYS_getpid); }), "signal=SYS");
}

TEST(AllowOnly, LooksAtEachArgument) {
    const std::vector<AllowedCall> calls = {{SYS_fcntl, {is(0, 1), is(1, F_GETFL)}},
                                            {SYS_getpid},
                                            {SYS_fcntl, {is(0, 2), is(1, F_GETFD)}}};
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(1, F_GETFL); }), "exit=0");
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(2, F_GETFD); }), "exit=0") << "the second rule";
    EXPECT_EQ(end_of(calls, [] { return ::syscall(SYS_getpid); }), "exit=0") << "between the two";
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(1, F_GETFD); }), "signal=SYS") << "of two rules";
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(2, F_GETFL); }), "signal=SYS");
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(3, F_GETFL); }), "signal=SYS");
}

TEST(AllowOnly, TakesAnIntAsTheKernelDoes) {
    // The kernel ignores the upper half of an int, so it must neither hide a number nor forbid one.
    constexpr std::uint64_t kUpper = std::uint64_t{7} << 32;
    EXPECT_EQ(
        end_of({{SYS_fcntl, {is(1, F_GETFL)}}}, [] { return raw_fcntl(1, kUpper | F_GETFL); }),
        "exit=0");
    EXPECT_EQ(end_of({{SYS_fcntl, {is_not(0, 2)}}}, [] { return raw_fcntl(kUpper | 2, F_GETFL); }),
              "signal=SYS");
}

TEST(AllowOnly, AllowsEveryNumberButOne) {
    const std::vector<AllowedCall> calls = {{SYS_fcntl, {is_not(0, 2), is(1, F_GETFL)}}};
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(1, F_GETFL); }), "exit=0");
    EXPECT_EQ(end_of(calls, [] { return raw_fcntl(2, F_GETFL); }), "signal=SYS");
}

TEST(AllowOnly, AllowsArgumentsWithoutSomeBits) {
    const std::vector<AllowedCall> calls = {{SYS_openat, {has_none_of(2, O_ACCMODE | O_CREAT)}}};
    const auto open_with = [](int flags) {
        return [flags] { return ::syscall(SYS_openat, AT_FDCWD, "/dev/null", flags); };
    };
    EXPECT_EQ(end_of(calls, open_with(O_RDONLY | O_CLOEXEC)), "exit=0");
    EXPECT_EQ(end_of(calls, open_with(O_RDWR)), "signal=SYS");
    EXPECT_EQ(end_of(calls, open_with(O_CREAT)), "signal=SYS");
}

TEST(AllowOnly, LooksAtBothHalvesOfAPointer) {
    const auto call_with = [](std::uint64_t pointer) {
        return [pointer] { return ::syscall(SYS_sendto, -1, 0UL, 0UL, 0UL, pointer, 0UL); };
    };
    const std::vector<AllowedCall> calls = {{SYS_sendto, {is_null(4)}}};
    EXPECT_EQ(end_of(calls, call_with(0)), "exit=1");
    EXPECT_EQ(end_of(calls, call_with(1)), "signal=SYS");
    EXPECT_EQ(end_of(calls, call_with(std::uint64_t{1} << 32)), "signal=SYS");
}

TEST(AllowOnly, RefusesAListThatIsTooLong) {
    const std::vector<AllowedCall> calls = [] {
        std::vector<AllowedCall> many(2000);
        for (int i = 0; i < 2000; ++i) many[static_cast<std::size_t>(i)].number = 1000 + i;
        return many;
    }();
    loopback::Child child([&] {
        if (!refuse_new_privileges()) return 99;
        const auto allowed = allow_only(calls);
        return allowed ? 0 : allowed.error().code;
    });
    EXPECT_EQ(describe_status(child.status()), "exit=" + std::to_string(EINVAL));
}

#if defined(__x86_64__)
TEST(AllowOnly, KnowsNoCallOfTheOtherInterfaceForThirtyTwoBits) {
    constexpr long kX32 = 0x40000000;
    EXPECT_EQ(end_of({{SYS_getpid}}, [] { return ::syscall(kX32 | SYS_getpid); }), "signal=SYS");
}

TEST(AllowOnly, EndsAProcessThatCallsAsAnotherProcessor) {
    // As i386: its number 20 is getpid(2), and in this list it is writev(2). A kernel without such calls ends the
    // process by itself.
    const std::string end = end_of({{20}}, [] {
        long result = 20;
        __asm__ volatile("int $0x80" : "+a"(result)::"memory");
        return result;
    });
    EXPECT_TRUE(end == "signal=SYS" || end == "signal=SEGV") << end;
}
#endif

}  // namespace
}  // namespace portsplit::sys

#endif
