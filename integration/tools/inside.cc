// inside PID CALL [ARGUMENT...] [and CALL [ARGUMENT...]]...
//
// Makes system calls in a running process, as an attacker who has taken it over would. Needs CAP_SYS_PTRACE. Prints a
// line for each call: `NAME: N`, `NAME: EACCES` or another errno, `NAME: signal=SYS` if the call ended the process, or
// `NAME: child` if it forked or executed a program; that process is killed. It stops after a call that failed. `%` is
// the result of the call before. The process then goes on where it was.
//
//   NUMBER        an argument, as in C
//   =TEXT         a pointer to this text
//   zero:N        a pointer to N bytes of 0
//   int:N,N...    a pointer to these numbers of 32 bits
//   inet:PORT     a pointer to the address 127.0.0.1:PORT
//   times:N       the call is made N times; the line is that of the last
//
// Exits 0 if all calls were made, whatever came of them, and 77 on a processor that it does not know.

#include <cstdio>

#if defined(__x86_64__)

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// What is between the stack of the process and what is written below it, the red zone among it.
constexpr std::uint64_t kBelowStack = 1024;
/// The length of the instruction `syscall`.
constexpr std::uint64_t kCallSize = 2;
constexpr unsigned char kCall[kCallSize] = {0x0f, 0x05};
/// The results of interrupted calls, as <linux/errno.h> of the kernel has them: ERESTARTSYS to ERESTART_RESTARTBLOCK.
constexpr long kFirstRestart = 512;
constexpr long kLastRestart = 516;

const std::map<std::string_view, long> kCalls{
    {"bind", SYS_bind},
    {"capset", SYS_capset},
    {"clone", SYS_clone},
    {"connect", SYS_connect},
    {"dup", SYS_dup},
    {"execve", SYS_execve},
    {"fork", SYS_fork},
    {"ftruncate", SYS_ftruncate},
    {"getpid", SYS_getpid},
    {"kill", SYS_kill},
    {"listen", SYS_listen},
    {"mount", SYS_mount},
    {"openat", SYS_openat},
    {"pidfd_getfd", SYS_pidfd_getfd},
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"process_vm_readv", SYS_process_vm_readv},
    {"ptrace", SYS_ptrace},
    {"sendmsg", SYS_sendmsg},
    {"sendto", SYS_sendto},
    {"setuid", SYS_setuid},
    {"shutdown", SYS_shutdown},
    {"socket", SYS_socket},
    {"unlinkat", SYS_unlinkat},
    {"unshare", SYS_unshare},
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "inside: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

/// A stopped process that this one traces.
class Traced {
  public:
    explicit Traced(pid_t pid) : pid_(pid) {
        constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
        if (::ptrace(PTRACE_SEIZE, pid, 0, kOptions) < 0) fail("PTRACE_SEIZE");
        if (::ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0) fail("PTRACE_INTERRUPT");
        wait();
        if (::ptrace(PTRACE_GETREGS, pid, 0, &before_) < 0) fail("PTRACE_GETREGS");
        std::array<unsigned char, kCallSize> code{};
        move(::process_vm_readv, code.data(), code.size(), before_.rip - kCallSize);
        if (std::memcmp(code.data(), kCall, kCallSize) != 0) {
            std::fputs("inside: the process does not wait in a system call\n", stderr);
            std::exit(1);
        }
    }

    /// Writes bytes below the stack.
    /// @returns their address in the process
    std::uint64_t put(const std::string& bytes) {
        if (free_ == 0) free_ = before_.rsp - kBelowStack;
        free_ = (free_ - bytes.size()) & ~std::uint64_t{15};
        std::string copy = bytes;
        move(::process_vm_writev, copy.data(), copy.size(), free_);
        return free_;
    }

