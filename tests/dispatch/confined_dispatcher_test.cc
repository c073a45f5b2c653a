// What a compromised dispatcher can do where no service starts a program: each attempt is refused, or ends this
// dispatcher alone.

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/loopback.h"
#include "support/running_zygote.h"
#include "sys/channel.h"
#include "sys/landlock.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::port_of;
using loopback::read_reply;
using loopback::send_all;
using sys::UniqueFd;

/// Something that a dispatcher has no reason to do. `number` is what the test names: a pid, a port, a descriptor.
struct Attempt {
    const char* what;
    bool (*succeeds)(int number);
};

bool opens(const std::string& path, int flags) {
    return ::syscall(SYS_openat, AT_FDCWD, path.c_str(), flags) >= 0;
}

bool connects_to(int port) {
    const sys::Address address =
        *sys::Address::from(core::Endpoint{"127.0.0.1", static_cast<std::uint16_t>(port)});
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fd && ::connect(fd.get(), address.data(), address.size()) == 0;
}

bool binds_to(int port) {
    const sys::Address address =
        *sys::Address::from(core::Endpoint{"127.0.0.1", static_cast<std::uint16_t>(port)});
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fd && ::bind(fd.get(), address.data(), address.size()) == 0;
}

bool makes_socket(int family, int type, int protocol) {
    return ::socket(family, type, protocol) >= 0;
}

/// Returns the channel to the zygote: the only Unix-domain socket that a dispatcher of a TCP client has.
int shared_channel() {
    for (int fd = 3; fd < 64; ++fd) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        const int got = ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
        if (got == 0 && address.ss_family == AF_UNIX) return fd;
    }
    return -1;
}

bool reads_memory_of(int pid) {
    char byte = 0;
    const iovec here{&byte, 1};
    const iovec there{&byte, 1};
    return ::process_vm_readv(pid, &here, 1, &there, 1, 0) == 1;
}

bool takes_descriptor_of(int pid) {
    const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    return handle >= 0 && ::syscall(SYS_pidfd_getfd, handle, 0, 0) >= 0;
}

bool forks(int /*number*/) {
    const pid_t pid = ::_Fork();
    if (pid == 0) ::_exit(0);
    return pid > 0;
}

bool forks_otherwise(int /*number*/) {
    const long pid = ::syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
    if (pid == 0) ::_exit(0);
    return pid > 0;
}

bool executes(int /*number*/) {
    char* const none[] = {nullptr};
    return ::execve("/bin/true", none, none) == 0;
}

bool raises_its_limit(int /*number*/) {
    const rlimit more{.rlim_cur = 1000, .rlim_max = 1000};
    return ::setrlimit(RLIMIT_NPROC, &more) == 0 || ::setrlimit(RLIMIT_NOFILE, &more) == 0;
}

bool limits(int pid) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    return ::prlimit(pid, RLIMIT_NOFILE, &none, nullptr) == 0;
}

bool sends_to_another(int port) {
    const sys::Address address =
        *sys::Address::from(core::Endpoint{"127.0.0.1", static_cast<std::uint16_t>(port)});
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::sendto(fd.get(), "x", 1, MSG_FASTOPEN, address.data(), address.size()) == 1;
}

bool sends_descriptor(int /*number*/) {
    return static_cast<bool>(sys::send_message(shared_channel(), {}, STDIN_FILENO, 0));
}

/// The log of these tests is the only descriptor that can just be written to.
bool writes_into_log(int /*number*/) {
    for (int fd = 3; fd < 64; ++fd) {
        const int flags = ::fcntl(fd, F_GETFL);
        const bool is_log = flags >= 0 && (flags & O_ACCMODE) == O_WRONLY;
        if (is_log && ::write(fd, "src=192.0.2.7\n", 14) > 0) return true;
    }
    return false;
}

