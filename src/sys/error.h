#pragma once
// Failed system calls as values: the action, and its errno.

#include <cerrno>
#include <string>

#include "core/result.h"

namespace portsplit::sys {

/// A system call that failed.
struct SysError {
    int code = 0;             ///< errno
    std::string what;         ///< the action and its object: "cannot bind 127.0.0.1:80"
    std::string advice = {};  ///< what to do about it; may be empty
};

/// Returns `what: errno in words; advice`, a sentence for the log.
std::string to_string(const SysError& error);

/// Returns the text for an errno, such as "Connection refused" (strerror(3)).
std::string error_text(int code);

template <typename T>
using Result = core::Result<T, SysError>;
using core::Done;

/// Calls a system call again while it fails with EINTR (signal(7)). Not for close(2).
template <typename Call>
auto retry(Call call) {
    auto outcome = call();
    while (outcome < 0 && errno == EINTR) outcome = call();
    return outcome;
}

}  // namespace portsplit::sys
