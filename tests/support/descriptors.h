#pragma once
// The descriptors of this process.

#include <fcntl.h>
#include <sys/resource.h>

#include <cstddef>
#include <filesystem>
#include <iterator>

#include "sys/fd.h"

namespace portsplit {

inline bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

/// Returns how many descriptors this process has open.
inline std::size_t count_descriptors() {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// Lowers RLIMIT_NOFILE so that this process cannot open another descriptor; for child processes.
inline void use_up_descriptors() {
    const sys::UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto limit = static_cast<rlim_t>(next.get());
    const rlimit limits{.rlim_cur = limit, .rlim_max = limit};
    ::setrlimit(RLIMIT_NOFILE, &limits);
}

}  // namespace portsplit
