#pragma once
// A limit on what a program may use, as its key has it: `nofile 1024:4096`. sys/resource_limits.h sets it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portsplit::core {

/// What setrlimit(2) can limit, by the names that prlimit(1) has.
enum class Resource : std::uint8_t {
    As,          ///< bytes of address space
    Core,        ///< bytes of a core file
    Cpu,         ///< seconds of processor time
    Data,        ///< bytes of data
    Fsize,       ///< bytes of one file
    Locks,       ///< locks on files; no effect since Linux 2.4
    Memlock,     ///< bytes that stay in memory
    Msgqueue,    ///< bytes in POSIX message queues
    Nice,        ///< how far the nice value may be lowered: 20 minus it
    Nofile,      ///< descriptors
    Nproc,       ///< processes of the user
    Rss,         ///< bytes in memory; no effect
    Rtprio,      ///< the highest real-time priority
    Rttime,      ///< microseconds of real-time processor use without a pause
    Sigpending,  ///< signals that wait
    Stack,       ///< bytes of the stack
};
inline constexpr std::size_t kResourceCount = 16;

/// The word for each, in the order of the enumerators.
inline constexpr std::string_view kResourceWords[kResourceCount] = {
    "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

struct ResourceLimit {
    /// No limit: RLIM_INFINITY (setrlimit(2)).
    static constexpr std::uint64_t kUnlimited = UINT64_MAX;

    Resource resource = Resource::As;
    std::uint64_t soft = 0;  ///< what holds
    std::uint64_t hard = 0;  ///< what the program may raise it to; not below `soft`

    bool operator==(const ResourceLimit&) const = default;
};

/// Reads `NAME SOFT` or `NAME SOFT:HARD`, each limit a number or `unlimited`. One number is both.
/// @returns nothing for another text, or if the hard limit is below the soft one
std::optional<ResourceLimit> resource_limit_in(std::string_view text);

/// Reads a nice value, -20 to 19 (sched(7)).
std::optional<int> nice_in(std::string_view text);

}  // namespace portsplit::core