    /// Makes a call. Returns its result or the negative errno; `outcome` gets a text if the call did not return.
    long call(long number, const std::array<std::uint64_t, 6>& arguments, std::string& outcome) {
        user_regs_struct registers = before_;
        registers.rip -= kCallSize;
        registers.orig_rax = ~0ULL;  // the kernel restarts no call
        registers.rax = static_cast<std::uint64_t>(number);
        registers.rdi = arguments[0];
        registers.rsi = arguments[1];
        registers.rdx = arguments[2];
        registers.r10 = arguments[3];
        registers.r8 = arguments[4];
        registers.r9 = arguments[5];
        if (::ptrace(PTRACE_SETREGS, pid_, 0, &registers) < 0) fail("PTRACE_SETREGS");
        for (int stops = 0; stops < 2;) {  // before the call and after it
            if (::ptrace(PTRACE_SYSCALL, pid_, 0, 0) < 0) fail("PTRACE_SYSCALL");
            const int status = wait();
            if (WIFSIGNALED(status)) {
                outcome = std::string("signal=") + ::sigabbrev_np(WTERMSIG(status));
                is_gone_ = true;
                return 0;
            }
            if (WIFEXITED(status)) {
                outcome = "exit";
                is_gone_ = true;
                return 0;
            }
            const int event = status >> 16;
            if (event == PTRACE_EVENT_EXEC) {
                outcome = "child";
                ::kill(pid_, SIGKILL);
                is_gone_ = true;
                return 0;
            }
            if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
                event == PTRACE_EVENT_CLONE) {
                unsigned long child = 0;
                ::ptrace(PTRACE_GETEVENTMSG, pid_, 0, &child);
                ::kill(static_cast<pid_t>(child), SIGKILL);
                outcome = "child";
            } else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
                ++stops;
            }
        }
        if (is_to_be_killed()) {
            outcome = end();
            return 0;
        }
        if (::ptrace(PTRACE_GETREGS, pid_, 0, &registers) < 0) fail("PTRACE_GETREGS");
        return static_cast<long>(registers.rax);
    }

    bool is_gone() const { return is_gone_; }

    /// Lets the process go on with the call in which it was.
    void leave() {
        const long result = static_cast<long>(before_.rax);
        if (static_cast<long>(before_.orig_rax) >= 0 && result <= -kFirstRestart &&
            result >= -kLastRestart) {
            before_.rax = before_.orig_rax;
            before_.rip -= kCallSize;
        }
        before_.orig_rax = ~0ULL;
        if (::ptrace(PTRACE_SETREGS, pid_, 0, &before_) < 0) fail("PTRACE_SETREGS");
        if (::ptrace(PTRACE_DETACH, pid_, 0, 0) < 0) fail("PTRACE_DETACH");
    }

  private:
    /// Returns true if a signal waits that ends the process: of a filter of calls, or one that it sent itself.
    bool is_to_be_killed() const {
        siginfo_t signal{};
        __ptrace_peeksiginfo_args own{.off = 0, .flags = 0, .nr = 1};
        __ptrace_peeksiginfo_args shared{.off = 0, .flags = PTRACE_PEEKSIGINFO_SHARED, .nr = 1};
        return ::ptrace(PTRACE_PEEKSIGINFO, pid_, &own, &signal) > 0 ||
               ::ptrace(PTRACE_PEEKSIGINFO, pid_, &shared, &signal) > 0;
    }

    /// Lets the process run until it ends, and returns how.
    std::string end() {
        is_gone_ = true;
        for (int signal = 0;;) {
            ::ptrace(PTRACE_CONT, pid_, 0, signal);
            const int status = wait();
            if (WIFSIGNALED(status)) {
                return std::string("signal=") + ::sigabbrev_np(WTERMSIG(status));
            }
            if (WIFEXITED(status)) return "exit";
            signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
        }
    }

    int wait() const {
        int status = 0;
        if (::waitpid(pid_, &status, __WALL) < 0) fail("waitpid");
        return status;
    }

    /// Copies between a buffer of this process and an address of the other.
    template <typename Copy>
    void move(Copy copy, void* here, std::size_t size, std::uint64_t there) const {
        const iovec near{here, size};
        const iovec far{reinterpret_cast<void*>(there), size};
        if (copy(pid_, &near, 1, &far, 1, 0) != static_cast<ssize_t>(size)) fail("process_vm");
    }

    pid_t pid_;
    user_regs_struct before_{};
    std::uint64_t free_ = 0;  ///< where the last bytes are; 0 before the first
    bool is_gone_ = false;
};

std::string numbers_in(const std::string& text) {
    std::string bytes;
    for (const char* rest = text.c_str(); *rest != '\0';) {
        char* end = nullptr;
        const auto number = static_cast<std::uint32_t>(std::strtoll(rest, &end, 0));
        bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
        rest = *end == ',' ? end + 1 : "";
    }
    return bytes;
}

std::string address_of(const std::string& port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port.c_str())));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return {reinterpret_cast<const char*>(&address), sizeof address};
}

std::uint64_t value_of(const std::string& word, Traced& traced, long last) {
    const auto rest = word.substr(word.find(':') + 1);
    if (word == "%") return static_cast<std::uint64_t>(last);
    if (word.starts_with('=')) return traced.put(word.substr(1) + '\0');
    if (word.starts_with("zero:")) return traced.put(std::string(std::stoul(rest), '\0'));
    if (word.starts_with("int:")) return traced.put(numbers_in(rest));
    if (word.starts_with("inet:")) return traced.put(address_of(rest));
    return static_cast<std::uint64_t>(std::strtoll(word.c_str(), nullptr, 0));
}

/// Makes the call of these words and prints what came of it.
/// @returns false if the next must not be made
bool make(const std::vector<std::string>& words, Traced& traced, long& last) {
    const auto found = kCalls.find(words[0]);
    if (found == kCalls.end()) {
        std::fprintf(stderr, "inside: no call %s\n", words[0].c_str());
        std::exit(1);
    }
    std::array<std::uint64_t, 6> arguments{};
    std::size_t count = 0;
    int times = 1;
    for (std::size_t i = 1; i < words.size() && count < arguments.size(); ++i) {
        if (words[i].starts_with("times:")) {
            times = std::atoi(words[i].c_str() + std::strlen("times:"));
        } else {
            arguments[count++] = value_of(words[i], traced, last);
        }
    }
    std::string outcome;
    for (int i = 0; i < times && !traced.is_gone(); ++i) {
        last = traced.call(found->second, arguments, outcome);
    }
    if (outcome.empty()) {
        outcome = last < 0 ? ::strerrorname_np(static_cast<int>(-last)) : std::to_string(last);
    }
    std::printf("%s: %s\n", words[0].c_str(), outcome.c_str());
    return last >= 0 && !traced.is_gone();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: inside PID CALL [ARGUMENT...] [and CALL [ARGUMENT...]]...\n", stderr);
        return 64;
    }
    std::vector<std::vector<std::string>> calls(1);
    for (int i = 2; i < argc; ++i) {
        if (std::string_view(argv[i]) == "and") {
            calls.emplace_back();
        } else {
            calls.back().emplace_back(argv[i]);
        }
    }
    Traced traced(std::atoi(argv[1]));
    long last = 0;
    for (const auto& words : calls) {
        if (!make(words, traced, last)) break;
    }
    if (!traced.is_gone()) traced.leave();
    return 0;
}

#else

int main() {
    std::fputs("inside: only for x86-64\n", stderr);
    return 77;
}

#endif
