#include "sys/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "sys/file.h"
#include "sys/signals.h"

namespace portsplit::sys {
namespace {

/// As in sched_setattr(2), which has no function in the C library; its own header contradicts <sched.h>.
struct SchedAttr {
    std::uint32_t size = sizeof(SchedAttr);
    std::uint32_t policy = 0;  ///< SCHED_OTHER
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;  ///< nanoseconds
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

/// Closes every descriptor from 3 on but these, by as many calls as there may be descriptors.
/// @param kept  sorted
void close_each_but(std::span<const int> kept) {
    const auto end = static_cast<int>(descriptor_limit());
    for (int fd = STDERR_FILENO + 1; fd < end; ++fd) {
        if (!std::ranges::binary_search(kept, fd)) ::close(fd);
    }
}

}  // namespace

void close_on_exec_from(int first) {
    // Fails only before Linux 5.11. There, descriptors that this program opened have the flag anyway.
    ::close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC);
}

void set_close_on_exec(int fd, bool closes) { ::fcntl(fd, F_SETFD, closes ? FD_CLOEXEC : 0); }

void close_all_but(std::vector<int> kept) { close_all_but(std::span(kept)); }

void close_all_but(std::span<int> kept) {
    std::sort(kept.begin(), kept.end());
    unsigned next = STDERR_FILENO + 1;
    for (const int fd : kept) {
        if (fd < static_cast<int>(next)) continue;
        const auto keep = static_cast<unsigned>(fd);
        if (keep > next) ::close_range(next, keep - 1, 0);
        next = keep + 1;
    }
    if (::close_range(next, ~0U, 0) < 0) close_each_but(kept);
}

std::size_t descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

void set_descriptor_limit(std::size_t descriptors) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = std::min<rlim_t>(descriptors, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void refuse_tracing() {
#if !defined(__SANITIZE_ADDRESS__)  // the leak check of AddressSanitizer traces its own process
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

Result<Done> refuse_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return Done{};
    return SysError{errno, "cannot give up new privileges"};
}

void limit_to(unsigned descriptors) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    const rlimit few{.rlim_cur = descriptors, .rlim_max = descriptors};
    ::setrlimit(RLIMIT_NPROC, &none);
    ::setrlimit(RLIMIT_NOFILE, &few);
}

void yield() { ::sched_yield(); }

bool set_time_slice(std::chrono::nanoseconds slice) {
    const auto wanted = static_cast<std::uint64_t>(slice.count());
    SchedAttr attr;
    // Read first: the nice value stays as it is.
    if (::syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) < 0) return false;
    attr.runtime = wanted;
    if (::syscall(SYS_sched_setattr, 0, &attr, 0) < 0) return false;
    // Older kernels ignore it.
    return ::syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) == 0 && attr.runtime == wanted;
}

void set_name(const char* name) { ::prctl(PR_SET_NAME, name, 0, 0, 0); }

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

bool is_child_of(pid_t process, pid_t parent) {
    const auto stat = read_file(fmt::format("/proc/{}/stat", process));
    if (!stat) return false;
    // The name, in parentheses, may have any character. The state and the parent are behind it.
    const std::size_t end = stat->rfind(") ");
    return end != stat->npos && stat->substr(end + 3).starts_with(fmt::format(" {} ", parent));
}

std::size_t count_children() {
    // proc(5): a space follows each pid. This process has one thread, with the id of the process.
    const std::string path = fmt::format("/proc/self/task/{}/children", ::getpid());
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return 0;
    const auto text = read_all(fd.get());
    if (!text) return 0;
    return static_cast<std::size_t>(std::count(text->begin(), text->end(), ' '));
}

std::optional<Ended> reap() {
    Ended ended;
    ended.pid = retry([&] { return ::waitpid(-1, &ended.status, WNOHANG); });
    if (ended.pid <= 0) return std::nullopt;
    return ended;
}

std::optional<pid_t> next_stopped() {
    siginfo_t info{};
    const int found = retry([&] { return ::waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG); });
    if (found < 0 || info.si_pid == 0) return std::nullopt;
    return info.si_pid;
}

int wait_for_child(pid_t pid) {
    int status = 0;
    retry([&] { return ::waitpid(pid, &status, 0); });
    return status;
}

std::string describe_status(int status) {
    if (WIFSIGNALED(status)) return std::string("signal=") + signal_name(WTERMSIG(status));
    return "exit=" + std::to_string(WEXITSTATUS(status));
}

}  // namespace portsplit::sys
