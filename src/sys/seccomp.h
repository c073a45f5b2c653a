#pragma once
// A list of the system calls that a process and its forks may make; any other call ends the process with SIGSYS
// (seccomp(2)).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sys/error.h"

namespace portsplit::sys {

/// What one argument of a call must be. Of an argument that is an int, the kernel reads the lower half alone.
struct Argument {
    unsigned index = 0;
    std::uint64_t mask = 0;  ///< the bits that are looked at; 0: any argument will do
    std::uint64_t value = 0;
    bool is_refused = false;  ///< true if these bits must differ from the value in the lower half
};

/// The argument is this number, as an int.
constexpr Argument is(unsigned index, std::uint64_t number) {
    return {index, 0xffffffff, number & 0xffffffff};
}
/// The argument, as an int, is any other number.
constexpr Argument is_not(unsigned index, std::uint64_t number) {
    return {index, 0xffffffff, number & 0xffffffff, true};
}
/// The argument has none of these bits, as an int.
constexpr Argument has_none_of(unsigned index, std::uint64_t bits) {
    return {index, bits & 0xffffffff, 0};
}
/// The argument is a null pointer, or a long of 0.
constexpr Argument is_null(unsigned index) { return {index, ~std::uint64_t{0}, 0}; }

/// A call that may be made if all of its arguments are as given.
struct AllowedCall {
    int number;
    std::array<Argument, 3> arguments = {};
};

/// Returns true if the kernel can end a process at a call that is not allowed, and this processor's
/// architecture is known here: x86-64 or aarch64.
bool can_filter_calls();

/// Allows these calls alone, for ever, to this process and its forks. A call may stand in the list more than
/// once. The process must have no_new_privs, or CAP_SYS_ADMIN (see `allow_no_new_privileges`).
/// @returns EINVAL if the list is too long, or the errno of seccomp(2)
Result<Done> allow_only(std::span<const AllowedCall> calls);

}  // namespace portsplit::sys