bool has_code_in_memory(int how) {
    void* memory = ::mmap(nullptr, 4096, PROT_READ | how, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && ::mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0;
}

// In the order of their letters, from a on.
constexpr Attempt kAttempts[] = {
    {"opens /etc/passwd", [](int) { return opens("/etc/passwd", O_RDONLY); }},
    {"opens the memory of the zygote",
     [](int pid) { return opens("/proc/" + std::to_string(pid) + "/mem", O_RDWR); }},
    {"kills the zygote", [](int pid) { return ::kill(pid, SIGKILL) == 0; }},
    {"stops the zygote", [](int pid) { return ::kill(pid, SIGSTOP) == 0; }},
    {"signals all it can", [](int) { return ::kill(-1, SIGTERM) == 0; }},
    {"traces the zygote", [](int pid) { return ::ptrace(PTRACE_SEIZE, pid, 0, 0) == 0; }},
    {"takes a descriptor of the zygote", &takes_descriptor_of},
    {"reads memory of the zygote", &reads_memory_of},
    {"limits the zygote", &limits},
    {"makes a UDP socket", [](int) { return makes_socket(AF_INET, SOCK_DGRAM, 0); }},
    {"makes a Unix-domain socket", [](int) { return makes_socket(AF_UNIX, SOCK_STREAM, 0); }},
    {"makes a socket of the network's settings",
     [](int) { return makes_socket(AF_NETLINK, SOCK_RAW, 0); }},
    {"makes a raw socket", [](int) { return makes_socket(AF_INET, SOCK_RAW, IPPROTO_TCP); }},
    {"makes a socket that Landlock does not see",
     [](int) { return makes_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP); }},
    {"connects to a port that is not in the plan", &connects_to},
    {"sends to a port that is not in the plan", &sends_to_another},
    {"binds a port", [](int) { return binds_to(0); }},
    {"forks", &forks},
    {"forks otherwise", &forks_otherwise},
    {"executes a program", &executes},
    {"truncates the log", [](int) { return ::ftruncate(STDERR_FILENO, 0) == 0; }},
    {"writes into the log", &writes_into_log},
    {"shuts the channel of all", [](int) { return ::shutdown(shared_channel(), SHUT_RDWR) == 0; }},
    {"duplicates the channel of all",
     [](int) { return ::fcntl(shared_channel(), F_DUPFD_CLOEXEC, 3) >= 0; }},
    {"sends a descriptor", &sends_descriptor},
    {"maps code", [](int) { return has_code_in_memory(PROT_EXEC); }},
    {"makes code of memory", [](int) { return has_code_in_memory(PROT_WRITE); }},
    {"raises its limits", &raises_its_limit},
    {"becomes root", [](int) { return ::syscall(SYS_setuid, 0) == 0; }},
    {"makes a namespace", [](int) { return ::unshare(CLONE_NEWUSER) == 0; }},
    {"makes a ring of calls", [](int) { return ::syscall(SYS_io_uring_setup, 1, nullptr) >= 0; }},
};

/// Tries what its client names by a letter and a number, and answers y if it succeeded, n if not.
/// With the letter A it behaves.
int try_all(Client client, const Setting& setting, Reporter& reporter) {
    std::array<char, 1 + sizeof(int)> order{};
    while (::read(client.fd.get(), order.data(), order.size()) == std::ssize(order)) {
        int number = 0;
        std::memcpy(&number, order.data() + 1, sizeof number);
        if (order[0] == 'A') return serve(std::move(client), setting, reporter);
        const auto index = static_cast<std::size_t>(order[0] - 'a');
        const char answer = kAttempts[index].succeeds(number) ? 'y' : 'n';
        if (::write(client.fd.get(), &answer, 1) != 1) return 1;
    }
    return 0;
}

class ConfinedDispatcher : public ZygoteTest {
  protected:
    explicit ConfinedDispatcher(core::Sandbox sandbox = core::Sandbox::Required)
        : ConfinedDispatcher(loopback::listener_on("127.0.0.1"), sandbox) {}

    /// Returns what became of an attempt: y or n as it answered, and nothing if it ended.
    std::string outcome_of(std::size_t attempt, int number) {
        Pair pair = loopback::tcp_pair();
        hand_over(++id_, pair.near);
        pair.near.reset();
        send_order(pair.far, static_cast<char>('a' + attempt), number);
        std::string answer = read_reply(pair.far.get(), 1).bytes;
        pair.far.reset();
        EXPECT_EQ(next(), "reaped " + std::to_string(id_));
        return answer;
    }

    /// Returns what an honest client gets, whose target sends a word.
    std::string honest_answer() {
        Pair pair = loopback::tcp_pair();
        hand_over(++id_, pair.near);
        pair.near.reset();
        send_order(pair.far, 'A', 0);
        send_all(pair.far.get(), "x");
        const UniqueFd server = loopback::accepted_from(target_);
        send_all(server.get(), "hello");
        loopback::finish(server.get());
        loopback::finish(pair.far.get());
        std::string answer = read_reply(pair.far.get()).bytes;
        EXPECT_EQ(next(), "reaped " + std::to_string(id_));
        return answer;
    }

