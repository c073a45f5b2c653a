#include "sys/seccomp.h"

// How it works
//
// The kernel runs a program of classic BPF for a call: it sees the number and the arguments, never memory that
// an argument points to. The program compares the number with each of the list, in order. For a call without
// conditions the kernel finds the answer once, when the filter is installed, and runs nothing later.

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

namespace portsplit::sys {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

/// As in <linux/seccomp.h> of Linux 4.14.
constexpr std::uint32_t kKill = 0x80000000U;
constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;

/// The farthest that a conditional jump reaches: it has a byte for that.
constexpr std::size_t kFarthest = 255;

class Filter {
  public:
    explicit Filter(std::span<const AllowedCall> calls) {
        load(offsetof(seccomp_data, arch));
        jump_if_equal(kArchitecture, 1, 0);
        end(kKill);
        load(offsetof(seccomp_data, nr));
        for (auto call = calls.begin(); call != calls.end(); ++call) {
            const auto is_same = [&](const AllowedCall& other) {
                return other.number == call->number;
            };
            if (std::any_of(calls.begin(), call, is_same)) continue;
            begin_call(call->number);
            for (auto rule = call; rule != calls.end(); ++rule) {
                if (is_same(*rule)) add_rule(*rule);
            }
            end_call();
        }
        end(kKill);
    }

    /// Returns false if there are more instructions than the kernel takes, or a jump is too long.
    bool fits() const { return fits_ && code_.size() <= BPF_MAXINSNS; }
    sock_fprog program() {
        return {.len = static_cast<unsigned short>(code_.size()), .filter = code_.data()};
    }

  private:
    void add(int code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
        code_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
    }
    void load(std::size_t offset) {
        add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
    }
    void jump_if_equal(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, if_true, if_false);
    }
    void end(std::uint32_t with) { add(BPF_RET | BPF_K, with); }

    void begin_call(int number) {
        jump_if_equal(static_cast<std::uint32_t>(number), 1, 0);
        begin_ = code_.size();
        add(BPF_JMP | BPF_JA, 0);
    }
    /// An argument takes the place of the number in the machine, so the block of a call ends with an answer.
    void end_call() {
        end(kKill);
        code_[begin_].k = static_cast<std::uint32_t>(code_.size() - begin_ - 1);
    }

    void add_rule(const AllowedCall& call) {
        refusals_.clear();
        for (const Argument& argument : call.arguments) {
            add_half(argument, 0);
            add_half(argument, 1);
        }
        end(kAllow);
        for (const Refusal& refusal : refusals_) {
            const std::size_t distance = code_.size() - refusal.at - 1;
            fits_ = fits_ && distance <= kFarthest;
            sock_filter& jump = code_[refusal.at];
            (refusal.if_equal ? jump.jt : jump.jf) = static_cast<std::uint8_t>(distance);
        }
    }

    /// Compares 32 bits of an argument; the machine has no more.
    void add_half(const Argument& argument, unsigned half) {
        static_assert(std::endian::native == std::endian::little);
        const auto mask = static_cast<std::uint32_t>(argument.mask >> (32 * half));
        const auto value = static_cast<std::uint32_t>(argument.value >> (32 * half));
        if (mask == 0) return;
        load(offsetof(seccomp_data, args) + argument.index * sizeof(std::uint64_t) +
             half * sizeof(std::uint32_t));
        if (mask != UINT32_MAX) add(BPF_ALU | BPF_AND | BPF_K, mask);
        refusals_.push_back({code_.size(), argument.is_refused});
        jump_if_equal(value, 0, 0);
    }

    /// A jump to the next rule for the same call, of a distance that is not known when it is added.
    struct Refusal {
        std::size_t at;
        bool if_equal;
    };

    std::vector<sock_filter> code_;
    std::vector<Refusal> refusals_;  ///< of the rule that is added
    std::size_t begin_ = 0;          ///< the jump over the block of a call
    bool fits_ = true;
};

long seccomp(unsigned operation, unsigned flags, void* argument) {
    return ::syscall(SYS_seccomp, operation, flags, argument);
}

}  // namespace

bool can_filter_calls() {
    std::uint32_t action = kKill;
    return kArchitecture != 0 && seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Result<Done> allow_only(std::span<const AllowedCall> calls) {
    Filter filter(calls);
    sock_fprog program = filter.program();
    if (!filter.fits()) return SysError{EINVAL, "cannot install the filter of system calls"};
    if (seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        return SysError{errno, "cannot install the filter of system calls"};
    }
    return Done{};
}

}  // namespace portsplit::sys