    /// Returns the number that an attempt needs.
    int number_for(const std::string& what) {
        return what.find("port") != what.npos ? port_of(other_) : zygote().pid();
    }
    std::uint16_t target_port() const { return port_of(target_); }

  private:
    ConfinedDispatcher(UniqueFd target, core::Sandbox sandbox)
        : ZygoteTest(config(target, sandbox), &try_all, &drop_root), target_(std::move(target)) {}

    static core::Config config(const UniqueFd& target, core::Sandbox sandbox) {
        core::Config config;
        config.sandbox = sandbox;
        config.services = {service("near", {"x"}, to("127.0.0.1", port_of(target)))};
        return config;
    }

    /// As the daemon does for `user`: root may fork beyond a limit.
    static void drop_root() {
        constexpr unsigned kNobody = 65534;
        if (::geteuid() != 0) return;
        if (::setgroups(0, nullptr) < 0 || ::setresgid(kNobody, kNobody, kNobody) < 0 ||
            ::setresuid(kNobody, kNobody, kNobody) < 0) {
            ::_exit(99);
        }
        sys::refuse_tracing();
    }

    static void send_order(const UniqueFd& client, char letter, int number) {
        std::string order(1, letter);
        order.append(reinterpret_cast<const char*>(&number), sizeof number);
        send_all(client.get(), order);
    }

    UniqueFd target_;
    UniqueFd other_ = loopback::listener_on("127.0.0.1");
    std::uint64_t id_ = 0;
};

class UnconfinedDispatcher : public ConfinedDispatcher {
  protected:
    UnconfinedDispatcher() : ConfinedDispatcher(core::Sandbox::Off) {}
};

#if !defined(__SANITIZE_ADDRESS__)  // such a build confines nothing

TEST_F(ConfinedDispatcher, SucceedsInNoAttemptAndHarmsNoOther) {
    ASSERT_EQ(next(), "ready");
    ASSERT_EQ(honest_answer(), "hello");
    for (std::size_t i = 0; i < std::size(kAttempts); ++i) {
        EXPECT_NE(outcome_of(i, number_for(kAttempts[i].what)), "y") << kAttempts[i].what;
        ASSERT_EQ(honest_answer(), "hello") << "after one that " << kAttempts[i].what;
    }
}

TEST_F(ConfinedDispatcher, IsLoggedWithTheSignalThatEndedIt) {
    ASSERT_EQ(next(), "ready");
    EXPECT_EQ(outcome_of(0, 0), "");
    retire();
    const std::string all = log();
    EXPECT_NE(
        all.find("portsplit[PID]: service=- reason=- src=192.0.2.7 sport=50022 "
                 "dst=192.0.2.1 dport=443 action=close target=- in=0 out=0 ms=N signal=SYS\n"),
        std::string::npos)
        << all;
}

/// Without this, the test above would show nothing.
TEST_F(UnconfinedDispatcher, SucceedsInMuch) {
    ASSERT_EQ(next(), "ready");
    for (std::size_t i = 0; i < std::size(kAttempts); ++i) {
        const std::string what = kAttempts[i].what;
        const bool is_possible = what == "opens /etc/passwd" || what == "makes a UDP socket" ||
                                 what == "connects to a port that is not in the plan" ||
                                 what == "binds a port" || what == "forks" ||
                                 what == "shuts the channel of all" || what == "maps code";
        if (!is_possible) continue;
        EXPECT_EQ(outcome_of(i, number_for(what)), "y") << what;
    }
}

/// Without the filter, which has no sendmsg(2). Linux before 6.16 cannot refuse it.
TEST_F(UnconfinedDispatcher, SendsNoDescriptorWhereTheKernelRefusesIt) {
    ASSERT_EQ(next(), "ready");
    const auto channel = *sys::channel_pair();
    sys::refuse_descriptors(channel.second.get());
    const bool is_refused = !sys::send_message(channel.first.get(), {}, STDIN_FILENO, 0);
    const auto attempt = std::ranges::find_if(
        kAttempts, [](const Attempt& one) { return one.succeeds == &sends_descriptor; });
    ASSERT_NE(attempt, std::end(kAttempts));
    const auto number = static_cast<std::size_t>(attempt - std::begin(kAttempts));
    EXPECT_EQ(outcome_of(number, 0), is_refused ? "n" : "y");
}

#endif

}  // namespace
}  // namespace portsplit::dispatch
